//! The turns of a session, of all its lanes: those that are open, and the newest that ended.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use acp_types::record::Turn;
use acp_types::record::body::Outcome;
use acp_types::{Raw, RawBuf};

/// Turns that ended and are remembered: enough that a client which was away for a day finds its own again.
const MAX_ENDED: usize = 1024;

/// Bytes of their results; a result is usually some fifty bytes but may be as large as a frame.
const MAX_ENDED_BYTES: usize = 4 << 20;

/// Facts about one turn.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TurnInfo {
    /// The lane whose agent it is for.
    pub lane: Arc<str>,
    /// The client's key for it (P6).
    pub key: Option<Arc<str>>,
    /// The client that prompted.
    pub client: Option<Arc<str>>,
    /// Its phase.
    pub phase: TurnPhase,
    /// The `session/prompt` params as the client sent them; `None` once it has ended.
    pub params: Option<RawBuf>,
    /// Somebody asked for it to stop.
    pub cancel_requested: bool,
    /// True if it may run although the agent has forgotten the conversation.
    pub accept_context_loss: bool,
    /// True if it need not wait for a client after a restart of the bridge.
    pub runs_after_restart: bool,
    /// The turn that its message went into, and with which it ends.
    pub steered: Option<Turn>,
}

/// Phase of a turn. It only ever moves down this list, but for an offer that the agent did not take: that one is queued
/// again.
///
/// ```text
///                starts                    ends
///   Queued ───────────────────▶ Running ─────────────▶ Ended
///    │ ▲ └── cancelled, failed ─────────────────────────▲▲
///    │ │ not taken                                      ││
///    ▼ │         taken              its turn ends       ││
///   Offered ──────────────────▶ Joined ─────────────────┘│
///      └── cancelled, lost ──────────────────────────────┘
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all the states of a turn; a new one must be handled everywhere")]
pub enum TurnPhase {
    /// Accepted, not given to the agent yet.
    Queued,
    /// Given to the agent as a part of that turn, which ran; the agent has not said yet whether it took it.
    Offered(Turn),
    /// A part of that turn, with which it ends.
    Joined(Turn),
    /// Given to the agent.
    Running,
    /// The turn has its one terminal record (P7).
    Ended(Outcome),
}

impl TurnPhase {
    /// Outcome of the turn; `None` while it has not ended.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Ended(outcome) => Some(outcome),
            Self::Queued | Self::Offered(_) | Self::Joined(_) | Self::Running => None,
        }
    }
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Turns {
    open: BTreeMap<Turn, TurnInfo>,
    /// Apart, because it is long and changes only when a turn ends.
    ended: Arc<Ended>,
}

/// Those that ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ended {
    turns: BTreeMap<Turn, Arc<TurnInfo>>,
    keys: HashMap<Arc<str>, Turn>,
    /// Order in which they ended.
    order: VecDeque<Turn>,
    bytes: usize,
}

impl Turns {
    pub(super) fn get(&self, turn: Turn) -> Option<&TurnInfo> {
        self.open.get(&turn).or_else(|| self.ended.turns.get(&turn).map(|info| &**info))
    }

    /// The turn that was accepted with this key, the last if there are several.
    pub(super) fn by_key(&self, key: &str) -> Option<Turn> {
        let open = self.open.iter().rev().find(|(_, info)| info.key.as_deref() == Some(key)).map(|(&turn, _)| turn);
        open.max(self.ended.keys.get(key).copied())
    }

    /// Bytes of prompts and results.
    pub(super) fn weight(&self) -> usize {
        let prompts = self.open.values().filter_map(|info| info.params.as_ref());
        prompts.map(|params| params.as_str().len()).sum::<usize>() + self.ended.bytes
    }

    pub(super) fn accept(&mut self, turn: Turn, info: TurnInfo) {
        self.open.insert(turn, info);
    }

    /// Marks a turn that waited as running; returns whether it waited.
    pub(super) fn start(&mut self, turn: Turn) -> bool {
        let waiting = self.open.get_mut(&turn).filter(|info| info.phase == TurnPhase::Queued);
        let Some(info) = waiting else { return false };
        info.phase = TurnPhase::Running;
        true
    }

    /// Changes the params of a turn that waits; returns whether it does.
    pub(super) fn edit(&mut self, turn: Turn, change: impl FnOnce(Raw<'_>) -> RawBuf) -> bool {
        let waiting = self.open.get_mut(&turn).filter(|info| info.phase == TurnPhase::Queued);
        let Some(params) = waiting.and_then(|info| info.params.as_mut()) else { return false };
        *params = change(params.as_raw());
        true
    }

    /// A step on its way into another turn, or back into the queue.
    pub(super) fn steer(&mut self, turn: Turn, phase: TurnPhase) {
        let Some(info) = self.open.get_mut(&turn) else { return };
        if let TurnPhase::Joined(into) = phase {
            info.steered = Some(into);
        }
        info.phase = phase;
    }

    /// Marks an open turn as asked to stop; returns whether it was open.
    pub(super) fn cancel(&mut self, turn: Turn) -> bool {
        let Some(info) = self.open.get_mut(&turn) else { return false };
        info.cancel_requested = true;
        true
    }

    /// Ends an open turn; returns whether it was open.
    pub(super) fn end(&mut self, turn: Turn, outcome: Outcome) -> bool {
        let Some(mut info) = self.open.remove(&turn) else { return false };
        info.phase = TurnPhase::Ended(outcome);
        info.params = None;
        Arc::make_mut(&mut self.ended).add(turn, info);
        true
    }
}

impl Ended {
    fn add(&mut self, turn: Turn, info: TurnInfo) {
        self.bytes += info.phase.outcome().map_or(0, weight);
        if let Some(key) = &info.key
            && self.keys.get(key).is_none_or(|&other| other < turn)
        {
            self.keys.insert(Arc::clone(key), turn);
        }
        self.turns.insert(turn, Arc::new(info));
        self.order.push_back(turn);
        // The newest is kept whatever its size: somebody waits for it.
        while self.order.len() > 1 && (self.order.len() > MAX_ENDED || self.bytes > MAX_ENDED_BYTES) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(turn) = self.order.pop_front() else { return };
        let Some(info) = self.turns.remove(&turn) else { return };
        self.bytes -= info.phase.outcome().map_or(0, weight);
        if let Some(key) = info.key.as_ref().filter(|key| self.keys.get(*key) == Some(&turn)) {
            self.keys.remove(key);
        }
    }
}

/// Bytes that an outcome holds.
fn weight(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Completed { stop_reason, result } => stop_reason.len() + result.as_str().len(),
        Outcome::Cancelled { result, .. } => result.as_ref().map_or(0, |result| result.as_str().len()),
        Outcome::Failed { error } => error.as_str().len(),
        Outcome::Interrupted { reason } => reason.len(),
        _ => 0,
    }
}
