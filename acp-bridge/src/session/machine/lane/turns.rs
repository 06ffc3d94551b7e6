//! A lane's turns: from a prompt, by way of the agent, to the one end of its turn.

use std::sync::Arc;

use acp_types::meta::{AfterRestart, OnBusy};
use acp_types::method::v1;
use acp_types::record::body::{Outcome, PromptQueued, TurnStarted};
use acp_types::record::{Kind, Origin, Turn};
use acp_types::{Raw, RawBuf};

use super::super::super::{CommandId, QueueCommand, Refusal, Reply, TurnPhase, wire};
use super::super::calls::Call;
use super::super::queue::{self, TurnQueue};
use super::super::requests::Cause;
use super::super::steering::can_be_steered;
use super::super::transition::Transition;
use super::Lane;

/// A prompt as a client sent it.
#[derive(Debug)]
pub(in super::super) struct Prompt {
    pub(in super::super) params: RawBuf,
    pub(in super::super) key: Option<String>,
    pub(in super::super) accept_context_loss: bool,
    pub(in super::super) on_busy: OnBusy,
    pub(in super::super) after_restart: AfterRestart,
}

/// Its turns, from their prompts to their ends.
impl Lane {
    /// Accepts a prompt, or finds the turn that its key has started before (P6).
    pub(in super::super) fn prompt(
        &mut self,
        cx: &mut Transition<'_>,
        command: CommandId,
        client: &Arc<str>,
        prompt: Prompt,
    ) {
        let known = prompt.key.as_ref().and_then(|key| cx.state().turn_by_key(key));
        let accepted = known.map_or_else(|| self.accept(cx, client, prompt), Ok);
        cx.reply(command, accepted.map(Reply::Turn));
        self.resume(cx);
    }

    /// Accepts a prompt, if it fits, and does what it asks of the turn that runs.
    fn accept(&mut self, cx: &mut Transition<'_>, client: &Arc<str>, prompt: Prompt) -> Result<Turn, Refusal> {
        let Prompt { params, key, accept_context_loss, on_busy, after_restart } = prompt;
        let running = cx.running();
        // One that is on its way out takes nothing in any more.
        let open = running.filter(|&turn| !cx.cancel_requested(turn));
        match on_busy {
            OnBusy::Reject => queue::refuse_if_busy(cx)?,
            OnBusy::Steer if running.is_some() && !can_be_steered(cx) => return Err(Refusal::SteeringUnsupported),
            _ => {}
        }
        queue::refuse_if_full(cx, &params)?;
        let first = on_busy == OnBusy::Interrupt || (on_busy == OnBusy::Steer && running.is_some());
        let runs_after_restart = after_restart == AfterRestart::Run;
        let prompt = PromptQueued { key, params, accept_context_loss, first, runs_after_restart };
        let turn = cx.record(Kind::PromptQueued, Origin::Client(Arc::clone(client)), None, &prompt);
        match (on_busy, open) {
            (OnBusy::Interrupt, Some(running)) => self.cancel_running(cx, client, running, None),
            // To an agent that is awaited nothing can be offered: the message is the next turn then.
            (OnBusy::Steer, Some(running)) if self.agent.is_alive() => self.offer(cx, turn, running),
            _ => {}
        }
        Ok(turn)
    }

    /// Lets go on what waits for a client.
    pub(in super::super) fn resume(&mut self, cx: &mut Transition<'_>) {
        self.queue.resume();
        self.advance(cx);
    }

    /// Starts the next turn if it can be, or the agent that it needs.
    pub(super) fn advance(&mut self, cx: &mut Transition<'_>) {
        let Some(next) = self.queue.ready(cx) else { return };
        if self.agent.is_serving() {
            self.announce(cx);
            self.start_turn(cx, next);
        } else {
            let accepts_loss = cx.state().turn(next).is_some_and(|info| info.accept_context_loss);
            self.need_agent(cx, accepts_loss);
        }
    }

    /// Starts a turn that waits: clients see its message, and the agent gets its prompt.
    fn start_turn(&mut self, cx: &mut Transition<'_>, turn: Turn) {
        let client = cx.state().turn(turn).and_then(|info| info.client.as_ref());
        let origin = client.map_or(Origin::Host, |client| Origin::Client(Arc::clone(client)));
        let params = queue::params_of(cx, turn);
        cx.record(Kind::TurnStarted, Origin::Host, Some(turn), &TurnStarted {});
        cx.record_message(&origin, Some(turn), params.as_raw());
        self.send_prompt(cx, turn, params.as_raw());
    }

    fn send_prompt(&mut self, cx: &mut Transition<'_>, turn: Turn, params: Raw<'_>) {
        let params = wire::to_agent(params, cx.agent_session());
        let call = cx.call_agent(v1::Prompt::NAME.to_owned(), Some(params));
        self.calls.expect(call, Call::Prompt(turn));
    }

    /// Gives the agent the prompt of a turn that has been started, which it has not got.
    pub(super) fn resend_prompt(&mut self, cx: &mut Transition<'_>, turn: Turn) {
        let params = queue::params_of(cx, turn);
        self.send_prompt(cx, turn, params.as_raw());
    }

    /// The agent ends the running turn.
    pub(super) fn prompt_answered(&mut self, cx: &mut Transition<'_>, turn: Turn, answer: Result<RawBuf, RawBuf>) {
        if cx.running() != Some(turn) {
            return;
        }
        self.requests.resolve_turn(cx, turn, Cause::TURN_ENDED);
        let outcome = outcome_of(answer, cx.cancel_requested(turn));
        self.end_turn(cx, turn, Origin::Agent, &outcome);
        self.advance(cx);
    }

    /// The one terminal record of a turn that has none yet (P7); what was put into it ends in the same way.
    pub(super) fn end_turn(&mut self, cx: &mut Transition<'_>, turn: Turn, origin: Origin, outcome: &Outcome) {
        if cx.running() == Some(turn) {
            self.queue.end_grace();
        }
        cx.record(Kind::TurnEnded, origin.clone(), Some(turn), outcome);
        for joined in cx.steered() {
            if cx.state().turn(joined).is_some_and(|info| info.phase == TurnPhase::Joined(turn)) {
                cx.record(Kind::TurnEnded, origin.clone(), Some(joined), outcome);
            }
        }
        self.steering.watch(cx);
    }

    /// Changes one prompt that waits in this lane.
    pub(in super::super) fn change_queued(
        &mut self,
        cx: &mut Transition<'_>,
        client: &Arc<str>,
        change: QueueCommand,
    ) -> Result<(), Refusal> {
        match change {
            QueueCommand::List => Ok(()),
            QueueCommand::Edit { turn, prompt } => TurnQueue::edit(cx, client, turn, prompt),
            QueueCommand::Move { turn, before } => TurnQueue::move_before(cx, client, turn, before),
            QueueCommand::Withdraw { turn } => {
                self.cancel_queued(cx, client, turn, None);
                self.resume(cx);
                Ok(())
            }
        }
    }
}

/// Outcome of a turn whose agent has answered. What it says is what counts, whatever was asked of it.
fn outcome_of(answer: Result<RawBuf, RawBuf>, cancelled: bool) -> Outcome {
    match answer {
        Ok(result) => match stop_reason(result.as_raw()) {
            reason if reason == "cancelled" => Outcome::Cancelled { result: Some(result), killed: false },
            stop_reason => Outcome::Completed { stop_reason, result },
        },
        Err(_) if cancelled => Outcome::Cancelled { result: None, killed: false },
        Err(error) => Outcome::Failed { error },
    }
}

fn stop_reason(result: Raw<'_>) -> String {
    let reason = result.member("stopReason").and_then(Raw::as_string);
    reason.map_or_else(|| "unknown".to_owned(), |reason| reason.into_owned())
}
