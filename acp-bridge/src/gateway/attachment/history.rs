//! History that a client is shown when it comes, and how far it is with it.

use acp_types::record::Seq;
use acp_types::{RawBuf, RequestId};

use crate::view::{HistoryPolicy, Replay};

/// Way in which a client came to the session, which decides what it is shown first.
#[derive(Debug)]
pub(in crate::gateway) enum Entry {
    /// Live records only.
    Live,
    /// Records since a cursor, each as an update of its own.
    Resume,
    /// History, joined; then the answer to the request.
    Load { id: RequestId, result: RawBuf },
    /// History, if any is wanted; then the answer to the request.
    Attach(Arriving),
}

/// Attach request that is answered once history has been shown.
#[derive(Debug)]
pub(in crate::gateway) struct Arriving {
    pub(in crate::gateway) id: RequestId,
    pub(in crate::gateway) policy: HistoryPolicy,
    /// Flag: chunks of one message are joined.
    pub(in crate::gateway) joins: bool,
    /// Result of a load: modes, options and what else the agent said.
    pub(in crate::gateway) result: RawBuf,
}

impl Entry {
    /// Form in which history is shown.
    pub(in crate::gateway) fn replay(&self) -> Replay {
        match self {
            Self::Live => Replay::Nothing,
            Self::Resume => Replay::Each,
            Self::Load { .. } => Replay::Joined,
            Self::Attach(arriving) if arriving.joins => Replay::Joined,
            Self::Attach(_) => Replay::Each,
        }
    }

    /// Returns whether the client goes on from a cursor, and may have missed what was told before it.
    pub(super) fn resumes(&self) -> bool {
        match self {
            Self::Resume => true,
            Self::Attach(arriving) => arriving.policy == HistoryPolicy::Full,
            Self::Live | Self::Load { .. } => false,
        }
    }
}

/// Message to a client that has been shown all history.
#[derive(Debug)]
pub(super) enum Arrival {
    CaughtUp,
    Load { id: RequestId, result: RawBuf },
    Attach(Arriving),
}

impl Arrival {
    /// Id of the request that waits for it.
    pub(super) fn request(self) -> Option<RequestId> {
        match self {
            Self::Load { id, .. } | Self::Attach(Arriving { id, .. }) => Some(id),
            Self::CaughtUp => None,
        }
    }
}

/// Phase of what is shown before live records.
///
/// ```text
/// Shown(arrival) ── the cursor reaches the end ──▶ Over
///       └───────── the attachment ends ───────────▶ Over
/// ```
#[derive(Debug)]
enum Phase {
    Shown(Arrival),
    Over,
}

/// History of one attachment.
#[derive(Debug)]
pub(super) struct History {
    /// End of history, where live records begin: the end of the log when the client came.
    end: Seq,
    phase: Phase,
}

impl History {
    pub(super) fn new(entry: Entry, end: Seq) -> Self {
        let phase = match entry {
            Entry::Live => Phase::Over,
            Entry::Resume => Phase::Shown(Arrival::CaughtUp),
            Entry::Load { id, result } => Phase::Shown(Arrival::Load { id, result }),
            Entry::Attach(arriving) => Phase::Shown(Arrival::Attach(arriving)),
        };
        Self { end, phase }
    }

    pub(super) fn end(&self) -> Seq {
        self.end
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// Ends history if it reaches this cursor; returns what the client is told.
    pub(super) fn reach(&mut self, cursor: Seq) -> Option<Arrival> {
        if cursor < self.end { None } else { self.cut() }
    }

    /// Ends history where it is; what the client would have been told at its end.
    pub(super) fn cut(&mut self) -> Option<Arrival> {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Shown(arrival) => Some(arrival),
            Phase::Over => None,
        }
    }
}
