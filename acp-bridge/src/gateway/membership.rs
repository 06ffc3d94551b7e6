//! The gateway as a member of its log: while its lease runs, its controllers are there.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::command::Commander;
use crate::log::{LogError, Member, MemberId, Role, SessionLog};

/// How long the gateway's clients are there without a renewal of its lease.
const TERM: Duration = Duration::from_secs(15);
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(5);

/// A lease that is kept.
#[derive(Debug)]
pub(super) struct Membership {
    log: Arc<dyn SessionLog>,
    member: Member,
}

impl Membership {
    /// Joins the log.
    pub(super) async fn join(log: Arc<dyn SessionLog>) -> Result<Self, LogError> {
        let member = Member { id: format!("gateway-{}", uuid::Uuid::now_v7()).into(), role: Role::Gateway };
        log.renew(&member, TERM).await?;
        Ok(Self { log, member })
    }

    pub(super) fn id(&self) -> &MemberId {
        &self.member.id
    }

    /// Renews the lease until the end, and leaves then. A lease that the log had forgotten takes the presence of every
    /// controller with it, so the hosts are told of them again.
    pub(super) async fn keep(self, commander: Commander, end: CancellationToken) {
        loop {
            tokio::select! {
                () = end.cancelled() => break,
                () = tokio::time::sleep(RENEW) => {}
            }
            match self.log.renew(&self.member, TERM).await {
                Ok(renewal) if renewal.joined => {
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
