//! Turns that wait: when the next one may start, how many there is room for, and how clients change them.

use std::sync::Arc;

use acp_types::meta::{CancelScope, QueuedPrompt};
use acp_types::record::body::{PromptEdited, PromptMoved};
use acp_types::record::{Kind, Origin, Turn};
use acp_types::{Raw, RawBuf, rewrite};

use super::super::{Refusal, State};
use super::transition::Transition;

/// The turns of a lane that wait. Where each of them stands is in the log, see [`super::super::TurnPhase`].
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

/// Extent of a cancel, and its reason.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) scope: CancelScope,
    pub(super) reason: Option<String>,
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

/// Time for the end of a turn that was cancelled.
impl TurnQueue {
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

    /// The running turn has ended.
    pub(super) fn end_grace(&mut self) {
        self.stop_by = None;
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

/// Refuses a prompt that is to run at once or not at all.
pub(super) fn refuse_if_busy(cx: &Transition<'_>) -> Result<(), Refusal> {
    let busy = cx.running().or_else(|| cx.steered().first().copied()).or_else(|| first(cx));
    busy.map_or(Ok(()), |turn| Err(Refusal::Busy { turn }))
}

/// Refuses a prompt for which there is no room.
pub(super) fn refuse_if_full(cx: &Transition<'_>, params: &RawBuf) -> Result<(), Refusal> {
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
