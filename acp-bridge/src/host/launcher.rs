//! Launch of agents: the one place where the host has a process begin, and the profiles that say which.

use acp_server::transport::child::{ChildHandle, ChildSpec, ChildTransport};
use acp_server::transport::memory::Memory;
use async_trait::async_trait;

use crate::session::Refusal;

/// Starts agents: as children of the host, under diallers that outlive it, or wherever else agents run.
#[async_trait]
pub trait Launcher: Send + Sync + std::fmt::Debug + 'static {
    /// Starts an agent. One that does not run as a child says hello to the host with the name `instance` when it dials in.
    ///
    /// # Errors
    /// [`Refusal::NotStarted`] or [`Refusal::LauncherFailed`], told to the client: what could not be started, and what to do
    /// about it.
    async fn launch(&self, agent: &ChildSpec, instance: &str) -> Result<Launched, Refusal>;
}

/// Way to an agent that was started.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever launches agents and whoever talks to them have to know every way")]
pub enum Launched {
    /// A child of ours, which dies with us.
    Child(ChildTransport, ChildHandle),
    /// An agent in this process.
    InProcess(Memory, Box<dyn InProcessAgent>),
    /// An agent that dials in, and does not depend on us.
    DialsIn,
}

/// An agent that runs in this process, as a part of it or with a part of it in between. Dropping it ends the agent.
#[async_trait]
pub trait InProcessAgent: Send + Sync + std::fmt::Debug + 'static {
    /// Ends it at once.
    fn kill(&self);

    /// Waits for its end, now that it has nothing more to read; how it ended, behind the words "the agent".
    async fn shutdown(&mut self) -> String;
}

/// Starts agents as children.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has no settings: the agent's own say all")]
pub struct ChildLauncher;

#[async_trait]
impl Launcher for ChildLauncher {
    async fn launch(&self, agent: &ChildSpec, _instance: &str) -> Result<Launched, Refusal> {
        let (transport, handle) = spawn(agent).await?;
        Ok(Launched::Child(transport, handle))
    }
}

/// Starts an agent as a child.
pub(super) async fn spawn(agent: &ChildSpec) -> Result<(ChildTransport, ChildHandle), Refusal> {
    agent.spawn().await.map_err(|error| Refusal::NotStarted { why: error.to_string() })
}

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
