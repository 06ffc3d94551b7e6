//! The host's side of a session: from commands and agent traffic to records and effects.

mod calls;
mod cancel;
mod close;
mod config;
mod lifecycle;
mod opening;
mod prompt;
mod recorder;
mod requests;
mod updates;
mod wire;

use std::sync::Arc;

use acp_types::error::ErrorCode;
use acp_types::record::{Epoch, Record, Seq};
use acp_types::{RawBuf, SessionId};

pub use config::Config;

use super::{Command, CommandId, Effect, FromAgent, Input, Output, Reply, State};
use calls::Calls;
use recorder::Step;
use requests::OpenRequests;

/// One session as its host runs it.
///
/// Whoever drives it hands in what happens, appends [`Output::records`] as one batch and, once they are on stable
/// storage, runs [`Output::effects`] in order. If the append fails the machine is dropped and made anew from the log:
/// its state has the records in it already.
///
/// Inputs may be handed in one after the other before anything is appended, but what comes of a start
/// ([`FromAgent::Started`], [`FromAgent::StartFailed`]) only while no effect waits: one of them might take it back.
///
/// Whatever comes in, in whatever order, it does not panic; what cannot be meant (an answer to nothing, traffic of an
/// agent that was stopped) is dropped.
#[derive(Debug)]
pub struct Machine {
    session: SessionId,
    epoch: Epoch,
    config: Config,
    state: State,
    agent: Agent,
    /// Turns that were queued before a restart of the bridge wait until a client shows up.
    paused: bool,
    /// When the running turn, which was cancelled, is to be over.
    cancel_deadline: Option<u64>,
    calls: Calls,
    requests: OpenRequests,
    /// Params for the next start of the agent, with what the log must not have. In memory only.
    start_params: RawBuf,
    lane: Arc<str>,
    /// Kept from update to update, so that the hot path allocates nothing but the record.
    text: String,
    meta: String,
}

/// The agent process as far as the machine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agent {
    /// None, and none is being started.
    Absent,
    /// [`Effect::StartAgent`] is under way.
    Starting {
        /// It may come back without its memory.
        accepts_loss: bool,
    },
    /// It serves the session.
    Alive,
}

impl Machine {
    /// Takes one thing in that happened at `now` (microseconds since the Unix epoch) and adds what comes of it to
    /// `out`. May be called many times before the driver acts on `out`.
    pub fn handle(&mut self, now: u64, input: Input, out: &mut Output) {
        let mut step = Step { at: now, out };
        match input {
            Input::Command { id, client, command } => self.command(&mut step, id, client, command),
            Input::Agent(event) => self.agent(&mut step, event),
            Input::Tick => self.tick(&mut step),
        }
    }

    /// When [`Input::Tick`] is due, in microseconds since the Unix epoch.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        self.cancel_deadline
    }

    /// What the log says, the records of every output so far included.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    fn command(&mut self, step: &mut Step<'_>, id: CommandId, client: Arc<str>, command: Command) {
        match command {
            Command::Attach { params } => self.attach(step, id, &params),
            Command::Prompt { params, key, accept_context_loss } => {
                self.prompt(step, id, client, params, key, accept_context_loss);
            }
            Command::Cancel { turn } => self.cancel(step, id, &client, turn),
            Command::Answer { request, answer } => self.answer(step, id, client, request, answer),
            Command::Call { method, params } => self.call(step, id, client, method, params),
            Command::Notify { method, params } => self.notify(step, id, method, params),
            Command::Close => {
                self.close(step, &client);
                step.reply(id, Ok(Reply::Done));
            }
            Command::Delete => {
                self.close(step, &client);
                step.effect(Effect::Delete { command: id });
            }
            Command::Describe { .. } | Command::Create { .. } => {
                step.refuse(id, ErrorCode::INVALID_REQUEST, "this command concerns the agent and no session");
            }
        }
    }

    fn agent(&mut self, step: &mut Step<'_>, event: FromAgent) {
        match event {
            FromAgent::Started(started) => self.started(step, &started),
            FromAgent::StartFailed { error } => self.start_failed(step, &error),
            // The rest of what a stopped agent says.
            _ if self.agent != Agent::Alive => {}
            FromAgent::Update(payload) => self.update(step, payload.raw()),
            FromAgent::Request { id, method, params } => self.request(step, id, method, params),
            FromAgent::Withdrew(id) => self.withdrew(step, &id),
            FromAgent::Notification { method, params } => self.notification(step, method, params),
            FromAgent::Answered { call, outcome } => self.answered(step, call, outcome),
            FromAgent::Exited { reason } => self.exited(step, &reason),
        }
    }

    /// Seq of the next record.
    fn next_seq(&self) -> Seq {
        self.state.head() + 1
    }

    /// The agent's own id of the session. Empty, which names none, if it never had one.
    fn agent_session(&self) -> &str {
        self.state.agent().map_or("", |agent| agent.agent_session.as_str())
    }

    fn main_lane() -> Arc<str> {
        Record::MAIN_LANE.into()
    }
}
