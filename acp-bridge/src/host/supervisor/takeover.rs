//! Takeover of what other members leave: the sessions of a host that has gone, and the controllers of a gateway.

use super::Supervisor;
use crate::host::envelope::Envelope;
use crate::log::{ListQuery, LogError, Renewal};
use crate::session::Command;

impl Supervisor {
    /// Opens the sessions with open turns that no host holds.
    pub(super) async fn recover(&mut self) -> Result<(), LogError> {
        let mut query = ListQuery::default();
        loop {
            let page = self.context.log.list(query.clone()).await?;
            let Some(last) = page.last() else { return Ok(()) };
            query.after = Some(last.id.clone());
            for info in page.into_iter().filter(|info| info.open_turns > 0) {
                if self.context.log.holder(&info.id).await?.is_none() && self.sessions.needs_task(&info.id) {
                    self.open(info.id, None);
                }
            }
        }
    }

    /// Takes in what the others do: sessions that they have taken are theirs, and what they have left is taken up.
    pub(super) async fn renewed(&mut self, renewal: &Renewal) {
        let lost = if renewal.joined { self.sessions.names() } else { renewal.lost.clone() };
        for session in lost {
            tracing::warn!(%session, "another host may have taken the session over, since the lease of this one ran out");
            // Its task ends without writing, and its agents with it.
            self.sessions.end(&session);
        }
        let gone = self.others.renewed(renewal);
        if gone.hosts || self.recovers {
            let recovered = self.recover().await;
            self.recovers = recovered.is_err();
            if let Err(error) = recovered {
                tracing::warn!(%error, "what a host that has gone left open cannot be found; trying again");
            }
        }
        for (session, client) in gone.controllers {
            if self.sessions.is_served(&session) {
                let command = Command::SetPresence { present: false };
                let (envelope, _) = Envelope::internal(&self.context.member, session, client, command);
                self.dispatch(envelope);
            }
        }
    }
}
