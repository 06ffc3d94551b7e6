//! What clients are told when the service says no.

use acp_types::error::{ErrorCode, RawError, error};
use acp_types::meta::META_KEY;
use acp_types::{ErrorObjectOwned, RawBuf};
use serde_json::json;

use super::refusal;
use crate::service::{Denied, Invalid, Operation, Role, ServiceError, validate};

/// As JSON-RPC has it.
pub(crate) fn error_object(why: ServiceError) -> ErrorObjectOwned {
    match why {
        ServiceError::Denied(denied) => self::denied(&denied),
        ServiceError::Invalid(why) => invalid(&why),
        ServiceError::NoSession { session } => refusal::unknown_session(&session),
        ServiceError::Log { session, error } => refusal::log_failed(&session, &error),
        ServiceError::List(error) => refusal::internal(error.to_string()),
        ServiceError::Export(why) => refusal::internal(why),
        ServiceError::Host(refusal) => refusal.into(),
        ServiceError::Agent(raw) => match RawError::new(raw) {
            Ok(error) => error.to_object(),
            Err(invalid) => refusal::internal(invalid.to_string()),
        },
        ServiceError::Unfit => refusal::internal("the host's answer does not fit the request"),
    }
}

/// A principal may not have what it asked for.
pub(crate) fn denied(denied: &Denied) -> ErrorObjectOwned {
    let ours = match denied {
        Denied::NoSession { session } => return refusal::unknown_session(session),
        Denied::Role { role, needs, .. } => json!({ "role": role, "needs": needs }),
        Denied::Limited { .. } => json!({ "needs": "all sessions" }),
        Denied::Observing { .. } => json!({ "role": Role::Observer }),
    };
    let data = RawBuf::encode(&json!({ META_KEY: ours })).ok();
    let message = match denied {
        Denied::Role { operation: Operation::Attach, .. } => {
            format!("{denied}, or attach with the role observer (session/attach)")
        }
        denied => denied.to_string(),
    };
    error(ErrorCode::INVALID_REQUEST, message, data)
}

/// What was asked for makes no sense; members are named as in ACP.
pub(crate) fn invalid(invalid: &Invalid) -> ErrorObjectOwned {
    refusal::invalid_params(match invalid {
        Invalid::LongKey => {
            format!("`_meta[\"{META_KEY}\"].key` is longer than {} bytes: use a shorter one", validate::MAX_KEY)
        }
        Invalid::Cursor => "`cursor` names no page: list again without it".to_owned(),
        other => other.to_string(),
    })
}
