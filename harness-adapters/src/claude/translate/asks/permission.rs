//! What can be chosen when a tool asks to be run.

use acp_types::v1;
use serde_json::{Value, json};

use crate::claude::translate::describe;
use crate::claude::wire::control::CanUseTool;

/// Rules are named in a label up to this many characters.
const LABEL: usize = 60;

/// One thing that can be chosen.
#[derive(Debug, PartialEq)]
pub(super) struct Choice {
    /// Its id for the client.
    pub(super) id: &'static str,
    kind: v1::PermissionOptionKind,
    name: String,
    /// Changes of permissions that come with it.
    pub(super) updates: Vec<Value>,
    /// The same call is allowed from now on.
    pub(super) remembers: bool,
}

impl Choice {
    fn new(id: &'static str, kind: v1::PermissionOptionKind, name: impl Into<String>) -> Self {
        Self { id, kind, name: name.into(), updates: Vec::new(), remembers: false }
    }

    pub(super) fn option(&self) -> v1::PermissionOption {
        v1::PermissionOption::new(self.id, self.name.clone(), self.kind)
    }

    pub(super) fn allows(&self) -> bool {
        matches!(self.kind, v1::PermissionOptionKind::AllowOnce | v1::PermissionOptionKind::AllowAlways)
    }
}

/// The choices for a call. None of them writes a file: what is to last, lasts for the session.
pub(super) fn choices(tool: &CanUseTool) -> Vec<Choice> {
    use v1::PermissionOptionKind::{AllowAlways, AllowOnce, RejectOnce};
    if tool.tool_name == "ExitPlanMode" {
        let mut edits = Choice::new("accept_edits", AllowAlways, "Accept the plan, and edits without asking");
        edits.updates.push(mode("acceptEdits"));
        let mut ask = Choice::new("accept", AllowOnce, "Accept the plan, and ask before each change");
        ask.updates.push(mode("default"));
        return vec![edits, ask, Choice::new("reject", RejectOnce, "Keep planning")];
    }
    let mut choices = vec![Choice::new("allow_once", AllowOnce, "Allow once")];
    if !tool.suppress_always_allow_rule {
        let mut same = Choice::new("allow_session", AllowAlways, "Allow for this session");
        same.remembers = true;
        choices.push(same);
        let (modes, rules): (Vec<_>, Vec<_>) =
            tool.permission_suggestions.iter().partition(|suggestion| kind(suggestion) == Some("setMode"));
        if let Some(label) = rules.iter().find_map(|rule| rule_label(rule)) {
            let name = format!("Allow {label} for this session");
            let mut choice = Choice::new("allow_rule", AllowAlways, name);
            choice.updates = rules.into_iter().map(for_session).collect();
            choices.push(choice);
        }
        if modes.iter().any(|suggestion| suggestion.get("mode").and_then(Value::as_str) == Some("acceptEdits")) {
            let mut choice = Choice::new("accept_edits", AllowAlways, "Allow and accept edits in this session");
            choice.updates.push(mode("acceptEdits"));
            choices.push(choice);
        }
    }
    choices.push(Choice::new("reject", RejectOnce, "Reject"));
    choices
}

/// What makes two calls the same for "for this session".
pub(super) fn key(tool: &CanUseTool) -> String {
    let mut input = tool.input.clone();
    if let Some(members) = input.as_object_mut() {
        match tool.tool_name.as_str() {
            // Neither changes what is done.
            "Bash" | "PowerShell" => members.retain(|key, _| !matches!(key.as_str(), "description" | "timeout")),
            // It is the file that is allowed.
            "Edit" | "Write" => {
                members.retain(|key, _| key == "file_path");
                return format!("edit {input}");
            }
            _ => {}
        }
    }
    format!("{} {input}", tool.tool_name)
}

/// A call that nobody spoke of before it asked.
pub(super) fn unknown_call(tool: &CanUseTool, request_id: &str) -> v1::ToolCallUpdate {
    let description = describe::describe(&tool.tool_name, &tool.input, std::path::Path::new("/"));
    let fields = v1::ToolCallUpdateFields::new()
        .title(description.title)
        .kind(description.kind)
        .status(v1::ToolCallStatus::Pending)
        .locations(description.locations)
        .raw_input(tool.input.clone());
    let id = tool.tool_use_id.clone().unwrap_or_else(|| request_id.to_owned());
    v1::ToolCallUpdate::new(id, fields)
}

fn mode(mode: &str) -> Value {
    json!({ "type": "setMode", "mode": mode, "destination": "session" })
}

fn kind(suggestion: &Value) -> Option<&str> {
    suggestion.get("type").and_then(Value::as_str)
}

fn for_session(suggestion: &Value) -> Value {
    let mut suggestion = suggestion.clone();
    if let Some(members) = suggestion.as_object_mut() {
        members.insert("destination".to_owned(), "session".into());
    }
    suggestion
}

/// What a suggestion allows.
fn rule_label(suggestion: &Value) -> Option<String> {
    if kind(suggestion) == Some("addDirectories") {
        let directory = suggestion.pointer("/directories/0").and_then(Value::as_str)?;
        return Some(format!("access to {}", cut(directory)));
    }
    if kind(suggestion) != Some("addRules") || suggestion.get("behavior").and_then(Value::as_str) != Some("allow") {
        return None;
    }
    let rules = suggestion.get("rules").and_then(Value::as_array)?.iter().filter_map(|rule| {
        let content = rule.get("ruleContent").and_then(Value::as_str);
        let tool = rule.get("toolName").and_then(Value::as_str)?;
        Some(match (tool, content) {
            ("Bash", Some(content)) => format!("`{content}`"),
            (tool, Some(content)) => format!("{tool} `{content}`"),
            (tool, None) => tool.to_owned(),
        })
    });
    let rules = rules.collect::<Vec<_>>().join(", ");
    (!rules.is_empty()).then(|| cut(&rules))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LABEL) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{choices, key};
    use crate::claude::wire::control::CanUseTool;

    fn tool(name: &str, input: Value, suggestions: Value) -> CanUseTool {
        let tool = json!({ "tool_name": name, "input": input, "permission_suggestions": suggestions });
        serde_json::from_value(tool).expect("a request")
    }

    #[test]
    fn nothing_that_can_be_chosen_is_written_into_a_file() {
        let suggestions = json!([
            { "type": "addRules", "rules": [{ "toolName": "Bash", "ruleContent": "touch *" }], "behavior": "allow",
              "destination": "localSettings" },
            { "type": "addDirectories", "directories": ["/ws"], "destination": "userSettings" },
            { "type": "setMode", "mode": "acceptEdits", "destination": "projectSettings" },
        ]);
        let choices = choices(&tool("Bash", json!({ "command": "touch a" }), suggestions));
        let ids: Vec<_> = choices.iter().map(|choice| choice.id).collect();
        assert_eq!(ids, ["allow_once", "allow_session", "allow_rule", "accept_edits", "reject"]);
        assert_eq!(choices[2].name, "Allow `touch *` for this session");
        for update in choices.iter().flat_map(|choice| &choice.updates) {
            assert_eq!(update["destination"], "session", "{update}");
        }
    }

    #[test]
    fn what_must_be_asked_each_time_cannot_be_allowed_for_longer() {
        let mut tool = tool("Bash", json!({}), json!([]));
        tool.suppress_always_allow_rule = true;
        let ids: Vec<_> = choices(&tool).into_iter().map(|choice| choice.id).collect();
        assert_eq!(ids, ["allow_once", "reject"]);
    }

    #[test]
    fn a_command_is_the_same_whatever_it_is_called() {
        let one = tool("Bash", json!({ "command": "ls", "description": "a" }), json!([]));
        let two = tool("Bash", json!({ "command": "ls", "description": "b" }), json!([]));
        let other = tool("Bash", json!({ "command": "ls -l" }), json!([]));
        assert_eq!(key(&one), key(&two));
        assert_ne!(key(&one), key(&other));
    }
}
