//! Messages of a session as text or JSON lines.

use acp_server::proto::Event;
use acp_types::meta::{CAUGHT_UP, TURN_ENDED};
use acp_types::record::body::Outcome;
use acp_types::record::{Kind, Record, Seq};
use acp_types::{Raw, SessionId};

use super::output;
use crate::gateway;

/// How messages are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For people: the text of the conversation, other things as a line each.
    Text,
    /// One JSON line per message: `{"method":…,"params":…}`.
    Json,
}

/// Shows one message of the bridge; what concerns no reader is left out of the text form.
pub(super) fn event(event: &Event, form: Form) -> std::io::Result<()> {
    let (method, params) = match event {
        Event::Notification(notification) => (notification.method(), notification.params()),
        Event::Request(request) => (request.method(), request.params()),
        _ => return Ok(()),
    };
    message(method, params.unwrap_or(Raw::EMPTY_OBJECT), form)
}

/// Shows a record of the log as the message that ACP clients get of it; those of which they get none are left out.
pub(super) fn record(session: &SessionId, record: &Record, form: Form) -> std::io::Result<()> {
    let body = record.body.as_raw();
    match record.kind {
        Kind::Update => message("session/update", body, form),
        Kind::PermissionRequested => message("session/request_permission", body, form),
        Kind::Request | Kind::Extension => {
            let params = body.member("params").unwrap_or(Raw::EMPTY_OBJECT);
            message(&string(body, &["method"]), params, form)
        }
        Kind::TurnEnded => {
            let ended = record.turn.zip(record.decode::<Outcome>().ok());
            let told = ended.and_then(|(turn, outcome)| gateway::turn_ended(session, turn, &outcome, record));
            told.map_or(Ok(()), |(method, params)| message(method, params.as_raw(), form))
        }
        _ => Ok(()),
    }
}

/// Says that what follows is live.
pub(super) fn caught_up(session: &SessionId, seq: Seq, form: Form) -> std::io::Result<()> {
    let params = serde_json::json!({ "sessionId": session, "seq": seq }).to_string();
    message(CAUGHT_UP, Raw::trusted(&params), form)
}

fn message(method: &str, params: Raw<'_>, form: Form) -> std::io::Result<()> {
    match form {
        Form::Json => {
            output::line(&format!("{{\"method\":{},\"params\":{}}}", serde_json::json!(method), params.as_str()))
        }
        Form::Text => match method {
            "session/update" => update(params),
            "session/request_permission" => permission(params),
            TURN_ENDED => {
                let outcome = string(params, &["outcome"]);
                output::line(&format!("\n[turn {outcome}]"))
            }
            _ => Ok(()),
        },
    }
}

fn update(params: Raw<'_>) -> std::io::Result<()> {
    match string(params, &["update", "sessionUpdate"]).as_str() {
        "agent_message_chunk" => output::text(&string(params, &["update", "content", "text"])),
        "user_message_chunk" => output::line(&format!("\n> {}", string(params, &["update", "content", "text"]))),
        "tool_call" => output::line(&format!("\n[{}]", string(params, &["update", "title"]))),
        _ => Ok(()),
    }
}

fn permission(params: Raw<'_>) -> std::io::Result<()> {
    output::line(&format!("\n[asks: {}]", string(params, &["toolCall", "title"])))
}

/// The string at a path; empty when there is none.
pub(super) fn string(value: Raw<'_>, path: &[&str]) -> String {
    value.path(path).and_then(Raw::as_string).map(String::from).unwrap_or_default()
}
