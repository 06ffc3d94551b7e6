//! The door of the session's logic: where its reasons become JSON-RPC's error objects, with codes and data.
//!
//! One mapping serves all who are told of a refusal: clients of either kind, and the record of a turn that failed.

use acp_types::error::{ErrorCode, RawError, error};
use acp_types::{ErrorObjectOwned, RawBuf};
use serde_json::{Value, json};

use super::declined::Declined;
use super::refusal::{Refusal, RefusalKind};

impl From<&Refusal> for ErrorObjectOwned {
    /// Error object for a client. An agent's own error keeps its code, message and data.
    fn from(refusal: &Refusal) -> Self {
        if let Refusal::Agent { error } = refusal
            && let Ok(error) = RawError::new(error.clone())
        {
            return error.to_object();
        }
        // Strings and numbers can always be encoded.
        let data = data_of(refusal).and_then(|data| RawBuf::encode(&data).ok());
        error(code_of(refusal.kind()), refusal.to_string(), data)
    }
}

impl From<Refusal> for ErrorObjectOwned {
    fn from(refusal: Refusal) -> Self {
        Self::from(&refusal)
    }
}

/// The error object of a refusal, for a record. An agent's own is as it sent it (P11).
pub(super) fn error_object(refusal: &Refusal) -> RawBuf {
    match refusal {
        Refusal::Agent { error } if RawError::new(error.clone()).is_ok() => error.clone(),
        _ => RawError::from(&ErrorObjectOwned::from(refusal)).into_raw(),
    }
}

/// Answer to an agent for a request that is not taken.
pub(super) fn answer_of(declined: &Declined) -> RawBuf {
    let code = match declined {
        Declined::NotForAgents { .. } | Declined::NotOffered { .. } => ErrorCode::METHOD_NOT_FOUND,
        Declined::NotTaken { .. } | Declined::EnvironmentInLog => ErrorCode::INVALID_PARAMS,
        Declined::ManyPending { .. } | Declined::Forgotten => ErrorCode::INTERNAL_ERROR,
        Declined::Cancelled { .. } => ErrorCode::REQUEST_CANCELLED,
    };
    RawError::from(&error(code, declined.to_string(), None)).into_raw()
}

/// Code of a kind of refusal. What is full or in use makes a request one that is not allowed now; nothing has failed.
fn code_of(kind: RefusalKind) -> ErrorCode {
    match kind {
        RefusalKind::Missing => ErrorCode::RESOURCE_NOT_FOUND,
        RefusalKind::Invalid => ErrorCode::INVALID_PARAMS,
        RefusalKind::Unfit | RefusalKind::Busy => ErrorCode::INVALID_REQUEST,
        RefusalKind::Failed | RefusalKind::Agent => ErrorCode::INTERNAL_ERROR,
    }
}

/// Data of a refusal that programs can read.
fn data_of(refusal: &Refusal) -> Option<Value> {
    let ours = match refusal {
        Refusal::UnknownSession { session } => return Some(json!({ "sessionId": session })),
        Refusal::UnknownCommandVersion { version, known } => json!({ "commandVersion": version, "known": known }),
        Refusal::UnknownLane { lane, lanes } => json!({ "lane": lane, "lanes": lanes }),
        Refusal::UnknownTurn { turn }
        | Refusal::TurnLaneLeft { turn }
        | Refusal::TurnStarted { turn }
        | Refusal::TurnJoined { turn, .. }
        | Refusal::TurnEnded { turn, .. }
        | Refusal::TurnElsewhere { before: turn, .. } => json!({ "turn": turn }),
        Refusal::Busy { turn } => json!({ "busy": true, "turn": turn }),
        Refusal::QueueFull { max, .. } => json!({ "maxQueue": max }),
        Refusal::SteeringUnsupported => json!({ "steering": "unsupported" }),
        Refusal::ContextLost { .. } => json!({ "contextLost": true }),
        _ => return None,
    };
    Some(json!({ "acp-bridge": ours }))
}

#[cfg(test)]
mod tests;
