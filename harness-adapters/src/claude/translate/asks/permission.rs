//! Choices when a tool asks to be run. A choice that lasts says exactly what it allows, and for how long.

use acp_types::v1;
use serde_json::{Value, json};

use crate::claude::translate::options::Mode;
use crate::claude::wire::control::CanUseTool;

/// Rules that take more characters than this to be named are not offered: a name must not hide a part of them.
const LABEL: usize = 400;

/// A choice of the user.
#[derive(Debug, PartialEq)]
pub(super) struct Choice {
    /// Its id for the client.
    pub(super) id: &'static str,
    kind: v1::PermissionOptionKind,
    name: String,
    /// Changes of permissions that come with it.
    pub(super) updates: Vec<Value>,
    /// True if the same call is allowed from now on.
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

/// The choices for a call. None of them writes a file: what is to last, lasts for the session. `planned_from` is the mode
/// in which the session was before it planned.
pub(super) fn choices(tool: &CanUseTool, planned_from: Mode) -> Vec<Choice> {
    use v1::PermissionOptionKind::{AllowAlways, AllowOnce, RejectOnce};
    if tool.tool_name == "ExitPlanMode" {
        return plan(planned_from);
    }
    let mut choices = vec![Choice::new("allow_once", AllowOnce, "Allow once")];
    if !tool.suppress_always_allow_rule {
        let mut same = Choice::new("allow_session", AllowAlways, format!("Allow {} for this session", same(tool)));
        same.remembers = true;
        choices.push(same);
        let rules = tool.permission_suggestions.iter().filter_map(|rule| Some((label(rule)?, for_session(rule))));
        let (labels, updates): (Vec<_>, Vec<_>) = rules.unzip();
        let labels = labels.join(" and ");
        if !labels.is_empty() && labels.chars().count() <= LABEL {
            let mut choice = Choice::new("allow_rule", AllowAlways, format!("Allow {labels} for this session"));
            choice.updates = updates;
            choices.push(choice);
        }
        let edits = |suggestion: &Value| {
            kind(suggestion) == Some("setMode") && suggestion.get("mode").and_then(Value::as_str) == Some("acceptEdits")
        };
        if tool.permission_suggestions.iter().any(edits) {
            let name = "Allow, and accept edits for this session (mode acceptEdits)";
            let mut choice = Choice::new("accept_edits", AllowAlways, name);
            choice.updates.push(mode(Mode::AcceptEdits));
            choices.push(choice);
        }
    }
    choices.push(Choice::new("reject", RejectOnce, "Reject"));
    choices
}

/// The choices for a plan: first, to go on as before it.
fn plan(planned_from: Mode) -> Vec<Choice> {
    use v1::PermissionOptionKind::{AllowAlways, AllowOnce, RejectOnce};
    let mut modes = vec![planned_from];
    modes.extend([Mode::AcceptEdits, Mode::Default].into_iter().filter(|mode| *mode != planned_from));
    let mut choices: Vec<_> = modes
        .into_iter()
        .map(|to| {
            let (id, kind, name) = match to {
                Mode::Default | Mode::Plan => ("accept", AllowOnce, "Accept the plan, and ask before each change"),
                Mode::AcceptEdits => ("accept_edits", AllowAlways, "Accept the plan, and edits without asking"),
                Mode::DontAsk => {
                    ("accept_dont_ask", AllowOnce, "Accept the plan, and refuse what is not allowed already")
                }
                Mode::Auto => {
                    ("accept_auto", AllowAlways, "Accept the plan, and let a second model decide (mode auto)")
                }
                Mode::BypassPermissions => {
                    ("accept_bypass", AllowAlways, "Accept the plan, and allow everything (mode bypassPermissions)")
                }
            };
            let mut choice = Choice::new(id, kind, name);
            choice.updates.push(mode(to));
            choice
        })
        .collect();
    choices.push(Choice::new("reject", RejectOnce, "Keep planning"));
    choices
}

/// Description of a choice that is remembered. It says the same as [`key`].
fn same(tool: &CanUseTool) -> String {
    match tool.tool_name.as_str() {
        "Bash" | "PowerShell" => "this exact command".to_owned(),
        "Edit" | "Write" => match tool.input.get("file_path").and_then(Value::as_str) {
            Some(path) => format!("all edits of {path}"),
            None => "this exact call".to_owned(),
        },
        _ => "this exact call".to_owned(),
    }
}

/// Key of a call: calls with the same key are the same for "for this session".
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

fn mode(mode: Mode) -> Value {
    json!({ "type": "setMode", "mode": mode.id(), "destination": "session" })
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

/// All that a suggestion allows, in the program's own notation; `None` for one that is not offered.
fn label(suggestion: &Value) -> Option<String> {
    let list = |key: &str| suggestion.get(key).and_then(Value::as_array);
    let labels: Vec<String> = match kind(suggestion)? {
        "addDirectories" => {
            let directories = list("directories")?.iter();
            directories.map(|it| it.as_str().map(|it| format!("access to {it}"))).collect::<Option<_>>()?
        }
        "addRules" if suggestion.get("behavior").and_then(Value::as_str) == Some("allow") => {
            list("rules")?.iter().map(rule).collect::<Option<_>>()?
        }
        _ => return None,
    };
    (!labels.is_empty()).then(|| labels.join(", "))
}

fn rule(rule: &Value) -> Option<String> {
    let tool = rule.get("toolName").and_then(Value::as_str)?;
    Some(match rule.get("ruleContent") {
        None | Some(Value::Null) => tool.to_owned(),
        Some(content) => format!("{tool}({})", content.as_str()?),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{choices, key};
    use crate::claude::translate::options::Mode;
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
        let choices = choices(&tool("Bash", json!({ "command": "touch a" }), suggestions), Mode::Default);
        let ids: Vec<_> = choices.iter().map(|choice| choice.id).collect();
        assert_eq!(ids, ["allow_once", "allow_session", "allow_rule", "accept_edits", "reject"]);
        assert_eq!(choices[2].name, "Allow Bash(touch *) and access to /ws for this session");
        for update in choices.iter().flat_map(|choice| &choice.updates) {
            assert_eq!(update["destination"], "session", "{update}");
        }
    }

    #[test]
    fn what_must_be_asked_each_time_cannot_be_allowed_for_longer() {
        let mut tool = tool("Bash", json!({}), json!([]));
        tool.suppress_always_allow_rule = true;
        let ids: Vec<_> = choices(&tool, Mode::Default).into_iter().map(|choice| choice.id).collect();
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
