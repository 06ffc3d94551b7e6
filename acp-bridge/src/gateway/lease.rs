//! The gateway as a member of its log: while its lease runs, its controllers are there.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::command::Commander;
use crate::log::{LogError, Member, MemberId, Role, SessionLog};

/// A lease that is kept.
#[derive(Debug)]
pub(super) struct GatewayLease {
    log: Arc<dyn SessionLog>,
    member: Member,
    term: Duration,
}

impl GatewayLease {
    /// Joins the log.
    pub(super) async fn join(log: Arc<dyn SessionLog>, term: Duration) -> Result<Self, LogError> {
        let member = Member { id: format!("gateway-{}", uuid::Uuid::now_v7()).into(), role: Role::Gateway };
        log.renew(&member, term).await?;
        Ok(Self { log, member, term })
    }

    pub(super) fn id(&self) -> &MemberId {
        &self.member.id
    }

    /// Renews the lease until the end, and leaves then. One that had run out takes the presence of every controller with it,
    /// so the hosts are told of them again.
    pub(super) async fn keep(self, commander: Commander, end: CancellationToken) {
        loop {
            tokio::select! {
                () = end.cancelled() => break,
                () = tokio::time::sleep(self.term / 3) => {}
            }
            match self.log.renew(&self.member, self.term).await {
                Ok(renewal) if renewal.joined || renewal.lapsed => {
                    tracing::warn!("the lease of this gateway had run out; its clients are announced again");
                    commander.announce_again().await;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the lease of this gateway was not renewed; trying again"),
            }
        }
        if let Err(error) = self.log.leave(&self.member.id).await {
            tracing::debug!(%error, "the log was not told that this gateway goes; its lease runs out");
        }
    }
}
