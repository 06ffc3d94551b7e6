//! Agents that are to outlive the bridge.

use acp_server::transport::child::ChildSpec;
use async_trait::async_trait;

use crate::session::Refusal;

/// Starts agents that are no children of ours: each under a dialler, which dials the bridge and keeps the agent for a
/// while when there is none.
#[async_trait]
pub trait Keeper: Send + Sync + std::fmt::Debug + 'static {
    /// Starts a dialler for one agent. It says hello with the name `instance`, and ends with its agent.
    ///
    /// # Errors
    /// [`Refusal::KeeperFailed`], told to the client: what could not be started, and what to do about it.
    async fn start(&self, agent: &ChildSpec, instance: &str) -> Result<(), Refusal>;
}
