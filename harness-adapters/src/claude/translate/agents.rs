//! Sub-agents, as what the program says of their work begins and ends them. The program's name of one is that of its work.

use crate::children::End;
use crate::claude::wire::User;
use crate::claude::wire::message::Content;
use crate::claude::wire::system::Background;

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

/// How the work of a sub-agent has ended, by the result of the call that waited for it.
pub(super) fn ended(user: &User, call: &str, content: &Content, failed: Option<bool>) -> End {
    match failed.unwrap_or(false) {
        false => End::Done,
        true if user.denied(call).is_some() => End::Cancelled,
        true => End::Failed(content.text()),
    }
}
