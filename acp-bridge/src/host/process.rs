//! Process of an agent: a child of ours, this process itself, or a dialler that has come from elsewhere.

use acp_server::transport::child::{ChildHandle, Deadlines};
use acp_types::record::body::AgentLink;

use super::launcher::InProcessAgent;
use crate::remote_agent::process::RemoteProcess;
use crate::remote_agent::registry::AgentPlace;

/// The process of an agent. Dropping it kills the agent and all that it started.
#[derive(Debug)]
pub(super) enum Process {
    /// A child, which dies with us.
    Child(ChildHandle),
    /// A part of this process.
    Here(Box<dyn InProcessAgent>),
    /// A process at the other end of a link.
    Remote(RemoteProcess),
}

impl Process {
    /// Kills it and all that it started, at once.
    pub(super) fn kill(&self) {
        match self {
            Self::Child(handle) => handle.kill(),
            Self::Here(agent) => agent.kill(),
            Self::Remote(remote) => remote.stop(true),
        }
    }

    /// Stops it politely, each way with a deadline, and says how it ended, behind the words "the agent".
    pub(super) async fn shutdown(&mut self) -> String {
        match self {
            Self::Child(handle) => handle.shutdown(Deadlines::default()).await.to_string(),
            Self::Here(agent) => agent.shutdown().await,
            Self::Remote(remote) => remote.shutdown().await,
        }
    }

    /// The end of its stderr, for error messages. May hold secrets: not for logs.
    pub(super) fn stderr_tail(&self) -> String {
        match self {
            Self::Child(handle) => handle.stderr_tail(),
            Self::Here(_) => String::new(),
            Self::Remote(remote) => remote.stderr_tail(),
        }
    }

    /// The newest lines that it wrote to its stdout and that are no messages. As for [`Self::stderr_tail`].
    pub(super) fn noise(&self) -> String {
        match self {
            Self::Child(handle) => handle.noise(),
            Self::Here(_) => String::new(),
            Self::Remote(remote) => remote.noise(),
        }
    }

    /// A number that grows with all that it writes besides messages, as far as that is known here.
    pub(super) fn written(&self) -> Box<dyn Fn() -> u64 + Send + Sync> {
        match self {
            Self::Child(handle) => {
                let written = handle.written();
                Box::new(move || written.count())
            }
            Self::Here(_) => Box::new(|| 0),
            Self::Remote(remote) => remote.written(),
        }
    }

    /// Returns whether it goes on without this host.
    pub(super) fn runs_on(&self) -> bool {
        matches!(self, Self::Remote(_))
    }

    /// Link by which it is found again after a restart of the bridge.
    pub(super) fn link(&self) -> Option<AgentLink> {
        match self {
            Self::Child(_) | Self::Here(_) => None,
            Self::Remote(remote) => Some(remote.link()),
        }
    }

    /// Says what the agent serves from now on.
    pub(super) fn assign(&self, place: &AgentPlace) {
        if let Self::Remote(remote) = self {
            remote.assign(place);
        }
    }

    /// Leaves it alone, for the next host.
    pub(super) fn leave(self) {
        if let Self::Remote(remote) = self {
            remote.leave();
        }
    }

    /// Tells it that its first `count` messages since it is here are safe.
    pub(super) fn settle(&self, count: u64) {
        if let Self::Remote(remote) = self {
            remote.settle(count);
        }
    }
}
