//! Effect of a record on the state.

use std::sync::Arc;

use acp_types::meta::Unattended;
use acp_types::record::body::{
    AgentStarted, ChoicesRestored, LaneJoined, Outcome, PromptEdited, PromptMoved, PromptQueued, PromptSteered,
    Requested, Resolved, SessionCreated, SessionUpdated, Steer,
};
use acp_types::record::{Kind, Record, Turn};
use acp_types::{Raw, RawBuf, rewrite};
use serde::de::DeserializeOwned;

use super::super::AgentSource;
use super::{LaneState, PendingRequest, State, StateError, TurnInfo, TurnPhase};
use crate::shared;

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
        if let Some(position) = record.position {
            self.set_received(&record.lane, position);
        }
        self.head = record.seq;
        self.epoch = record.epoch;
        Ok(())
    }

    fn change(&mut self, record: &Record) -> Result<(), StateError> {
        match &record.kind {
            Kind::SessionCreated => {
                let created: SessionCreated = body(record)?;
                self.unattended = created.unattended.as_deref().and_then(policy);
                Arc::make_mut(self.lanes.main_mut()).created(AgentSource::from(&created));
                self.created = Some(Arc::new(created));
            }
            Kind::SessionUpdated => self.session_updated(record, body(record)?)?,
            Kind::AgentStarted => {
                let started: AgentStarted = body(record)?;
                self.lane_of(record)?.agent_started(started);
                self.closed = false;
            }
            Kind::AgentExited => {
                self.lane_of(record)?.agent_exited();
                self.terminals.forget(&record.lane);
            }
            Kind::ChoicesRestored => {
                let ChoicesRestored { lost, .. } = body(record)?;
                self.lane_of(record)?.restored(&lost);
            }
            Kind::PromptQueued => self.prompt_queued(record, prompt_queued(record)?)?,
            Kind::PromptEdited => {
                let PromptEdited { prompt } = body(record)?;
                return self.move_turn(record, |state, turn| {
                    state.turns.edit(turn, |params| rewrite::set_member(params, "prompt", prompt.as_raw()))
                });
            }
            Kind::PromptMoved => {
                let PromptMoved { before } = body(record)?;
                return self.move_turn(record, |state, turn| state.move_turn_before(turn, before));
            }
            Kind::PromptSteered => {
                let steered: PromptSteered = body(record)?;
                return self.move_turn(record, |state, turn| state.steer(turn, steered));
            }
            Kind::TurnStarted => return self.move_turn(record, Self::start),
            Kind::CancelRequested => return self.move_turn(record, |state, turn| state.turns.cancel(turn)),
            Kind::TurnEnded => {
                let outcome: Outcome = body(record)?;
                return self.move_turn(record, |state, turn| state.end(turn, outcome));
            }
            Kind::PermissionRequested => {
                self.ask(record, PendingRequest::PERMISSION.into(), Some(record.body.clone()))?;
            }
            Kind::Request => {
                let Requested { method, params } = body(record)?;
                self.ask(record, method.into(), params.map(shared::text))?;
            }
            Kind::PermissionResolved | Kind::Response => {
                let resolved: Resolved = body(record)?;
                let request = resolved.request;
                let Some(asked) = self.pending.take(request) else {
                    return Err(StateError::Request { seq: record.seq, request });
                };
                self.terminals.answered(&asked, &resolved, record.origin.client());
                self.answer(&asked, resolved);
            }
            Kind::LaneJoined => {
                let joined: LaneJoined = body(record)?;
                let lane = LaneState::joined(Arc::clone(&record.lane), joined.into());
                if !self.lanes.join(Arc::clone(&record.lane), Arc::new(lane)) {
                    return Err(not_of_lane(record));
                }
            }
            Kind::LaneLeft => self.lane_left(record)?,
            Kind::SessionClosed => self.closed = true,
            Kind::SessionDisarmed => {
                self.trust.disarm(record.seq, body(record)?, &mut self.unattended);
                self.lanes.iter_mut().for_each(|lane| Arc::make_mut(lane).disarm());
            }
            Kind::SessionTrusted => {
                self.trust.trust(&mut self.unattended);
                self.lanes.iter_mut().for_each(|lane| Arc::make_mut(lane).trust());
            }
            _ => {}
        }
        Ok(())
    }

    /// The lane that a record belongs to, which must be there.
    fn lane_of(&mut self, record: &Record) -> Result<&mut LaneState, StateError> {
        self.lane_mut(&record.lane).ok_or_else(|| not_of_lane(record))
    }

    /// A lane leaves with nothing open.
    fn lane_left(&mut self, record: &Record) -> Result<(), StateError> {
        let asks = self.pending.iter().any(|(_, request)| request.lane == record.lane);
        if asks || self.lane_of(record)?.has_open_turns() {
            return Err(not_of_lane(record));
        }
        self.lanes.leave(&record.lane).map(|_| ()).ok_or_else(|| not_of_lane(record))?;
        self.terminals.forget(&record.lane);
        Ok(())
    }

    fn session_updated(&mut self, record: &Record, updated: SessionUpdated) -> Result<(), StateError> {
        let SessionUpdated { title, mode, config_options, chosen, unattended } = updated;
        self.lane_of(record)?.updated(mode, config_options, chosen);
        if let Some(title) = title {
            self.title = Some(title).filter(|title| !title.is_empty()).map(Into::into);
        }
        if let Some(unattended) = unattended {
            self.unattended = policy(&unattended);
        }
        Ok(())
    }

    fn prompt_queued(&mut self, record: &Record, prompt: PromptQueued) -> Result<(), StateError> {
        self.lane_of(record)?.turns_mut().add(record.seq, prompt.first);
        let info = TurnInfo {
            lane: Arc::clone(&record.lane),
            key: prompt.key.map(Into::into),
            client: record.origin.client().map(Arc::clone),
            phase: TurnPhase::Queued,
            params: Some(prompt.params),
            cancel_requested: false,
            accept_context_loss: prompt.accept_context_loss,
            runs_after_restart: prompt.runs_after_restart,
            steered: None,
        };
        self.turns.accept(record.seq, info);
        self.closed = false;
        Ok(())
    }

    /// Moves a turn in its queue; returns whether it had a place there that could be another one.
    fn move_turn_before(&mut self, turn: Turn, before: Option<Turn>) -> bool {
        self.lane_of_turn(turn).is_some_and(|lane| lane.turns_mut().move_before(turn, before))
    }

    /// Takes a step of steering; returns whether the turn was where the step begins.
    fn steer(&mut self, turn: Turn, PromptSteered { into, steer }: PromptSteered) -> bool {
        let Some(phase) = self.turns.get(turn).map(|info| info.phase.clone()) else { return false };
        let Some(lane) = self.lane_of_turn(turn) else { return false };
        let next = match (steer, phase) {
            (Steer::Offered, TurnPhase::Queued) if lane.turns_mut().offer(turn) => TurnPhase::Offered(into),
            (Steer::Injected, TurnPhase::Offered(offered)) if offered == into => TurnPhase::Joined(into),
            (Steer::Queued, TurnPhase::Offered(offered)) if offered == into && lane.turns_mut().take_back(turn) => {
                TurnPhase::Queued
            }
            _ => return false,
        };
        self.turns.steer(turn, next);
        true
    }

    /// The lane of a turn that is remembered.
    fn lane_of_turn(&mut self, turn: Turn) -> Option<&mut LaneState> {
        let lane = Arc::clone(&self.turns.get(turn)?.lane);
        self.lane_mut(&lane)
    }

    /// Starts a turn, if it was queued in its lane and none runs there; returns whether it did.
    fn start(&mut self, turn: Turn) -> bool {
        self.lane_of_turn(turn).is_some_and(|lane| lane.start(turn)) && self.turns.start(turn)
    }

    /// Ends a turn, if it was open; returns whether it did.
    fn end(&mut self, turn: Turn, outcome: Outcome) -> bool {
        let Some(lane) = self.lane_of_turn(turn) else { return false };
        lane.end(turn);
        self.turns.end(turn, outcome)
    }

    fn ask(&mut self, record: &Record, method: Arc<str>, params: Option<RawBuf>) -> Result<(), StateError> {
        let lane = Arc::clone(self.lane_of(record)?.name());
        self.pending
            .add(record.seq, PendingRequest { lane, method, params, turn: record.turn, position: record.position });
        Ok(())
    }

    /// Keeps the answer for an agent that may be cut off before it gets it.
    fn answer(&mut self, asked: &PendingRequest, Resolved { result, error, .. }: Resolved) {
        let lane = self.lane_mut(&asked.lane);
        if let (Some(position), Some(lane)) = (asked.position, lane) {
            lane.answered(position, error.map_or_else(|| Ok(result.unwrap_or_default()), Err));
        }
    }

    fn move_turn(&mut self, record: &Record, change: impl FnOnce(&mut Self, Turn) -> bool) -> Result<(), StateError> {
        match record.turn {
            Some(turn) if change(self, turn) => Ok(()),
            turn => Err(StateError::Turn { seq: record.seq, kind: record.kind.clone(), turn }),
        }
    }
}

fn not_of_lane(record: &Record) -> StateError {
    StateError::Lane { seq: record.seq, kind: record.kind.clone(), lane: Arc::clone(&record.lane) }
}

/// A policy as it was recorded; an empty one stands for none. One of a later version cannot be followed, so that nothing
/// is decided.
fn policy(text: &str) -> Option<Unattended> {
    (!text.is_empty()).then(|| text.parse().unwrap_or(Unattended::WAIT))
}

/// Host and gateway each have a state, and a prompt may be big: its params are decoded without a copy of them for each.
fn prompt_queued(record: &Record) -> Result<PromptQueued, StateError> {
    let Some(params) = record.body.as_raw().member("params").filter(|params| params.as_str().len() >= shared::BIG)
    else {
        return body(record);
    };
    let rest = rewrite::set_member(record.body.as_raw(), "params", Raw::NULL);
    let prompt = rest.as_raw().decode::<PromptQueued>().map_err(|source| StateError::Body {
        seq: record.seq,
        kind: record.kind.clone(),
        source,
    })?;
    Ok(PromptQueued { params: shared::part(params), ..prompt })
}

fn body<T: DeserializeOwned>(record: &Record) -> Result<T, StateError> {
    record.decode().map_err(|source| StateError::Body { seq: record.seq, kind: record.kind.clone(), source })
}
