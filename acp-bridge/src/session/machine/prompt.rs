//! Prompts, and the turns that they become.

use std::sync::Arc;

use acp_types::meta::{AfterRestart, OnBusy};
use acp_types::record::body::{Outcome, PromptQueued, TurnStarted};
use acp_types::record::{Kind, Origin, Turn};
use acp_types::{Raw, RawBuf};

use super::super::{CommandId, Refusal, Reply};
use super::lane::{Agent, Lane};
use super::recorder::Step;
use super::requests::Cause;
use super::wire;

/// A prompt as a client sent it.
#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) params: RawBuf,
    pub(super) key: Option<String>,
    pub(super) accept_context_loss: bool,
    pub(super) on_busy: OnBusy,
    pub(super) after_restart: AfterRestart,
}

impl Lane {
    /// Accepts a prompt, or finds the turn that its key has started before (P6).
    pub(super) fn prompt(&mut self, step: &mut Step<'_>, command: CommandId, client: &Arc<str>, prompt: Prompt) {
        let known = prompt.key.as_ref().and_then(|key| step.state().turn_by_key(key));
        let accepted = known.map_or_else(|| self.accept(step, client, prompt), Ok);
        step.reply(command, accepted.map(Reply::Turn));
        self.paused = false;
        self.advance(step);
    }

    fn accept(&mut self, step: &mut Step<'_>, client: &Arc<str>, prompt: Prompt) -> Result<Turn, Refusal> {
        let Prompt { params, key, accept_context_loss, on_busy, after_restart } = prompt;
        let running = self.running(step);
        // One that is on its way out takes nothing in any more.
        let open = running.filter(|&turn| !step.cancel_requested(turn));
        match on_busy {
            OnBusy::Reject => self.refuse_if_busy(step)?,
            OnBusy::Steer if running.is_some() && !self.can_be_steered(step) => {
                return Err(Refusal::SteeringUnsupported);
            }
            _ => {}
        }
        self.refuse_if_full(step, &params)?;
        let first = on_busy == OnBusy::Interrupt || (on_busy == OnBusy::Steer && running.is_some());
        let runs_after_restart = after_restart == AfterRestart::Run;
        let prompt = PromptQueued { key, params, accept_context_loss, first, runs_after_restart };
        let turn = self.record(step, Kind::PromptQueued, Origin::Client(Arc::clone(client)), None, &prompt);
        match (on_busy, open) {
            (OnBusy::Interrupt, Some(running)) => self.cancel_running(step, client, running, None),
            // To an agent that is awaited nothing can be offered: the message is the next turn then.
            (OnBusy::Steer, Some(running)) if self.agent == Agent::Alive => self.offer(step, turn, running),
            _ => {}
        }
        Ok(turn)
    }

    fn refuse_if_busy(&self, step: &Step<'_>) -> Result<(), Refusal> {
        let busy = self.running(step).or_else(|| self.steering(step).first().copied()).or_else(|| self.next(step));
        busy.map_or(Ok(()), |turn| Err(Refusal::Busy { turn }))
    }

    fn refuse_if_full(&self, step: &Step<'_>, params: &RawBuf) -> Result<(), Refusal> {
        let (queued, bytes) = self.queued_besides(step, None);
        let config = step.config();
        let no_bytes_left = queued > 0 && bytes + params.as_str().len() > config.max_queue_bytes;
        if queued < config.max_queue && !no_bytes_left {
            return Ok(());
        }
        Err(Refusal::QueueFull { queued, max: config.max_queue })
    }

    /// How many turns wait or go into the running one, and bytes of their params.
    pub(super) fn queued_besides(&self, step: &Step<'_>, besides: Option<Turn>) -> (usize, usize) {
        let turns = self.queued(step).into_iter().chain(self.steering(step)).filter(|turn| Some(*turn) != besides);
        let weight = |turn| step.state().turn(turn).and_then(|info| Some(info.params.as_ref()?.as_str().len()));
        turns.fold((0, 0), |(count, bytes), turn| (count + 1, bytes + weight(turn).unwrap_or(0)))
    }

    /// Starts the next turn if it can be, or the agent that it needs.
    pub(super) fn advance(&mut self, step: &mut Step<'_>) {
        // What is on offer to the agent may yet become the first of the queue.
        if self.running(step).is_some() || !self.steering(step).is_empty() {
            return;
        }
        let Some(next) = self.next(step).filter(|&next| self.may_run(step, next)) else { return };
        if self.is_ready() {
            self.start_turn(step, next);
        } else {
            let accepts_loss = step.state().turn(next).is_some_and(|info| info.accept_context_loss);
            self.need_agent(step, accepts_loss);
        }
    }

    /// Whether a turn at the head of the queue need not wait for a client.
    pub(super) fn may_run(&self, step: &Step<'_>, turn: Turn) -> bool {
        !self.paused || step.state().turn(turn).is_some_and(|info| info.runs_after_restart)
    }

    /// Gives the agent the prompt of a turn that has been started, which it has not got.
    pub(super) fn give_again(&mut self, step: &mut Step<'_>, turn: Turn) {
        let params = step.state().turn(turn).and_then(|info| info.params.clone()).unwrap_or_default();
        self.send_prompt(step, turn, params.as_raw());
    }

    fn start_turn(&mut self, step: &mut Step<'_>, turn: Turn) {
        self.announce(step);
        let Some(info) = step.state().turn(turn) else { return };
        let origin = info.client.as_ref().map_or(Origin::Host, |client| Origin::Client(Arc::clone(client)));
        let params = info.params.clone().unwrap_or_default();
        self.record(step, Kind::TurnStarted, Origin::Host, Some(turn), &TurnStarted {});
        self.show_message(step, &origin, Some(turn), params.as_raw());
        self.send_prompt(step, turn, params.as_raw());
    }

    /// Records the user's message, one update for each content block.
    pub(super) fn show_message(&mut self, step: &mut Step<'_>, origin: &Origin, turn: Option<Turn>, params: Raw<'_>) {
        for block in params.member("prompt").into_iter().flat_map(Raw::elements) {
            let chunk = wire::user_message_chunk(block);
            self.record_update(step, origin.clone(), turn, Raw::trusted(&chunk));
        }
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

    /// The one terminal record of a turn that has none yet (P7); what was put into it ends in the same way.
    pub(super) fn end_turn(&mut self, step: &mut Step<'_>, turn: Turn, origin: Origin, outcome: &Outcome) {
        if self.running(step) == Some(turn) {
            self.cancel_deadline = None;
        }
        self.record(step, Kind::TurnEnded, origin.clone(), Some(turn), outcome);
        self.end_joined(step, turn, &origin, outcome);
        self.watch_offers(step);
    }
}

fn stop_reason(result: Raw<'_>) -> String {
    let reason = result.member("stopReason").and_then(Raw::as_string);
    reason.map_or_else(|| "unknown".to_owned(), |reason| reason.into_owned())
}
