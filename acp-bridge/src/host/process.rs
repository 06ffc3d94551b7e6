//! What runs an agent: a child of ours, or a dialler that has come from elsewhere.

use acp_server::transport::child::{ChildHandle, Deadlines};
use acp_types::record::body::AgentLink;

use super::linked::Linked;
use super::links::Place;

/// The process of an agent. Dropping it kills the agent and all that it started.
#[derive(Debug)]
pub(super) enum Process {
    /// It dies with us.
    Child(ChildHandle),
    /// It is at the other end of a link.
    Linked(Linked),
}

impl Process {
    /// Kills it and all that it started, at once.
    pub(super) fn kill(&self) {
        match self {
            Self::Child(handle) => handle.kill(),
            Self::Linked(linked) => linked.stop(true),
        }
    }

    /// Stops it politely, each way with a deadline, and says how it ended, behind the words "the agent".
    pub(super) async fn shutdown(&mut self) -> String {
        match self {
            Self::Child(handle) => handle.shutdown(Deadlines::default()).await.to_string(),
            Self::Linked(linked) => linked.shutdown().await,
        }
    }

    /// The end of its stderr, for error messages. May hold secrets: not for logs.
    pub(super) fn stderr_tail(&self) -> String {
        match self {
            Self::Child(handle) => handle.stderr_tail(),
            Self::Linked(linked) => linked.stderr_tail(),
        }
    }

    /// The newest lines that it wrote to its stdout and that are no messages. As for [`Self::stderr_tail`].
    pub(super) fn noise(&self) -> String {
        match self {
            Self::Child(handle) => handle.noise(),
            Self::Linked(linked) => linked.noise(),
        }
    }

    /// A number that grows with all that it writes besides messages, as far as that is known here.
    pub(super) fn written(&self) -> Box<dyn Fn() -> u64 + Send + Sync> {
        match self {
            Self::Child(handle) => {
                let written = handle.written();
                Box::new(move || written.count())
            }
            Self::Linked(linked) => linked.written(),
        }
    }

    /// Whether it goes on without this host.
    pub(super) fn runs_on(&self) -> bool {
        matches!(self, Self::Linked(_))
    }

    /// How it is found again after a restart of the bridge.
    pub(super) fn link(&self) -> Option<AgentLink> {
        match self {
            Self::Child(_) => None,
            Self::Linked(linked) => Some(linked.link()),
        }
    }

    /// Says what the agent serves from now on.
    pub(super) fn assign(&self, place: &Place) {
        if let Self::Linked(linked) = self {
            linked.assign(place);
        }
    }

    /// Leaves it alone, for the next host.
    pub(super) fn leave(self) {
        if let Self::Linked(linked) = self {
            linked.leave();
        }
    }

    /// What it said in its first `count` messages since it is here is safe.
    pub(super) fn settle(&self, count: u64) {
        if let Self::Linked(linked) = self {
            linked.settle(count);
        }
    }
}
