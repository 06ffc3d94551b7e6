//! A gateway as a member of its log, without the sockets of its clients.

use std::sync::Arc;

#[cfg(test)]
use acp_server::Link;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::config::Config;
#[cfg(test)]
use super::driver;
use super::driver::Context;
use super::lease::GatewayLease;
use super::presence::Presence;
use crate::command::Commander;
use crate::log::{CommandQueue, LogError, SessionLog};
#[cfg(test)]
use crate::service::Caller;
use crate::service::SessionService;
use crate::service::follower::{Followers, LookedFor};
use crate::view;

/// Gateway that keeps its lease. Dropping it gives the lease up.
#[derive(Debug)]
pub(crate) struct JoinedGateway {
    context: Context,
    leave: DropGuard,
    kept: JoinHandle<()>,
}

impl JoinedGateway {
    /// Joins a log as a gateway.
    ///
    /// # Errors
    /// When the log is closed or has no room for a gateway.
    pub(crate) async fn join(
        log: Arc<dyn SessionLog>,
        config: Config,
        shutdown: CancellationToken,
    ) -> Result<Self, LogError> {
        let lease = GatewayLease::join(Arc::clone(&log), config.lease).await?;
        let commander =
            Commander::new(Arc::clone(&log) as Arc<dyn CommandQueue>, Arc::clone(&config.vault), lease.id().clone());
        let left = CancellationToken::new();
        let kept = tokio::spawn(lease.keep(commander.clone(), left.clone()));
        let followers = Followers::new(Arc::clone(&log), LookedFor(view::may_matter_later));
        let service = SessionService::new(Arc::clone(&log), commander, followers).stopped_by(config.stop.clone());
        let context = Context { log, service, config, presence: Presence::new(), shutdown };
        Ok(Self { context, leave: left.drop_guard(), kept })
    }

    /// Context for the tasks of its connections.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Serves a client until it or the gateway goes.
    #[cfg(test)]
    pub(crate) fn serve(&self, link: Link, caller: Caller) -> impl Future<Output = ()> + Send + use<> {
        driver::run(link, caller, self.context.clone())
    }

    /// Tells the log that it goes.
    pub(super) async fn leave(self) {
        let Self { leave, kept, .. } = self;
        drop(leave);
        // A panic in it is in the bridge's own log by now.
        let _ = kept.await;
    }
}
