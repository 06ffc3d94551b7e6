//! Making records and effects.

use std::sync::Arc;

use acp_types::meta::Unattended;
use acp_types::record::{Epoch, Kind, Origin, Record, Seq, Turn};
use acp_types::{RawBuf, SessionId, rewrite};
use serde::Serialize;

use super::super::{CallId, CommandId, Effect, Output, Refusal, Reply, State, start};
use super::Config;
use super::policy::Attendance;

/// What all lanes of a session share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) session: SessionId,
    pub(super) epoch: Epoch,
    pub(super) config: Config,
    pub(super) state: State,
    /// Params for the next start of an agent, with what the log must not have.
    start_params: RawBuf,
    /// Whether some are kept outside of the log.
    start_is_kept: bool,
    pub(super) attendance: Attendance,
    next_call: u64,
    /// Kept from update to update, so that the hot path allocates nothing but the record.
    pub(super) text: String,
    pub(super) meta: String,
}

impl Core {
    /// `kept`: params for the next start that were kept outside of the log.
    pub(super) fn new(session: SessionId, epoch: Epoch, config: Config, state: State, kept: Option<RawBuf>) -> Self {
        Self {
            session,
            epoch,
            config,
            start_is_kept: kept.is_some(),
            start_params: kept.unwrap_or_else(|| start::from_log(&state)),
            state,
            attendance: Attendance::default(),
            next_call: 0,
            text: String::new(),
            meta: String::new(),
        }
    }
}

/// One call of the machine: when it is, what comes of it, and what the lanes share.
pub(super) struct Step<'a> {
    pub(super) at: u64,
    /// The number of the agent's message that it is about.
    pub(super) position: Option<u64>,
    pub(super) out: &'a mut Output,
    pub(super) core: &'a mut Core,
}

impl Step<'_> {
    pub(super) fn state(&self) -> &State {
        &self.core.state
    }

    pub(super) fn config(&self) -> &Config {
        &self.core.config
    }

    /// What becomes of permission requests while no controller is there.
    pub(super) fn policy(&self) -> &Unattended {
        self.core.state.unattended().unwrap_or(&self.core.config.unattended)
    }

    /// Params for the next start of an agent.
    pub(super) fn start_params(&self) -> &RawBuf {
        &self.core.start_params
    }

    /// The next agent is started with other params. What the log does not say of them is kept elsewhere.
    pub(super) fn set_start_params(&mut self, params: RawBuf) {
        if params == self.core.start_params {
            return;
        }
        self.core.start_params = params.clone();
        if self.core.start_is_kept || params != start::from_log(&self.core.state) {
            self.core.start_is_kept = true;
            self.effect(Effect::KeepStart { params });
        }
    }

    /// The `initialize` params of the client that has made the session, as the log has them. Somebody else's `_meta` means
    /// nothing to the agent.
    pub(super) fn initialize(&self) -> Option<RawBuf> {
        let initialize = &self.core.state.created()?.initialize;
        if self.core.state.armed() {
            return Some(initialize.clone());
        }
        Some(rewrite::remove_member(initialize.as_raw(), "_meta"))
    }

    /// When the grace for what happens now is over.
    pub(super) fn grace_over(&self) -> u64 {
        self.at.saturating_add(u64::try_from(self.core.config.cancel_grace.as_micros()).unwrap_or(u64::MAX))
    }

    /// Seq of the next record.
    pub(super) fn next_seq(&self) -> Seq {
        self.core.state.head() + 1
    }

    pub(super) fn next_call(&mut self) -> CallId {
        let id = CallId(self.core.next_call);
        self.core.next_call += 1;
        id
    }

    /// Whether somebody asked for this turn to stop.
    pub(super) fn cancel_requested(&self, turn: Turn) -> bool {
        self.core.state.turn(turn).is_some_and(|info| info.cancel_requested)
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.out.effects.push(effect);
    }

    pub(super) fn reply(&mut self, command: CommandId, reply: Result<Reply, Refusal>) {
        self.effect(Effect::Reply { command, reply });
    }

    pub(super) fn refuse(&mut self, command: CommandId, why: Refusal) {
        self.reply(command, Err(why));
    }

    /// Adds a record and folds it into the state.
    pub(super) fn record<T: Serialize>(
        &mut self,
        lane: &Arc<str>,
        kind: Kind,
        origin: Origin,
        turn: Option<Turn>,
        body: &T,
    ) -> Seq {
        let body =
            RawBuf::encode(body).expect("bodies are structs of strings, numbers and JSON that was parsed before");
        self.record_raw(lane, kind, origin, turn, body)
    }

    /// The same for a body that is JSON already.
    pub(super) fn record_raw(
        &mut self,
        lane: &Arc<str>,
        kind: Kind,
        origin: Origin,
        turn: Option<Turn>,
        body: RawBuf,
    ) -> Seq {
        let seq = self.next_seq();
        let lane = Arc::clone(lane);
        let (at, epoch, position) = (self.at, self.core.epoch, self.position);
        let record = Record { seq, at, epoch, lane, origin, kind, turn, position, body };
        // To go on after a failure would put a record into the log with which it can never be opened again; without
        // the machine, the log is as it was. `session_props.rs` is the proof that it does not happen.
        self.core.state.apply(&record).expect("the machine makes only records that its state allows");
        self.out.records.push(Arc::new(record));
        seq
    }
}
