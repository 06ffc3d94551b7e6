//! Slash commands. Codex has none on the wire; each is done by its native method and ends as a turn does.

use std::fmt::Write;
use std::path::Path;

use acp_types::v1::{self, AvailableCommand, AvailableCommandInput, ContentBlock, SessionUpdate};
use serde::Deserialize;
use serde_json::{Value, json};

use super::setup::{ServerNames, Skill};
use crate::codex::options::Settings;
use crate::codex::wire::{self, Message, Page};

/// The commands: name, description and hint for the input.
const COMMANDS: [(&str, &str, Option<&str>); 12] = [
    ("compact", "Summarise the conversation to free its context", None),
    ("review", "Review the changes that are not committed", Some("what to look at instead")),
    ("review-branch", "Review the changes since a branch", Some("branch")),
    ("review-commit", "Review a commit", Some("commit")),
    ("plan", "Work out a plan before anything is changed", Some("what to plan")),
    ("goal", "Show, set or change what Codex works towards by itself", Some("goal, pause, resume or clear")),
    ("init", "Write an AGENTS.md for the repository", None),
    ("status", "Show model, mode and usage", None),
    ("mcp", "Show the MCP servers and their tools", None),
    ("skills", "Show the skills", None),
    ("rename", "Give the session a title", Some("title")),
    ("logout", "Log out of Codex", None),
];

/// Prompt of `/init`.
pub(super) const INIT: &str = "Write a file AGENTS.md in the root of this repository: a short guide for coding agents that work in it. \
Look at the repository first. Say how it is laid out, how to build, test and lint it, which conventions its code and its \
commits follow, and what else somebody new has to know. Write only what you have found. If there is an AGENTS.md already, \
correct and complete it; do not replace what is right.";

/// A command with its input.
#[derive(Debug, PartialEq)]
pub(super) enum Slash {
    Compact,
    Review(Value),
    Plan(String),
    Goal(String),
    Init,
    Status,
    Mcp,
    Skills,
    Rename(String),
    Logout,
    Skill(Skill, String),
}

/// The update that tells the client of all commands.
pub(crate) fn available(skills: &[Skill]) -> SessionUpdate {
    let command = |name: &str, description: &str, hint: Option<&str>| {
        let input = hint.map(|hint| AvailableCommandInput::Unstructured(v1::UnstructuredCommandInput::new(hint)));
        AvailableCommand::new(name, description).input(input)
    };
    let ours = COMMANDS.iter().map(|(name, description, hint)| command(name, description, *hint));
    let skills = skills.iter().map(|skill| command(&skill.name, &skill.description, Some("what to do with it")));
    SessionUpdate::AvailableCommandsUpdate(v1::AvailableCommandsUpdate::new(ours.chain(skills).collect()))
}

impl Slash {
    /// The command that a prompt begins with.
    pub(super) fn of(prompt: &[ContentBlock], skills: &[Skill]) -> Option<Self> {
        let Some(ContentBlock::Text(first)) = prompt.first() else { return None };
        let line = first.text.strip_prefix('/')?;
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim().to_owned();
        Some(match name {
            "compact" => Self::Compact,
            "review" if rest.is_empty() => Self::Review(json!({ "type": "uncommittedChanges" })),
            "review" => Self::Review(json!({ "type": "custom", "instructions": rest })),
            "review-branch" if !rest.is_empty() => Self::Review(json!({ "type": "baseBranch", "branch": rest })),
            "review-commit" if !rest.is_empty() => {
                Self::Review(json!({ "type": "commit", "sha": rest, "title": null }))
            }
            "plan" => Self::Plan(rest),
            "goal" => Self::Goal(rest),
            "init" => Self::Init,
            "logout" => Self::Logout,
            "status" => Self::Status,
            "mcp" => Self::Mcp,
            "skills" => Self::Skills,
            "rename" if !rest.is_empty() => Self::Rename(rest),
            name => Self::Skill(skills.iter().find(|skill| skill.name == name)?.clone(), rest),
        })
    }
}

/// Text of `/status`.
pub(super) fn status(thread: &str, cwd: &Path, settings: &Settings, tokens: u64) -> String {
    format!(
        "Session: {thread}\nWorkspace: {}\nModel: {}\nMode: {}{}\nTokens used: {tokens}",
        cwd.display(),
        settings.model(),
        settings.mode(),
        if settings.is_planning() { ", plan" } else { "" },
    )
}

/// Text of `/skills`.
pub(super) fn list_skills(skills: &[Skill]) -> String {
    if skills.is_empty() {
        return "There are no skills.".to_owned();
    }
    skills.iter().fold(String::new(), |mut list, skill| {
        let _ = writeln!(list, "- /{}: {}", skill.name, skill.description);
        list
    })
}

/// Text of `/mcp`, from the answer to `mcpServerStatus/list`.
pub(super) fn list_servers(message: &Message, names: &ServerNames) -> String {
    #[derive(Deserialize)]
    struct Server {
        name: String,
        #[serde(default)]
        tools: serde_json::Map<String, Value>,
    }
    let page: Option<Page<Server>> = wire::read(message.result.as_ref(), "mcpServerStatus/list");
    let servers = page.map(|page| page.data).unwrap_or_default();
    if servers.is_empty() {
        return "There are no MCP servers.".to_owned();
    }
    servers.iter().fold(String::new(), |mut list, server| {
        let tools: Vec<&str> = server.tools.keys().map(String::as_str).collect();
        let tools = if tools.is_empty() { "no tools".into() } else { tools.join(", ") };
        let _ = writeln!(list, "- {}: {tools}", names.of_client(&server.name));
        list
    })
}
