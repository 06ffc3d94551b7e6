//! Requests of ours to the program, and their meaning when they are answered.

use std::collections::BTreeMap;

use super::options::Change;
use crate::claude::wire::Control;
use crate::failure::Failure;
use crate::translate::{Effects, RequestId};

/// The requests of one session.
#[derive(Debug)]
pub(super) struct Controls {
    prefix: String,
    next: u64,
    open: BTreeMap<String, Pending>,
}

/// Purpose of a request that has no answer yet.
#[derive(Debug)]
pub(super) enum Pending {
    /// Stops a turn.
    Interrupt,
    /// Takes back a prompt that has not begun.
    TakeBack { uuid: String },
    /// Makes the program forget a prompt that was refused.
    Forget { uuid: String },
    /// Changes an option for the client.
    Change { id: RequestId, change: Change, as_option: bool },
    /// Reads the settings, which a change of the model may change, too.
    Settings,
    /// Names the session for the client.
    Title { id: RequestId, title: String },
    /// Ends work in the background, for the client or because everything is to stop.
    StopTask { id: Option<RequestId> },
    /// Reads the output of a command in the background, for the last time or not.
    Output { task: String, last: bool },
}

impl Pending {
    /// The client's request that waits for the answer.
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
    /// Requests whose ids no other process uses, by its `seed`.
    pub(super) fn new(seed: &str) -> Self {
        Self { prefix: seed.chars().take(8).collect(), next: 0, open: BTreeMap::new() }
    }

    /// Sends a request.
    pub(super) fn send(&mut self, control: &Control, pending: Pending, out: &mut Effects) {
        let id = format!("{}-{:06}", self.prefix, self.next);
        self.next += 1;
        out.send(control.message(&id));
        self.open.insert(id, pending);
    }

    /// The request that an answer is to. The program repeats our own answers, which answer none.
    pub(super) fn answered(&mut self, id: &str) -> Option<Pending> {
        self.open.remove(id)
    }

    /// Fails the client's requests that wait for the program, which will not answer any more.
    pub(super) fn give_up(&mut self, failure: &Failure, out: &mut Effects) {
        self.open.retain(|_, pending| match pending.request() {
            Some(id) => {
                out.answer(id, Err(failure.clone()));
                false
            }
            None => true,
        });
    }

    /// True while the program has yet to see a stop, which would also stop a prompt that is sent after it.
    pub(super) fn stopping(&self) -> bool {
        self.open.values().any(|pending| matches!(pending, Pending::Interrupt | Pending::TakeBack { .. }))
    }

    /// True while the client waits for an answer.
    pub(super) fn awaited(&self) -> bool {
        self.open.values().any(|pending| pending.request().is_some())
    }
}
