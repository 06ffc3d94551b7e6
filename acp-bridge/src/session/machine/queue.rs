//! Prompts, and the turns that they become.

use std::sync::Arc;

use acp_types::meta::{AfterRestart, CancelScope, OnBusy, QueuedPrompt};
use acp_types::record::body::{CancelRequested, Outcome, PromptEdited, PromptMoved, PromptQueued, TurnStarted};
use acp_types::record::{Kind, Origin, Turn};
use acp_types::{Raw, RawBuf, rewrite};

use super::super::wire::cut;
use super::super::{Command, Refusal, State, TurnPhase};
use super::steering::can_be_steered;
use super::transition::Transition;

/// The turns of a lane: accepted, started and ended here. Where each of them stands is in the log, see [`TurnPhase`].
#[derive(Debug, Default)]
pub(super) struct TurnQueue {
    flow: Flow,
    /// Time by which the running turn, which was cancelled, is to be over.
    stop_by: Option<u64>,
}

/// Permission to start for turns that wait.
///
/// ```text
///            a client attaches, prompts, or changes what waits
///   Paused ───────────────────────────────────────────────────▶ Open
///     ▲                                                          │
///     └── recovery, if turns wait; shutdown of the bridge ───────┘
/// ```
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// The first one starts when the agent is free.
    #[default]
    Open,
    /// Turns that were queued before a restart of the bridge wait until a client shows up, but for those that were told to
    /// run all the same.
    Paused,
}

/// A prompt as a client sent it.
#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) params: RawBuf,
    pub(super) key: Option<String>,
    pub(super) accept_context_loss: bool,
    pub(super) on_busy: OnBusy,
    pub(super) after_restart: AfterRestart,
}

/// Extent of a cancel, and its reason.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) scope: CancelScope,
    pub(super) reason: Option<String>,
}

/// A prompt that has become a turn, and what is to be done about the one that runs.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) turn: Turn,
    pub(super) then: Then,
}

/// Action that a turn which was accepted takes on the running one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing: it waits.
    Wait,
    /// A turn is to stop.
    Interrupt(Turn),
    /// Its message is for that one.
    Steer(Turn),
}

/// Pauses and starts of turns.
impl TurnQueue {
    /// Turns wait that were queued before a restart, or the bridge goes down.
    pub(super) fn pause(&mut self) {
        self.flow = Flow::Paused;
    }

    /// A client is there.
    pub(super) fn resume(&mut self) {
        self.flow = Flow::Open;
    }

    /// Returns whether a turn at the head of the queue need not wait for a client.
    pub(super) fn may_run(&self, cx: &Transition<'_>, turn: Turn) -> bool {
        self.flow == Flow::Open || cx.state().turn(turn).is_some_and(|info| info.runs_after_restart)
    }

    /// The turn that is to start when the agent is there. None while one runs, or while what is on offer to the agent may
    /// yet become the first of the queue.
    pub(super) fn ready(&self, cx: &Transition<'_>) -> Option<Turn> {
        if cx.running().is_some() || !cx.steered().is_empty() {
            return None;
        }
        first(cx).filter(|&turn| self.may_run(cx, turn))
    }

    /// The turns from the head of the queue on that need not wait for a client.
    pub(super) fn to_run(&self, cx: &Transition<'_>) -> Vec<Turn> {
        cx.queued().into_iter().take_while(|&turn| self.may_run(cx, turn)).collect()
    }
}

/// From a prompt to the end of its turn.
impl TurnQueue {
    /// Accepts a prompt, if it fits.
    pub(super) fn accept(cx: &mut Transition<'_>, client: &Arc<str>, prompt: Prompt) -> Result<Accepted, Refusal> {
        let Prompt { params, key, accept_context_loss, on_busy, after_restart } = prompt;
        let running = cx.running();
        // One that is on its way out takes nothing in any more.
        let open = running.filter(|&turn| !cx.cancel_requested(turn));
        match on_busy {
            OnBusy::Reject => refuse_if_busy(cx)?,
            OnBusy::Steer if running.is_some() && !can_be_steered(cx) => return Err(Refusal::SteeringUnsupported),
            _ => {}
        }
        refuse_if_full(cx, &params)?;
        let first = on_busy == OnBusy::Interrupt || (on_busy == OnBusy::Steer && running.is_some());
        let runs_after_restart = after_restart == AfterRestart::Run;
        let prompt = PromptQueued { key, params, accept_context_loss, first, runs_after_restart };
        let turn = cx.record(Kind::PromptQueued, Origin::Client(Arc::clone(client)), None, &prompt);
        let then = match (on_busy, open) {
            (OnBusy::Interrupt, Some(running)) => Then::Interrupt(running),
            (OnBusy::Steer, Some(running)) => Then::Steer(running),
            _ => Then::Wait,
        };
        Ok(Accepted { turn, then })
    }

    /// Starts a turn that waits. The params of its prompt, for the agent.
    pub(super) fn start(cx: &mut Transition<'_>, turn: Turn) -> RawBuf {
        let info = cx.state().turn(turn);
        let client = info.and_then(|info| info.client.as_ref());
        let origin = client.map_or(Origin::Host, |client| Origin::Client(Arc::clone(client)));
        let params = params_of(cx, turn);
        cx.record(Kind::TurnStarted, Origin::Host, Some(turn), &TurnStarted {});
        cx.record_message(&origin, Some(turn), params.as_raw());
        params
    }

    /// Records that a client wants a turn to stop.
    pub(super) fn record_cancel(cx: &mut Transition<'_>, client: &Arc<str>, turn: Turn, reason: Option<&str>) {
        let origin = Origin::Client(Arc::clone(client));
        let reason = reason.map(|reason| cut(reason, Command::MAX_REASON).to_owned());
        cx.record(Kind::CancelRequested, origin, Some(turn), &CancelRequested { reason });
    }

    /// The running turn, which was cancelled, has its time to end from now on.
    pub(super) fn begin_grace(&mut self, cx: &Transition<'_>) {
        self.stop_by = Some(cx.grace_over());
    }

    /// Time when that is over.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.stop_by
    }

    /// The time may be over: the turn that has not ended in it.
    pub(super) fn expire(&mut self, cx: &Transition<'_>) -> Option<Turn> {
        self.stop_by.filter(|&deadline| cx.at() >= deadline)?;
        self.stop_by = None;
        cx.running()
    }

    /// The one terminal record of a turn that has none yet (P7); what was put into it ends in the same way.
    pub(super) fn end(&mut self, cx: &mut Transition<'_>, turn: Turn, origin: &Origin, outcome: &Outcome) {
        if cx.running() == Some(turn) {
            self.stop_by = None;
        }
        cx.record(Kind::TurnEnded, origin.clone(), Some(turn), outcome);
        for joined in cx.steered() {
            if cx.state().turn(joined).is_some_and(|info| info.phase == TurnPhase::Joined(turn)) {
                cx.record(Kind::TurnEnded, origin.clone(), Some(joined), outcome);
            }
        }
    }
}

/// Changing prompts that wait.
impl TurnQueue {
    pub(super) fn edit(cx: &mut Transition<'_>, client: &Arc<str>, turn: Turn, prompt: RawBuf) -> Result<(), Refusal> {
        let Some(params) = cx.state().turn(turn).and_then(|info| info.params.clone()) else { return Ok(()) };
        let edited = rewrite::set_member(params.as_raw(), "prompt", prompt.as_raw());
        let (others, bytes) = weight_besides(cx, Some(turn));
        let limit = cx.config().max_queue_bytes;
        if others > 0 && bytes + edited.as_str().len() > limit {
            return Err(Refusal::QueueBytes { limit });
        }
        let origin = Origin::Client(Arc::clone(client));
        cx.record(Kind::PromptEdited, origin, Some(turn), &PromptEdited { prompt });
        Ok(())
    }

    pub(super) fn move_before(
        cx: &mut Transition<'_>,
        client: &Arc<str>,
        turn: Turn,
        before: Option<Turn>,
    ) -> Result<(), Refusal> {
        let queue = cx.queued();
        if let Some(before) = before.filter(|before| !queue.contains(before)) {
            return Err(Refusal::TurnElsewhere { before, turn });
        }
        let place = queue.iter().position(|&queued| queued == turn);
        let behind = place.and_then(|place| queue.get(place + 1)).copied();
        if before != Some(turn) && before != behind {
            let origin = Origin::Client(Arc::clone(client));
            cx.record(Kind::PromptMoved, origin, Some(turn), &PromptMoved { before });
        }
        Ok(())
    }
}

/// The turn that is next.
pub(super) fn first(cx: &Transition<'_>) -> Option<Turn> {
    cx.logged()?.queue().next()
}

/// The params of the prompt of a turn that has not ended.
pub(super) fn params_of(cx: &Transition<'_>, turn: Turn) -> RawBuf {
    cx.state().turn(turn).and_then(|info| info.params.clone()).unwrap_or_default()
}

/// Outcome of a turn whose agent has answered. What it says is what counts, whatever was asked of it.
pub(super) fn outcome_of(answer: Result<RawBuf, RawBuf>, cancelled: bool) -> Outcome {
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

/// Prompts that wait in all lanes, lane by lane.
pub(super) fn list(state: &State) -> Vec<QueuedPrompt> {
    let entry = |turn| {
        let info = state.turn(turn)?;
        let prompt = info.params.as_ref().and_then(|params| params.as_raw().member("prompt"));
        let mut entry = QueuedPrompt::new(turn, &*info.lane, prompt.unwrap_or(Raw::EMPTY_ARRAY).to_owned());
        entry.key = info.key.as_deref().map(str::to_owned);
        entry.client = info.client.as_deref().map(str::to_owned);
        Some(entry)
    };
    state.lanes().flat_map(|lane| lane.queue()).filter_map(entry).collect()
}

fn refuse_if_busy(cx: &Transition<'_>) -> Result<(), Refusal> {
    let busy = cx.running().or_else(|| cx.steered().first().copied()).or_else(|| first(cx));
    busy.map_or(Ok(()), |turn| Err(Refusal::Busy { turn }))
}

fn refuse_if_full(cx: &Transition<'_>, params: &RawBuf) -> Result<(), Refusal> {
    let (queued, bytes) = weight_besides(cx, None);
    let config = cx.config();
    let no_bytes_left = queued > 0 && bytes + params.as_str().len() > config.max_queue_bytes;
    if queued < config.max_queue && !no_bytes_left {
        return Ok(());
    }
    Err(Refusal::QueueFull { queued, max: config.max_queue })
}

/// Number of turns that wait or go into the running one, and bytes of their params.
fn weight_besides(cx: &Transition<'_>, besides: Option<Turn>) -> (usize, usize) {
    let turns = cx.queued().into_iter().chain(cx.steered()).filter(|turn| Some(*turn) != besides);
    let weight = |turn| cx.state().turn(turn).and_then(|info| Some(info.params.as_ref()?.as_str().len()));
    turns.fold((0, 0), |(count, bytes), turn| (count + 1, bytes + weight(turn).unwrap_or(0)))
}
