//! One record's effect on the state.

use std::sync::Arc;

use acp_types::record::body::{
    AgentStarted, Outcome, PromptQueued, Requested, Resolved, SessionCreated, SessionUpdated,
};
use acp_types::record::{Kind, Record, Turn};
use serde::Deserialize;

use super::{PendingRequest, State, StateError, TurnInfo, TurnPhase};

impl State {
    /// Takes the next record in. Kinds that it does not know, and those that matter only to readers, move the head.
    ///
    /// # Errors
    /// When the record cannot follow on what came before; the state is then unchanged.
    pub fn apply(&mut self, record: &Record) -> Result<(), StateError> {
        if record.seq <= self.head {
            return Err(StateError::Order { seq: record.seq, head: self.head });
        }
        if record.kind.is_control() {
            self.change(record)?;
        }
        self.head = record.seq;
        self.epoch = record.epoch;
        Ok(())
    }

    fn change(&mut self, record: &Record) -> Result<(), StateError> {
        match &record.kind {
            Kind::SessionCreated => self.created = Some(body::<SessionCreated>(record)?),
            Kind::SessionUpdated => self.session_updated(body(record)?),
            Kind::AgentStarted => self.agent_started(body(record)?),
            Kind::AgentExited => self.agent_alive = false,
            Kind::PromptQueued => self.prompt_queued(record, body(record)?),
            Kind::TurnStarted => return self.move_turn(record, |state, turn| state.turns.start(turn)),
            Kind::CancelRequested => return self.move_turn(record, |state, turn| state.turns.cancel(turn)),
            Kind::TurnEnded => {
                let outcome: Outcome = body(record)?;
                return self.move_turn(record, |state, turn| state.turns.end(turn, outcome));
            }
            Kind::PermissionRequested => {
                let request = PendingRequest {
                    method: PendingRequest::PERMISSION.into(),
                    params: Some(record.body.clone()),
                    turn: record.turn,
                };
                self.pending.add(record.seq, request);
            }
            Kind::Request => {
                let Requested { method, params } = body(record)?;
                self.pending.add(record.seq, PendingRequest { method: method.into(), params, turn: record.turn });
            }
            Kind::PermissionResolved | Kind::Response => {
                let Resolved { request, .. } = body(record)?;
                if !self.pending.remove(request) {
                    return Err(StateError::Request { seq: record.seq, request });
                }
            }
            Kind::SessionClosed => self.closed = true,
            _ => {}
        }
        Ok(())
    }

    fn session_updated(&mut self, updated: SessionUpdated) {
        let SessionUpdated { title, mode, config_options } = updated;
        if let Some(title) = title {
            self.title = Some(title).filter(|title| !title.is_empty());
        }
        if mode.is_some() {
            self.mode = mode;
        }
        if config_options.is_some() {
            self.config_options = config_options;
        }
    }

    fn agent_started(&mut self, started: AgentStarted) {
        // The host puts the session's mode back, but options are what the agent says they are now.
        if self.mode.is_none() {
            self.mode = super::started_mode(&started).map(String::from);
        }
        if super::started_member(&started, "configOptions").is_some() {
            self.config_options = None;
        }
        self.agent = Some(started);
        self.agent_alive = true;
        self.closed = false;
    }

    fn prompt_queued(&mut self, record: &Record, prompt: PromptQueued) {
        let info = TurnInfo {
            key: prompt.key.map(Into::into),
            client: record.origin.client().map(Arc::clone),
            phase: TurnPhase::Queued,
            params: Some(prompt.params),
            cancel_requested: false,
            accept_context_loss: prompt.accept_context_loss,
        };
        self.turns.queue_up(record.seq, info);
        self.closed = false;
    }

    fn move_turn(&mut self, record: &Record, change: impl FnOnce(&mut Self, Turn) -> bool) -> Result<(), StateError> {
        match record.turn {
            Some(turn) if change(self, turn) => Ok(()),
            turn => Err(StateError::Turn { seq: record.seq, kind: record.kind.clone(), turn }),
        }
    }
}

fn body<'a, T: Deserialize<'a>>(record: &'a Record) -> Result<T, StateError> {
    record.decode().map_err(|source| StateError::Body { seq: record.seq, kind: record.kind.clone(), source })
}
