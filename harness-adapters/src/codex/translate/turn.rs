//! The life of a turn: from a prompt to its answer.

use acp_types::v1;
use serde::Deserialize;
use serde_json::json;

use super::calls::{Purpose, refused};
use super::commands::Slash;
use super::stop::STOP;
use super::{Translator, contents, errors, input};
use crate::codex::wire::{self, Message, TurnStatus, UserInput};
use crate::failure::{Failure, FailureKind};
use crate::translate::{Answer, Effect, Effects, RequestId, Steered};

/// Prompts that wait for their turn.
const WAITING: usize = 32;

/// A turn that is not over.
#[derive(Debug)]
pub(super) struct Turn {
    /// `None` if Codex began it by itself.
    pub(super) prompt: Option<RequestId>,
    /// Known once it has begun.
    pub(super) id: Option<String>,
    pub(super) phase: Phase,
    /// Steering that waits for the turn to have begun.
    pub(super) steers: Vec<(RequestId, Vec<UserInput>)>,
    /// The last error that was told of.
    pub(super) error: Option<wire::TurnError>,
    /// Why it is stopped, if nobody asked for that.
    pub(super) gave_up: Option<Failure>,
    /// The title that it gives to a session without one.
    title: Option<String>,
    /// Whether Codex has to be told of it.
    names: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
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
        if let Some(failure) = contents::refused_whole(&prompt.prompt) {
            return out.answer(id, Err(failure));
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
        self.tell_hooks(out);
        let prompt = &self.screened(prompt, out);
        self.usage.turn_begins();
        self.turn = Some(Turn {
            prompt: Some(id),
            id: None,
            phase: Phase::Running,
            steers: Vec::new(),
            error: None,
            gave_up: None,
            title: input::title(&prompt.prompt),
            names: input::has_context(&prompt.prompt),
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
            gave_up: None,
            title: None,
            names: false,
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
                let error = ended.error.as_ref().or(turn.error.as_ref()).cloned().unwrap_or_default();
                let bad_request = errors::is_bad_request(&error);
                let outcome = match ended.status {
                    TurnStatus::Failed => errors::outcome(error),
                    _ => Ok(v1::StopReason::EndTurn),
                };
                match outcome {
                    Err(failure) if self.is_content_refused(bad_request) => self.take_back(&ended.id, failure, out),
                    outcome => self.end_turn(outcome, out),
                }
            }
            Phase::Cleaning => {}
        }
    }

    /// The turn is over, but nobody can read how.
    pub(super) fn turn_lost(&mut self, out: &mut Effects) {
        let Some(turn) = &self.turn else { return };
        match turn.phase {
            Phase::Stopping => self.clean(out),
            Phase::Running => {
                let message = "Codex ended the turn in a way that cannot be read; another version of Codex may help";
                self.end_turn(Err(Failure::new(FailureKind::Harness, message)), out);
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
        } else if let Some(turn) = self.turn.as_mut().filter(|turn| turn.prompt == Some(id)) {
            turn.gave_up = None;
            self.stop(out);
        }
    }

    /// Answers the prompt and goes on with the next.
    pub(super) fn end_turn(&mut self, outcome: Result<v1::StopReason, Failure>, out: &mut Effects) {
        let Some(mut turn) = self.turn.take() else { return };
        self.reached(out);
        let outcome = turn.gave_up.take().map_or(outcome, Err);
        let stopped = turn.phase != Phase::Running;
        if stopped {
            out.push(Effect::Disarm(STOP));
        }
        self.last_turn = turn.id.or(self.last_turn.take());
        self.drop_asks(out);
        let ended = matches!(outcome, Ok(v1::StopReason::EndTurn));
        self.end_compaction(outcome.as_ref().err(), out);
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
            if turn.names {
                let params = json!({ "threadId": self.setup.thread, "name": title });
                self.calls.call("thread/name/set", &params, Purpose::Aside, out);
            }
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
        if let Some(failure) = contents::refused_whole(prompt) {
            return out.answer(id, Err(failure));
        }
        let input = match input::user_input(&self.screened_blocks(prompt, out)) {
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
}

pub(super) fn cancelled() -> Answer {
    Answer::Prompt(v1::PromptResponse::new(v1::StopReason::Cancelled))
}
