//! A record of one session as a record of another.

use acp_types::record::{Kind, Record};
use acp_types::{RawBuf, SessionId, rewrite};

/// Puts a session's new id where clients see its old one. No other byte changes; the agent's own id of the session, in
/// `agent_started`, stays.
pub(super) fn rename(record: &mut Record, old: &SessionId, new: &SessionId) {
    let keys: &[&str] = match record.kind {
        Kind::Update | Kind::PermissionRequested => &["sessionId"],
        Kind::PromptQueued | Kind::Request | Kind::Extension => &["params", "sessionId"],
        _ => return,
    };
    let body = record.body.as_raw();
    let named = body.path(keys).and_then(acp_types::Raw::as_string);
    if named.as_deref() == Some(old.as_str())
        && let Ok(id) = RawBuf::encode(new)
    {
        record.body = rewrite::set_path(body, keys, id.as_raw());
    }
}
