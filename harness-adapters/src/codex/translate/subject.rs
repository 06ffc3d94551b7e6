//! The subject of a question: exactly what will be done, and exactly what each choice allows.

use acp_types::v1::{ToolCallUpdateFields, ToolKind};
use serde_json::{Value, json};

use super::words;
use crate::codex::wire::{CommandAsk, FileAsk, NetworkAmendment, PermissionsAsk};

/// The names of the choices to allow something.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Labels {
    pub(super) once: String,
    pub(super) session: String,
    /// Label of the choice that lasts, if there is one.
    pub(super) rule: Option<String>,
}

impl Default for Labels {
    fn default() -> Self {
        Self { once: "Allow once".to_owned(), session: "Allow for this session".to_owned(), rule: None }
    }
}

impl Labels {
    /// Adds to the labels what else is allowed.
    fn with(self, more: &[String]) -> Self {
        if more.is_empty() {
            return self;
        }
        let more = more.join(", ");
        let add = |name: String| format!("{name}, with {more}");
        Self { once: add(self.once), session: add(self.session), rule: self.rule.map(add) }
    }
}

/// A command, or what a command that runs wants to do; with the rule that would allow it for good.
pub(super) fn command(ask: CommandAsk) -> (ToolCallUpdateFields, Labels, Option<Value>) {
    let network = ask.network_approval_context.filter(|network| !network.host.is_empty());
    let command = ask.command.as_deref().map(words::unwrapped);
    let title = match (&network, &command, ask.kind.as_deref()) {
        (Some(network), ..) => match &network.protocol {
            Some(protocol) => format!("Network access to {} ({protocol})", network.host),
            None => format!("Network access to {}", network.host),
        },
        (None, Some(input), Some("writeStdin")) => format!("Input to a running command: {input}"),
        (None, Some(command), _) => command.clone().into_owned(),
        (None, None, _) => "A command that Codex does not name".to_owned(),
    };
    let mut raw = json!({ "command": command, "cwd": ask.cwd, "reason": ask.reason });
    if let Some(network) = &network {
        raw["host"] = network.host.clone().into();
        raw["protocol"] = network.protocol.clone().into();
    }
    let mut more = Vec::new();
    if let Some(permissions) = ask.additional_permissions.filter(|permissions| !permissions.is_null()) {
        more = described(&permissions);
        raw["additionalPermissions"] = permissions;
    }
    let hosts = ask.proposed_network_policy_amendments.unwrap_or_default().into_iter();
    let host = hosts.into_iter().find(|rule| rule.action == "allow").filter(|_| network.is_some());
    let prefix = ask.proposed_execpolicy_amendment.filter(|words| !words.is_empty() && network.is_none());
    let (rule, label) = match (host, prefix) {
        (Some(NetworkAmendment { host, action }), _) => {
            let label = format!("Always allow network access to `{host}`");
            let rule = json!({ "host": host, "action": action });
            (Some(json!({ "applyNetworkPolicyAmendment": { "network_policy_amendment": rule } })), Some(label))
        }
        (None, Some(prefix)) => {
            let label = format!("Always allow commands that start with `{}`", words::join(&prefix));
            let rule = json!({ "acceptWithExecpolicyAmendment": { "execpolicy_amendment": prefix } });
            (Some(rule), Some(label))
        }
        (None, None) => (None, None),
    };
    let labels = Labels { rule: label, ..Labels::default() }.with(&more);
    (ToolCallUpdateFields::new().kind(ToolKind::Execute).title(title).raw_input(raw), labels, rule)
}

/// A change of files; `changes` are those of its item, if that is known.
pub(super) fn files(ask: &FileAsk, changes: Option<&Value>) -> (ToolCallUpdateFields, Labels) {
    let mut fields = ToolCallUpdateFields::new().kind(ToolKind::Edit);
    if changes.is_none() {
        fields = fields.title("A change of files that Codex does not name".to_owned());
    }
    if ask.reason.is_some() || ask.grant_root.is_some() {
        let raw = json!({ "changes": changes, "reason": ask.reason, "grantRoot": ask.grant_root });
        fields = fields.raw_input(raw);
    }
    let mut labels = Labels::default();
    if let Some(root) = &ask.grant_root {
        labels.session = format!("Allow all changes below `{root}` for this session");
    }
    (fields, labels)
}

/// More permissions for what comes.
pub(super) fn permissions(ask: &PermissionsAsk) -> ToolCallUpdateFields {
    let asked = described(&ask.permissions);
    let title = if asked.is_empty() { "More permissions".to_owned() } else { format!("Allow {}", asked.join(", ")) };
    ToolCallUpdateFields::new()
        .kind(ToolKind::Other)
        .title(title)
        .raw_input(json!({ "reason": ask.reason, "permissions": ask.permissions }))
}

/// A tool of an MCP server.
pub(super) fn mcp_tool(server: &str, tool: &str, arguments: Option<&Value>) -> ToolCallUpdateFields {
    let raw = json!({ "server": server, "tool": tool, "arguments": arguments });
    ToolCallUpdateFields::new().kind(ToolKind::Other).title(format!("{server}.{tool}")).raw_input(raw)
}

/// Permissions in words; what has no words is told as it is.
fn described(permissions: &Value) -> Vec<String> {
    let mut words = Vec::new();
    for (key, value) in permissions.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        match (key.as_str(), value) {
            ("network", value) if value.get("enabled").is_some_and(Value::is_boolean) => {
                if value["enabled"] == true {
                    words.push("network access".to_owned());
                }
            }
            ("fileSystem", Value::Object(kinds)) => {
                for (kind, what) in kinds.iter().filter(|(_, what)| !what.is_null()) {
                    words.extend(what.as_array().map_or_else(
                        || vec![format!("{kind} {what}")],
                        |entries| entries.iter().map(|entry| file_access(kind, entry)).collect(),
                    ));
                }
            }
            (key, value) => words.push(format!("{key} {value}")),
        }
    }
    words
}

/// `write /x`.
fn file_access(kind: &str, entry: &Value) -> String {
    let path = entry.as_str().or_else(|| entry.pointer("/path/path")?.as_str());
    match (path, entry.get("access").and_then(Value::as_str)) {
        (Some(path), access) => format!("{} {path}", access.unwrap_or(kind)),
        (None, _) => format!("{kind} {entry}"),
    }
}
