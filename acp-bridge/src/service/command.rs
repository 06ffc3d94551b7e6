//! The commands that hosts are given, from what doors have read: one function for each thing that can be asked. Pure.

use acp_types::meta::{AfterRestart, CancelScope, OnBusy, Unattended};
use acp_types::record::{Seq, Turn};
use acp_types::{Raw, RawBuf, RawKind};

use super::Invalid;
use super::validate;
use crate::session::{Command, QueueCommand};

/// Prompt as a door has read it.
#[derive(Debug)]
pub(crate) struct Prompt {
    /// Params of a `session/prompt`.
    pub(crate) params: RawBuf,
    pub(crate) lane: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) on_busy: OnBusy,
    pub(crate) after_restart: AfterRestart,
    pub(crate) accept_context_loss: bool,
}

/// Stop as a door has read it.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    pub(crate) lane: Option<String>,
    pub(crate) turn: Option<Turn>,
    pub(crate) scope: CancelScope,
    pub(crate) reason: Option<String>,
}

/// Description of the agent, for a client with these `initialize` params.
pub(crate) fn describe(initialize: RawBuf) -> Command {
    Command::Describe { initialize }
}

/// Command for a new session, with the params of a `session/new`.
pub(crate) fn create(params: Option<Raw<'_>>, initialize: RawBuf) -> Result<Command, Invalid> {
    validate::workspace(params)?;
    let params = params.filter(|params| params.kind() == RawKind::Object).ok_or(Invalid::NotAnObject)?;
    Ok(Command::Create { params: params.to_owned(), initialize })
}

/// Command of a client that comes to a session, with the params of a `session/load`.
pub(crate) fn attach(params: RawBuf) -> Command {
    Command::Attach { params }
}

/// Command that tells that a controller has come to a session, or has left it.
pub(crate) fn attend(present: bool) -> Command {
    Command::SetPresence { present }
}

pub(crate) fn prompt(prompt: Prompt) -> Result<Command, Invalid> {
    let Prompt { params, lane, key, on_busy, after_restart, accept_context_loss } = prompt;
    validate::prompt(params.as_raw().member("prompt"))?;
    validate::key(key.as_deref())?;
    Ok(Command::Prompt { lane: lane.map(Into::into), params, key, accept_context_loss, on_busy, after_restart })
}

pub(crate) fn cancel(stop: Stop) -> Command {
    let Stop { lane, turn, scope, reason } = stop;
    Command::Cancel { lane: lane.map(Into::into), turn, scope, reason }
}

pub(crate) fn queue() -> Command {
    Command::Queue(QueueCommand::List)
}

pub(crate) fn queue_edit(turn: Turn, prompt: RawBuf) -> Result<Command, Invalid> {
    validate::prompt(Some(prompt.as_raw()))?;
    Ok(Command::Queue(QueueCommand::Edit { turn, prompt }))
}

pub(crate) fn queue_move(turn: Turn, before: Option<Turn>) -> Command {
    Command::Queue(QueueCommand::Move { turn, before })
}

pub(crate) fn queue_withdraw(turn: Turn) -> Command {
    Command::Queue(QueueCommand::Withdraw { turn })
}

/// Command that sets the session's own policy; `None` for the server's.
pub(crate) fn set_policy(unattended: Option<Unattended>) -> Command {
    Command::SetPolicy { unattended }
}

pub(crate) fn trust() -> Command {
    Command::Trust
}

/// Command that answers a request of an agent: a result, or an error object.
pub(crate) fn answer(request: Seq, answer: Result<RawBuf, RawBuf>) -> Command {
    Command::Answer { request, answer }
}

pub(crate) fn call(lane: Option<String>, method: &str, params: Option<RawBuf>) -> Command {
    Command::Call { lane: lane.map(Into::into), method: method.to_owned(), params }
}

pub(crate) fn notify(lane: Option<String>, method: &str, params: Option<RawBuf>) -> Command {
    Command::Notify { lane: lane.map(Into::into), method: method.to_owned(), params }
}

pub(crate) fn lane_add(lane: String, agent: String) -> Command {
    Command::LaneAdd { lane: lane.into(), agent }
}

pub(crate) fn lane_remove(lane: String) -> Command {
    Command::LaneRemove { lane: lane.into() }
}

pub(crate) fn close() -> Command {
    Command::Close
}

pub(crate) fn delete() -> Command {
    Command::Delete
}
