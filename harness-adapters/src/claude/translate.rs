//! One session of Claude Code as one ACP session: a pure state machine.

mod asks;
mod calls;
pub(crate) mod commands;
pub(crate) mod content;
mod controls;
mod describe;
mod fault;
mod files;
mod notices;
pub(crate) mod options;
pub(crate) mod plan;
mod refusal;
mod requests;
pub(crate) mod screen;
pub(crate) mod shell;
mod stop;
mod tasks;
mod text;
mod turns;
mod unreadable;
mod usage;

use std::path::PathBuf;

use acp_types::{RawBuf, v1};
use serde::{Deserialize, Serialize};

use self::asks::{Asks, Then};
use self::commands::Commands;
use self::controls::Controls;
use self::notices::Notices;
use self::options::{Change, Options};
use self::plan::Plan;
use self::screen::Screen;
use self::tasks::Tasks;
use self::turns::Turns;
use self::usage::Meter;
use super::wire::system::Init;
use super::wire::{Message, Prompted, System, TurnResult, Unreadable};
use crate::failure::Failure;
use crate::translate::{Answer, ClientFeatures, Effects, Input, RequestId, Translator};

/// What a session is like when it is open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Setup {
    /// Its id.
    pub(crate) session: v1::SessionId,
    /// Where it works.
    pub(crate) cwd: PathBuf,
    /// A UUID that no other process had.
    pub(crate) seed: String,
    /// What the client can show.
    #[serde(default)]
    pub(crate) features: ClientFeatures,
    /// What can be chosen, and what is.
    pub(crate) options: Options,
    /// Its commands.
    #[serde(default)]
    pub(crate) commands: Commands,
    /// Its tasks.
    #[serde(default)]
    pub(crate) plan: Plan,
    /// What it is called.
    #[serde(default)]
    pub(crate) title: Option<String>,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    session: v1::SessionId,
    features: ClientFeatures,
    screen: Screen,
    turns: Turns,
    asks: Asks,
    controls: Controls,
    options: Options,
    commands: Commands,
    notices: Notices,
    meter: Meter,
    title: Option<String>,
    tasks: Tasks,
    /// A turn runs that nobody prompted for.
    unprompted: bool,
    /// A stop without a prompt has not been seen through.
    stopping_idle: bool,
    /// The request to close, which waits for the end of the turn.
    closing: Option<RequestId>,
    /// Why the program is gone.
    gone: Option<Failure>,
}

impl Translator for Session {
    type Setup = Setup;

    fn new(setup: Setup) -> Self {
        let Setup { session, cwd, seed, features, options, commands, plan, title } = setup;
        Self {
            session,
            features,
            screen: Screen::new(cwd, features, plan),
            turns: Turns::new(&seed),
            asks: Asks::default(),
            controls: Controls::new(&seed),
            options,
            commands,
            notices: Notices::new(features),
            meter: Meter::default(),
            title,
            tasks: Tasks::default(),
            unprompted: false,
            stopping_idle: false,
            closing: None,
            gone: None,
        }
    }

    fn step(&mut self, input: Input, out: &mut Effects) {
        match input {
            Input::Request { id, request } => self.request(id, request, out),
            Input::Cancel { id } => self.cancel(id, out),
            Input::Stop => self.stop_idle(out),
            Input::Native(message) => self.message(Message::read(message.as_raw()), out),
            Input::Answered { ask, answer } => {
                if self.gone.is_none() && self.asks.answered(ask, answer, out) == Then::Stop {
                    self.stop(out);
                }
            }
            Input::Fired { timer } => self.fired(timer, out),
            Input::Exited(failure) => self.exited(failure, out),
        }
    }

    fn unreadable(line: &str) -> Option<RawBuf> {
        Unreadable::stand_in(line)
    }
}

impl Session {
    fn message(&mut self, message: Message, out: &mut Effects) {
        if self.turns.running.is_none()
            && matches!(message, Message::Stream(_) | Message::Assistant(_) | Message::System(System::Init(_)))
        {
            self.unprompted = true;
        }
        match message {
            Message::System(system) => self.system(system, out),
            Message::Stream(event) => {
                if event.parent_tool_use_id.is_none() {
                    self.meter.stream(&event.event, out);
                    self.screen.stream(event, out);
                }
            }
            Message::Assistant(mut assistant) => {
                assistant.is_api_error_message |= assistant.says(|text| self.notices.is_failure(text));
                self.screen.assistant(assistant, out);
            }
            Message::User(user) => self.screen.user(&user, out),
            Message::Result(result) => self.result(&result, out),
            Message::Ask(ask) => {
                let planned_from = self.options.planned_from();
                self.asks.ask(&self.session, *ask, self.features, &self.screen.calls, planned_from, out);
            }
            Message::Withdrawn { request_id } => self.asks.withdrawn(&request_id, out),
            Message::Reply(reply) => self.replied(reply, out),
            Message::Lifecycle(lifecycle) => self.lifecycle(&lifecycle, out),
            Message::Prompted(prompted) => self.prompted_elsewhere(&prompted, out),
            Message::Unreadable(unreadable) => self.misread(unreadable, out),
            Message::Other => {}
        }
    }

    fn system(&mut self, system: System, out: &mut Effects) {
        match system {
            System::Init(init) => self.init(&init, out),
            System::Status(status) => {
                if let Some(mode) = &status.permission_mode {
                    self.apply(Change::Mode(mode.clone()), out);
                }
                let stopping = self.turns.running.as_ref().is_some_and(|turn| turn.stopping);
                self.notices.status(&status, stopping, out);
            }
            System::ApiRetry(retry) => self.notices.retry(&retry, out),
            System::CompactBoundary(compacted) => self.notices.compacted(&compacted, out),
            System::Informational(informational) => {
                if informational.level.as_deref() == Some("warning") {
                    self.notices.warn(&informational.content, out);
                }
            }
            System::SessionTitleChanged { title } => self.named(title, out),
            System::BackgroundTasksChanged { tasks } => self.tasks.now(&tasks),
            System::TaskStarted(task) => self.task_started(&task, out),
            System::TaskNotification(task) => self.task_over(&task, out),
            System::Other => {}
        }
    }

    fn init(&mut self, init: &Init, out: &mut Effects) {
        if let Some(mode) = &init.permission_mode {
            self.apply(Change::Mode(mode.clone()), out);
        }
        if let Some(model) = &init.model
            && self.options.hear_model(model)
        {
            self.tell_options(out);
        }
        if self.commands.hear(init) {
            out.update(self.commands.update());
        }
        self.notices.servers(&init.mcp_servers, out);
    }

    /// Somebody has prompted. Another program in the same session is not heard of otherwise.
    fn prompted_elsewhere(&mut self, prompted: &Prompted, out: &mut Effects) {
        if !self.turns.named(&prompted.uuid) {
            let text = format!(
                "Another program works in this session. Its prompt: {}. What it does is not shown here: wait for its end, \
                 then load the session again.",
                prompted.text
            );
            self.notices.tell(&text, out);
        }
    }

    /// Takes over a change of an option and tells the client, if it is one.
    fn apply(&mut self, change: Change, out: &mut Effects) {
        let mode = matches!(change, Change::Mode(_));
        if self.options.apply(change) {
            if mode { self.tell_mode(out) } else { self.tell_options(out) }
        }
    }

    /// The mode, in both ways in which clients know it.
    fn tell_mode(&self, out: &mut Effects) {
        let update = v1::CurrentModeUpdate::new(self.options.mode.clone());
        out.update(v1::SessionUpdate::CurrentModeUpdate(update));
        self.tell_options(out);
    }

    fn tell_options(&self, out: &mut Effects) {
        let update = v1::ConfigOptionUpdate::new(self.options.config());
        out.update(v1::SessionUpdate::ConfigOptionUpdate(update));
    }

    fn named(&mut self, title: String, out: &mut Effects) {
        if self.title.as_ref() != Some(&title) {
            self.title = Some(title.clone());
            let update = v1::SessionInfoUpdate::new().title(title);
            out.update(v1::SessionUpdate::SessionInfoUpdate(update));
        }
    }

    /// The end of a turn, of a prompt or of none.
    fn result(&mut self, result: &TurnResult, out: &mut Effects) {
        let prompted = self.turns.answered_by(result);
        self.unprompted = false;
        self.meter.result(result, prompted, out);
        let spoken = self.screen.take_fault();
        let compacted = spoken.as_ref().is_none_or(|spoken| !self.notices.is_failure(&spoken.text));
        self.notices.finish(out);
        let shown = self.screen.text.take_shown();
        let Some(turn) = &mut self.turns.running else {
            self.asks.refuse_orphans(out);
            self.screen.finish(out);
            self.stopped_idle(out);
            return;
        };
        turn.steers.retain(|uuid| !result.answers(uuid));
        if !prompted || turn.refused {
            self.stopped_idle(out);
            // A turn that nobody prompted for. What it has open is not told from what the prompt has, and stays open.
            return;
        }
        let outcome = if compacted { fault::outcome(result, spoken) } else { Err(fault::failure(result, spoken)) };
        if let (false, Ok(_), Some(text)) = (shown, &outcome, result.result.as_deref().filter(|text| !text.is_empty()))
        {
            // A command of the program may answer in its result alone.
            out.update(screen::said(result.uuid.as_deref().unwrap_or(&turn.uuid), text));
        }
        match outcome {
            Ok(reason) if !turn.stopping && !turn.steers.is_empty() => turn.ended = Some(reason),
            outcome => self.conclude(outcome, out),
        }
    }

    /// Answers the prompt that runs, and goes on to the next.
    fn end(&mut self, outcome: Result<v1::StopReason, Failure>, out: &mut Effects) {
        let Some(turn) = self.turns.running.take() else { return };
        self.forget(&turn, out);
        self.asks.refuse_orphans(out);
        self.notices.finish(out);
        self.screen.finish(out);
        let outcome = if turn.stopping { Ok(v1::StopReason::Cancelled) } else { outcome };
        let usage = self.meter.take_prompt();
        out.answer(turn.id, outcome.map(|reason| Answer::Prompt(v1::PromptResponse::new(reason).usage(usage))));
        self.closed(out);
        self.next(out);
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= most).last() {
        Some(end) if text.len() > most => format!("{}…", &text[..end]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
