//! The life cycle of turns and of the session: how they begin, stop, end and close.

use std::time::Duration;

use acp_types::v1::{self, StopReason};
use serde_json::Value;

use super::asks::Asks;
use super::commands::Commands;
use super::content;
use super::controls::{Controls, Pending};
use super::fault;
use super::meter::Meter;
use super::notices::Notices;
use super::screen::{self, Screen};
use super::tasks::Tasks;
use super::turns::{Completion, Ended, TurnOutcome, Turns, Waiting};
use crate::children::End;
use crate::claude::wire::{CommandLifecycle, Control, TurnResult, control};
use crate::failure::{Failure, FailureKind};
use crate::translate::{Answer, Effect, Effects, RequestId, Steered, Timer};

/// Timer of a stop, and the time limit of the program until it is killed.
pub(super) const STOP: (Timer, Duration) = (Timer(1), Duration::from_secs(10));
/// Timer of a turn's end when its session is closed, and its time limit.
pub(super) const CLOSE: (Timer, Duration) = (Timer(3), Duration::from_secs(3));
/// Timer of a prompt that is to be forgotten, and its time limit.
pub(super) const FORGET: (Timer, Duration) = (Timer(4), Duration::from_secs(10));

/// The parts of a session that the end of a turn concerns.
#[derive(Debug)]
pub(super) struct Lifecycle {
    pub(super) turns: Turns,
    pub(super) asks: Asks,
    pub(super) controls: Controls,
    pub(super) screen: Screen,
    pub(super) notices: Notices,
    pub(super) meter: Meter,
    pub(super) tasks: Tasks,
    /// True while a turn runs that nobody prompted for.
    unprompted: bool,
    /// True while a stop without a prompt goes on.
    stopping_idle: bool,
    /// The request to close, until it is answered.
    closing: Option<RequestId>,
    /// The reason of the program's end.
    gone: Option<Failure>,
}

impl Lifecycle {
    /// An idle session.
    pub(super) fn new(seed: &str, screen: Screen, notices: Notices) -> Self {
        Self {
            turns: Turns::new(seed),
            asks: Asks::default(),
            controls: Controls::new(seed),
            screen,
            notices,
            meter: Meter::default(),
            tasks: Tasks::default(),
            unprompted: false,
            stopping_idle: false,
            closing: None,
            gone: None,
        }
    }

    /// The reason of the program's end, if it is gone.
    pub(super) fn gone(&self) -> Option<&Failure> {
        self.gone.as_ref()
    }

    /// The model works. Without a prompt, work in the background has begun a turn.
    pub(super) fn working(&mut self) {
        self.unprompted |= !self.turns.is_running();
    }

    /// Queues a prompt of the client.
    pub(super) fn prompt(
        &mut self,
        id: RequestId,
        prompt: &[v1::ContentBlock],
        commands: &Commands,
        out: &mut Effects,
    ) -> Result<(), Failure> {
        if self.closing.is_some() {
            return Err(Failure::new(FailureKind::InvalidParams, "the session is being closed"));
        }
        let (content, images) = self.content(prompt, commands, out)?;
        self.turns.wait(Waiting { id, content, images })
    }

    /// A prompt in the program's own form; true if it has images. The client is told of the blocks that are left out.
    fn content(
        &mut self,
        prompt: &[v1::ContentBlock],
        commands: &Commands,
        out: &mut Effects,
    ) -> Result<(Vec<Value>, bool), Failure> {
        let screened = content::screened(prompt)?;
        let blocks = content::blocks(&screened.kept, commands)?;
        if !screened.left_out.is_empty() {
            self.notices.tell(&format!("A part of the prompt was left out: {}", screened.left_out.join("; ")), out);
        }
        Ok((blocks, screened.images))
    }

    /// Sends the next prompt, if no turn runs and no stop is on its way that would hit it.
    pub(super) fn next(&mut self, out: &mut Effects) {
        if self.controls.stopping() {
            return;
        }
        if let Some((uuid, content)) = self.turns.next() {
            out.send(control::prompt(&uuid, &content));
            self.screen.text.take_shown();
        }
    }

    /// Puts a message of the client into the running turn.
    pub(super) fn steer(
        &mut self,
        prompt: &[v1::ContentBlock],
        commands: &Commands,
        out: &mut Effects,
    ) -> Result<Steered, Failure> {
        if !self.turns.is_running() {
            return Ok(Steered::Idle);
        }
        let (content, _) = self.content(prompt, commands, out)?;
        let uuid = self.turns.steer()?;
        out.send(control::prompt(&uuid, &content));
        Ok(Steered::Injected)
    }

    /// The program has ended a turn, of a prompt or of none.
    pub(super) fn result(&mut self, result: &TurnResult, out: &mut Effects) {
        let prompted = self.turns.answered_by(result);
        self.unprompted = false;
        self.meter.result(result, prompted, out);
        let spoken = self.screen.take_fault();
        let compacted = spoken.as_ref().is_none_or(|spoken| !self.notices.is_failure(&spoken.text));
        self.notices.finish(out);
        let shown = self.screen.text.take_shown();
        let Some(uuid) = self.turns.uuid() else {
            self.asks.refuse_orphans(out);
            self.screen.finish(out);
            self.stopped_idle(out);
            return;
        };
        let uuid = result.uuid.clone().unwrap_or_else(|| uuid.to_owned());
        self.turns.strike(result);
        if !prompted || self.turns.is_forgetting() {
            // A turn that nobody prompted for. Its open calls are not told from those of the prompt, and stay open.
            self.stopped_idle(out);
            return;
        }
        let outcome = if compacted { fault::outcome(result, spoken) } else { Err(fault::failure(result, spoken)) };
        if let (false, Ok(_), Some(text)) = (shown, &outcome, result.result.as_deref().filter(|text| !text.is_empty()))
        {
            // A command of the program may answer in its result alone.
            out.update(screen::said(&uuid, text));
        }
        let completion = self.turns.completed(outcome);
        self.complete(completion, out);
    }

    fn complete(&mut self, completion: Completion, out: &mut Effects) {
        match completion {
            Completion::Nothing => {}
            Completion::Forget(uuid) => {
                let control = Control::RewindConversation { target_message_uuid: uuid.clone() };
                self.controls.send(&control, Pending::Forget { uuid }, out);
                out.push(Effect::Arm { timer: FORGET.0, after: FORGET.1 });
            }
            Completion::End(outcome) => self.end(outcome, out),
        }
    }

    /// The program has forgotten a prompt, or has not.
    pub(super) fn forgotten(&mut self, uuid: &str, gone: bool, out: &mut Effects) {
        if self.turns.uuid() != Some(uuid) {
            return;
        }
        if !gone {
            return self.unforgotten(out);
        }
        if let Some(outcome) = self.turns.forgotten("; the prompt with its images is taken back and not sent again") {
            self.end(outcome, out);
        }
    }

    /// The program keeps the prompt. An older one knows no other way.
    fn unforgotten(&mut self, out: &mut Effects) {
        let hint = "; Claude Code keeps the prompt, and the next may fail because of its images";
        if let Some(outcome) = self.turns.forgotten(hint) {
            self.notices.warn("The model refused this prompt, and may still refuse the next because of it.", out);
            self.end(outcome, out);
        }
    }

    /// Ends the turn and answers its prompt.
    fn end(&mut self, outcome: TurnOutcome, out: &mut Effects) {
        let Some(Ended { id, outcome, stopped, forgetting, steers }) = self.turns.end(outcome) else { return };
        if stopped {
            out.push(Effect::Disarm(STOP.0));
        }
        if forgetting {
            out.push(Effect::Disarm(FORGET.0));
        }
        // Messages that were to go into the turn must not begin turns of their own.
        for uuid in steers {
            self.take_back(uuid, out);
        }
        self.asks.refuse_orphans(out);
        self.notices.finish(out);
        self.screen.finish(out);
        let usage = self.meter.take_prompt();
        out.answer(id, outcome.map(|reason| Answer::Prompt(v1::PromptResponse::new(reason).usage(usage))));
        self.closed(out);
    }

    /// The client takes a prompt back.
    pub(super) fn cancel(&mut self, id: RequestId, out: &mut Effects) {
        if self.turns.take_back(id) {
            out.answer(id, Ok(cancelled()));
        } else if self.turns.is_prompted_by(id) {
            self.stop(out);
        }
    }

    /// Stops the turn that runs. It is answered when it has ended.
    pub(super) fn stop(&mut self, out: &mut Effects) {
        if self.turns.stop() {
            self.asks.withdraw_all(out);
            self.interrupt(out);
            out.push(Effect::Arm { timer: STOP.0, after: STOP.1 });
        }
    }

    /// Stops all work that no prompt waits for: a turn that work in the background has begun, and that work.
    pub(super) fn stop_idle(&mut self, out: &mut Effects) {
        if self.gone.is_some() || self.turns.is_running() || self.closing.is_some() || self.stopping_idle {
            return;
        }
        self.stopping_idle = true;
        self.asks.withdraw_all(out);
        self.tasks.stop_all(&mut self.controls, out);
        self.interrupt(out);
        out.push(Effect::Arm { timer: STOP.0, after: STOP.1 });
    }

    /// Stops the work of one child session, and of its own children.
    pub(super) fn stop_child(&mut self, session: &v1::SessionId, out: &mut Effects) {
        for task_id in self.screen.children.working_for(session) {
            self.controls.send(&Control::StopTask { task_id }, Pending::StopTask { id: None }, out);
        }
    }

    fn interrupt(&mut self, out: &mut Effects) {
        self.controls.send(&Control::Interrupt { cancel_queued: true }, Pending::Interrupt, out);
    }

    /// Ends a stop without a prompt, because nothing runs any more.
    fn stopped_idle(&mut self, out: &mut Effects) {
        if std::mem::take(&mut self.stopping_idle) {
            self.asks.refuse_orphans(out);
            out.push(Effect::Disarm(STOP.0));
        }
    }

    /// The program has seen the interrupt. A prompt that it had not begun is not stopped by it but taken back.
    pub(super) fn interrupted(&mut self, answer: Option<&Value>, out: &mut Effects) {
        if !self.unprompted {
            self.stopped_idle(out);
        }
        let Some(uuid) = self.turns.uuid().filter(|_| self.turns.is_stopping()) else { return };
        let lists = |key: &str| {
            let list = answer.and_then(|answer| answer.get(key)).and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|listed| listed.as_str() == Some(uuid)))
        };
        if lists("cancelled") {
            self.end(Ok(StopReason::Cancelled), out);
        } else if lists("still_queued") {
            let uuid = uuid.to_owned();
            self.take_back(uuid, out);
        }
    }

    fn take_back(&mut self, uuid: String, out: &mut Effects) {
        let control = Control::CancelAsyncMessage { message_uuid: uuid.clone() };
        self.controls.send(&control, Pending::TakeBack { uuid }, out);
    }

    /// The program has taken back a prompt, or has not because it has begun.
    pub(super) fn taken_back(&mut self, uuid: &str, taken: bool, out: &mut Effects) {
        if !self.turns.is_stopping() || self.turns.uuid() != Some(uuid) {
            return;
        }
        if taken {
            self.end(Ok(StopReason::Cancelled), out);
        } else {
            self.interrupt(out);
        }
    }

    /// The program says what became of a message.
    pub(super) fn lifecycle(&mut self, lifecycle: &CommandLifecycle, out: &mut Effects) {
        let CommandLifecycle { command_uuid: uuid, state } = lifecycle;
        let stopping = self.turns.is_stopping() && self.turns.uuid() == Some(uuid);
        match state.as_str() {
            // The interrupt came before it had begun.
            "started" if stopping => self.interrupt(out),
            "cancelled" if stopping => self.end(Ok(StopReason::Cancelled), out),
            "cancelled" => {
                let completion = self.turns.steer_cancelled(uuid);
                self.complete(completion, out);
            }
            _ => {}
        }
    }

    /// `session/close`: stops the turn, then answers.
    pub(super) fn close(&mut self, id: RequestId, out: &mut Effects) {
        if let Some(before) = self.closing.replace(id) {
            out.answer(before, Ok(Answer::Done));
        }
        for id in self.turns.take_back_all() {
            out.answer(id, Ok(cancelled()));
        }
        if self.turns.is_running() {
            self.stop(out);
            out.push(Effect::Arm { timer: CLOSE.0, after: CLOSE.1 });
        } else {
            self.asks.withdraw_all(out);
            self.asks.refuse_orphans(out);
            self.screen.close(&End::Cancelled, out);
        }
        self.closed(out);
    }

    /// Answers the request to close once no turn runs.
    fn closed(&mut self, out: &mut Effects) {
        if self.turns.is_running() {
            return;
        }
        if let Some(id) = self.closing.take() {
            out.push(Effect::Disarm(CLOSE.0));
            self.controls.give_up(&Failure::new(FailureKind::Harness, "the session was closed"), out);
            out.answer(id, Ok(Answer::Done));
        }
    }

    /// A timer of a stop has run out.
    pub(super) fn overdue(&mut self, timer: Timer, out: &mut Effects) {
        if timer == STOP.0 {
            if self.stopping_idle || self.turns.is_stopping() {
                out.push(Effect::Kill);
            }
        } else if timer == FORGET.0 {
            self.unforgotten(out);
        } else if timer == CLOSE.0 && self.closing.is_some() {
            self.end(Ok(StopReason::Cancelled), out);
        }
    }

    /// The program is gone: answers everybody who waits.
    pub(super) fn exited(&mut self, failure: Failure, out: &mut Effects) {
        self.asks.withdraw_all(out);
        self.notices.finish(out);
        self.screen.close(&End::Failed(failure.message.clone()), out);
        self.gone = Some(failure.clone());
        if let Some(Ended { id, outcome, .. }) = self.turns.end(Err(failure.clone())) {
            out.answer(id, outcome.map(|reason| Answer::Prompt(v1::PromptResponse::new(reason))));
        }
        for id in self.turns.take_back_all() {
            out.answer(id, Err(failure.clone()));
        }
        self.controls.give_up(&failure, out);
        self.closed(out);
    }
}

fn cancelled() -> Answer {
    Answer::Prompt(v1::PromptResponse::new(StopReason::Cancelled))
}
