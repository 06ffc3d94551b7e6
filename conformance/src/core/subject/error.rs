//! Errors of a subject that did not start.

use std::time::Duration;

use acp_server::transport::child::SpawnError;

use crate::core::link::ConnectError;

/// A subject that did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The program could not be started.
    #[error("{program} could not be started: {reason}; check the command behind --")]
    Spawn {
        /// The program.
        program: String,
        /// The reason.
        reason: SpawnError,
    },
    /// The client did not start its agent.
    #[error(
        "{program} did not start the agent within {} s; its command line has to start what {{agent}} stands for: {said}",
        waited.as_secs()
    )]
    NoAgent {
        /// The client.
        program: String,
        /// Length of the wait, which its exit ends.
        waited: Duration,
        /// Its output.
        said: String,
    },
    /// The client did not connect.
    #[error(
        "{program} did not connect within {} s; its command line has to connect to what {{url}} stands for: {said}",
        waited.as_secs()
    )]
    NoCall {
        /// The client.
        program: String,
        /// Length of the wait, which its exit ends.
        waited: Duration,
        /// Its output.
        said: String,
    },
    /// The place where the agent is to arrive cannot be made.
    #[error("the agent's socket cannot be used: {0}")]
    Socket(#[from] std::io::Error),
    /// The server could not be reached.
    #[error("{url} could not be connected to: {reason}; check that it listens there, and for what: ws:// or http://")]
    Connect {
        /// Where.
        url: String,
        /// The reason.
        reason: ConnectError,
    },
    /// Its home or its model could not be made.
    #[error("no home for the harness could be made: {0}; is the temporary directory writable?")]
    Stage(#[source] std::io::Error),
}

impl StartError {
    /// Returns whether it is the machine's fault, not the subject's.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::Socket(_) | Self::Stage(_))
    }
}
