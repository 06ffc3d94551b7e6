//! A restart of the bridge: what is left open when it goes down, and taken up when it is back.

use std::sync::Arc;

use acp_types::RequestId;
use acp_types::record::Origin;
use acp_types::record::body::Outcome;

use super::super::super::{Effect, LaneState, Refusal};
use super::super::calls::Call;
use super::super::requests::Cause;
use super::super::transition::Transition;
use super::Lane;
use super::agent_life::record_exit;

/// The bridge goes down.
impl Lane {
    /// Ends what would go on unseen. An agent behind a link runs on.
    pub(in super::super) fn shut_down(&mut self, cx: &mut Transition<'_>) {
        let why = Refusal::ShutDown;
        self.queue.pause();
        let linked = cx.logged().is_some_and(|lane| lane.link().is_some());
        if linked && (self.agent.is_alive() || self.agent.is_awaited()) {
            self.fail_calls(cx, &why);
            return;
        }
        let joining = self.agent.take_joining();
        self.stop_agent(cx, &why.to_string());
        self.requests.resolve_all(cx, Cause::RECOVERED);
        if let Some(turn) = cx.running() {
            let outcome = Outcome::Interrupted { reason: why.to_string() };
            self.end_turn(cx, turn, Origin::Host, &outcome);
        }
        if let Some(joining) = joining {
            joining.fail(cx, &why);
        }
        self.fail_calls(cx, &why);
    }
}

/// The bridge was restarted.
impl Lane {
    /// Closes what a crash has left open. Whether its agent, and so its turn, goes on.
    pub(in super::super) fn recover(&mut self, cx: &mut Transition<'_>) -> bool {
        // What was queued where the session was written elsewhere is no prompt of anybody here.
        for turn in cx.queued().into_iter().filter(|&turn| cx.state().is_of_elsewhere(turn)).collect::<Vec<_>>() {
            let reason = "it waited where the session was written, and nothing of that runs here; send it again";
            self.end_turn(cx, turn, Origin::Host, &Outcome::Interrupted { reason: reason.to_owned() });
        }
        if !cx.queued().is_empty() {
            self.queue.pause();
        }
        if self.await_agent(cx) {
            return true;
        }
        if cx.logged().is_some_and(LaneState::agent_alive) {
            record_exit(cx, "the bridge stopped, and the agent with it", false);
        }
        self.requests.resolve_all(cx, Cause::RECOVERED);
        if let Some(turn) = cx.running() {
            let reason = "the bridge stopped while the turn ran; what the agent did after the last record is unknown";
            self.end_turn(cx, turn, Origin::Host, &Outcome::Interrupted { reason: reason.to_owned() });
        }
        self.lose_offers(cx);
        self.advance(cx);
        false
    }

    /// Leaves all open that an agent behind a link works on, and waits for it. What was on offer to the agent is lost: its
    /// answer would go to nobody. Returns whether there is anything to wait for.
    fn await_agent(&mut self, cx: &mut Transition<'_>) -> bool {
        let waits_for = cx.logged().and_then(|lane| Some((lane.link()?.clone(), lane.received(), lane.running())));
        let Some((link, received, running)) = waits_for else { return false };
        self.agent.await_return();
        self.lose_offers(cx);
        let call = running.map(|turn| {
            let call = cx.next_call();
            self.calls.expect(call, Call::Prompt(turn));
            call
        });
        if running.is_some_and(|turn| cx.cancel_requested(turn)) {
            self.queue.begin_grace(cx);
        }
        let lane = Arc::clone(&self.name);
        cx.effect(Effect::AwaitAgent { lane, link, received, call });
        true
    }

    fn lose_offers(&mut self, cx: &mut Transition<'_>) {
        for turn in cx.steered() {
            self.steering_lost(cx, turn, "the bridge stopped before it was said");
        }
    }

    /// The agent is back. What was decided in the log reaches it now, and a prompt that it never got is sent again: it is
    /// known not to have run.
    pub(super) fn returned(&mut self, cx: &mut Transition<'_>, has_prompt: bool, asked: Vec<(u64, RequestId)>) {
        if !self.agent.returned() {
            return;
        }
        let running = cx.running();
        let cancelled = running.is_some_and(|turn| cx.cancel_requested(turn));
        if cancelled && has_prompt {
            // Before the answers, as with every cancel.
            self.tell_to_stop(cx);
        }
        self.requests.take_up(cx, asked);
        if let Some(turn) = running.filter(|_| !has_prompt) {
            self.calls.expect_no_answer();
            if cancelled {
                self.end_turn(cx, turn, Origin::Host, &Outcome::Cancelled { result: None, killed: false });
            } else {
                self.resend_prompt(cx, turn);
            }
        }
        self.restore_or_serve(cx);
    }

    /// Takes in that the agent does not come back: as if it had exited. Whoever waits for an agent gets another one.
    pub(super) fn not_back(&mut self, cx: &mut Transition<'_>, reason: &str) {
        self.gone(cx, reason, "the bridge stopped while the turn ran, and the agent did not come back");
        if self.calls.any_waiting() {
            self.need_agent(cx, false);
        }
    }
}
