//! Context that every session's task works with, and the logic that it drives.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::agent_pool::AgentPool;
use super::clock::Clock;
use super::config::Config;
use crate::log::{MemberId, SessionLog};
use crate::session::{Machine, Output};

/// Context that every session's task works with.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) log: Arc<dyn SessionLog>,
    /// Id of this host, as a member of the log.
    pub(super) member: MemberId,
    pub(super) pool: Arc<AgentPool>,
    pub(super) config: Config,
    /// Agent processes on their way out.
    pub(super) stopping: TaskTracker,
    pub(super) shutdown: CancellationToken,
    /// The host ends, and waits for its agents itself.
    pub(super) draining: CancellationToken,
}

/// Logic of one session, with what it does not have itself: the time, and a place for what comes of its inputs.
#[derive(Debug)]
pub(super) struct SessionLogic {
    pub(super) machine: Machine,
    pub(super) clock: Clock,
    pub(super) out: Output,
}
