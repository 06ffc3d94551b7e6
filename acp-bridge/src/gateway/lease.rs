//! The gateway as a member of its log: while its lease runs, its controllers are there.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::command::Commander;
use crate::log::{LogError, Member, MemberId, Role, SessionLog};

/// Time that the log has to hear that the gateway goes.
const GOODBYE: Duration = Duration::from_secs(5);

/// Lease of a gateway, which is kept.
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
        // Beside the renewals: a host that is busy must not let the lease run out once more.
        let mut announcing: BoxFuture<'_, ()> = Box::pin(pending());
        loop {
            tokio::select! {
                () = end.cancelled() => break,
                () = &mut announcing => {
                    announcing = Box::pin(pending());
                    continue;
                }
                () = tokio::time::sleep(self.term / 3) => {}
            }
            match self.log.renew(&self.member, self.term).await {
                Ok(renewal) if renewal.joined || renewal.lapsed => {
                    tracing::warn!("the lease of this gateway had run out; its clients are announced again");
                    announcing = Box::pin(commander.announce_again());
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the lease of this gateway was not renewed; trying again"),
            }
        }
        match tokio::time::timeout(GOODBYE, self.log.leave(&self.member.id)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, "the log was not told that this gateway goes; its lease runs out")
            }
            Err(_) => tracing::warn!("the log does not answer; the lease of this gateway runs out"),
        }
    }
}
