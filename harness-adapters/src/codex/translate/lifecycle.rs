//! The life cycle of turns and of the session: how they begin, stop, end and close.

use std::time::Duration;

use acp_types::v1::{self, ContentBlock, SessionUpdate, StopReason};
use serde::Deserialize;

use super::asks::Asks;
use super::contact::Contact;
use super::controls::{Controls, refused};
use super::meter::Meter;
use super::notices::Notices;
use super::screen::Screen;
use super::setup::Setup;
use super::title::Title;
use super::turns::{Completion, Ended, Phase, Steering, Stop, TurnOutcome, Turns};
use super::{contents, input, text};
use crate::children::End;
use crate::codex::wire::{self, ErrorEvent, Message};
use crate::failure::Failure;
use crate::translate::{Answer, Effect, Effects, RequestId, Steered, Timer};

/// Timer that runs while a turn is being stopped or reverted.
pub(super) const STOP: Timer = Timer(0);
/// Time limit of Codex for the end of an interrupted turn. It takes some 10 ms.
const INTERRUPT: Duration = Duration::from_secs(10);
/// Time limit of the commands of a stopped turn for their end.
const CLEAN: Duration = Duration::from_secs(3);
/// Time limit of Codex to forget a turn.
const REVERT: Duration = Duration::from_secs(10);

/// The parts of a session that the end of a turn concerns.
#[derive(Debug)]
pub(super) struct Lifecycle {
    pub(super) turns: Turns,
    pub(super) controls: Controls,
    pub(super) asks: Asks,
    pub(super) screen: Screen,
    pub(super) notices: Notices,
    pub(super) contact: Contact,
    pub(super) meter: Meter,
    pub(super) title: Title,
    /// The request to close, until it is answered.
    closing: Option<RequestId>,
    /// True for a session that is shown from its history.
    replay: bool,
}

impl Lifecycle {
    /// An idle session.
    pub(super) fn new(setup: &mut Setup) -> Self {
        let Setup { thread, prefix, cwd, features, titled, replay, give_up_secs, untrusted_hooks, .. } = setup;
        Self {
            turns: Turns::default(),
            controls: Controls::new(thread, prefix),
            asks: Asks::new(thread, *features),
            screen: Screen::new(thread, cwd.clone(), *features, *replay),
            notices: Notices::new(*features, std::mem::take(untrusted_hooks)),
            contact: Contact::new(*give_up_secs),
            meter: Meter::default(),
            title: Title::new(*titled),
            closing: None,
            replay: *replay,
        }
    }

    /// Queues a prompt of the client.
    pub(super) fn prompt(&mut self, id: RequestId, prompt: v1::PromptRequest, out: &mut Effects) {
        if self.closing.is_some() {
            return out.answer(id, Ok(cancelled()));
        }
        let queued = contents::screened(&prompt.prompt).and_then(|_| self.turns.wait(id, prompt));
        if let Err(failure) = queued {
            out.answer(id, Err(failure));
        }
    }

    /// Begins the turn of a prompt. Returns the blocks that go to Codex; the client is told of the others.
    pub(super) fn begin(&mut self, id: RequestId, prompt: &[ContentBlock], out: &mut Effects) -> Vec<ContentBlock> {
        self.notices.tell_hooks(&mut self.controls, out);
        // A prompt of which nothing is left was refused before it could wait.
        let screened = contents::screened(prompt).unwrap_or_default();
        self.tell_left_out(&screened.left_out, out);
        self.meter.turn_begins();
        self.title.propose(&screened.kept);
        self.turns.begin(id, screened.images);
        screened.kept
    }

    fn tell_left_out(&mut self, left_out: &[String], out: &mut Effects) {
        if !left_out.is_empty() {
            let description = Some(left_out.join("; "));
            self.notices.tell("A part of the prompt was left out", description, &mut self.controls, out);
        }
    }

    /// Codex answers the call that was to begin the turn.
    pub(super) fn start_answered(&mut self, message: &Message, error: Option<&str>, out: &mut Effects) {
        #[derive(Deserialize)]
        struct Started {
            turn: Option<wire::Turn>,
        }
        if let Some(error) = error {
            let outcome = if self.turns.is_stopping() { Ok(StopReason::Cancelled) } else { Err(refused(error)) };
            return self.end(outcome, out);
        }
        if let Some(Started { turn: Some(turn) }) = wire::read(message.result.as_ref(), "turn/start") {
            self.started(&turn, out);
        }
    }

    /// Codex has begun a turn.
    pub(super) fn started(&mut self, turn: &wire::Turn, out: &mut Effects) {
        let Some(started) = self.turns.started(turn) else { return };
        if started.interrupt {
            self.controls.interrupt(&started.turn, out);
        }
        for (id, input) in started.steers {
            self.controls.steer(id, &started.turn, &input, out);
        }
    }

    /// Codex has ended a turn.
    pub(super) fn completed(&mut self, turn: &wire::Turn, out: &mut Effects) {
        let completion = self.turns.completed(turn, self.replay);
        self.complete(completion, out);
    }

    /// Codex has ended the turn, but its message cannot be read.
    pub(super) fn lost(&mut self, out: &mut Effects) {
        let completion = self.turns.lost();
        self.complete(completion, out);
    }

    fn complete(&mut self, completion: Completion, out: &mut Effects) {
        match completion {
            Completion::Nothing => {}
            Completion::Clean => self.clean(out),
            Completion::Revert(turn) => {
                self.controls.revert(&turn, out);
                out.push(Effect::Arm { timer: STOP, after: REVERT });
            }
            Completion::End(outcome) => self.end(outcome, out),
        }
    }

    /// Codex has forgotten the turn, or has not.
    pub(super) fn reverted(&mut self, gone: bool, out: &mut Effects) {
        if let Some(outcome) = self.turns.reverted(gone) {
            out.push(Effect::Disarm(STOP));
            self.end(outcome, out);
        }
    }

    /// Ends the turn of a command with a text.
    pub(super) fn say(&mut self, words: &str, out: &mut Effects) {
        let id = self.controls.unique();
        out.update(SessionUpdate::AgentMessageChunk(text::chunk(&id, words)));
        self.end(Ok(StopReason::EndTurn), out);
    }

    /// Ends the turn and answers its prompt.
    pub(super) fn end(&mut self, outcome: TurnOutcome, out: &mut Effects) {
        let Some(Ended { prompt, outcome, stopped, steers }) = self.turns.end(outcome) else { return };
        self.contact.reached(out);
        if stopped {
            out.push(Effect::Disarm(STOP));
        }
        // Child sessions may go on after the turn, and wait for the user then.
        let Screen { calls, children, .. } = &self.screen;
        let over = |child: Option<&v1::SessionId>| stopped || !child.is_some_and(|child| children.works(child));
        self.asks.withdraw_of(over, calls, out);
        self.notices.end_turn(outcome.as_ref().err(), out);
        self.screen.end_turn(!stopped && outcome.is_ok(), stopped, out);
        answer_idle(steers, out);
        self.title.turn_ended(matches!(outcome, Ok(StopReason::EndTurn)), &mut self.controls, out);
        if let Some(id) = prompt {
            let answer = outcome.map(|reason| v1::PromptResponse::new(reason).usage(self.meter.of_turn()));
            out.answer(id, answer.map(Answer::Prompt));
        }
        self.closed(out);
    }

    /// Puts a message of the client into the running turn.
    pub(super) fn steer(&mut self, id: RequestId, prompt: &[ContentBlock], out: &mut Effects) {
        let screened = match contents::screened(prompt) {
            Ok(screened) => screened,
            Err(failure) => return out.answer(id, Err(failure)),
        };
        self.tell_left_out(&screened.left_out, out);
        let input = match input::user_input(&screened.kept) {
            Ok(input) => input,
            Err(failure) => return out.answer(id, Err(failure)),
        };
        match self.turns.steer(id, input, screened.images) {
            Steering::Waits => {}
            Steering::Inject { turn, input } => self.controls.steer(id, &turn, &input, out),
            Steering::Idle => out.answer(id, Ok(Answer::Steer(Steered::Idle))),
        }
    }

    /// The client takes a prompt back.
    pub(super) fn cancel(&mut self, id: RequestId, out: &mut Effects) {
        if self.turns.take_back(id) {
            out.answer(id, Ok(cancelled()));
            // A turn that nobody asked for is not wanted any more than the prompt that waited for it.
            if self.turns.is_unprompted() {
                self.stop(out);
            }
        } else if self.turns.cancel(id) {
            self.stop(out);
        }
    }

    /// Stops the turn with all that it started.
    pub(super) fn stop(&mut self, out: &mut Effects) {
        let starting = self.controls.is_starting();
        let Some(Stop { steers, interrupt, at_once }) = self.turns.stop(starting) else { return };
        answer_idle(steers, out);
        self.asks.withdraw_all(&self.screen.calls, out);
        if at_once {
            return self.end(Ok(StopReason::Cancelled), out);
        }
        if let Some(turn) = interrupt {
            self.controls.interrupt(&turn, out);
        }
        self.stop_children(out);
        out.push(Effect::Arm { timer: STOP, after: INTERRUPT });
    }

    /// Stops all work that no prompt waits for: a turn of Codex's own, sub-agents and commands of earlier turns.
    pub(super) fn stop_all(&mut self, out: &mut Effects) {
        if self.turns.is_unprompted() {
            self.stop(out);
        } else if self.turns.phase().is_none() {
            self.stop_children(out);
            if self.screen.calls.runs_command() {
                self.clean(out);
            }
        }
    }

    fn stop_children(&mut self, out: &mut Effects) {
        for (thread, turn) in self.screen.agents.running() {
            self.controls.stop_child(thread, turn, out);
        }
    }

    /// Stops the work of one child session, and of its own children.
    pub(super) fn stop_child(&mut self, session: &v1::SessionId, out: &mut Effects) {
        let working = self.screen.children.working_for(session);
        let is_of =
            |child: Option<&v1::SessionId>| child.is_some_and(|child| working.iter().any(|name| **name == *child.0));
        self.asks.withdraw_of(is_of, &self.screen.calls, out);
        for (thread, turn) in self.screen.agents.running() {
            if working.iter().any(|name| name == thread) {
                self.controls.stop_child(thread, turn, out);
            }
        }
    }

    /// Ends the commands that an interrupt leaves running.
    fn clean(&mut self, out: &mut Effects) {
        self.turns.clean();
        self.asks.withdraw_all(&self.screen.calls, out);
        self.controls.clean(out);
        out.push(Effect::Arm { timer: STOP, after: CLEAN });
    }

    /// Ends a turn that was stopped once none of its commands is left.
    pub(super) fn settle(&mut self, out: &mut Effects) {
        if self.screen.calls.runs_command() || self.controls.is_cleaning() {
            return;
        }
        match self.turns.phase() {
            Some(Phase::Cleaning) => self.end(Ok(StopReason::Cancelled), out),
            Some(_) => {}
            None => self.closed(out),
        }
    }

    /// The time limit of a stop is over.
    pub(super) fn overdue(&mut self, out: &mut Effects) {
        match self.turns.phase() {
            Some(Phase::Stopping) => out.push(Effect::Kill),
            Some(Phase::Cleaning) => self.end(Ok(StopReason::Cancelled), out),
            Some(Phase::Starting | Phase::Running | Phase::Reverting) => self.reverted(false, out),
            None => self.closed(out),
        }
    }

    /// Codex has failed at something and tries again.
    pub(super) fn tries_again(&mut self, event: &ErrorEvent, out: &mut Effects) {
        let error = &event.error;
        self.notices.tell(&error.message, error.additional_details.clone(), &mut self.controls, out);
        self.contact.tries_again(event, out);
    }

    /// Stops a turn whose model could not be reached in time.
    pub(super) fn give_up(&mut self, out: &mut Effects) {
        let contact = &mut self.contact;
        contact.gave_up();
        if self.turns.give_up(|error| contact.failure(error)) {
            self.stop(out);
        }
    }

    /// `session/close`: stops everything, then answers.
    pub(super) fn close(&mut self, id: RequestId, out: &mut Effects) {
        self.closing = Some(id);
        for waiting in self.turns.take_back_all() {
            out.answer(waiting, Ok(cancelled()));
        }
        if self.turns.phase().is_some() {
            self.stop(out);
        } else if self.screen.calls.runs_command() {
            self.clean(out);
        } else {
            self.closed(out);
        }
    }

    /// Answers the request to close, if there is one.
    fn closed(&mut self, out: &mut Effects) {
        if let Some(id) = self.closing.take() {
            self.screen.calls.close(out);
            self.screen.children.end_all(&End::Cancelled, out);
            out.answer(id, Ok(Answer::Done));
        }
    }

    /// Codex is gone: answers everybody who waits.
    pub(super) fn exited(&mut self, failure: &Failure, out: &mut Effects) {
        self.asks.give_up(out);
        for id in self.turns.take_back_all() {
            out.answer(id, Err(failure.clone()));
        }
        self.controls.give_up(failure, out);
        self.end(Err(failure.clone()), out);
        self.screen.calls.close(out);
        self.screen.children.end_all(&End::Failed(failure.message.clone()), out);
        self.closed(out);
    }
}

fn answer_idle(steers: Vec<RequestId>, out: &mut Effects) {
    for id in steers {
        out.answer(id, Ok(Answer::Steer(Steered::Idle)));
    }
}

fn cancelled() -> Answer {
    Answer::Prompt(v1::PromptResponse::new(StopReason::Cancelled))
}
