//! A record of one session as a record of another.

use acp_types::record::{Kind, Record};
use acp_types::{Raw, RawBuf, SessionId, rewrite};

/// Puts a session's new id where clients see its old one, and that of its children. No other byte changes; the agent's own
/// ids, in `agent_started` and `child_updated`, stay.
pub(super) fn rename(record: &mut Record, old: &SessionId, new: &SessionId) {
    let names: &[&[&str]] = match record.kind {
        Kind::Update => named_by_update(record.body.as_raw()),
        Kind::PermissionRequested => &[&["sessionId"]],
        Kind::PromptQueued | Kind::Request | Kind::Extension => &[&["params", "sessionId"]],
        Kind::ChildUpdated => &[&["session"], &["parent"]],
        Kind::ChildCancelRequested => &[&["session"]],
        _ => return,
    };
    for keys in names {
        if let Some(id) = renamed(record.body.as_raw().path(keys), old, new) {
            record.body = rewrite::set_path(record.body.as_raw(), keys, id.as_raw());
        }
    }
    let call = match record.kind {
        Kind::Update => "update",
        Kind::PermissionRequested => "toolCall",
        _ => return,
    };
    if let Some(content) = with_references(record.body.as_raw().path(&[call, "content"]), old, new) {
        record.body = rewrite::set_path(record.body.as_raw(), &[call, "content"], content.as_raw());
    }
}

/// Where an update names sessions.
fn named_by_update(params: Raw<'_>) -> &'static [&'static [&'static str]] {
    match params.path(&["update", "sessionUpdate"]).and_then(Raw::as_string).as_deref() {
        Some("subagent_update") => &[&["sessionId"], &["update", "sessionId"]],
        Some("session_message" | "session_message_chunk") => {
            &[&["sessionId"], &["update", "senderSessionId"], &["update", "recipientSessionId"]]
        }
        _ => &[&["sessionId"]],
    }
}

/// The new id in place of an old one.
fn renamed(named: Option<Raw<'_>>, old: &SessionId, new: &SessionId) -> Option<RawBuf> {
    let named = SessionId::from(&*named?.as_string()?);
    if named == *old {
        return RawBuf::encode(new).ok();
    }
    let (_, number) = named.as_child().filter(|(session, _)| session == old)?;
    RawBuf::encode(&new.child(number)).ok()
}

/// Content of a tool call that refers to such sessions.
fn with_references(content: Option<Raw<'_>>, old: &SessionId, new: &SessionId) -> Option<RawBuf> {
    let content = content?;
    let is_reference = |item: Raw<'_>| item.member("type").is_some_and(|kind| kind.as_str() == "\"session\"");
    let of = |item: Raw<'_>| {
        let id = renamed(item.member("sessionId").filter(|_| is_reference(item)), old, new)?;
        Some(rewrite::set_member(item, "sessionId", id.as_raw()))
    };
    content.elements().find_map(of)?;
    let items = content.elements().map(|item| of(item).unwrap_or_else(|| item.to_owned()));
    let items: Vec<String> = items.map(|item| item.as_str().to_owned()).collect();
    Some(RawBuf::trusted(format!("[{}]", items.join(","))))
}

#[cfg(test)]
mod tests {
    use acp_types::RawBuf;
    use acp_types::record::{Kind, Origin, Record};

    use super::rename;

    #[test]
    fn a_session_and_its_children_are_renamed_wherever_clients_see_them() {
        for (kind, body, wanted) in [
            (Kind::Update, r#"{"sessionId":"s~5","update":{"n":1e2}}"#, r#"{"sessionId":"t~5","update":{"n":1e2}}"#),
            (
                Kind::Update,
                r#"{"sessionId":"s","update":{"sessionUpdate":"subagent_update","sessionId":"s~5"}}"#,
                r#"{"sessionId":"t","update":{"sessionUpdate":"subagent_update","sessionId":"t~5"}}"#,
            ),
            (
                Kind::Update,
                r#"{"sessionId":"s~5","update":{"sessionUpdate":"session_message","senderSessionId":"s","recipientSessionId":"s~5"}}"#,
                r#"{"sessionId":"t~5","update":{"sessionUpdate":"session_message","senderSessionId":"t","recipientSessionId":"t~5"}}"#,
            ),
            (
                Kind::Update,
                r#"{"sessionId":"x","update":{"content":[{"type":"session","sessionId":"s~5"},{"sessionId":"s"}]}}"#,
                r#"{"sessionId":"x","update":{"content":[{"type":"session","sessionId":"t~5"},{"sessionId":"s"}]}}"#,
            ),
            (Kind::Update, r#"{"sessionId":"ss~5"}"#, r#"{"sessionId":"ss~5"}"#),
            (
                Kind::ChildUpdated,
                r#"{"session":"s~9","agentSession":"s","parent":"s~5","changed":{}}"#,
                r#"{"session":"t~9","agentSession":"s","parent":"t~5","changed":{}}"#,
            ),
            (Kind::ChildCancelRequested, r#"{"session":"s~9"}"#, r#"{"session":"t~9"}"#),
            (Kind::Request, r#"{"params":{"sessionId":"s~9"}}"#, r#"{"params":{"sessionId":"t~9"}}"#),
        ] {
            let mut record = Record {
                seq: 1,
                at: 0,
                epoch: 1,
                lane: Record::MAIN_LANE.into(),
                origin: Origin::Agent,
                kind,
                turn: None,
                position: None,
                body: RawBuf::parse(body).unwrap(),
            };
            rename(&mut record, &"s".into(), &"t".into());
            assert_eq!(record.body.as_str(), wanted);
        }
    }
}
