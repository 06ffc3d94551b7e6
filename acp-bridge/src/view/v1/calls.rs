//! Params and answers as ACP has them, from what callers of another API say. No byte of a raw value is changed.

use acp_types::capability::CLIENT;
use acp_types::meta::{META_KEY, MainAgent};
use acp_types::method::v1;
use acp_types::{Raw, RawBuf, SessionId, rewrite};
use serde_json::json;

/// The `clientInfo` of a caller that does not say what it is.
const INFO: Raw<'static> =
    Raw::trusted(concat!(r#"{"name":"acp-bridge session API","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#));

/// Params of the `initialize` that a caller would have sent. Without capabilities it offers nothing.
///
/// # Errors
/// What cannot be written as JSON.
pub(crate) fn initialize(capabilities: Option<&RawBuf>, info: Option<&RawBuf>) -> serde_json::Result<RawBuf> {
    let params = RawBuf::encode(&json!({ "protocolVersion": 1, CLIENT: {}, "clientInfo": {} }))?;
    let params = rewrite::set_member(params.as_raw(), CLIENT, capabilities.map_or(Raw::EMPTY_OBJECT, RawBuf::as_raw));
    Ok(rewrite::set_member(params.as_raw(), "clientInfo", info.map_or(INFO, RawBuf::as_raw)))
}

/// Params of a `session/new`. `agent` says which agent the session is for, if not the server's.
///
/// # Errors
/// What cannot be written as JSON.
pub(crate) fn new_session(
    cwd: &str,
    mcp_servers: Option<&RawBuf>,
    agent: Option<&MainAgent>,
) -> serde_json::Result<RawBuf> {
    let params = RawBuf::encode(&json!({ "cwd": cwd, "mcpServers": [] }))?;
    let servers = mcp_servers.map_or(Raw::EMPTY_ARRAY, RawBuf::as_raw);
    let params = rewrite::set_member(params.as_raw(), "mcpServers", servers);
    let Some(agent) = agent else { return Ok(params) };
    let meta = RawBuf::encode(&json!({ META_KEY: { "agent": agent } }))?;
    Ok(rewrite::set_member(params.as_raw(), "_meta", meta.as_raw()))
}

/// Params of a `session/prompt`.
///
/// # Errors
/// What cannot be written as JSON.
pub(crate) fn prompt(session: &SessionId, content: &RawBuf) -> serde_json::Result<RawBuf> {
    let params = RawBuf::encode(&json!({ "sessionId": session, "prompt": [] }))?;
    Ok(rewrite::set_member(params.as_raw(), "prompt", content.as_raw()))
}

/// Result of a `session/request_permission` with this outcome.
pub(crate) fn permission(outcome: &RawBuf) -> RawBuf {
    rewrite::set_member(Raw::EMPTY_OBJECT, "outcome", outcome.as_raw())
}

/// Method and params that set the mode of a session.
///
/// # Errors
/// What cannot be written as JSON.
pub(crate) fn set_mode(session: &SessionId, mode: &str) -> serde_json::Result<(&'static str, RawBuf)> {
    let params = RawBuf::encode(&json!({ "sessionId": session, "modeId": mode }))?;
    Ok((v1::SetSessionMode::NAME, params))
}

/// Method and params that set one of its options.
///
/// # Errors
/// What cannot be written as JSON.
pub(crate) fn set_config_option(
    session: &SessionId,
    option: &str,
    value: &RawBuf,
) -> serde_json::Result<(&'static str, RawBuf)> {
    let params = RawBuf::encode(&json!({ "sessionId": session, "configId": option }))?;
    Ok((v1::SetSessionConfigOption::NAME, rewrite::set_member(params.as_raw(), "value", value.as_raw())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> RawBuf {
        RawBuf::parse(text).unwrap()
    }

    #[test]
    fn raw_values_of_callers_pass_byte_for_byte() {
        let value = raw(r#"[{ "n" : 1e2 }]"#);
        let session = SessionId::from("s");
        for params in [
            initialize(Some(&raw(r#"{ "x" : 1e2 }"#)), None).unwrap(),
            new_session("/w", Some(&value), None).unwrap(),
            prompt(&session, &value).unwrap(),
            permission(&value),
            set_config_option(&session, "o", &value).unwrap().1,
        ] {
            assert!(params.as_str().contains(" : 1e2 }"), "{params:?}");
        }
    }

    #[test]
    fn a_caller_that_says_nothing_of_itself_offers_nothing_and_has_a_name() {
        let params = initialize(None, None).unwrap();
        let params = params.as_raw();
        assert_eq!(params.member(CLIENT), Some(Raw::EMPTY_OBJECT));
        assert_eq!(params.member("clientInfo"), Some(INFO));
        assert_eq!(new_session("/w", None, None).unwrap().as_str(), r#"{"cwd":"/w","mcpServers":[]}"#);
    }
}
