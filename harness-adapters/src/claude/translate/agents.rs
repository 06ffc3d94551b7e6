//! Sub-agents as child sessions, for clients that take them. The program's name of a sub-agent is the name of its work.

use acp_types::v1;

use super::screen::Screen;
use crate::children::{Beginning, End};
use crate::claude::wire::message::Content;
use crate::claude::wire::system::{Background, Task};
use crate::claude::wire::{Block, User};
use crate::translate::Effects;

/// Type of work that is a sub-agent.
const AGENT: &str = "local_agent";

/// A sub-agent that begins to work.
#[derive(Debug, Default)]
pub(crate) struct Agent<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// The call that gives it work.
    pub(crate) call: &'a str,
    /// True if the call does not wait for its end.
    pub(crate) background: bool,
    /// What it is to do, in a few words.
    pub(crate) title: Option<&'a str>,
    /// What it is.
    pub(crate) role: Option<&'a str>,
    /// Its task.
    pub(crate) prompt: Option<&'a str>,
}

impl<'a> Agent<'a> {
    /// The sub-agent that work is done by; `None` for a command.
    pub(super) fn of(task: &'a Background) -> Option<Self> {
        let call = task.tool_use_id.as_deref().filter(|_| task.task_type == AGENT)?;
        Some(Self {
            name: &task.task_id,
            call,
            background: task.is_backgrounded,
            title: task.description.as_deref(),
            role: task.subagent_type.as_deref(),
            prompt: task.prompt.as_deref(),
        })
    }
}

impl Screen {
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
            self.children.task(agent.name, agent.call, agent.prompt.unwrap_or_default(), out);
        }
    }

    /// A sub-agent was given a task.
    pub(crate) fn agent_told(&self, name: &str, message: &str, text: &str, out: &mut Effects) {
        self.children.task(name, message, text, out);
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

fn ended(user: &User, call: &str, content: &Content, failed: Option<bool>) -> End {
    match failed.unwrap_or(false) {
        false => End::Done,
        true if user.denied(call).is_some() => End::Cancelled,
        true => End::Failed(content.text()),
    }
}
