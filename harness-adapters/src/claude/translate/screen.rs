//! The visible part of a session: text, thoughts, calls, the plan. Live and replayed sessions share it.

use std::path::PathBuf;

use acp_types::v1;

use super::agents::{Agent, ended};
use super::calls::{Calls, Maker};
use super::fault::Spoken;
use super::plan::Plan;
use super::text::{Kind, Text, chunk};
use crate::children::{Beginning, Children, End};
use crate::claude::wire::system::Task;
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

    /// A sub-agent begins to work, or works again for another call.
    pub(crate) fn agent_began(&mut self, session: &v1::SessionId, agent: &Agent<'_>, out: &mut Effects) {
        let beginning = Beginning {
            name: agent.name,
            session: format!("{session}:{}", agent.name),
            parent: self.calls.child_of(agent.call).cloned(),
            call: (!agent.background).then_some(agent.call),
            title: agent.title,
            role: agent.role,
            cancel: true,
        };
        if let Some(child) = self.children.begin(&beginning, out) {
            self.calls.refer(agent.call, &child, out);
            if let Some(prompt) = agent.prompt {
                self.agent_told(agent.name, agent.call, prompt, out);
            }
        }
    }

    /// A sub-agent was given a task.
    pub(crate) fn agent_told(&self, name: &str, message: &str, text: &str, out: &mut Effects) {
        self.children.task(name, message, vec![v1::ContentBlock::from(text)], out);
    }

    /// The work of a sub-agent is over. Of a command this says nothing.
    pub(super) fn agent_over(&mut self, task: &Task, out: &mut Effects) {
        self.agent_ended(&task.task_id, task.status.as_deref(), task.summary.as_deref(), out);
    }

    /// The work of a sub-agent is over, with this status and this summary.
    pub(crate) fn agent_ended(&mut self, name: &str, status: Option<&str>, summary: Option<&str>, out: &mut Effects) {
        let end = match status {
            Some("completed") => End::Done,
            Some("stopped" | "killed") => End::Cancelled,
            _ => End::Failed(summary.unwrap_or("the sub-agent failed").to_owned()),
        };
        self.end_agent(name, end, out);
    }

    /// The calls that wait for sub-agents get their results, whose end has been told unless the program does not.
    pub(super) fn agents_reported(&mut self, user: &User, out: &mut Effects) {
        for block in &user.message.content.0 {
            let Block::ToolResult { tool_use_id, content, is_error } = block else { continue };
            let is_async = user.tool_use_result.get("isAsync").and_then(serde_json::Value::as_bool).unwrap_or(false);
            let name = self.children.awaited_by(tool_use_id).filter(|_| !is_async).map(str::to_owned);
            if let Some(name) = name {
                self.end_agent(&name, ended(user, tool_use_id, content, *is_error), out);
            }
        }
    }

    /// A turn is over: the sub-agents that its calls waited for will not be heard of again.
    pub(super) fn leave_agents(&mut self, out: &mut Effects) {
        for name in self.children.left_behind(|call| self.calls.goes_on(call)) {
            self.end_agent(&name, End::Cancelled, out);
        }
    }

    fn end_agent(&mut self, name: &str, end: End, out: &mut Effects) {
        if let Some(child) = self.children.of(name) {
            self.calls.close_of(child, out);
        }
        self.children.end(name, end, out);
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
