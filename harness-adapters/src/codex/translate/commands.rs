//! Slash commands. Codex has none on the wire; each is done by its native method and ends as a turn does.

use std::fmt::Write;

use acp_types::v1::{self, AvailableCommand, AvailableCommandInput, ContentBlock, SessionUpdate, StopReason};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::calls::{Purpose, refused};
use super::{Translator, input, text};
use crate::codex::wire::{self, Message, Page, UserInput};
use crate::translate::Effects;

/// Their names, what they do, and what they take.
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

/// What `/init` asks of the model.
const INIT: &str = "Write a file AGENTS.md in the root of this repository: a short guide for coding agents that work in it. \
Look at the repository first. Say how it is laid out, how to build, test and lint it, which conventions its code and its \
commits follow, and what else somebody new has to know. Write only what you have found. If there is an AGENTS.md already, \
correct and complete it; do not replace what is right.";

/// A skill that can be called like a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::codex) struct Skill {
    pub(in crate::codex) name: String,
    pub(in crate::codex) description: String,
    pub(in crate::codex) path: String,
}

/// A command with what it takes.
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

/// For `available_commands_update`.
pub(in crate::codex) fn available(skills: &[Skill]) -> SessionUpdate {
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

impl Translator {
    /// Does a command in place of a turn; it has begun.
    pub(super) fn command(&mut self, slash: Slash, prompt: &[ContentBlock], out: &mut Effects) {
        let thread = self.setup.thread.clone();
        match slash {
            Slash::Compact => {
                self.calls.call("thread/compact/start", &json!({ "threadId": thread }), Purpose::Start, out);
            }
            Slash::Review(target) => {
                let params = json!({ "threadId": thread, "target": target, "delivery": "inline" });
                self.calls.call("review/start", &params, Purpose::Start, out);
            }
            Slash::Plan(then) => self.plan_first(then, out),
            Slash::Goal(words) => self.goal(&words, out),
            Slash::Init => self.start(&[UserInput::text(INIT)], out),
            Slash::Logout => self.calls.call("account/logout", &Value::Null, Purpose::Logout, out),
            Slash::Status => self.say(&self.status(), out),
            Slash::Mcp => {
                let params = json!({ "threadId": thread });
                self.calls.call("mcpServerStatus/list", &params, Purpose::Servers, out);
            }
            Slash::Skills => self.say(&self.skills(), out),
            Slash::Rename(title) => {
                let params = json!({ "threadId": thread, "name": title });
                self.calls.call("thread/name/set", &params, Purpose::Aside, out);
                self.say(&format!("The session is called {title:?} now."), out);
            }
            Slash::Skill(skill, rest) => {
                let mut parts = vec![UserInput::Skill { name: skill.name, path: skill.path }];
                if !rest.is_empty() {
                    parts.push(UserInput::text(rest));
                }
                match prompt.get(1..).filter(|more| !more.is_empty()).map(input::user_input) {
                    Some(Err(failure)) => return self.end_turn(Err(failure), out),
                    Some(Ok(more)) => parts.extend(more),
                    None => {}
                }
                self.start(&parts, out);
            }
        }
    }

    /// Answers a command with a text.
    pub(super) fn say(&mut self, words: &str, out: &mut Effects) {
        let id = self.calls.unique();
        out.update(SessionUpdate::AgentMessageChunk(text::chunk(&id, words)));
        self.end_turn(Ok(StopReason::EndTurn), out);
    }

    fn status(&self) -> String {
        format!(
            "Session: {}\nWorkspace: {}\nModel: {}\nMode: {}{}\nTokens used: {}",
            self.setup.thread,
            self.setup.cwd.display(),
            self.settings.model(),
            self.settings.mode(),
            if self.settings.is_planning() { ", plan" } else { "" },
            self.usage.total(),
        )
    }

    fn skills(&self) -> String {
        if self.setup.skills.is_empty() {
            return "There are no skills.".to_owned();
        }
        self.setup.skills.iter().fold(String::new(), |mut list, skill| {
            let _ = writeln!(list, "- /{}: {}", skill.name, skill.description);
            list
        })
    }

    pub(super) fn servers_listed(&mut self, message: &Message, error: Option<&str>, out: &mut Effects) {
        #[derive(Deserialize)]
        struct Server {
            name: String,
            #[serde(default)]
            tools: serde_json::Map<String, Value>,
        }
        if let Some(error) = error {
            return self.end_turn(Err(refused(error)), out);
        }
        let page: Option<Page<Server>> = wire::read(message.result.as_ref(), "mcpServerStatus/list");
        let servers = page.map(|page| page.data).unwrap_or_default();
        if servers.is_empty() {
            return self.say("There are no MCP servers.", out);
        }
        let list = servers.iter().fold(String::new(), |mut list, server| {
            let tools: Vec<&str> = server.tools.keys().map(String::as_str).collect();
            let _ = writeln!(
                list,
                "- {}: {}",
                self.setup.server(&server.name),
                if tools.is_empty() { "no tools".into() } else { tools.join(", ") }
            );
            list
        });
        self.say(&list, out);
    }
}
