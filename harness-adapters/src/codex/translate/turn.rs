//! The life of a turn: from a prompt to its answer.

use std::time::Duration;

use acp_types::v1;
use serde::Deserialize;
use serde_json::json;

use super::calls::{Purpose, refused};
use super::commands::Slash;
use super::{Translator, errors, input};
use crate::codex::wire::{self, Message, TurnStatus, UserInput};
use crate::failure::{Failure, FailureKind};
use crate::translate::{Answer, Effect, Effects, RequestId, Steered, Timer};

/// Runs while a turn is being stopped.
pub(super) const STOP: Timer = Timer(0);
/// How long Codex may take to end an interrupted turn; it takes some 10 ms.
const INTERRUPT: Duration = Duration::from_secs(10);
/// How long the commands of a stopped turn may take to end.
const CLEAN: Duration = Duration::from_secs(3);
/// Prompts that wait for their turn.
const WAITING: usize = 32;

/// A turn that is not over.
#[derive(Debug)]
pub(super) struct Turn {
    /// `None` if Codex began it by itself.
    prompt: Option<RequestId>,
    /// Known once it has begun.
    id: Option<String>,
    phase: Phase,
    /// Steering that waits for the turn to have begun.
    steers: Vec<(RequestId, Vec<UserInput>)>,
    /// The last error that was told of.
    error: Option<wire::TurnError>,
    /// The title that it gives to a session without one.
    title: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Is to be stopped; its end is awaited.
    Stopping,
    /// Is over in Codex; its commands are being ended.
    Cleaning,
}

impl Translator {
    /// A prompt of the client.
    pub(super) fn prompt(&mut self, id: RequestId, prompt: v1::PromptRequest, out: &mut Effects) {
        if self.closing.is_some() {
            return out.answer(id, Ok(cancelled()));
        }
        if self.turn.is_none() {
            return self.begin(id, &prompt, out);
        }
        if self.waiting.len() == WAITING {
            let message = format!("{WAITING} prompts wait already, which is the limit: wait for an answer first");
            return out.answer(id, Err(Failure::new(FailureKind::InvalidParams, message)));
        }
        self.waiting.push_back((id, prompt));
    }

    fn begin(&mut self, id: RequestId, prompt: &v1::PromptRequest, out: &mut Effects) {
        self.usage.turn_begins();
        self.turn = Some(Turn {
            prompt: Some(id),
            id: None,
            phase: Phase::Running,
            steers: Vec::new(),
            error: None,
            title: input::title(&prompt.prompt),
        });
        match Slash::of(&prompt.prompt, &self.setup.skills) {
            Some(slash) => self.command(slash, &prompt.prompt, out),
            None => match input::user_input(&prompt.prompt) {
                Ok(input) => self.start(&input, out),
                Err(failure) => self.end_turn(Err(failure), out),
            },
        }
    }

    /// Has Codex begin the turn.
    pub(super) fn start(&mut self, input: &[UserInput], out: &mut Effects) {
        let params = json!({ "threadId": self.setup.thread, "input": input });
        self.calls.call("turn/start", &params, Purpose::Start, out);
    }

    /// The answer to whatever began the turn.
    pub(super) fn start_answered(&mut self, message: &Message, error: Option<&str>, out: &mut Effects) {
        #[derive(Deserialize)]
        struct Started {
            turn: Option<wire::Turn>,
        }
        if let Some(error) = error {
            return self
                .end_turn(if self.is_stopping() { Ok(v1::StopReason::Cancelled) } else { Err(refused(error)) }, out);
        }
        if let Some(Started { turn: Some(turn) }) = wire::read(message.result.as_ref(), "turn/start") {
            self.turn_started(&turn, out);
        }
    }

    pub(super) fn turn_started(&mut self, started: &wire::Turn, out: &mut Effects) {
        if self.last_turn.as_ref() == Some(&started.id) {
            return;
        }
        let turn = self.turn.get_or_insert_with(|| Turn {
            prompt: None,
            id: None,
            phase: Phase::Running,
            steers: Vec::new(),
            error: None,
            title: None,
        });
        if turn.id.is_some() {
            return;
        }
        turn.id = Some(started.id.clone());
        let steers = std::mem::take(&mut turn.steers);
        if turn.phase == Phase::Stopping {
            self.interrupt(out);
        }
        for (id, input) in steers {
            self.inject(id, &input, out);
        }
    }

    pub(super) fn turn_completed(&mut self, ended: &wire::Turn, out: &mut Effects) {
        let known = |turn: &Turn| turn.id.as_ref().is_none_or(|id| *id == ended.id);
        let Some(turn) = self.turn.as_mut().filter(|turn| known(turn)) else { return };
        if self.last_turn.as_ref() == Some(&ended.id) {
            return;
        }
        turn.id = Some(ended.id.clone());
        match turn.phase {
            Phase::Stopping => self.clean(out),
            // A client that answers a question with "cancelled" or another program may have interrupted it.
            Phase::Running if ended.status == TurnStatus::Interrupted => self.clean(out),
            Phase::Running => {
                let error = ended.error.as_ref().or(turn.error.as_ref());
                let outcome = match ended.status {
                    TurnStatus::Failed => errors::outcome(error.cloned().unwrap_or_default()),
                    _ => Ok(v1::StopReason::EndTurn),
                };
                self.end_turn(outcome, out);
            }
            Phase::Cleaning => {}
        }
    }

    /// An error that may yet be overcome.
    pub(super) fn errored(&mut self, error: wire::TurnError) {
        if let Some(turn) = &mut self.turn {
            turn.error = Some(error);
        }
    }

    /// The client takes a prompt back.
    pub(super) fn cancel(&mut self, id: RequestId, out: &mut Effects) {
        if let Some(at) = self.waiting.iter().position(|(waiting, _)| *waiting == id) {
            self.waiting.remove(at);
            out.answer(id, Ok(cancelled()));
            // What it waited for is not wanted either if nobody asked for it.
            if self.turn.as_ref().is_some_and(|turn| turn.prompt.is_none()) {
                self.stop(out);
            }
        } else if self.turn.as_ref().is_some_and(|turn| turn.prompt == Some(id)) {
            self.stop(out);
        }
    }

    /// Stops the turn and whatever runs.
    pub(super) fn stop(&mut self, out: &mut Effects) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.phase == Phase::Running) else { return };
        turn.phase = Phase::Stopping;
        let local = turn.id.is_none() && !self.calls.is_starting();
        for (id, _) in std::mem::take(&mut turn.steers) {
            out.answer(id, Ok(Answer::Steer(Steered::Idle)));
        }
        self.drop_asks(out);
        if local {
            return self.end_turn(Ok(v1::StopReason::Cancelled), out);
        }
        self.interrupt(out);
        self.stop_children(out);
        out.push(Effect::Arm { timer: STOP, after: INTERRUPT });
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.phase != Phase::Running)
    }

    fn interrupt(&mut self, out: &mut Effects) {
        let Some(id) = self.turn.as_ref().and_then(|turn| turn.id.as_ref()) else { return };
        let params = json!({ "threadId": self.setup.thread, "turnId": id });
        self.calls.call("turn/interrupt", &params, Purpose::Interrupt, out);
    }

    /// Ends the commands that an interrupt leaves running.
    fn clean(&mut self, out: &mut Effects) {
        if let Some(turn) = &mut self.turn {
            turn.phase = Phase::Cleaning;
        }
        self.drop_asks(out);
        let params = json!({ "threadId": self.setup.thread });
        self.calls.call("thread/backgroundTerminals/clean", &params, Purpose::Clean, out);
        out.push(Effect::Arm { timer: STOP, after: CLEAN });
    }

    /// The commands have been told to end.
    pub(super) fn cleaned(&mut self, out: &mut Effects) {
        self.settle(out);
    }

    /// Ends the turn if it was stopped and nothing of it is left.
    pub(super) fn settle(&mut self, out: &mut Effects) {
        let cleaning = self.turn.as_ref().is_none_or(|turn| turn.phase == Phase::Cleaning);
        if !cleaning || self.items.runs_command() || self.calls.is_cleaning() {
            return;
        }
        if self.turn.is_some() {
            self.end_turn(Ok(v1::StopReason::Cancelled), out);
        } else {
            self.closed(out);
        }
    }

    pub(super) fn stop_took_too_long(&mut self, out: &mut Effects) {
        match self.turn.as_ref().map(|turn| turn.phase) {
            Some(Phase::Stopping) => out.push(Effect::Kill),
            Some(Phase::Cleaning) => self.end_turn(Ok(v1::StopReason::Cancelled), out),
            Some(Phase::Running) => {}
            None => self.closed(out),
        }
    }

    /// Answers the prompt and goes on with the next.
    pub(super) fn end_turn(&mut self, outcome: Result<v1::StopReason, Failure>, out: &mut Effects) {
        let Some(turn) = self.turn.take() else { return };
        let stopped = turn.phase != Phase::Running;
        if stopped {
            out.push(Effect::Disarm(STOP));
        }
        self.last_turn = turn.id.or(self.last_turn.take());
        self.drop_asks(out);
        let ended = matches!(outcome, Ok(v1::StopReason::EndTurn));
        self.items.end_turn(!stopped && outcome.is_ok(), out);
        self.agents.end_turn(!stopped && outcome.is_ok(), out);
        self.texts.clear();
        for (id, _) in turn.steers {
            out.answer(id, Ok(Answer::Steer(Steered::Idle)));
        }
        if ended
            && !self.titled
            && let Some(title) = turn.title
        {
            self.titled = true;
            out.update(v1::SessionUpdate::SessionInfoUpdate(v1::SessionInfoUpdate::new().title(title)));
        }
        if let Some(id) = turn.prompt {
            let answer = outcome.map(|reason| v1::PromptResponse::new(reason).usage(self.usage.of_turn()));
            out.answer(id, answer.map(Answer::Prompt));
        }
        if self.closing.is_some() {
            return self.closed(out);
        }
        if let Some((id, prompt)) = self.waiting.pop_front() {
            self.begin(id, &prompt, out);
        }
    }

    /// Puts something into the running turn.
    pub(super) fn steer(&mut self, id: RequestId, prompt: &[v1::ContentBlock], out: &mut Effects) {
        let input = match input::user_input(prompt) {
            Ok(input) => input,
            Err(failure) => return out.answer(id, Err(failure)),
        };
        match &mut self.turn {
            Some(turn) if turn.phase == Phase::Running && turn.id.is_none() && turn.steers.len() < WAITING => {
                turn.steers.push((id, input));
            }
            Some(turn) if turn.phase == Phase::Running && turn.id.is_some() => self.inject(id, &input, out),
            _ => out.answer(id, Ok(Answer::Steer(Steered::Idle))),
        }
    }

    fn inject(&mut self, id: RequestId, input: &[UserInput], out: &mut Effects) {
        let turn = self.turn.as_ref().and_then(|turn| turn.id.as_ref());
        let params = json!({ "threadId": self.setup.thread, "input": input, "expectedTurnId": turn });
        self.calls.call("turn/steer", &params, Purpose::Steer(id), out);
    }

    /// `session/close`: stops everything, then answers.
    pub(super) fn close(&mut self, id: RequestId, out: &mut Effects) {
        self.closing = Some(id);
        for (waiting, _) in std::mem::take(&mut self.waiting) {
            out.answer(waiting, Ok(cancelled()));
        }
        if self.turn.is_some() {
            self.stop(out);
        } else if self.items.runs_command() {
            self.clean(out);
        } else {
            self.closed(out);
        }
    }

    fn closed(&mut self, out: &mut Effects) {
        if let Some(id) = self.closing.take() {
            self.items.close_all(out);
            out.answer(id, Ok(Answer::Done));
        }
    }
}

fn cancelled() -> Answer {
    Answer::Prompt(v1::PromptResponse::new(v1::StopReason::Cancelled))
}
