//! Prompts and turns: one turn runs, and prompts wait for its end.

use std::collections::VecDeque;

use acp_types::v1::StopReason;
use serde_json::Value;
use uuid::Uuid;

use crate::claude::wire::TurnResult;
use crate::failure::{Failure, FailureKind};
use crate::translate::RequestId;

/// Limit of prompts that wait, and of messages that are put into one turn.
const WAITING: usize = 32;
/// Status of a request that the provider cannot read.
const BAD_REQUEST: u64 = 400;

/// Result of a turn: the reason to stop, or why it failed.
pub(super) type TurnOutcome = Result<StopReason, Failure>;

/// Phase of the turn that runs.
///
/// ```text
///          sent
///   idle ────────▶ Running ── over, but not the messages in it ──▶ Ended
///    ▲              │   │                                          │  │
///    │ over         │   │ refused                          refused │  │ all answered
///    ├──────────────┘   ▼                                          │  │
///    │               Forgetting ◀──────────────────────────────────┘  │
///    │ forgotten, or not │                                            │
///    ├───────────────────┘                                            │
///    └────────────────────────────────────────────────────────────────┘
/// ```
///
/// A stop is possible in each phase. The turn then ends as cancelled, and it is not forgotten.
#[derive(Debug)]
enum Phase {
    /// The program works on it.
    Running,
    /// It is over, but not the messages that were put into it.
    Ended(StopReason),
    /// The model refused it, or the provider did with this failure. The program is to forget it before it is answered.
    Forgetting(Option<Failure>),
}

/// The turns of a session.
#[derive(Debug)]
pub(super) struct Turns {
    seed: Uuid,
    sent: u32,
    running: Option<Turn>,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Turn {
    /// The request that prompted it.
    id: RequestId,
    /// The program's name of it.
    uuid: String,
    phase: Phase,
    /// True if it is to end as cancelled.
    stopping: bool,
    /// Messages that were put into it and have not been answered.
    steers: Vec<String>,
    /// True if images went with the prompt.
    images: bool,
}

/// A prompt that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The request to answer.
    pub(super) id: RequestId,
    /// The prompt, in the program's form.
    pub(super) content: Vec<Value>,
    /// True if it has images.
    pub(super) images: bool,
}

/// Change after the end of a turn in the program.
#[derive(Debug)]
pub(super) enum Completion {
    /// Messages in it are still to be answered.
    Nothing,
    /// The program has to forget the prompt with this name.
    Forget(String),
    /// The prompt is to be answered.
    End(TurnOutcome),
}

/// A turn that is over.
#[derive(Debug)]
pub(super) struct Ended {
    /// The request to answer.
    pub(super) id: RequestId,
    /// Its result.
    pub(super) outcome: TurnOutcome,
    /// True if it was being stopped.
    pub(super) stopped: bool,
    /// True if it was being forgotten.
    pub(super) forgetting: bool,
    /// Messages that were put into it and have not been answered.
    pub(super) steers: Vec<String>,
}

impl Turns {
    /// No turns yet. `seed` is unique to the process.
    pub(super) fn new(seed: &str) -> Self {
        Self { seed: Uuid::parse_str(seed).unwrap_or_default(), sent: 0, running: None, waiting: VecDeque::new() }
    }

    /// A name for the next message, unique and the same in each replay. Its beginning is unique, too: the program takes
    /// names that begin alike for parts of one message.
    pub(super) fn name(&mut self) -> String {
        self.sent = self.sent.wrapping_add(1);
        Uuid::from_u128(self.seed.as_u128() ^ (u128::from(self.sent) << 96)).to_string()
    }

    /// True for a name that was given here.
    pub(super) fn named(&self, uuid: &str) -> bool {
        const SAME: u128 = u128::MAX >> 32;
        Uuid::parse_str(uuid).is_ok_and(|uuid| (uuid.as_u128() ^ self.seed.as_u128()) & SAME == 0)
    }

    /// Queues a prompt.
    pub(super) fn wait(&mut self, prompt: Waiting) -> Result<(), Failure> {
        if self.waiting.len() >= WAITING {
            let message = format!("{WAITING} prompts wait already: wait for one of them to end");
            return Err(Failure::new(FailureKind::InvalidParams, message));
        }
        self.waiting.push_back(prompt);
        Ok(())
    }

    /// Begins the next turn, if none runs. Returns the name and the content of its prompt.
    pub(super) fn next(&mut self) -> Option<(String, Vec<Value>)> {
        if self.running.is_some() {
            return None;
        }
        let Waiting { id, content, images } = self.waiting.pop_front()?;
        let uuid = self.name();
        let phase = Phase::Running;
        self.running = Some(Turn { id, uuid: uuid.clone(), phase, stopping: false, steers: Vec::new(), images });
        Some((uuid, content))
    }

    /// Takes back a prompt that waits; true if it did.
    pub(super) fn take_back(&mut self, id: RequestId) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| waiting.id != id);
        self.waiting.len() < before
    }

    /// Takes back all prompts that wait.
    pub(super) fn take_back_all(&mut self) -> Vec<RequestId> {
        self.waiting.drain(..).map(|waiting| waiting.id).collect()
    }

    /// Names a message and puts it into the running turn.
    pub(super) fn steer(&mut self) -> Result<String, Failure> {
        let uuid = self.name();
        match &mut self.running {
            Some(turn) if turn.takes_more() => {
                turn.steers.push(uuid.clone());
                Ok(uuid)
            }
            _ => {
                let message = "the turn takes no more messages; prompt instead";
                Err(Failure::new(FailureKind::InvalidParams, message))
            }
        }
    }

    /// Marks the turn to end as cancelled; true unless it was marked before.
    pub(super) fn stop(&mut self) -> bool {
        self.running.as_mut().is_some_and(|turn| !std::mem::replace(&mut turn.stopping, true))
    }

    /// True if a result is to the prompt that runs, or to a message that was put into it.
    pub(super) fn answered_by(&self, result: &TurnResult) -> bool {
        self.running.as_ref().is_some_and(|turn| {
            result.answers(&turn.uuid)
                || turn.steers.iter().any(|uuid| result.answers(uuid))
                || result.answers_whatever_runs()
        })
    }

    /// Strikes the messages that a result answers.
    pub(super) fn strike(&mut self, result: &TurnResult) {
        if let Some(turn) = &mut self.running {
            turn.steers.retain(|uuid| !result.answers(uuid));
        }
    }

    /// The program has ended the turn.
    pub(super) fn completed(&mut self, outcome: TurnOutcome) -> Completion {
        if let Some(turn) = self.running.as_mut().filter(|turn| !turn.stopping && !turn.steers.is_empty())
            && let Ok(reason) = &outcome
        {
            turn.phase = Phase::Ended(*reason);
            return Completion::Nothing;
        }
        self.conclude(outcome)
    }

    /// The program has dropped a message that was put into the turn.
    pub(super) fn steer_cancelled(&mut self, uuid: &str) -> Completion {
        let Some(turn) = &mut self.running else { return Completion::Nothing };
        let before = turn.steers.len();
        turn.steers.retain(|steer| steer != uuid);
        match turn.phase {
            Phase::Ended(reason) if turn.steers.is_empty() && before > 0 => self.conclude(Ok(reason)),
            _ => Completion::Nothing,
        }
    }

    /// A refused prompt is no part of the conversation that follows, says ACP. Nor is one whose images the provider does
    /// not take: it would refuse all later prompts.
    fn conclude(&mut self, outcome: TurnOutcome) -> Completion {
        let Some(turn) = self.running.as_mut().filter(|turn| !turn.stopping) else { return Completion::End(outcome) };
        let failure = match outcome {
            Ok(StopReason::Refusal) => None,
            Err(failure) if turn.images && failure.data.get("httpStatus") == Some(&BAD_REQUEST.into()) => Some(failure),
            outcome => return Completion::End(outcome),
        };
        turn.phase = Phase::Forgetting(failure);
        Completion::Forget(turn.uuid.clone())
    }

    /// Result of a turn that was to be forgotten, with what to add to its failure.
    pub(super) fn forgotten(&mut self, hint: &str) -> Option<TurnOutcome> {
        let Phase::Forgetting(failure) = &mut self.running.as_mut()?.phase else { return None };
        Some(failure.take().map_or(Ok(StopReason::Refusal), |mut failure| {
            failure.message.push_str(hint);
            Err(failure)
        }))
    }

    /// Ends the turn.
    pub(super) fn end(&mut self, outcome: TurnOutcome) -> Option<Ended> {
        let Turn { id, phase, stopping, steers, .. } = self.running.take()?;
        let forgetting = matches!(phase, Phase::Forgetting(_));
        let outcome = if stopping { Ok(StopReason::Cancelled) } else { outcome };
        Some(Ended { id, outcome, stopped: stopping, forgetting, steers })
    }

    /// True while a turn of a prompt runs.
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// True if this request prompted the turn that runs.
    pub(super) fn is_prompted_by(&self, id: RequestId) -> bool {
        self.running.as_ref().is_some_and(|turn| turn.id == id)
    }

    /// True while the turn is being stopped.
    pub(super) fn is_stopping(&self) -> bool {
        self.running.as_ref().is_some_and(|turn| turn.stopping)
    }

    /// True while the program is to forget the turn.
    pub(super) fn is_forgetting(&self) -> bool {
        self.running.as_ref().is_some_and(|turn| matches!(turn.phase, Phase::Forgetting(_)))
    }

    /// The program's name of the turn that runs.
    pub(super) fn uuid(&self) -> Option<&str> {
        self.running.as_ref().map(|turn| turn.uuid.as_str())
    }
}

impl Turn {
    /// True if one more message may be put into it.
    fn takes_more(&self) -> bool {
        !self.stopping && !matches!(self.phase, Phase::Forgetting(_)) && self.steers.len() < WAITING
    }
}
