//! Messages of a session as text or JSON lines.

use acp_server::proto::Event;
use acp_types::meta::{CAUGHT_UP, TURN_ENDED};
use acp_types::method::v1;
use acp_types::record::body::Outcome;
use acp_types::record::{Kind, Record, Seq};
use acp_types::{Raw, SessionId, printable};

use super::output;
use crate::view::v1::turn_ended;

/// Form in which messages are shown.
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
        Kind::Update => message(v1::SessionUpdate::NAME, body, form),
        Kind::PermissionRequested => message(v1::RequestPermission::NAME, body, form),
        Kind::Request | Kind::Extension => {
            let params = body.member("params").unwrap_or(Raw::EMPTY_OBJECT);
            message(&string(body, &["method"]), params, form)
        }
        Kind::TurnEnded => {
            let ended = record.turn.zip(record.decode::<Outcome>().ok());
            let told = ended.and_then(|(turn, outcome)| turn_ended(session, turn, &outcome, record));
            told.map_or(Ok(()), |(method, params)| message(method, params.as_raw(), form))
        }
        _ => Ok(()),
    }
}

/// Prints that what follows is live.
pub(super) fn caught_up(session: &SessionId, seq: Seq, form: Form) -> std::io::Result<()> {
    let params = serde_json::json!({ "sessionId": session, "seq": seq }).to_string();
    message(CAUGHT_UP, Raw::trusted(&params), form)
}

fn message(method: &str, params: Raw<'_>, form: Form) -> std::io::Result<()> {
    match form {
        Form::Json => {
            output::json(&format!("{{\"method\":{},\"params\":{}}}", serde_json::json!(method), params.as_str()))
        }
        Form::Text => match method {
            v1::SessionUpdate::NAME => update(params),
            v1::RequestPermission::NAME => permission(params),
            TURN_ENDED => {
                let outcome = line(params, &["outcome"]);
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
        "tool_call" => output::line(&format!("\n[{}]", line(params, &["update", "title"]))),
        _ => Ok(()),
    }
}

/// Prints what an agent asks permission for: the title that it gives, and the whole command that it wants to run.
fn permission(params: Raw<'_>) -> std::io::Result<()> {
    output::line(&format!("\n[asks: {}]", line(params, &["toolCall", "title"])))?;
    let command = params.path(&["toolCall", "rawInput", "command"]).filter(|command| !command.is_null());
    let Some(command) = command else { return Ok(()) };
    let command = command.as_string().unwrap_or_else(|| command.as_str().into());
    output::line("  command:")?;
    command.lines().try_for_each(|part| output::line(&format!("  | {}", printable::line(part))))
}

/// One way to answer a permission request, with its number: its name as the agent has it, and its kind as ACP has it,
/// which decides.
pub(super) fn option(number: usize, name: &str, kind: &str) -> String {
    let kind = match kind {
        "" => "no kind".into(),
        kind => printable::line(kind).replace('_', " "),
    };
    format!("  {number}) {} ({kind})", printable::line(name))
}

/// The string at a path, fit for one line.
fn line(value: Raw<'_>, path: &[&str]) -> String {
    printable::line(&string(value, path)).into_owned()
}

/// The string at a path; empty when there is none.
pub(super) fn string(value: Raw<'_>, path: &[&str]) -> String {
    value.path(path).and_then(Raw::as_string).map(String::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::option;

    #[test]
    fn an_option_is_shown_with_its_kind_whatever_its_name_says() {
        assert_eq!(option(1, "Yes", "allow_always"), "  1) Yes (allow always)");
        let name = "No (reject once)\r\x1b[2K  2) No";
        assert_eq!(option(2, name, "allow_once"), r"  2) No (reject once)\r\x1b[2K  2) No (allow once)");
        assert_eq!(option(3, "Maybe", ""), "  3) Maybe (no kind)");
    }
}
