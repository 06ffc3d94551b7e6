//! What runs an agent: a child of ours, or a dialler that has come from elsewhere.

use acp_server::transport::child::{ChildHandle, Deadlines};

use super::linked::Linked;

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

    /// What it said in its first `count` messages since it is here is safe.
    pub(super) fn settle(&self, count: u64) {
        if let Self::Linked(linked) = self {
            linked.settle(count);
        }
    }
}
