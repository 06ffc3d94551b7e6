//! Messages of a session as text or JSON lines.

use acp_server::proto::Event;
use acp_types::Raw;

use super::output;

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
    let params = params.unwrap_or(Raw::EMPTY_OBJECT);
    match form {
        Form::Json => {
            output::line(&format!("{{\"method\":{},\"params\":{}}}", serde_json::json!(method), params.as_str()))
        }
        Form::Text => match method {
            "session/update" => update(params),
            "session/request_permission" => permission(params),
            "_acp-bridge/turn_ended" => {
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
