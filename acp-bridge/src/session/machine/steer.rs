//! Putting a message into the turn that runs.
//!
//! The log says that a message is offered before the agent gets it, so that it is never given twice: from then on it is
//! part of the running turn, or queued again because the agent said so, or lost in the dark, and then it ends as
//! interrupted.

use std::sync::Arc;

use acp_types::record::body::{Outcome, PromptSteered, Steer};
use acp_types::record::{Kind, Origin, Turn};
use acp_types::{Raw, RawBuf, rewrite};

use super::super::{LaneState, State, TurnPhase};
use super::lane::Lane;
use super::recorder::Step;
use super::wire;

/// The request of agents that can be steered.
const STEER: &str = "_session/steering";

/// A message on its way to the agent.
#[derive(Debug)]
pub(super) struct Offer {
    turn: Turn,
    into: Turn,
    origin: Origin,
    /// Params of the prompt.
    params: RawBuf,
}

impl Lane {
    /// Whether the agent said that it takes messages into a running turn.
    pub(super) fn can_be_steered(&self, step: &Step<'_>) -> bool {
        let agent = self.logged(step.state()).and_then(LaneState::agent);
        let said = agent.and_then(|agent| agent.initialize.as_raw().path(&["_meta", "steering", "supported"]));
        said.and_then(Raw::as_bool) == Some(true)
    }

    /// Gives a queued turn's message to the agent as a part of the running turn.
    pub(super) fn offer(&mut self, step: &mut Step<'_>, turn: Turn, into: Turn) {
        let Some(info) = step.state().turn(turn) else { return };
        let origin = info.client.as_ref().map_or(Origin::Host, |client| Origin::Client(Arc::clone(client)));
        let params = info.params.clone().unwrap_or_default();
        self.record(
            step,
            Kind::PromptSteered,
            Origin::Host,
            Some(turn),
            &PromptSteered { into, steer: Steer::Offered },
        );
        let prompt = params.as_raw().member("prompt").unwrap_or(Raw::EMPTY_ARRAY);
        let message = rewrite::set_member(wire::session_only(self.agent_session(step)).as_raw(), "prompt", prompt);
        self.send_offer(step, Offer { turn, into, origin, params }, STEER, message);
    }

    /// The agent says what it did with a message.
    pub(super) fn steered(&mut self, step: &mut Step<'_>, offer: Offer, outcome: Result<RawBuf, RawBuf>) {
        let Offer { turn, into, origin, params } = offer;
        let said = outcome.ok().and_then(|result| result.as_raw().member("outcome")?.as_string().map(String::from));
        let injected = said.as_deref() == Some("injected");
        let open = step.state().turn(turn).is_some_and(|info| info.phase == TurnPhase::Offered(into));
        if open {
            let steer = if injected { Steer::Injected } else { Steer::Queued };
            self.record(step, Kind::PromptSteered, Origin::Agent, Some(turn), &PromptSteered { into, steer });
        }
        if injected {
            // Also of a message that was cancelled meanwhile: the agent has it.
            let shown_in = Some(into).filter(|into| self.running(step) == Some(*into));
            self.show_message(step, &origin, shown_in, params.as_raw());
            if open && shown_in.is_none() {
                let outcome = outcome_of(step.state(), into);
                self.end_turn(step, turn, Origin::Agent, &outcome);
            }
        }
        self.watch_offers(step);
        self.advance(step);
    }

    /// What has become of an offer will never be known.
    pub(super) fn offer_lost(&mut self, step: &mut Step<'_>, turn: Turn, reason: &str) {
        if step.state().turn(turn).is_some_and(|info| matches!(info.phase, TurnPhase::Offered(_))) {
            let reason = format!("it is unknown whether the agent took the message into its turn: {reason}");
            self.end_turn(step, turn, Origin::Host, &Outcome::Interrupted { reason });
        }
    }

    /// The same of an offer that the agent was to answer.
    pub(super) fn offer_unanswered(&mut self, step: &mut Step<'_>, offer: &Offer, reason: &str) {
        self.offer_lost(step, offer.turn, reason);
    }

    /// Turns that are on offer to the agent, or part of the running one.
    pub(super) fn steering(&self, step: &Step<'_>) -> Vec<Turn> {
        self.logged(step.state()).map(|lane| lane.steered().collect()).unwrap_or_default()
    }

    /// Turns whose message is on offer, with the turn that it is offered to.
    pub(super) fn offers(&self, step: &Step<'_>) -> Vec<(Turn, Turn)> {
        let into = |turn| match step.state().turn(turn)?.phase {
            TurnPhase::Offered(into) => Some((turn, into)),
            _ => None,
        };
        self.steering(step).into_iter().filter_map(into).collect()
    }

    /// Ends what was put into a turn as that turn has ended.
    pub(super) fn end_joined(&mut self, step: &mut Step<'_>, into: Turn, origin: &Origin, outcome: &Outcome) {
        for turn in self.steering(step) {
            if step.state().turn(turn).is_some_and(|info| info.phase == TurnPhase::Joined(into)) {
                self.record(step, Kind::TurnEnded, origin.clone(), Some(turn), outcome);
            }
        }
    }

    /// An offer to a turn that has ended holds the queue up, and so has an end.
    pub(super) fn watch_offers(&mut self, step: &Step<'_>) {
        let running = self.running(step);
        let holds_up = self.offers(step).iter().any(|(_, into)| running != Some(*into));
        self.offer_deadline = holds_up.then(|| self.offer_deadline.unwrap_or_else(|| step.grace_over()));
    }

    /// The time for an answer may be over.
    pub(super) fn tick_offers(&mut self, step: &mut Step<'_>) {
        if self.offer_deadline.is_none_or(|deadline| step.at < deadline) {
            return;
        }
        self.offer_deadline = None;
        let running = self.running(step);
        for (turn, into) in self.offers(step) {
            if running != Some(into) {
                self.offer_lost(step, turn, "the turn has ended and there is no answer");
            }
        }
        self.advance(step);
    }
}

/// How the turn ended that a message was put into.
fn outcome_of(state: &State, turn: Turn) -> Outcome {
    let ended = state.turn(turn).and_then(|info| info.phase.outcome().cloned());
    ended.unwrap_or_else(|| Outcome::Interrupted { reason: format!("turn {turn}, which it went into, was forgotten") })
}
