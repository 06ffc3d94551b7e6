//! The visible part of a session: messages, thoughts, tool calls, sub-agents. Live and replayed sessions share it.

use std::path::PathBuf;

use acp_types::v1::{self, ContentChunk, SessionUpdate, ToolCallStatus, ToolCallUpdate, ToolCallUpdateFields};
use serde_json::Map;

use super::agents::Agents;
use super::calls::{Calls, Maker, Progress};
use super::text::Text;
use super::{input, view};
use crate::children::{Beginning, Children, End, reference};
use crate::codex::wire::{AgentTool, Files, Item, Status, Turn, TurnStatus, UserInput};
use crate::translate::{ClientFeatures, Effects};

/// The visible part of one session.
#[derive(Debug)]
pub(super) struct Screen {
    pub(super) calls: Calls,
    pub(super) text: Text,
    pub(super) agents: Agents,
    pub(super) children: Children,
    cwd: PathBuf,
    /// True for a session that is shown from its history, with the user's messages.
    replay: bool,
}

/// Origin of an item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    /// The sub-agent's thread, if it is not the session's own.
    pub(super) child: Option<&'a str>,
    /// True if its turn is over.
    pub(super) late: bool,
}

impl Screen {
    /// An empty screen.
    pub(super) fn new(thread: &str, cwd: PathBuf, features: ClientFeatures, replay: bool) -> Self {
        let calls = Calls::new(thread, cwd.clone(), features);
        let children = Children::new(v1::SessionId::new(thread), features.subagents);
        Self { calls, text: Text::default(), agents: Agents::default(), children, cwd, replay }
    }

    /// An item begins or ends.
    pub(super) fn item(
        &mut self,
        item: &Item,
        files: &Files,
        done: bool,
        origin: Origin<'_>,
        out: &mut Effects,
    ) -> Progress {
        match item {
            Item::UserMessage { id, content } => {
                if let (true, Some(child)) = (done, origin.child) {
                    self.children.task(child, id, content.iter().filter_map(input::content).collect(), out);
                }
                // The client knows its own prompts, unless the session is shown again.
                if done && origin.child.is_none() && self.replay {
                    user_said(id, content, out);
                }
            }
            Item::AgentMessage { .. } | Item::Plan { .. } | Item::Reasoning { .. } => match origin.child {
                Some(child) if done => match self.children.of(child) {
                    Some(session) => out.within(Some(session), |out| self.text.completed(item, out)),
                    None => self.agents.said(child, item, out),
                },
                None if done && (self.replay || !origin.late) => self.text.completed(item, out),
                _ => {}
            },
            Item::CollabAgentToolCall { .. } | Item::SubAgentActivity { .. } => {
                return self.agent(item, done, origin, out);
            }
            _ => return self.call(item, files, done, origin, out),
        }
        Progress::default()
    }

    fn call(&mut self, item: &Item, files: &Files, done: bool, origin: Origin<'_>, out: &mut Effects) -> Progress {
        let child = origin.child.and_then(|thread| self.children.of(thread));
        let meta = if child.is_none() { self.agents.meta(origin.child) } else { Map::new() };
        self.calls.item(item, files, done, Maker { thread: origin.child, child, meta }, out)
    }

    /// The model starts, asks or ends a sub-agent.
    fn agent(&mut self, item: &Item, done: bool, origin: Origin<'_>, out: &mut Effects) -> Progress {
        match item {
            Item::CollabAgentToolCall { id, tool: AgentTool::SpawnAgent, status, receiver_thread_ids, prompt }
                if done && *status == Status::Completed && !receiver_thread_ids.is_empty() =>
            {
                if !self.calls.is_open(id) {
                    self.announce(item, origin, out);
                }
                // The call ends with the sub-agent.
                self.calls.forget(id);
                for thread in receiver_thread_ids {
                    self.begin(thread, id, prompt.as_deref(), origin, out);
                }
            }
            Item::SubAgentActivity { id, kind, agent_thread_id, agent_path } => {
                if kind == "started" && !self.agents.has(agent_thread_id) {
                    self.announce(item, origin, out);
                    self.begin(agent_thread_id, id, agent_path.rsplit('/').next(), origin, out);
                } else if done && matches!(kind.as_str(), "completed" | "interrupted") {
                    let status = if kind == "completed" { ToolCallStatus::Completed } else { ToolCallStatus::Failed };
                    if self.children.of(agent_thread_id).is_none() {
                        self.agents.ended(agent_thread_id, status, out);
                    }
                }
            }
            _ => return self.call(item, &Files::new(), done, origin, out),
        }
        Progress::default()
    }

    /// A call has begun a sub-agent, which may be a child session.
    fn begin(&mut self, thread: &str, call: &str, title: Option<&str>, origin: Origin<'_>, out: &mut Effects) {
        let parent = origin.child.and_then(|thread| self.children.of(thread)).cloned();
        let known = self.agents.has(thread);
        self.agents.started(thread, call, parent.as_ref());
        // What is known already is told of again by the history.
        if known || !self.agents.has(thread) {
            return;
        }
        let title = title.and_then(|title| title.lines().next());
        let session = thread.to_owned();
        let beginning =
            Beginning { name: thread, session, parent: parent.clone(), title, cancel: true, ..Beginning::default() };
        if let Some(child) = self.children.begin(&beginning, out) {
            let fields = ToolCallUpdateFields::new().content(vec![reference(&child)]);
            let update = ToolCallUpdate::new(call.to_owned(), fields);
            out.update_of(parent.as_ref(), SessionUpdate::ToolCallUpdate(update));
        }
    }

    /// A turn of a sub-agent begins or ends.
    pub(super) fn agent_turn(&mut self, thread: &str, turn: &Turn, done: bool, out: &mut Effects) {
        if let Some(child) = self.children.of(thread).cloned() {
            if done {
                self.calls.end_child(&child, turn.status == TurnStatus::Completed, out);
                self.children.end(thread, ended(turn), out);
            } else {
                let again = Beginning { name: thread, session: child.0.to_string(), ..Beginning::default() };
                self.children.begin(&again, out);
            }
        }
        self.agents.turn(thread, turn, done, out);
    }

    fn announce(&self, item: &Item, origin: Origin<'_>, out: &mut Effects) {
        if let Some(view) = view::view(item, &Files::new(), false, &self.cwd) {
            let child = origin.child.and_then(|thread| self.children.of(thread));
            let meta = if child.is_none() { self.agents.meta(origin.child) } else { Map::new() };
            let view = view.status(ToolCallStatus::InProgress);
            out.update_of(child, SessionUpdate::ToolCall(if meta.is_empty() { view } else { view.meta(meta) }));
        }
    }

    /// Closes what is open of a turn that is over. Commands and sub-agents may go on after one that ended well.
    /// Sub-agents that were stopped with it end with it.
    pub(super) fn end_turn(&mut self, goes_on: bool, stopped: bool, out: &mut Effects) {
        self.calls.end_turn(goes_on, |child| !stopped && self.children.works(child), out);
        if stopped {
            self.children.end_all(&End::Cancelled, out);
        }
        self.agents.end_turn(goes_on, out);
        self.text.finish();
    }
}

fn ended(turn: &Turn) -> End {
    match turn.status {
        TurnStatus::Completed => End::Done,
        TurnStatus::Interrupted => End::Cancelled,
        TurnStatus::Failed => {
            let why = turn.error.as_ref().map_or("the sub-agent failed", |error| error.message.as_str());
            End::Failed(why.to_owned())
        }
        TurnStatus::InProgress | TurnStatus::Other => End::Unknown,
    }
}

fn user_said(id: &str, content: &[UserInput], out: &mut Effects) {
    for block in content.iter().filter_map(input::content) {
        let chunk = ContentChunk::new(block).message_id(v1::MessageId::new(id));
        out.update(SessionUpdate::UserMessageChunk(chunk));
    }
}
