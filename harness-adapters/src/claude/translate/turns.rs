//! Prompts: one runs, others wait.

use std::collections::VecDeque;

use acp_types::v1;
use serde_json::Value;
use uuid::Uuid;

use crate::claude::wire::TurnResult;
use crate::failure::{Failure, FailureKind};
use crate::translate::RequestId;

/// Prompts that may wait, and messages that may be put into one turn.
const WAITING: usize = 32;

/// The prompts of a session.
#[derive(Debug)]
pub(super) struct Turns {
    seed: Uuid,
    sent: u32,
    pub(super) running: Option<Turn>,
    waiting: VecDeque<Waiting>,
}

/// A prompt that was sent.
#[derive(Debug)]
pub(super) struct Turn {
    /// To answer it by.
    pub(super) id: RequestId,
    /// What the program calls it.
    pub(super) uuid: String,
    /// It is to end as cancelled.
    pub(super) stopping: bool,
    /// Messages that were put into it and have not been answered.
    pub(super) steers: Vec<String>,
    /// How it ended, when only [`Turn::steers`] are left.
    pub(super) ended: Option<v1::StopReason>,
    /// The model or its provider refused it, and the program is to forget it before it is answered.
    pub(super) refused: bool,
    /// It has images.
    pub(super) images: bool,
    /// Why the provider refused it.
    pub(super) failure: Option<Failure>,
}

/// A prompt that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    /// To answer it by.
    pub(super) id: RequestId,
    /// What it says.
    pub(super) content: Vec<Value>,
    /// It has images.
    pub(super) images: bool,
}

impl Turns {
    /// `seed` is unique to the process.
    pub(super) fn new(seed: &str) -> Self {
        Self { seed: Uuid::parse_str(seed).unwrap_or_default(), sent: 0, running: None, waiting: VecDeque::new() }
    }

    /// A name for the next message, unique and the same in each replay. It has to be so in its beginning: the program takes
    /// names that begin alike for parts of one message.
    pub(super) fn name(&mut self) -> String {
        self.sent = self.sent.wrapping_add(1);
        Uuid::from_u128(self.seed.as_u128() ^ (u128::from(self.sent) << 96)).to_string()
    }

    /// Whether a message has a name that was given here.
    pub(super) fn named(&self, uuid: &str) -> bool {
        const SAME: u128 = u128::MAX >> 32;
        Uuid::parse_str(uuid).is_ok_and(|uuid| (uuid.as_u128() ^ self.seed.as_u128()) & SAME == 0)
    }

    /// Lets a prompt wait.
    pub(super) fn wait(&mut self, prompt: Waiting) -> Result<(), Failure> {
        if self.waiting.len() >= WAITING {
            let message = format!("{WAITING} prompts wait already: wait for one of them to end");
            return Err(Failure::new(FailureKind::InvalidParams, message));
        }
        self.waiting.push_back(prompt);
        Ok(())
    }

    /// The prompt to send now, if there is one and none runs.
    pub(super) fn next(&mut self) -> Option<Waiting> {
        if self.running.is_some() {
            return None;
        }
        self.waiting.pop_front()
    }

    /// Whether a result is to the prompt that runs, or to something that was put into it.
    pub(super) fn answered_by(&self, result: &TurnResult) -> bool {
        self.running.as_ref().is_some_and(|turn| {
            result.answers(&turn.uuid)
                || turn.steers.iter().any(|uuid| result.answers(uuid))
                || result.answers_whatever_runs()
        })
    }

    /// Takes back a prompt that waits; whether it did.
    pub(super) fn take_back(&mut self, id: RequestId) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| waiting.id != id);
        self.waiting.len() < before
    }

    /// Takes back all that wait.
    pub(super) fn take_back_all(&mut self) -> Vec<RequestId> {
        self.waiting.drain(..).map(|waiting| waiting.id).collect()
    }
}

impl Turn {
    pub(super) fn new(id: RequestId, uuid: String) -> Self {
        Self {
            id,
            uuid,
            stopping: false,
            steers: Vec::new(),
            ended: None,
            refused: false,
            images: false,
            failure: None,
        }
    }

    /// Whether one more message may be put into it.
    pub(super) fn takes_more(&self) -> bool {
        !self.stopping && !self.refused && self.steers.len() < WAITING
    }
}
