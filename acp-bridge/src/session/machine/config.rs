//! Limits and rules of a session.

use std::time::Duration;

use acp_types::meta::Unattended;

use super::super::{FingerprintKey, Services};

/// Limits and rules of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Time that an agent has to end a turn that was cancelled before it is killed (P5). Default 10 s.
    pub cancel_grace: Duration,
    /// Time that an agent that has taken a mode or an option has to tell so to all clients before they are told in its
    /// place. Default 500 ms.
    pub announce_after: Duration,
    /// Time in which an agent that was started again is to be given what clients chose. What is not in force then is
    /// said to be lost, and the next prompt goes on. Default 60 s.
    pub restore_grace: Duration,
    /// Servers of the agent's files and commands. Default: the host.
    pub services: Services,
    /// Key with which the definitions of MCP servers are told apart in the log. Default: no secret, for a log that nobody reads.
    pub fingerprint_key: FingerprintKey,
    /// Every prompt may run although the agent has forgotten the conversation. Default no.
    pub accept_context_loss: bool,
    /// Lanes of a session, `main` among them and those that are about to join. Default 16. The limits below are for each.
    pub max_lanes: usize,
    /// Policy for permission requests while no controller is there, in sessions that do not say. Default: they wait.
    pub unattended: Unattended,
    /// Prompts that may wait for the running one; more are answered with an error. Default 32.
    pub max_queue: usize,
    /// Bytes of their params together; the first waits whatever its size. Default 32 MiB.
    pub max_queue_bytes: usize,
    /// Requests of the agent that may wait for an answer; more are answered with an error. Default 256.
    pub max_pending: usize,
    /// Bytes of their params together; the first waits whatever its size. Default 32 MiB.
    pub max_pending_bytes: usize,
    /// Requests of clients that may wait for the agent to start; more are answered with an error. Default 64.
    pub max_waiting_calls: usize,
    /// Requests of clients that the agent may leave open; more are answered with an error. Default 256.
    pub max_open_calls: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cancel_grace: Duration::from_secs(10),
            announce_after: Duration::from_millis(500),
            restore_grace: Duration::from_secs(60),
            services: Services::default(),
            fingerprint_key: FingerprintKey::default(),
            accept_context_loss: false,
            max_lanes: 16,
            unattended: Unattended::WAIT,
            max_queue: 32,
            max_queue_bytes: 32 << 20,
            max_pending: 256,
            max_pending_bytes: 32 << 20,
            max_waiting_calls: 64,
            max_open_calls: 256,
        }
    }
}
