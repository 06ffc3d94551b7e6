//! Codex's answers for the user's decisions.

use acp_types::RawBuf;
use serde_json::{Value, json};

use super::forms::Form;
use crate::codex::wire;

/// Ids of the options.
pub(super) const ONCE: &str = "allow_once";
pub(super) const SESSION: &str = "allow_session";
pub(super) const RULE: &str = "allow_rule";
pub(super) const REJECT: &str = "reject";

/// Kind of a question.
#[derive(Debug)]
pub(super) enum Kind {
    Command { rule: Option<Value> },
    Files,
    Permissions(Value),
    McpTool,
    Form(Form),
}

/// Codex's answer for a choice; an unknown choice cancels.
pub(super) fn decision(kind: &Kind, choice: &str) -> Value {
    match kind {
        Kind::Command { rule } => json!({ "decision": match (choice, rule) {
            (RULE, Some(rule)) => rule.clone(),
            _ => word(choice).into(),
        } }),
        Kind::Files => json!({ "decision": word(choice) }),
        Kind::Permissions(asked) => {
            let granted = if matches!(choice, ONCE | SESSION) { granted(asked) } else { json!({}) };
            json!({ "permissions": granted, "scope": if choice == SESSION { "session" } else { "turn" } })
        }
        Kind::McpTool => {
            let action = match choice {
                ONCE | SESSION => "accept",
                REJECT => "decline",
                _ => "cancel",
            };
            let meta = if choice == SESSION { json!({ "persist": "session" }) } else { Value::Null };
            json!({ "action": action, "content": if action == "accept" { json!({}) } else { Value::Null }, "_meta": meta })
        }
        Kind::Form(form) => form.declined(),
    }
}

fn word(choice: &str) -> &'static str {
    match choice {
        ONCE => "accept",
        SESSION => "acceptForSession",
        REJECT => "decline",
        _ => "cancel",
    }
}

/// The permissions that were asked for, and no others.
fn granted(asked: &Value) -> Value {
    let given = asked.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    Value::Object(given.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Answer to a question that comes while the turn is being stopped.
pub(super) fn stopped_answer(id: &RawBuf, method: &str) -> RawBuf {
    match method {
        "item/commandExecution/requestApproval" | "item/fileChange/requestApproval" => {
            wire::answer(id, &json!({ "decision": "cancel" }))
        }
        "item/permissions/requestApproval" => wire::answer(id, &json!({ "permissions": {}, "scope": "turn" })),
        "mcpServer/elicitation/request" => {
            wire::answer(id, &json!({ "action": "cancel", "content": null, "_meta": null }))
        }
        "item/tool/requestUserInput" => wire::answer(id, &json!({ "answers": {} })),
        _ => wire::refuse(id, "the turn is being stopped"),
    }
}
