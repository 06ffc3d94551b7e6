//! What a tool call looks like before it has run: its kind, title, places and content, from name and input.

use std::path::{Path, PathBuf};

use acp_types::v1;
use serde_json::Value;

/// Titles are for one line.
const TITLE: usize = 400;

/// A call as clients see it.
#[derive(Debug, Default)]
pub(super) struct Description {
    /// What it does, in a line.
    pub(super) title: String,
    /// What sort of thing it does.
    pub(super) kind: v1::ToolKind,
    /// Where.
    pub(super) locations: Vec<v1::ToolCallLocation>,
    /// What is to be seen of it before it has run.
    pub(super) content: Vec<v1::ToolCallContent>,
}

/// Describes a call of a tool.
pub(super) fn describe(name: &str, input: &Value, cwd: &Path) -> Description {
    let text = |key: &str| input.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let kind = kind(name);
    let path = text("file_path").or_else(|| text("notebook_path")).map(|path| cwd.join(path));
    let titled = |verb: &str, what: Option<&str>| what.map_or_else(|| name.to_owned(), |what| format!("{verb} {what}"));
    let on_file = |verb: &str| titled(verb, path.as_ref().map(|path| shown(path, cwd)).as_deref());
    let mut content = Vec::new();
    let title = match name {
        "Bash" | "PowerShell" => text("command").unwrap_or(name).to_owned(),
        "Read" | "NotebookRead" => on_file("Read"),
        "Edit" => {
            if let (Some(path), Some(new)) = (&path, input.get("new_string").and_then(Value::as_str)) {
                let old = text("old_string").map(str::to_owned);
                content.push(v1::Diff::new(path.clone(), new).old_text(old).into());
            }
            on_file("Edit")
        }
        "NotebookEdit" => on_file("Edit"),
        "Write" => {
            if let (Some(path), Some(new)) = (&path, input.get("content").and_then(Value::as_str)) {
                content.push(v1::Diff::new(path.clone(), new).into());
            }
            on_file("Write")
        }
        "Grep" | "Glob" => titled("Search", text("pattern")),
        "WebFetch" => titled("Fetch", text("url")),
        "WebSearch" => titled("Search the web for", text("query")),
        "Agent" | "Task" => text("description").unwrap_or("Agent").to_owned(),
        "Skill" => titled("Skill", text("skill").or_else(|| text("command"))),
        "ToolSearch" => titled("Look for tools", text("query")),
        "ExitPlanMode" => {
            if let Some(plan) = text("plan") {
                content.push(v1::ContentBlock::from(plan).into());
            }
            "Plan".to_owned()
        }
        "AskUserQuestion" => question(input).unwrap_or("Question").to_owned(),
        _ => match name.strip_prefix("mcp__").and_then(|name| name.split_once("__")) {
            Some((server, tool)) => format!("{server}: {tool}"),
            None => name.to_owned(),
        },
    };
    let line = input.get("offset").and_then(Value::as_u64).and_then(|line| u32::try_from(line).ok());
    let locations = path.map(|path| v1::ToolCallLocation::new(path).line(line)).into_iter().collect();
    Description { title: cut(title), kind, locations, content }
}

/// What sort of tool it is.
pub(super) fn kind(name: &str) -> v1::ToolKind {
    match name {
        "Bash" | "PowerShell" | "BashOutput" | "TaskOutput" | "KillShell" | "TaskStop" | "Monitor" => {
            v1::ToolKind::Execute
        }
        "Read" | "NotebookRead" => v1::ToolKind::Read,
        "Edit" | "Write" | "NotebookEdit" => v1::ToolKind::Edit,
        "Grep" | "Glob" | "ToolSearch" => v1::ToolKind::Search,
        "WebFetch" | "WebSearch" => v1::ToolKind::Fetch,
        "Agent" | "Task" => v1::ToolKind::Think,
        "ExitPlanMode" | "EnterPlanMode" => v1::ToolKind::SwitchMode,
        _ => v1::ToolKind::Other,
    }
}

/// The file that a call is about.
pub(super) fn file(input: &Value, cwd: &Path) -> Option<PathBuf> {
    input.get("file_path").and_then(Value::as_str).map(|path| cwd.join(path))
}

fn question(input: &Value) -> Option<&str> {
    input.pointer("/questions/0/question").and_then(Value::as_str)
}

/// A path as people in the workspace call it.
fn shown(path: &Path, cwd: &Path) -> String {
    path.strip_prefix(cwd).unwrap_or(path).display().to_string()
}

fn cut(title: String) -> String {
    match title.char_indices().nth(TITLE) {
        Some((at, _)) => format!("{}…", &title[..at]),
        None => title,
    }
}
