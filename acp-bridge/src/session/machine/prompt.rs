//! Prompts, and the turns that they become.

use std::sync::Arc;

use acp_types::error::{self, ErrorCode};
use acp_types::record::body::{Outcome, PromptQueued, TurnStarted};
use acp_types::record::{Kind, Origin, Turn};
use acp_types::{Raw, RawBuf};

use super::super::{CommandId, Reply};
use super::lane::{Agent, Lane};
use super::recorder::Step;
use super::requests::Cause;
use super::wire;

impl Lane {
    /// Accepts a prompt, or finds the turn that its key has started before (P6).
    pub(super) fn prompt(
        &mut self,
        step: &mut Step<'_>,
        command: CommandId,
        client: Arc<str>,
        params: RawBuf,
        key: Option<String>,
        accept_context_loss: bool,
    ) {
        let known = key.as_ref().and_then(|key| step.state().turn_by_key(key));
        if known.is_none() && self.queue_is_full(step, &params) {
            let queued = self.queued(step).len();
            let message = format!("the session's prompt queue is full ({queued}); wait for a turn to end");
            let data = RawBuf::encode(&serde_json::json!({ "acp-bridge": { "maxQueue": step.config().max_queue } }));
            step.reply(command, Err(error::error(ErrorCode::INTERNAL_ERROR, message, data.ok())));
        } else {
            let turn = known.unwrap_or_else(|| {
                let prompt = PromptQueued { key, params, accept_context_loss };
                self.record(step, Kind::PromptQueued, Origin::Client(client), None, &prompt)
            });
            step.reply(command, Ok(Reply::Turn(turn)));
        }
        self.paused = false;
        self.advance(step);
    }

    fn queue_is_full(&self, step: &Step<'_>, params: &RawBuf) -> bool {
        let queued = self.queued(step);
        let waiting = queued.iter().filter_map(|&turn| step.state().turn(turn)?.params.as_ref());
        let bytes: usize = waiting.map(|params| params.as_str().len()).sum();
        let config = step.config();
        let no_bytes_left = !queued.is_empty() && bytes + params.as_str().len() > config.max_queue_bytes;
        queued.len() >= config.max_queue || no_bytes_left
    }

    /// Starts the next turn if it can be, or the agent that it needs.
    pub(super) fn advance(&mut self, step: &mut Step<'_>) {
        if self.paused || self.running(step).is_some() {
            return;
        }
        let Some(next) = self.next(step) else { return };
        if self.agent == Agent::Alive {
            self.start_turn(step, next);
        } else {
            let accepts_loss = step.state().turn(next).is_some_and(|info| info.accept_context_loss);
            self.need_agent(step, accepts_loss);
        }
    }

    fn start_turn(&mut self, step: &mut Step<'_>, turn: Turn) {
        let Some(info) = step.state().turn(turn) else { return };
        let origin = info.client.as_ref().map_or(Origin::Host, |client| Origin::Client(Arc::clone(client)));
        let params = info.params.clone().unwrap_or_default();
        self.record(step, Kind::TurnStarted, Origin::Host, Some(turn), &TurnStarted {});
        for block in params.as_raw().member("prompt").into_iter().flat_map(Raw::elements) {
            let chunk = wire::user_message_chunk(block);
            self.record_update(step, origin.clone(), Some(turn), Raw::trusted(&chunk));
        }
        self.send_prompt(step, turn, params.as_raw());
    }

    /// The agent ends the running turn. What it says about that is what counts, whatever was asked of it.
    pub(super) fn prompt_answered(&mut self, step: &mut Step<'_>, turn: Turn, outcome: Result<RawBuf, RawBuf>) {
        if self.running(step) != Some(turn) {
            return;
        }
        self.resolve_turn(step, turn, Cause::TURN_ENDED);
        let cancelled = step.cancel_requested(turn);
        let outcome = match outcome {
            Ok(result) => match stop_reason(result.as_raw()) {
                reason if reason == "cancelled" => Outcome::Cancelled { result: Some(result), killed: false },
                stop_reason => Outcome::Completed { stop_reason, result },
            },
            Err(_) if cancelled => Outcome::Cancelled { result: None, killed: false },
            Err(error) => Outcome::Failed { error },
        };
        self.end_turn(step, turn, Origin::Agent, &outcome);
        self.advance(step);
    }

    /// The one terminal record of a turn that has none yet (P7).
    pub(super) fn end_turn(&mut self, step: &mut Step<'_>, turn: Turn, origin: Origin, outcome: &Outcome) {
        if self.running(step) == Some(turn) {
            self.cancel_deadline = None;
        }
        self.record(step, Kind::TurnEnded, origin, Some(turn), outcome);
    }
}

fn stop_reason(result: Raw<'_>) -> String {
    let reason = result.member("stopReason").and_then(Raw::as_string);
    reason.map_or_else(|| "unknown".to_owned(), |reason| reason.into_owned())
}
