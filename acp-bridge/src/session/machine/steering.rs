//! Putting a message into the turn that runs.
//!
//! The log says that a message is offered before the agent gets it, so that it is never given twice: from then on it is
//! part of the running turn, or queued again because the agent said so, or lost in the dark, and then it ends as
//! interrupted.

use std::sync::Arc;

use acp_types::record::body::{Outcome, PromptSteered, Steer};
use acp_types::record::{Kind, Origin, Turn};
use acp_types::{Raw, RawBuf, rewrite};

use super::super::{LaneState, State, TurnPhase, wire};
use super::transition::Transition;

/// Messages that are on offer to a lane's agent.
#[derive(Debug, Default)]
pub(super) struct Steering(Offers);

/// Messages on offer, for whose answer the queue waits. Where each message stands is in the log, see [`TurnPhase`].
///
/// ```text
///            the turn ends that one was offered to
///   Clear ────────────────────────────────────────▶ HoldUp
///     ▲                                               │
///     └── the agent answers, or the message is lost ──┘
/// ```
#[derive(Debug, Default)]
enum Offers {
    /// There are none, or the turn runs that they were offered to.
    #[default]
    Clear,
    /// One to a turn that has ended has no answer. Without one until then it is lost.
    HoldUp { until: u64 },
}

/// A message on its way to the agent.
#[derive(Debug)]
pub(super) struct SteerRequest {
    turn: Turn,
    into: Turn,
    origin: Origin,
    /// Params of the prompt.
    params: RawBuf,
}

impl SteerRequest {
    /// The request of agents that can be steered.
    pub(super) const METHOD: &'static str = "_session/steering";

    /// Offers a queued turn's message to the agent as a part of the running turn. Comes with the params of the request.
    pub(super) fn offer(cx: &mut Transition<'_>, turn: Turn, into: Turn) -> Option<(Self, RawBuf)> {
        let info = cx.state().turn(turn)?;
        let origin = info.client.as_ref().map_or(Origin::Host, |client| Origin::Client(Arc::clone(client)));
        let params = info.params.clone().unwrap_or_default();
        let offered = PromptSteered { into, steer: Steer::Offered };
        cx.record(Kind::PromptSteered, Origin::Host, Some(turn), &offered);
        let prompt = params.as_raw().member("prompt").unwrap_or(Raw::EMPTY_ARRAY);
        let message = rewrite::set_member(wire::session_only(cx.agent_session()).as_raw(), "prompt", prompt);
        Some((Self { turn, into, origin, params }, message))
    }

    /// The turn whose message it is.
    pub(super) fn turn(&self) -> Turn {
        self.turn
    }

    /// Records what the agent says that it did with the message. How the turn is to end, if it is over: the one that the
    /// message went into has ended.
    pub(super) fn answered(self, cx: &mut Transition<'_>, outcome: Result<RawBuf, RawBuf>) -> Option<(Turn, Outcome)> {
        let Self { turn, into, origin, params } = self;
        let said = outcome.ok().and_then(|result| result.as_raw().member("outcome")?.as_string().map(String::from));
        let injected = said.as_deref() == Some("injected");
        let open = cx.state().turn(turn).is_some_and(|info| info.phase == TurnPhase::Offered(into));
        if open {
            let steer = if injected { Steer::Injected } else { Steer::Queued };
            cx.record(Kind::PromptSteered, Origin::Agent, Some(turn), &PromptSteered { into, steer });
        }
        if !injected {
            return None;
        }
        // Also of a message that was cancelled meanwhile: the agent has it.
        let shown_in = Some(into).filter(|into| cx.running() == Some(*into));
        cx.record_message(&origin, shown_in, params.as_raw());
        (open && shown_in.is_none()).then(|| (turn, outcome_of(cx.state(), into)))
    }
}

impl Steering {
    /// Time when what holds the queue up is lost.
    pub(super) fn deadline(&self) -> Option<u64> {
        if let Offers::HoldUp { until } = self.0 { Some(until) } else { None }
    }

    /// A turn has ended, or an offer has an answer.
    pub(super) fn watch(&mut self, cx: &Transition<'_>) {
        let running = cx.running();
        let hold_up = offers(cx).iter().any(|(_, into)| running != Some(*into));
        self.0 = match (hold_up, &self.0) {
            (false, _) => Offers::Clear,
            (true, Offers::HoldUp { until }) => Offers::HoldUp { until: *until },
            (true, Offers::Clear) => Offers::HoldUp { until: cx.grace_over() },
        };
    }

    /// The time for an answer may be over: turns whose message is lost then.
    pub(super) fn expire(&mut self, cx: &Transition<'_>) -> Option<Vec<Turn>> {
        if self.deadline().is_none_or(|deadline| cx.at() < deadline) {
            return None;
        }
        self.0 = Offers::Clear;
        let running = cx.running();
        Some(offers(cx).into_iter().filter(|(_, into)| running != Some(*into)).map(|(turn, _)| turn).collect())
    }
}

/// Returns whether the lane's agent said that it takes messages into a running turn.
pub(super) fn can_be_steered(cx: &Transition<'_>) -> bool {
    let agent = cx.logged().and_then(LaneState::agent);
    let said = agent.and_then(|agent| agent.initialize.as_raw().path(&["_meta", "steering", "supported"]));
    said.and_then(Raw::as_bool) == Some(true)
}

/// Turns whose message is on offer, with the turn that it is offered to.
pub(super) fn offers(cx: &Transition<'_>) -> Vec<(Turn, Turn)> {
    let into = |turn| match cx.state().turn(turn)?.phase {
        TurnPhase::Offered(into) => Some((turn, into)),
        _ => None,
    };
    cx.steered().into_iter().filter_map(into).collect()
}

/// Outcome of a turn whose message is on offer, when what becomes of it will never be known.
pub(super) fn lost(cx: &Transition<'_>, turn: Turn, reason: &str) -> Option<Outcome> {
    let offered = cx.state().turn(turn).is_some_and(|info| matches!(info.phase, TurnPhase::Offered(_)));
    let reason = format!("it is unknown whether the agent took the message into its turn: {reason}");
    offered.then_some(Outcome::Interrupted { reason })
}

/// Outcome of the turn that a message was put into.
fn outcome_of(state: &State, turn: Turn) -> Outcome {
    let ended = state.turn(turn).and_then(|info| info.phase.outcome().cloned());
    ended.unwrap_or_else(|| Outcome::Interrupted { reason: format!("turn {turn}, which it went into, was forgotten") })
}
