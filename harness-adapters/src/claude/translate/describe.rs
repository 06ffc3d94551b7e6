//! A tool call before it has run: its kind, title, locations and content, from name and input.
//!
//! A person allows what runs. A title is the input itself, never the model's words for it, and says so where it
//! is cut off; a question also shows what of the input is in no title and in no diff.

use std::path::{Path, PathBuf};

use acp_types::v1;
use serde_json::{Map, Value};

/// A title is cut off after so many characters. A command of this length is hardly read; one that is longer must not
/// hide its end unnoticed.
const TITLE: usize = 4096;

/// A call as clients see it.
#[derive(Debug, Default)]
pub(super) struct Description {
    /// Its title, on one line.
    pub(super) title: String,
    /// Its kind.
    pub(super) kind: v1::ToolKind,
    /// Its locations.
    pub(super) locations: Vec<v1::ToolCallLocation>,
    /// Its content before it has run.
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
        "Skill" => {
            let skill = titled("Skill", text("skill").or_else(|| text("command")));
            text("args").map_or(skill.clone(), |args| format!("{skill} {args}"))
        }
        "ToolSearch" => titled("Look for tools", text("query")),
        "ExitPlanMode" => {
            if let Some(plan) = text("plan") {
                content.push(v1::ContentBlock::from(plan).into());
            }
            "Plan".to_owned()
        }
        "AskUserQuestion" => first_question(input).unwrap_or("Question").to_owned(),
        _ => match name.strip_prefix("mcp__").and_then(|name| name.split_once("__")) {
            Some((server, tool)) => format!("{server}: {tool}"),
            None => name.to_owned(),
        },
    };
    let line = input.get("offset").and_then(Value::as_u64).and_then(|line| u32::try_from(line).ok());
    let locations = path.map(|path| v1::ToolCallLocation::new(path).line(line)).into_iter().collect();
    Description { title: cut(title), kind, locations, content }
}

/// Describes a call of a tool that asks to be run: with whole paths, and with all of its input.
pub(super) fn question(name: &str, input: &Value, diff: Option<v1::Diff>, cwd: &Path) -> Description {
    let mut description = describe(name, input, Path::new(""));
    for location in &mut description.locations {
        location.path = cwd.join(&location.path);
    }
    if let Some(diff) = diff {
        description.content = vec![diff.into()];
    }
    if let Some(rest) = rest(name, input, &description.title) {
        description.content.push(v1::ContentBlock::from(rest).into());
    }
    description
}

/// The part of an input that is neither in the title nor in a diff, to be read before it is allowed.
fn rest(name: &str, input: &Value, title: &str) -> Option<String> {
    let Some(members) = input.as_object() else { return (!input.is_null()).then(|| json(input)) };
    let whole = |value: &Value| value.as_str().is_some_and(|text| title.ends_with(text));
    let is_shown = |key: &str, value: &Value| match (name, key) {
        // Neither changes what is done.
        ("Bash" | "PowerShell", "description" | "timeout") => true,
        ("Edit", "old_string" | "new_string") | ("Write", "content") | ("ExitPlanMode", "plan") => value.is_string(),
        ("Edit", "replace_all") => value != true,
        ("Read" | "NotebookRead", "offset" | "limit") => value.is_number(),
        ("Bash" | "PowerShell", "command")
        | ("Read" | "NotebookRead" | "Edit" | "Write" | "NotebookEdit", "file_path" | "notebook_path")
        | ("Grep" | "Glob", "pattern")
        | ("WebFetch", "url")
        | ("WebSearch" | "ToolSearch", "query") => whole(value),
        _ => false,
    };
    let rest: Map<_, _> = members.iter().filter(|(key, value)| !is_shown(key, value)).map(cloned).collect();
    (!rest.is_empty()).then(|| json(&Value::Object(rest)))
}

fn cloned((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

fn json(value: &Value) -> String {
    // The alternate form has a line for each member.
    format!("{value:#}")
}

/// Kind of a tool.
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

fn first_question(input: &Value) -> Option<&str> {
    input.pointer("/questions/0/question").and_then(Value::as_str)
}

/// A path as people in the workspace call it.
fn shown(path: &Path, cwd: &Path) -> String {
    path.strip_prefix(cwd).unwrap_or(path).display().to_string()
}

fn cut(title: String) -> String {
    match title.char_indices().nth(TITLE) {
        Some((at, _)) => {
            let (shown, hidden) = title.split_at(at);
            format!("{shown}… [cut off here, {} more characters]", hidden.chars().count())
        }
        None => title,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use acp_types::v1;
    use serde_json::{Value, json};

    use super::{TITLE, describe, question};

    fn asked(name: &str, input: &Value) -> (String, String) {
        let description = question(name, input, None, Path::new("/ws"));
        let texts = description.content.iter().filter_map(|content| match content {
            v1::ToolCallContent::Content(content) => match &content.content {
                v1::ContentBlock::Text(text) => Some(text.text.as_str()),
                _ => None,
            },
            _ => None,
        });
        (description.title, texts.collect())
    }

    #[test]
    fn the_words_of_the_model_do_not_stand_for_a_command() {
        let input = json!({ "command": "rm -rf /", "description": "List files" });
        assert_eq!(asked("Bash", &input), ("rm -rf /".to_owned(), String::new()));
        assert_eq!(describe("Bash", &input, Path::new("/ws")).title, "rm -rf /");
    }

    #[test]
    fn a_command_that_is_too_long_for_a_title_says_so_and_is_shown_whole() {
        let command = format!("echo {} && rm -rf /", "x".repeat(TITLE));
        let (title, content) = asked("Bash", &json!({ "command": command }));
        assert!(title.ends_with("[cut off here, 17 more characters]"), "{title}");
        assert_eq!(serde_json::from_str::<Value>(&content).expect("JSON")["command"], command);
    }

    #[test]
    fn what_changes_the_way_in_which_a_command_runs_is_shown() {
        let (_, content) = asked("Bash", &json!({ "command": "ls", "dangerouslyDisableSandbox": true }));
        assert_eq!(content, "{\n  \"dangerouslyDisableSandbox\": true\n}");
        let (title, content) = asked("Bash", &json!({ "command": ["ls"] }));
        assert_eq!((title.as_str(), content.contains("ls")), ("Bash", true));
    }

    #[test]
    fn a_question_has_whole_paths_and_all_arguments() {
        let write = json!({ "file_path": "/ws/a.txt", "content": "x" });
        assert_eq!(asked("Write", &write), ("Write /ws/a.txt".to_owned(), String::new()));
        assert_eq!(describe("Write", &write, Path::new("/ws")).title, "Write a.txt");
        let (title, content) = asked("mcp__demo__drop", &json!({ "table": "users" }));
        assert_eq!((title.as_str(), content.as_str()), ("demo: drop", "{\n  \"table\": \"users\"\n}"));
        let (_, content) = asked("Agent", &json!({ "description": "Look", "prompt": "Delete it" }));
        assert!(content.contains("Delete it"), "{content}");
    }
}
