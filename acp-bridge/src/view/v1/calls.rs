//! Requests to agents that a caller of another API makes.

use acp_types::method::v1;
use acp_types::{RawBuf, SessionId, rewrite};

/// Method and params that set the mode of a session.
///
/// # Errors
/// What cannot be written as JSON.
pub(crate) fn set_mode(session: &SessionId, mode: &str) -> serde_json::Result<(&'static str, RawBuf)> {
    let params = RawBuf::encode(&serde_json::json!({ "sessionId": session, "modeId": mode }))?;
    Ok((v1::SetSessionMode::NAME, params))
}

/// Method and params that set one of its options. No byte of the value is changed.
///
/// # Errors
/// What cannot be written as JSON.
pub(crate) fn set_config_option(
    session: &SessionId,
    option: &str,
    value: &RawBuf,
) -> serde_json::Result<(&'static str, RawBuf)> {
    let params = RawBuf::encode(&serde_json::json!({ "sessionId": session, "configId": option }))?;
    Ok((v1::SetSessionConfigOption::NAME, rewrite::set_member(params.as_raw(), "value", value.as_raw())))
}
