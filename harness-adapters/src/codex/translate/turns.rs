//! Prompts and turns: one turn runs, and prompts wait for its end.

use std::collections::VecDeque;

use acp_types::v1::{self, StopReason};

use super::errors;
use crate::codex::wire::{self, TurnError, TurnStatus, UserInput};
use crate::failure::{Failure, FailureKind};
use crate::translate::RequestId;

/// Limit of prompts that wait, and of messages that wait to be put into one turn.
const WAITING: usize = 32;

/// Result of a turn: the reason to stop, or why it failed.
pub(super) type TurnOutcome = Result<StopReason, Failure>;

/// Phase of the turn that is not over.
///
/// ```text
///          prompt            started
///   idle ─────────▶ Starting ────────▶ Running ── completed ──▶ idle
///    │                 │                │ │ │
///    │                 │ stop      stop │ │ │ refused for its images
///    │                 ▼                │ │ ▼
///    │              Stopping ◀──────────┘ │ Reverting ── reverted ──▶ idle
///    │                 │                  │
///    │                 │ completed        │ interrupted by somebody else
///    │                 ▼                  │
///    │              Cleaning ◀────────────┘
///    │                 └── commands have ended ──▶ idle
///    │ started by Codex itself
///    └───────────────────────────────▶ Running
/// ```
///
/// A stop is also possible while a turn is being reverted. A turn that Codex was not asked for yet ends at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Asked for; Codex has not begun it.
    Starting,
    /// Begun by Codex.
    Running,
    /// Over; Codex is to forget it before the prompt is answered.
    Reverting,
    /// Interrupted; its end is awaited.
    Stopping,
    /// Over; its commands are being ended.
    Cleaning,
}

/// The turns of a session.
#[derive(Debug, Default)]
pub(super) struct Turns {
    waiting: VecDeque<(RequestId, v1::PromptRequest)>,
    running: Option<Turn>,
    /// The turn before. Messages that still come of it are late.
    last: Option<String>,
}

#[derive(Debug)]
struct Turn {
    phase: Phase,
    /// `None` if Codex began it by itself.
    prompt: Option<RequestId>,
    /// Known once it has begun.
    id: Option<String>,
    /// Steering that waits for the turn to begin.
    steers: Vec<(RequestId, Vec<UserInput>)>,
    /// The last error that Codex reported.
    error: Option<TurnError>,
    /// The reason of a stop that nobody asked for.
    gave_up: Option<Failure>,
    /// True if images went with the prompt.
    images: bool,
    /// True once the model has done something with the prompt.
    taken: bool,
    /// The provider's refusal, while Codex forgets the turn.
    refused: Option<Failure>,
}

/// Change after the end of a turn in Codex.
#[derive(Debug)]
pub(super) enum Completion {
    /// Nothing: it is another turn's end, or known already.
    Nothing,
    /// The commands that it left running have to be ended.
    Clean,
    /// Codex has to forget this turn.
    Revert(String),
    /// The prompt is to be answered.
    End(TurnOutcome),
}

/// Change after the beginning of a turn in Codex.
#[derive(Debug)]
pub(super) struct Started {
    /// The turn's id.
    pub(super) turn: String,
    /// True if it was stopped meanwhile.
    pub(super) interrupt: bool,
    /// Steering that waited for it.
    pub(super) steers: Vec<(RequestId, Vec<UserInput>)>,
}

/// Change after steering.
#[derive(Debug)]
pub(super) enum Steering {
    /// It waits for the turn to begin.
    Waits,
    /// It goes into this turn.
    Inject { turn: String, input: Vec<UserInput> },
    /// No turn takes it.
    Idle,
}

/// Change after a stop.
#[derive(Debug)]
pub(super) struct Stop {
    /// Steering that is not wanted any more.
    pub(super) steers: Vec<RequestId>,
    /// The turn to interrupt, if it has begun.
    pub(super) interrupt: Option<String>,
    /// True if Codex knows nothing of the turn, which ends at once.
    pub(super) at_once: bool,
}

/// A turn that is over.
#[derive(Debug)]
pub(super) struct Ended {
    /// The prompt to answer.
    pub(super) prompt: Option<RequestId>,
    /// Its result.
    pub(super) outcome: TurnOutcome,
    /// True if it was being stopped.
    pub(super) stopped: bool,
    /// Steering that came too late.
    pub(super) steers: Vec<RequestId>,
}

impl Turn {
    fn new(prompt: Option<RequestId>, phase: Phase, images: bool) -> Self {
        Self {
            phase,
            prompt,
            id: None,
            steers: Vec::new(),
            error: None,
            gave_up: None,
            images,
            taken: false,
            refused: None,
        }
    }

    fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping | Phase::Cleaning)
    }
}

impl Turns {
    /// Queues a prompt.
    pub(super) fn wait(&mut self, id: RequestId, prompt: v1::PromptRequest) -> Result<(), Failure> {
        if self.waiting.len() >= WAITING {
            let message = format!("{WAITING} prompts wait already, which is the limit: wait for an answer first");
            return Err(Failure::new(FailureKind::InvalidParams, message));
        }
        self.waiting.push_back((id, prompt));
        Ok(())
    }

    /// The prompt to begin with now, if no turn runs.
    pub(super) fn next(&mut self) -> Option<(RequestId, v1::PromptRequest)> {
        if self.running.is_some() {
            return None;
        }
        self.waiting.pop_front()
    }

    /// Takes back a prompt that waits; true if it did.
    pub(super) fn take_back(&mut self, id: RequestId) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, _)| *waiting != id);
        self.waiting.len() < before
    }

    /// Takes back all prompts that wait.
    pub(super) fn take_back_all(&mut self) -> Vec<RequestId> {
        self.waiting.drain(..).map(|(id, _)| id).collect()
    }

    /// Begins the turn of a prompt.
    pub(super) fn begin(&mut self, id: RequestId, images: bool) {
        self.running = Some(Turn::new(Some(id), Phase::Starting, images));
    }

    /// Codex has begun a turn: the one that was asked for, or one of its own.
    pub(super) fn started(&mut self, started: &wire::Turn) -> Option<Started> {
        if self.is_late(&started.id) {
            return None;
        }
        let turn = self.running.get_or_insert_with(|| Turn::new(None, Phase::Running, false));
        if turn.id.is_some() {
            return None;
        }
        turn.id = Some(started.id.clone());
        if turn.phase == Phase::Starting {
            turn.phase = Phase::Running;
        }
        let steers = std::mem::take(&mut turn.steers);
        Some(Started { turn: started.id.clone(), interrupt: turn.phase == Phase::Stopping, steers })
    }

    /// Codex has ended a turn. In a `replay` nothing is reverted.
    pub(super) fn completed(&mut self, ended: &wire::Turn, replay: bool) -> Completion {
        let late = self.is_late(&ended.id);
        let known = |turn: &Turn| turn.id.as_ref().is_none_or(|id| *id == ended.id);
        let Some(turn) = self.running.as_mut().filter(|turn| known(turn) && !late) else {
            return Completion::Nothing;
        };
        turn.id = Some(ended.id.clone());
        match turn.phase {
            Phase::Stopping => Completion::Clean,
            // A client that answers a question with "cancelled" or another program may have interrupted it.
            Phase::Starting | Phase::Running if ended.status == TurnStatus::Interrupted => Completion::Clean,
            Phase::Starting | Phase::Running => {
                if ended.status != TurnStatus::Failed {
                    return Completion::End(Ok(StopReason::EndTurn));
                }
                let error = ended.error.as_ref().or(turn.error.as_ref()).cloned().unwrap_or_default();
                let revert = errors::is_bad_request(&error) && turn.images && !turn.taken && !replay;
                match errors::outcome(error) {
                    // Codex would send the images again with each later prompt.
                    Err(failure) if revert => {
                        turn.phase = Phase::Reverting;
                        turn.refused = Some(failure);
                        Completion::Revert(ended.id.clone())
                    }
                    outcome => Completion::End(outcome),
                }
            }
            Phase::Reverting | Phase::Cleaning => Completion::Nothing,
        }
    }

    /// The turn is over, but its end cannot be read.
    pub(super) fn lost(&self) -> Completion {
        match self.running.as_ref().map(|turn| turn.phase) {
            None | Some(Phase::Cleaning) => Completion::Nothing,
            Some(Phase::Stopping) => Completion::Clean,
            Some(Phase::Starting | Phase::Running | Phase::Reverting) => {
                let message = "Codex ended the turn in a way that cannot be read; another version of Codex may help";
                Completion::End(Err(Failure::new(FailureKind::Harness, message)))
            }
        }
    }

    /// Result of a reverted turn; `gone` if Codex has forgotten it.
    pub(super) fn reverted(&mut self, gone: bool) -> Option<TurnOutcome> {
        let turn = self.running.as_mut()?;
        let mut failure = turn.refused.take()?;
        failure.message.push_str(if gone {
            "; the prompt with its images is taken back and not sent again"
        } else {
            "; Codex keeps the prompt, and the next may fail because of its images: begin a new session"
        });
        Some(if turn.is_stopping() { Ok(StopReason::Cancelled) } else { Err(failure) })
    }

    /// Remembers an error that may yet be overcome.
    pub(super) fn errored(&mut self, error: TurnError) {
        if let Some(turn) = &mut self.running {
            turn.error = Some(error);
        }
    }

    /// The model works on the prompt, so the provider has taken it.
    pub(super) fn taken(&mut self) {
        if let Some(turn) = &mut self.running {
            turn.taken = true;
        }
    }

    /// Steers the running turn.
    pub(super) fn steer(&mut self, id: RequestId, input: Vec<UserInput>, images: bool) -> Steering {
        let Some(turn) = self.running.as_mut().filter(|turn| !turn.is_stopping()) else { return Steering::Idle };
        turn.images |= images;
        match &turn.id {
            Some(turn) => Steering::Inject { turn: turn.clone(), input },
            None if turn.steers.len() < WAITING => {
                turn.steers.push((id, input));
                Steering::Waits
            }
            None => Steering::Idle,
        }
    }

    /// True if this prompt's turn runs. It then ends as cancelled, whatever it was stopped for before.
    pub(super) fn cancel(&mut self, id: RequestId) -> bool {
        let Some(turn) = self.running.as_mut().filter(|turn| turn.prompt == Some(id)) else { return false };
        turn.gave_up = None;
        true
    }

    /// Gives the turn up with a failure that is made from its last error; true if it has to be stopped.
    pub(super) fn give_up(&mut self, failure: impl FnOnce(TurnError) -> Failure) -> bool {
        let Some(turn) = self.running.as_mut().filter(|turn| !turn.is_stopping()) else { return false };
        turn.gave_up = Some(failure(turn.error.clone().unwrap_or_default()));
        true
    }

    /// Stops the turn, unless it is being stopped. `starting` if Codex may yet begin it.
    pub(super) fn stop(&mut self, starting: bool) -> Option<Stop> {
        let turn = self.running.as_mut().filter(|turn| !turn.is_stopping())?;
        turn.phase = Phase::Stopping;
        let steers = std::mem::take(&mut turn.steers).into_iter().map(|(id, _)| id).collect();
        Some(Stop { steers, interrupt: turn.id.clone(), at_once: turn.id.is_none() && !starting })
    }

    /// The commands of the turn are being ended.
    pub(super) fn clean(&mut self) {
        if let Some(turn) = &mut self.running {
            turn.phase = Phase::Cleaning;
        }
    }

    /// Ends the turn.
    pub(super) fn end(&mut self, outcome: TurnOutcome) -> Option<Ended> {
        let mut turn = self.running.take()?;
        let stopped = turn.is_stopping();
        let outcome = turn.gave_up.take().map_or(outcome, Err);
        self.last = turn.id.or(self.last.take());
        let steers = turn.steers.into_iter().map(|(id, _)| id).collect();
        Some(Ended { prompt: turn.prompt, outcome, stopped, steers })
    }

    /// Phase of the turn; `None` if none runs.
    pub(super) fn phase(&self) -> Option<Phase> {
        self.running.as_ref().map(|turn| turn.phase)
    }

    /// True while a turn is being stopped.
    pub(super) fn is_stopping(&self) -> bool {
        self.running.as_ref().is_some_and(Turn::is_stopping)
    }

    /// True while Codex runs a turn that no prompt began.
    pub(super) fn is_unprompted(&self) -> bool {
        self.running.as_ref().is_some_and(|turn| turn.prompt.is_none())
    }

    /// True while there is a turn that Codex has not begun.
    pub(super) fn has_not_begun(&self) -> bool {
        self.running.as_ref().is_some_and(|turn| turn.id.is_none())
    }

    /// True while Codex has not begun the turn of a prompt.
    pub(super) fn is_awaited(&self) -> bool {
        self.running.as_ref().is_some_and(|turn| turn.prompt.is_some() && turn.id.is_none())
    }

    /// True if this is the turn before, which is over.
    pub(super) fn is_late(&self, turn: &str) -> bool {
        self.last.as_deref() == Some(turn)
    }
}
