//! The visible part of a session: text, thoughts, calls, the plan. Live and replayed sessions share it.

use std::path::PathBuf;

use acp_types::v1;

use super::calls::{Calls, Maker};
use super::fault::Spoken;
use super::plan::Plan;
use super::text::{Kind, Text, chunk};
use crate::children::{Children, End};
use crate::claude::wire::{Assistant, Block, StreamEvent, User};
use crate::translate::{ClientFeatures, Effects};

/// Answers that the program makes up where the model has none.
const FILLERS: [&str; 2] = ["No response requested.", "(no content)"];

/// The visible part of a session.
#[derive(Debug)]
pub(crate) struct Screen {
    pub(super) calls: Calls,
    pub(super) text: Text,
    pub(super) children: Children,
    /// The failure that was spoken of last.
    fault: Option<Spoken>,
}

impl Screen {
    pub(crate) fn new(session: v1::SessionId, cwd: PathBuf, features: ClientFeatures, plan: Plan) -> Self {
        let children = Children::new(session, features.subagents);
        Self { calls: Calls::new(cwd, features, plan), text: Text::default(), children, fault: None }
    }

    /// A part of a message of the session's own model.
    pub(super) fn stream(&mut self, event: StreamEvent, out: &mut Effects) {
        self.text.stream(event, &mut self.calls, out);
    }

    /// Blocks of a message of the model, or of a sub-agent's.
    pub(crate) fn assistant(&mut self, assistant: Assistant, out: &mut Effects) {
        let Assistant { message, parent_tool_use_id: parent, agent_id, error, is_api_error_message } = assistant;
        let parent = parent.as_deref();
        let child = agent_id.filter(|_| parent.is_some()).and_then(|agent| self.children.of(&agent).cloned());
        let child = child.as_ref();
        let synthetic = message.model == "<synthetic>";
        for block in message.content {
            match block {
                Block::Text { text } if parent.is_none() && (error.is_some() || is_api_error_message) => {
                    self.fault = Some(Spoken { word: error.clone(), text });
                }
                Block::Text { text } if synthetic && FILLERS.contains(&text.as_str()) => {}
                Block::Text { text } => match parent {
                    Some(_) if child.is_some() => say(child, Kind::Text, &message.id, &text, out),
                    Some(parent) => self.calls.told(parent, &text, out),
                    None => self.text.whole(&message.id, Kind::Text, &text, out),
                },
                Block::Thinking { thinking } if child.is_some() => {
                    say(child, Kind::Thought, &message.id, &thinking, out);
                }
                Block::Thinking { thinking } if parent.is_none() => {
                    self.text.whole(&message.id, Kind::Thought, &thinking, out);
                }
                Block::ToolUse { id, name, input } => {
                    if parent.is_none() {
                        self.text.pass(&message.id);
                    }
                    self.calls.call(&id, &name, input, Maker { call: parent, child }, out);
                }
                _ if parent.is_none() => self.text.pass(&message.id),
                _ => {}
            }
        }
    }

    /// Results of tools. Other words for the model are not shown.
    pub(crate) fn user(&mut self, user: &User, out: &mut Effects) {
        self.agents_reported(user, out);
        self.calls.results(user, out);
    }

    /// A sub-agent or command in the background is over.
    pub(crate) fn task_over(&mut self, call: &str, failed: bool, summary: Option<&str>, out: &mut Effects) {
        self.calls.over(call, failed, summary, out);
    }

    /// The failure that was spoken of, once.
    pub(super) fn take_fault(&mut self) -> Option<Spoken> {
        self.fault.take()
    }

    /// The end of a turn: what is still open of it will not be heard of again.
    pub(crate) fn finish(&mut self, out: &mut Effects) {
        self.text.finish();
        self.leave_agents(out);
        self.calls.close(false, |session| self.children.works(session), out);
    }

    /// The end of everything. The sub-agents that still work end with it in this way.
    pub(crate) fn close(&mut self, end: &End, out: &mut Effects) {
        self.text.finish();
        self.calls.close(true, |_| false, out);
        self.children.end_all(end, out);
    }

    /// The tasks as they are now.
    pub(crate) fn plan(&self) -> &Plan {
        self.calls.plan()
    }
}

/// A block of a message of a child session.
fn say(child: Option<&v1::SessionId>, kind: Kind, id: &str, text: &str, out: &mut Effects) {
    if !text.is_empty() {
        out.update_of(child, chunk(kind, id, text));
    }
}

/// Text that is no message of the model, such as what a command says.
pub(crate) fn said(id: &str, text: &str) -> v1::SessionUpdate {
    chunk(Kind::Text, id, text)
}
