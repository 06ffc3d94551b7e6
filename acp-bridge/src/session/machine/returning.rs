//! Agents behind a link, which run on when the bridge does not: waited for, and taken up where the log ends.

use std::sync::Arc;

use acp_types::record::body::Outcome;
use acp_types::record::{Origin, Seq};
use acp_types::{RawBuf, RequestId};

use super::super::Effect;
use super::super::declined::Declined;
use super::lane::{Agent, Lane};
use super::recorder::Step;
use super::requests::Cause;

/// What the log says of a request that the agent still waits for.
enum Asked {
    Pending(Seq),
    Answered(Result<RawBuf, RawBuf>),
    Unknown,
}

impl Lane {
    /// Whether its agent goes on when the bridge does not.
    pub(super) fn runs_on(&self, step: &Step<'_>) -> bool {
        let linked = self.logged(step.state()).is_some_and(|lane| lane.link().is_some());
        linked && matches!(self.agent, Agent::Alive | Agent::Awaited)
    }

    /// After a restart of the bridge: leaves all open that the agent works on, and waits for it. What was on offer to the
    /// agent is lost: its answer would go to nobody. Returns whether there is anything to wait for.
    pub(super) fn await_agent(&mut self, step: &mut Step<'_>) -> bool {
        let logged = self.logged(step.state());
        let waits_for = logged.and_then(|lane| Some((lane.link()?.clone(), lane.received(), lane.running())));
        let Some((link, received, running)) = waits_for else { return false };
        self.agent = Agent::Awaited;
        for turn in self.steering(step) {
            self.offer_lost(step, turn, "the bridge stopped before it was said");
        }
        let call = running.map(|turn| self.expect_answer(step, turn));
        if running.is_some_and(|turn| step.cancel_requested(turn)) {
            self.cancel_deadline = Some(step.grace_over());
        }
        step.effect(Effect::AwaitAgent { lane: Arc::clone(&self.name), link, received, call });
        true
    }

    /// The agent is back. What was decided in the log reaches it now, and a prompt that it never got is given again: it is
    /// known not to have run.
    pub(super) fn returned(&mut self, step: &mut Step<'_>, has_prompt: bool, asked: Vec<(u64, RequestId)>) {
        if self.agent != Agent::Awaited {
            return;
        }
        self.agent = Agent::Alive;
        let running = self.running(step);
        let cancelled = running.is_some_and(|turn| step.cancel_requested(turn));
        if cancelled && has_prompt {
            // Before the answers, as with every cancel.
            self.tell_to_stop(step);
        }
        self.take_up_requests(step, asked);
        if let Some(turn) = running.filter(|_| !has_prompt) {
            self.expect_no_answer();
            if cancelled {
                self.end_turn(step, turn, Origin::Host, &Outcome::Cancelled { result: None, killed: false });
            } else {
                self.give_again(step, turn);
            }
        }
        self.serve_or_restore(step);
    }

    /// Finds what the agent waits for in the log. What is pending there and the agent does not wait for is over.
    fn take_up_requests(&mut self, step: &mut Step<'_>, asked: Vec<(u64, RequestId)>) {
        for (position, id) in asked {
            match self.find_asked(step, position) {
                Asked::Pending(seq) => self.requests.add(seq, id),
                Asked::Answered(answer) => {
                    step.effect(Effect::Respond { lane: Arc::clone(&self.name), id, answer });
                }
                Asked::Unknown => self.decline(step, id, &Declined::Forgotten),
            }
        }
        let over = self.pending(step).map(|(seq, _)| seq).filter(|seq| !self.requests.knows(*seq));
        for seq in over.collect::<Vec<_>>() {
            self.resolve_by_default(step, seq, Cause::RECOVERED);
        }
    }

    fn find_asked(&self, step: &Step<'_>, position: u64) -> Asked {
        let pending = self.pending(step).find(|(_, request)| request.position == Some(position));
        if let Some((seq, _)) = pending.filter(|(seq, _)| !self.requests.knows(*seq)) {
            return Asked::Pending(seq);
        }
        let answer = self.logged(step.state()).and_then(|lane| lane.answer_to(position));
        answer.map_or(Asked::Unknown, |answer| Asked::Answered(answer.clone()))
    }

    /// The agent does not come back: as if it had exited. Whoever waits for an agent gets another one.
    pub(super) fn not_back(&mut self, step: &mut Step<'_>, reason: &str) {
        self.gone(step, reason, "the bridge stopped while the turn ran, and the agent did not come back");
        if self.is_called() {
            self.need_agent(step, false);
        }
    }
}
