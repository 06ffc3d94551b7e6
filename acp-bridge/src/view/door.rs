//! JSON-RPC's error objects, where codes are made: one mapping for clients of every version and of the session API.

use acp_types::error::{ErrorCode, RawError, error};
use acp_types::meta::META_KEY;
use acp_types::record::Seq;
use acp_types::{ErrorObjectOwned, RawBuf, SessionId};
use serde::Serialize;
use serde_json::json;

use crate::log::LogError;
use crate::service::{Denied, Invalid, Operation, Role, ServiceError, validate};

pub(crate) fn invalid_request(message: impl Into<String>) -> ErrorObjectOwned {
    error(ErrorCode::INVALID_REQUEST, message, None)
}

pub(crate) fn invalid_params(message: impl Into<String>) -> ErrorObjectOwned {
    error(ErrorCode::INVALID_PARAMS, message, None)
}

pub(crate) fn internal(message: impl Into<String>) -> ErrorObjectOwned {
    error(ErrorCode::INTERNAL_ERROR, message, None)
}

/// Error for what the service refuses.
pub(crate) fn refused(why: &ServiceError) -> ErrorObjectOwned {
    match why {
        ServiceError::Denied(denied) => self::denied(denied),
        ServiceError::Invalid(why) => invalid(why),
        ServiceError::NoSession { session } => unknown_session(session),
        ServiceError::Log { session, error } => log_failed(session, error),
        ServiceError::List(error) => internal(error.to_string()),
        ServiceError::Export(why) => internal(why),
        ServiceError::Host(refusal) => refusal.into(),
        ServiceError::Agent(raw) => match RawError::new(raw.clone()) {
            Ok(error) => error.to_object(),
            Err(invalid) => internal(invalid.to_string()),
        },
        why @ ServiceError::NoStop => invalid_request(why.to_string()),
        ServiceError::Unfit => internal("the host's answer does not fit the request"),
    }
}

/// Error of a log that failed while it was read.
pub(crate) fn log_failed(session: &SessionId, failure: &LogError) -> ErrorObjectOwned {
    match failure {
        LogError::NotFound { .. } => unknown_session(session),
        LogError::BeyondHead { after, head } => beyond_head(*after, *head),
        LogError::Trimmed { after, oldest } => trimmed(*after, *oldest),
        other => internal(other.to_string()),
    }
}

/// Data of an error; left out if it could not be encoded, which strings and numbers always can.
pub(crate) fn data<T: Serialize + ?Sized>(key: &str, value: &T) -> Option<RawBuf> {
    RawBuf::encode(&json!({ key: value })).ok()
}

fn unknown_session(session: &SessionId) -> ErrorObjectOwned {
    let message = format!("there is no session {session}: it was deleted, or belongs to another log");
    error(ErrorCode::RESOURCE_NOT_FOUND, message, data("sessionId", session))
}

fn beyond_head(after: Seq, latest: Seq) -> ErrorObjectOwned {
    let message = format!("the cursor {after} is beyond the session's last record {latest}: resume from what you have");
    error(ErrorCode::INVALID_PARAMS, message, data("latest", &latest))
}

fn trimmed(after: Seq, oldest: Seq) -> ErrorObjectOwned {
    let message =
        format!("what follows cursor {after} is no longer kept: resume from {oldest} at the earliest, or load");
    error(ErrorCode::INVALID_PARAMS, message, data("oldest", &oldest))
}

/// Error for a principal that may not have what it asked for.
fn denied(denied: &Denied) -> ErrorObjectOwned {
    let ours = match denied {
        Denied::NoSession { session } => return unknown_session(session),
        Denied::Role { role, needs, .. } => json!({ "role": role, "needs": needs }),
        Denied::Limited { .. } => json!({ "needs": "all sessions" }),
        Denied::Observing { .. } => json!({ "role": Role::Observer }),
    };
    let message = match denied {
        Denied::Role { operation: Operation::Attach, .. } => {
            format!("{denied}, or attach with the role observer (session/attach)")
        }
        denied => denied.to_string(),
    };
    error(ErrorCode::INVALID_REQUEST, message, data(META_KEY, &ours))
}

/// Error for a request that makes no sense; members are named as in ACP.
fn invalid(invalid: &Invalid) -> ErrorObjectOwned {
    invalid_params(match invalid {
        Invalid::LongKey => {
            format!("`_meta[\"{META_KEY}\"].key` is longer than {} bytes: use a shorter one", validate::MAX_KEY)
        }
        Invalid::Cursor => "`cursor` names no page: list again without it".to_owned(),
        other => other.to_string(),
    })
}
