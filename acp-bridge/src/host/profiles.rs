//! Agents that a client may add to a session: those that the host has a launch profile for.

use acp_server::transport::child::ChildSpec;
use async_trait::async_trait;

use crate::session::Refusal;

/// Launch profiles by name. A client names one and never gives a command line: who may talk to an agent may not run
/// programs of his own choice.
#[async_trait]
pub trait Profiles: Send + Sync + std::fmt::Debug + 'static {
    /// Spec to start the agent of this name by. Asked for again at each start.
    ///
    /// # Errors
    /// [`Refusal::UnknownProfile`] or [`Refusal::ProfileUnusable`], told to the client: what is missing and what to do.
    async fn agent(&self, name: &str) -> Result<ChildSpec, Refusal>;
}

/// No profiles: a session has the host's agent and no other.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoProfiles;

#[async_trait]
impl Profiles for NoProfiles {
    async fn agent(&self, name: &str) -> Result<ChildSpec, Refusal> {
        let why = format!("there is no launch profile {name:?}: this host was started without any");
        Err(Refusal::UnknownProfile { profile: name.to_owned(), why })
    }
}
