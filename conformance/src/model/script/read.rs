//! TOML to a script, strictly: what is not understood is an error that names its line.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Spanned, Table};

use super::part::{self, Call, End, Part};
use super::types::{Api, Prompt, Reply, Script, Side, Usage, Wanted};

/// Longest `pause_ms` and `every_ms`: an hour.
const MAX_MILLIS: u64 = 3_600_000;

/// Reason why a script cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// No TOML, or a key or value that does not belong where it stands. The text names the line.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// TOML that makes no sense as a script.
    #[error("line {line}: {message}")]
    Meaning {
        /// Counted from 1.
        line: usize,
        /// The fault, and what to write instead.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScript {
    #[serde(default)]
    prompt: Vec<Spanned<RawPrompt>>,
    #[serde(default)]
    usage: Usage,
    #[serde(default)]
    side: Side,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPrompt {
    #[serde(rename = "match")]
    wanted: String,
    api: Option<Api>,
    replies: Vec<Spanned<Vec<Spanned<Table>>>>,
    #[serde(default)]
    repeat: bool,
    #[serde(default)]
    by_history: bool,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// When the text is no TOML, has a key that no script has, or asks for what no response can be. The error names the
    /// line.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        script(text)
    }
}

fn script(text: &str) -> Result<Script, ScriptError> {
    let raw: RawScript = toml::from_str(text)?;
    let at = |offset: usize, message: String| {
        let before = text.as_bytes().iter().take(offset);
        ScriptError::Meaning { line: 1 + before.filter(|byte| **byte == b'\n').count(), message }
    };
    let mut prompts = Vec::new();
    for raw in raw.prompt {
        let start = raw.span().start;
        prompts.push(prompt(raw.into_inner(), start, &at)?);
    }
    Ok(Script { prompts, usage: raw.usage, side: raw.side })
}

fn prompt(raw: RawPrompt, start: usize, at: &impl Fn(usize, String) -> ScriptError) -> Result<Prompt, ScriptError> {
    if raw.wanted.is_empty() {
        return Err(at(start, "`match` is empty; write \"*\" to match every prompt".to_owned()));
    }
    if raw.replies.is_empty() {
        return Err(at(start, "`replies` is empty; write at least one reply".to_owned()));
    }
    let mut replies = Vec::new();
    for reply in raw.replies {
        let start = reply.span().start;
        let mut parts = Vec::new();
        for table in reply.into_inner() {
            let place = table.span().start;
            let part = part(table.into_inner()).map_err(|message| at(place, message))?;
            check_follows(&parts, &part).map_err(|message| at(place, message))?;
            parts.push(part);
        }
        if parts.is_empty() {
            return Err(at(start, "an empty reply; write at least one part".to_owned()));
        }
        replies.push(Reply::from(parts));
    }
    let wanted = if raw.wanted == "*" { Wanted::Any } else { Wanted::Containing(raw.wanted) };
    Ok(Prompt { wanted, api: raw.api, replies, repeat: raw.repeat, by_history: raw.by_history })
}

/// Checks that a part may come after those before it.
fn check_follows(before: &[Part], part: &Part) -> Result<(), String> {
    if let Some(Part::End(_)) = before.last() {
        return Err("nothing can come after the end of a reply".to_owned());
    }
    let said = before.iter().any(|part| !matches!(part, Part::Wait(_) | Part::Pause(_)));
    if said && matches!(part, Part::End(End::Status(_))) {
        return Err("`status` comes before the reply begins: only `wait` and `pause_ms` may precede it".to_owned());
    }
    Ok(())
}

/// The keys that say what a part is; all others are its options.
const HEADS: [&str; 28] = [
    "say",
    "think",
    "tell",
    "shell",
    "write",
    "edit",
    "delete",
    "move",
    "patch",
    "read",
    "plan",
    "question",
    "agent",
    "mcp",
    "exit_plan",
    "view_image",
    "tool",
    "code",
    "wait",
    "pause_ms",
    "endless",
    "status",
    "drop",
    "refuse",
    "failed",
    "sse_error",
    "incomplete",
    "wait_agents",
];

fn part(table: Table) -> Result<Part, String> {
    let mut heads = table.keys().map(String::as_str).filter(|key| HEADS.contains(key));
    let Some(head) = heads.next() else {
        return Err(format!("a part needs one of {}", HEADS.join(", ")));
    };
    if let Some(other) = heads.next() {
        return Err(format!("`{head}` and `{other}` in one part; write two parts"));
    }
    let head = head.to_owned();
    build(&head, table).map_err(|message| format!("`{head}`: {message}"))
}

fn build(head: &str, table: Table) -> Result<Part, String> {
    Ok(match head {
        "say" => Part::Say(only(head, table)?),
        "think" => Part::Think(only(head, table)?),
        "tell" => Part::Tell(only(head, table)?),
        "wait" => Part::Wait(gate(only(head, table)?)?),
        "pause_ms" => Part::Pause(Duration::from_millis(millis(only(head, table)?)?)),
        "drop" => match only(head, table)? {
            true => Part::End(End::Drop),
            false => return Err("write `drop = true`".to_owned()),
        },
        "endless" => {
            let endless: part::Endless = all(table)?;
            millis(endless.every_ms)?;
            Part::End(End::Endless(endless))
        }
        "status" => {
            let status: part::Status = all(table)?;
            if !(400..=599).contains(&status.code) {
                return Err(format!("{} is no HTTP error; write 400 to 599", status.code));
            }
            Part::End(End::Status(status))
        }
        "refuse" => Part::End(End::Refuse(only(head, table)?)),
        "failed" => Part::End(End::Failed(all(table)?)),
        "sse_error" => Part::End(End::SseError(only(head, table)?)),
        "incomplete" => Part::End(End::Incomplete(only(head, table)?)),
        _ => Part::Call(call(head, table)?),
    })
}

fn call(head: &str, table: Table) -> Result<Call, String> {
    Ok(match head {
        "shell" => Call::Shell(all(table)?),
        "write" => Call::Write(all(table)?),
        "edit" => Call::Edit(all(table)?),
        "delete" => Call::Delete(only(head, table)?),
        "move" => {
            let moved: part::Move = all(table)?;
            if moved.old.is_some() != moved.new.is_some() {
                return Err("`old` and `new` go together".to_owned());
            }
            Call::Move(moved)
        }
        "patch" => Call::Patch(only(head, table)?),
        "read" => Call::Read(only(head, table)?),
        "plan" => Call::Plan(only(head, table)?),
        "question" => Call::Question(all(table)?),
        "agent" => Call::Agent(all(table)?),
        "wait_agents" => Call::WaitAgents(millis(only(head, table)?)?),
        "mcp" => {
            let mcp: part::Mcp = all(table)?;
            match mcp.name.split_once('.') {
                Some((server, tool)) if !server.is_empty() && !tool.is_empty() => Call::Mcp(mcp),
                _ => return Err(format!("{:?} is no tool of a server; write \"server.tool\"", mcp.name)),
            }
        }
        "exit_plan" => Call::ExitPlan(only(head, table)?),
        "view_image" => Call::ViewImage(only(head, table)?),
        "tool" => Call::Tool(all(table)?),
        "code" => Call::Code(only(head, table)?),
        other => return Err(format!("nothing is called {other}")),
    })
}

/// A part with options.
fn all<T: DeserializeOwned>(table: Table) -> Result<T, String> {
    table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

/// A part without options.
fn only<T: DeserializeOwned>(head: &str, mut table: Table) -> Result<T, String> {
    let value = table.remove(head).ok_or_else(|| "missing".to_owned())?;
    if let Some(option) = table.keys().next() {
        return Err(format!("unknown option `{option}`"));
    }
    value.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

fn millis(value: u64) -> Result<u64, String> {
    if value > MAX_MILLIS { Err(format!("{value} ms is longer than an hour")) } else { Ok(value) }
}

/// Gates are named in URLs.
fn gate(name: String) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(plain) {
        return Err(format!("{name:?} is no name for a gate; use letters, digits, `-`, `_` and `.`"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests;
