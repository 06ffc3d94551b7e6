//! The door of the host to agents: what they are told that is not a client's answer, and what their error objects say.

use acp_server::proto::ResponseError;
use acp_types::error::{ErrorCode, error};
use acp_types::{ErrorObjectOwned, RawBuf, RawError};

/// Reason for an error in place of what an agent, or whoever asked it, waits for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Undone {
    /// The agent said too much before it had a session.
    #[error("{max} messages came before the session was open: wait until it is")]
    Early { max: usize },
    /// Files and commands are served next to a session.
    #[error("the agent has no session yet")]
    NoSession,
    /// Too many requests for files and commands wait.
    #[error("too many requests for files and terminals wait; wait for one of them")]
    ServicesBusy,
    /// A client's answer is no error object where it says so.
    #[error("the client answered with a malformed error")]
    MalformedAnswer,
    /// The agent was not given a request.
    #[error("the agent does not read its input; cancel the turn, or try again")]
    Unread,
    /// The agent's answer cannot be read.
    #[error("the agent's answer is lost: {why}")]
    AnswerLost { why: String },
}

impl From<Undone> for ErrorObjectOwned {
    fn from(undone: Undone) -> Self {
        error(ErrorCode::INTERNAL_ERROR, undone.to_string(), None)
    }
}

impl From<Undone> for RawError {
    fn from(undone: Undone) -> Self {
        Self::from(&ErrorObjectOwned::from(undone))
    }
}

/// The error object in place of an answer that is none.
pub(super) fn unanswered(why: &ResponseError) -> RawBuf {
    RawError::from(Undone::AnswerLost { why: why.to_string() }).into_raw()
}

/// A client's error object, as an agent can read it; one that is none becomes an internal error.
pub(super) fn error_for_agent(error: RawBuf) -> RawError {
    RawError::new(error.into_well_formed()).unwrap_or_else(|_| Undone::MalformedAnswer.into())
}

/// Returns whether an agent says of its refusal that something failed inside of it: it may do another time what it refused.
pub(super) fn failed_inside(error: &RawBuf) -> bool {
    RawError::new(error.clone()).map_or(true, |error| error.code() == ErrorCode::INTERNAL_ERROR)
}

#[cfg(test)]
mod tests {
    use acp_types::{RawBuf, RawError};

    use super::{Undone, failed_inside};

    #[test]
    fn each_is_an_internal_error_with_its_own_words() {
        for (undone, wanted) in [
            (Undone::Early { max: 256 }, "256 messages came before the session was open: wait until it is"),
            (Undone::NoSession, "the agent has no session yet"),
            (Undone::ServicesBusy, "too many requests for files and terminals wait; wait for one of them"),
            (Undone::MalformedAnswer, "the client answered with a malformed error"),
            (Undone::Unread, "the agent does not read its input; cancel the turn, or try again"),
            (Undone::AnswerLost { why: "too long".into() }, "the agent's answer is lost: too long"),
        ] {
            let error = RawError::from(undone);
            assert_eq!(error.as_raw().as_str(), format!(r#"{{"code":-32603,"message":"{wanted}"}}"#));
        }
    }

    #[test]
    fn an_agent_that_failed_inside_may_be_asked_again() {
        let failed = |text: &str| failed_inside(&RawBuf::parse(text).unwrap());
        assert!(failed(r#"{"code":-32603,"message":"m"}"#));
        assert!(failed("null"), "what it says is not known");
        assert!(!failed(r#"{"code":-32000,"message":"log in"}"#));
    }
}
