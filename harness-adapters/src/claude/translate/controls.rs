//! Requests of ours to the program, and what their answers mean.

use std::collections::BTreeMap;

use super::options::Change;
use crate::claude::wire::Control;
use crate::translate::{Effects, RequestId};

/// The requests that have no answer yet.
#[derive(Debug)]
pub(super) struct Controls {
    prefix: String,
    next: u64,
    open: BTreeMap<String, Pending>,
}

/// What a request is for.
#[derive(Debug)]
pub(super) enum Pending {
    /// To stop a turn.
    Interrupt,
    /// To take a prompt back that has not begun.
    TakeBack { uuid: String },
    /// To forget a prompt that the model refused.
    Forget { uuid: String },
    /// To change an option, as a client asked.
    Change { id: RequestId, change: Change, as_option: bool },
    /// To see what else a change has changed.
    Settings,
    /// To name the session, as a client asked.
    Title { id: RequestId, title: String },
    /// To end work in the background, as a client asked or because everything is to stop.
    StopTask { id: Option<RequestId> },
    /// To see what a command in the background has written, for the last time or not.
    Output { task: String, last: bool },
}

impl Pending {
    /// The request of the client that waits for it.
    fn request(&self) -> Option<RequestId> {
        match self {
            Self::Interrupt | Self::TakeBack { .. } | Self::Forget { .. } | Self::Settings | Self::Output { .. } => {
                None
            }
            Self::StopTask { id } => *id,
            Self::Change { id, .. } | Self::Title { id, .. } => Some(*id),
        }
    }
}

impl Controls {
    /// `seed` tells the requests of this process from others'.
    pub(super) fn new(seed: &str) -> Self {
        Self { prefix: seed.chars().take(8).collect(), next: 0, open: BTreeMap::new() }
    }

    /// Sends one.
    pub(super) fn send(&mut self, control: &Control, pending: Pending, out: &mut Effects) {
        let id = format!("{}-{:06}", self.prefix, self.next);
        self.next += 1;
        out.send(control.message(&id));
        self.open.insert(id, pending);
    }

    /// What an answer is to. The program repeats our own answers; those are to nothing.
    pub(super) fn answered(&mut self, id: &str) -> Option<Pending> {
        self.open.remove(id)
    }

    /// Requests of the client that wait for an answer, which will not come any more.
    pub(super) fn give_up(&mut self) -> Vec<RequestId> {
        let open = std::mem::take(&mut self.open);
        let (waiting, others): (BTreeMap<_, _>, _) =
            open.into_iter().partition(|(_, pending)| pending.request().is_some());
        self.open = others;
        waiting.into_values().filter_map(|pending| pending.request()).collect()
    }

    /// Whether the program has yet to see a stop. What it is told after it may still be stopped by it.
    pub(super) fn stopping(&self) -> bool {
        self.open.values().any(|pending| matches!(pending, Pending::Interrupt | Pending::TakeBack { .. }))
    }

    /// Whether the client waits for an answer.
    pub(super) fn awaited(&self) -> bool {
        self.open.values().any(|pending| pending.request().is_some())
    }
}
