//! Reasons why the logic of a session answers an agent's request itself, with an error.

/// Reason why a request is declined. The agent is told its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Declined {
    /// The bridge's own methods are not for agents.
    #[error("{method} is not taken from an agent: {why}")]
    NotForAgents { method: String, why: String },
    /// Its params say something that cannot come from this agent.
    #[error("{method} is not taken from an agent: {why}")]
    NotTaken { method: String, why: String },
    /// Nobody serves that.
    #[error("{method} is not offered to the agent")]
    NotOffered { method: String },
    /// The request would put values of an environment into the log, where clients find it.
    #[error(
        "terminals are served by a client here, so `env` would be written to the session log, and its values may be \
         secrets; leave it out, or start the bridge without --client-fs"
    )]
    EnvironmentInLog,
    /// Too many requests wait for a client's answer.
    #[error("{count} requests wait for a client's answer already; wait for one of them")]
    ManyPending { count: usize },
    /// The bridge was restarted, and the log does not have the answer any more.
    #[error("the bridge was restarted and does not know the answer any more; ask again")]
    Forgotten,
    /// No client will answer.
    #[error("the request was cancelled: {why}")]
    Cancelled { why: &'static str },
}
