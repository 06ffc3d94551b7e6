//! The visible part of a session: messages, thoughts, tool calls, sub-agents. Live and replayed sessions share it.

use std::path::PathBuf;

use acp_types::v1::{self, ContentChunk, SessionUpdate, ToolCallStatus};

use super::agents::Agents;
use super::calls::{Calls, Progress};
use super::text::Text;
use super::{input, view};
use crate::codex::wire::{AgentTool, Files, Item, Status, UserInput};
use crate::translate::{ClientFeatures, Effects};

/// The visible part of one session.
#[derive(Debug)]
pub(super) struct Screen {
    pub(super) calls: Calls,
    pub(super) text: Text,
    pub(super) agents: Agents,
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
        Self { calls, text: Text::default(), agents: Agents::default(), cwd, replay }
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
                // The client knows its own prompts, unless the session is shown again.
                if done && origin.child.is_none() && self.replay {
                    user_said(id, content, out);
                }
            }
            Item::AgentMessage { .. } | Item::Plan { .. } | Item::Reasoning { .. } => match origin.child {
                Some(child) if done => self.agents.said(child, item, out),
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
        let meta = self.agents.meta(origin.child);
        self.calls.item(item, files, done, origin.child, meta, out)
    }

    /// The model starts, asks or ends a sub-agent.
    fn agent(&mut self, item: &Item, done: bool, origin: Origin<'_>, out: &mut Effects) -> Progress {
        match item {
            Item::CollabAgentToolCall { id, tool: AgentTool::SpawnAgent, status, receiver_thread_ids, .. }
                if done && *status == Status::Completed && !receiver_thread_ids.is_empty() =>
            {
                if !self.calls.is_open(id) {
                    self.announce(item, origin, out);
                }
                // The call ends with the sub-agent.
                self.calls.forget(id);
                for thread in receiver_thread_ids {
                    self.agents.started(thread, id);
                }
            }
            Item::SubAgentActivity { id, kind, agent_thread_id, .. } => {
                if kind == "started" && !self.agents.has(agent_thread_id) {
                    self.announce(item, origin, out);
                    self.agents.started(agent_thread_id, id);
                } else if done && matches!(kind.as_str(), "completed" | "interrupted") {
                    let status = if kind == "completed" { ToolCallStatus::Completed } else { ToolCallStatus::Failed };
                    self.agents.ended(agent_thread_id, status, out);
                }
            }
            _ => return self.call(item, &Files::new(), done, origin, out),
        }
        Progress::default()
    }

    fn announce(&self, item: &Item, origin: Origin<'_>, out: &mut Effects) {
        if let Some(view) = view::view(item, &Files::new(), false, &self.cwd) {
            let meta = self.agents.meta(origin.child);
            let view = view.status(ToolCallStatus::InProgress);
            out.update(SessionUpdate::ToolCall(if meta.is_empty() { view } else { view.meta(meta) }));
        }
    }

    /// Closes what is open of a turn that is over. Commands and sub-agents may go on after one that ended well.
    pub(super) fn end_turn(&mut self, goes_on: bool, out: &mut Effects) {
        self.calls.end_turn(goes_on, out);
        self.agents.end_turn(goes_on, out);
        self.text.finish();
    }
}

fn user_said(id: &str, content: &[UserInput], out: &mut Effects) {
    for block in content.iter().filter_map(input::content) {
        let chunk = ContentChunk::new(block).message_id(v1::MessageId::new(id));
        out.update(SessionUpdate::UserMessageChunk(chunk));
    }
}
