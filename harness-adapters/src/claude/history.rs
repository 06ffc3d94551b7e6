//! The history of a session, from its transcript.
//!
//! Messages on disk are those on the wire, so they go through the same [`Screen`]; only prompts are shown here and not
//! there, where the client has sent them itself.

mod agents;
mod chain;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use acp_types::{RawBuf, json, v1};
use serde_json::Value;

use self::agents::Agent;
use self::chain::Chain;
use super::attach::attach;
use super::translate::agents::Agent as Begun;
use super::translate::plan::Plan;
use super::translate::screen::{Screen, said as said_by_command};
use super::wire::{Assistant, Block, User};
use crate::children::End;
use crate::embedded::CONTEXT;
use crate::translate::{ClientFeatures, Effects, Told};

/// Depth of sub-agents of sub-agents that are followed.
const DEPTH: usize = 8;
/// Beginnings of user messages that no user wrote.
const INJECTED: [&str; 7] = [
    "<task-notification>",
    "[Request interrupted by user",
    "<local-command-",
    "<system-reminder>",
    "<bash-",
    "Caveat: ",
    "[SYSTEM NOTIFICATION",
];

/// Shows a transcript to `show`, which says whether it wants more, and gives the tasks at its end.
pub(super) fn replay(
    session: &v1::SessionId,
    transcript: &Path,
    cwd: &Path,
    features: ClientFeatures,
    show: &mut dyn FnMut(Told) -> bool,
) -> std::io::Result<Plan> {
    let chain = Chain::read(transcript)?;
    let mut replay = Replay {
        session,
        screen: Screen::new(session.clone(), cwd.to_path_buf(), features, Plan::default()),
        effects: Effects::default(),
        agents: agents::of_session(transcript),
        show,
        wanted: true,
    };
    replay.file(transcript, None, 0, &|record| chain.holds(record))?;
    // What is still open has ended with a process, and nobody wrote how.
    replay.screen.close(&End::Unknown, &mut replay.effects);
    replay.flush();
    Ok(replay.screen.plan().clone())
}

struct Replay<'a> {
    session: &'a v1::SessionId,
    screen: Screen,
    effects: Effects,
    /// Transcripts of sub-agents by the call that began them.
    agents: BTreeMap<String, Agent>,
    show: &'a mut dyn FnMut(Told) -> bool,
    wanted: bool,
}

impl Replay<'_> {
    fn file(
        &mut self,
        transcript: &Path,
        parent: Option<&Agent>,
        depth: usize,
        keep: &dyn Fn(&RawBuf) -> bool,
    ) -> std::io::Result<()> {
        for line in BufReader::new(File::open(transcript)?).split(b'\n') {
            let line = line?;
            if !self.wanted {
                break;
            }
            // The last one may have been cut off, or is being written.
            let Ok(record) = RawBuf::parse(String::from_utf8_lossy(&line).into_owned()) else {
                unreadable("a line", transcript);
                continue;
            };
            if keep(&record) {
                self.record(&record, parent, depth)?;
                self.flush();
            }
        }
        Ok(())
    }

    fn flush(&mut self) {
        for effect in self.effects.take() {
            if let Some(told) = Told::of(effect)
                && self.wanted
            {
                self.wanted = (self.show)(told);
            }
        }
    }

    fn record(&mut self, record: &RawBuf, parent: Option<&Agent>, depth: usize) -> std::io::Result<()> {
        let attached = attach(record.as_str().as_bytes());
        let line = attached.as_deref().unwrap_or(record.as_str().as_bytes());
        match record.as_raw().member("type").and_then(acp_types::Raw::as_string).as_deref() {
            Some("assistant") => {
                let Ok(mut assistant) = json::from_slice::<Assistant>(line) else {
                    self.lost("an answer");
                    return Ok(());
                };
                assistant.parent_tool_use_id = parent.map(|agent| agent.call.clone());
                assistant.agent_id = parent.map(|agent| agent.name.clone());
                let calls = assistant.message.content.iter().filter_map(|block| match block {
                    Block::ToolUse { id, .. } => Some(id.clone()),
                    _ => None,
                });
                let calls: Vec<_> = calls.collect();
                self.screen.assistant(assistant, &mut self.effects);
                for call in calls {
                    self.agent(&call, depth)?;
                }
            }
            Some("user") => self.user(line, parent),
            Some("system") if parent.is_none() => self.command(line),
            Some("attachment") if parent.is_none() => self.steered(line),
            _ => {}
        }
        Ok(())
    }

    /// A record cannot be read: whoever looks at the history has to know that it is not whole.
    fn lost(&mut self, what: &str) {
        tracing::warn!(what, "a record of a transcript cannot be read");
        let note = format!("[{what} in the history of this session cannot be read]");
        self.effects.update(said_by_command("unreadable", &note));
    }

    /// Messages and calls of a sub-agent.
    fn agent(&mut self, call: &str, depth: usize) -> std::io::Result<()> {
        match self.agents.remove(call) {
            Some(agent) if depth < DEPTH => {
                let begun = Begun {
                    name: &agent.name,
                    call,
                    title: agent.title.as_deref(),
                    role: agent.role.as_deref(),
                    ..Begun::default()
                };
                self.screen.agent_began(self.session, &begun, &mut self.effects);
                self.flush();
                self.file(&agent.transcript, Some(&agent), depth + 1, &|_| true)
            }
            _ => Ok(()),
        }
    }

    fn user(&mut self, line: &[u8], parent: Option<&Agent>) {
        let Ok(mut user) = json::from_slice::<User>(line) else { return self.lost("a message of the user") };
        user.parent_tool_use_id = parent.map(|agent| agent.call.clone());
        self.screen.user(&user, &mut self.effects);
        let Ok(value) = json::from_slice::<Value>(line) else { return };
        if let Some(agent) = parent {
            if let Some(task) = text_of(&value).filter(|text| !is_injected(text)) {
                self.screen.agent_told(&agent.name, &agent.message(&value), &task, &mut self.effects);
            }
            return;
        }
        if let Some(task) = text_of(&value).filter(|text| text.starts_with(INJECTED[0])) {
            self.task(&task);
        } else if prompt_text(&value).is_some() {
            self.screen.finish(&mut self.effects);
            let id = value.get("uuid").and_then(Value::as_str).unwrap_or_default();
            self.prompt(id, value.pointer("/message/content").unwrap_or(&Value::Null));
        }
    }

    /// A sub-agent or command in the background is over.
    fn task(&mut self, text: &str) {
        let tag = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner)
        };
        if let Some(call) = tag("tool-use-id") {
            let failed = tag("status") != Some("completed");
            if let Some(name) = tag("task-id") {
                self.screen.agent_ended(name, tag("status"), tag("summary"), &mut self.effects);
            }
            self.screen.task_over(call, failed, tag("summary"), &mut self.effects);
        }
    }

    /// A message that was put into a turn.
    fn steered(&mut self, line: &[u8]) {
        let Ok(value) = json::from_slice::<Value>(line) else { return };
        let text = |path: &str| value.pointer(path).and_then(Value::as_str);
        if text("/attachment/type") != Some("queued_command") {
            return;
        }
        let prompt = value.pointer("/attachment/prompt").unwrap_or(&Value::Null);
        match text("/attachment/commandMode") {
            Some("prompt") => self.prompt(text("/attachment/source_uuid").unwrap_or_default(), prompt),
            Some("task-notification") => {
                if let Some(task) = prompt.as_str() {
                    self.task(task);
                }
            }
            _ => {}
        }
    }

    /// Text of a command of the program.
    fn command(&mut self, line: &[u8]) {
        let Ok(value) = json::from_slice::<Value>(line) else { return };
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let said = text("content").strip_prefix("<local-command-stdout>");
        if let (Some(said), "local_command") = (said, text("subtype")) {
            let said = said.trim_end().strip_suffix("</local-command-stdout>").unwrap_or(said).trim_end();
            if !said.is_empty() {
                self.effects.update(said_by_command(text("uuid"), said));
            }
        }
    }

    fn prompt(&mut self, id: &str, content: &Value) {
        let mut say = |block: v1::ContentBlock| {
            let chunk = v1::ContentChunk::new(block).message_id(v1::MessageId::new(id));
            self.effects.update(v1::SessionUpdate::UserMessageChunk(chunk));
        };
        match content {
            Value::String(text) => say(v1::ContentBlock::from(typed(text))),
            Value::Array(blocks) => {
                for block in blocks {
                    let text = |path: &str| block.pointer(path).and_then(Value::as_str);
                    if let Some(resource) = text("/text").and_then(|words| CONTEXT.unwrap(words)) {
                        let resource = v1::EmbeddedResourceResource::TextResourceContents(resource);
                        say(v1::ContentBlock::Resource(v1::EmbeddedResource::new(resource)));
                    } else if let Some(words) = text("/text").filter(|words| !is_injected(words)) {
                        say(v1::ContentBlock::from(typed(words)));
                    } else if let (Some("image"), Some(data), Some(kind)) =
                        (text("/type"), text("/source/data"), text("/source/media_type"))
                    {
                        say(v1::ContentBlock::Image(v1::ImageContent::new(data, kind)));
                    }
                }
            }
            _ => {}
        }
    }
}

/// The text of a record that is a prompt of a user; `None` for all others.
pub(super) fn prompt_text(record: &Value) -> Option<String> {
    let marked = |key: &str| record.get(key).and_then(Value::as_bool).unwrap_or(false);
    let foreign = record.pointer("/origin/kind").and_then(Value::as_str).is_some_and(|kind| kind != "human");
    if marked("isMeta") || marked("isCompactSummary") || marked("isSidechain") || foreign {
        return None;
    }
    let blocks = record.pointer("/message/content").and_then(Value::as_array);
    let holds =
        |kind: &str| blocks.into_iter().flatten().any(|block| block.get("type").and_then(Value::as_str) == Some(kind));
    if holds("tool_result") {
        return None;
    }
    match text_of(record).filter(|text| !is_injected(text)) {
        Some(text) => Some(typed(&text)),
        None => holds("image").then(String::new),
    }
}

/// The first text of a message that somebody typed; nothing typed is empty.
fn text_of(record: &Value) -> Option<String> {
    match record.pointer("/message/content")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(blocks) => {
            let mut texts = blocks.iter().filter_map(|block| block.get("text").and_then(Value::as_str)).peekable();
            texts.peek()?;
            Some(texts.find(|text| CONTEXT.unwrap(text).is_none()).unwrap_or_default().to_owned())
        }
        _ => None,
    }
}

fn is_injected(text: &str) -> bool {
    INJECTED.iter().any(|beginning| text.starts_with(beginning))
}

/// The line that was typed. A command is stored in parts.
fn typed(text: &str) -> String {
    let tag = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner.trim())
    };
    match tag("command-name").filter(|_| text.starts_with("<command-")) {
        Some(name) => format!("{name} {}", tag("command-args").unwrap_or_default()).trim_end().to_owned(),
        None => text.to_owned(),
    }
}

fn unreadable(what: &str, transcript: &Path) {
    tracing::warn!(what, transcript = %transcript.display(), "a part of a transcript is not JSON and is not shown");
}
