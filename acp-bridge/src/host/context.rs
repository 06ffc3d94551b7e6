//! Context that every session's task works with.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::agent_pool::AgentPool;
use super::config::Config;
use crate::log::{MemberId, SessionLog};

/// Context that every session's task works with.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) log: Arc<dyn SessionLog>,
    /// This host, as a member of the log.
    pub(super) member: MemberId,
    pub(super) pool: Arc<AgentPool>,
    pub(super) config: Config,
    /// Agent processes on their way out.
    pub(super) stopping: TaskTracker,
    pub(super) shutdown: CancellationToken,
    /// The host ends, and waits for its agents itself.
    pub(super) draining: CancellationToken,
}
