//! One session of Claude Code as one ACP session: a pure state machine that takes each input to the part that it concerns.

use std::time::Duration;

use acp_types::{RawBuf, v1};
use serde_json::{Value, json};

use super::agents::Agent;
use super::asks::Then;
use super::commands::Commands;
use super::content;
use super::controls::Pending;
use super::lifecycle::Lifecycle;
use super::notices::Notices;
use super::options::{Change, Options};
use super::screen::Screen;
use super::setup::Setup;
use super::tasks::LOOK;
use crate::claude::wire::system::Init;
use crate::claude::wire::{Control, Message, Prompted, Reply, System, Unreadable, control};
use crate::failure::{Failure, FailureKind};
use crate::translate::{Answer, ClientFeatures, Effect, Effects, Input, Request, RequestId, Timer, Translator};

/// Timer of requests of the client that wait for the program, and their time limit.
const SETTING: (Timer, Duration) = (Timer(2), Duration::from_secs(30));

/// One session.
#[derive(Debug)]
pub struct Session {
    session: v1::SessionId,
    features: ClientFeatures,
    options: Options,
    commands: Commands,
    title: Option<String>,
    life: Lifecycle,
}

impl Translator for Session {
    type Setup = Setup;

    fn new(setup: Setup) -> Self {
        let Setup { session, cwd, seed, features, options, commands, plan, title } = setup;
        let life = Lifecycle::new(&seed, Screen::new(session.clone(), cwd, features, plan), Notices::new(features));
        Self { session, features, options, commands, title, life }
    }

    fn step(&mut self, input: Input, out: &mut Effects) {
        match input {
            Input::Request { id, request } => self.request(id, request, out),
            Input::Cancel { id } => self.life.cancel(id, out),
            Input::Stop => self.life.stop_idle(out),
            Input::StopChild(child) => {
                if self.life.gone().is_none() {
                    self.life.stop_child(&child, out);
                }
            }
            Input::Native(message) => self.message(Message::read(message.as_raw()), out),
            Input::Answered { ask, answer } => {
                if self.life.gone().is_none() {
                    match self.life.asks.answered(ask, answer, out) {
                        Then::GoOn => {}
                        Then::Stop(asker) if asker == self.session => self.life.stop(out),
                        Then::Stop(child) => self.life.stop_child(&child, out),
                    }
                }
            }
            Input::Fired { timer } => self.fired(timer, out),
            Input::Exited(failure) => self.life.exited(failure, out),
        }
        let life = &mut self.life;
        life.screen.children.attend(|child| life.asks.are_of(child), out);
        life.next(out);
    }

    fn unreadable(line: &str) -> Option<RawBuf> {
        Unreadable::stand_in(line)
    }
}

impl Session {
    fn request(&mut self, id: RequestId, request: Request, out: &mut Effects) {
        if let Some(failure) = self.life.gone() {
            let answer = if request == Request::Close { Ok(Answer::Done) } else { Err(failure.clone()) };
            out.answer(id, answer);
            return;
        }
        let invalid = |what| Failure::new(FailureKind::InvalidParams, what);
        match request {
            Request::Prompt(prompt) => match self.life.prompt(id, &prompt.prompt, &self.commands, out) {
                Ok(()) => {
                    if self.title.is_none()
                        && let Some(title) = content::text(&prompt.prompt).and_then(content::title)
                    {
                        self.named(title, out);
                    }
                }
                Err(failure) => out.answer(id, Err(failure)),
            },
            Request::Steer(prompt) => {
                let answer = self.life.steer(&prompt, &self.commands, out);
                out.answer(id, answer.map(Answer::Steer));
            }
            Request::SetMode(mode) => match self.options.mode(&mode.0) {
                Ok(change) => self.change(id, change, false, out),
                Err(what) => out.answer(id, Err(invalid(what))),
            },
            Request::SetConfig { option, value } => match self.options.change(&option.0, &value) {
                Ok(change) => self.change(id, change, true, out),
                Err(what) => out.answer(id, Err(invalid(what))),
            },
            Request::SetTitle(title) => {
                let control = Control::RenameSession { title: title.clone() };
                self.ask(&control, Pending::Title { id, title }, out);
            }
            Request::StopTask(task) => {
                if !self.life.tasks.stop(id, &task, &mut self.life.controls, out) {
                    out.answer(id, Ok(Answer::Stopped(false)));
                }
                if self.life.controls.awaited() {
                    out.push(Effect::Arm { timer: SETTING.0, after: SETTING.1 });
                }
            }
            Request::Close => self.life.close(id, out),
        }
    }

    /// Asks the program for something that the client waits for.
    fn ask(&mut self, control: &Control, pending: Pending, out: &mut Effects) {
        self.life.controls.send(control, pending, out);
        out.push(Effect::Arm { timer: SETTING.0, after: SETTING.1 });
    }

    fn change(&mut self, id: RequestId, change: Change, as_option: bool, out: &mut Effects) {
        let control = match &change {
            Change::Mode(mode) => Control::SetPermissionMode { mode: mode.clone() },
            Change::Model(model) => Control::SetModel { model: model.clone() },
            Change::Effort(effort) => Control::ApplyFlagSettings { settings: json!({ "effortLevel": effort }) },
        };
        self.ask(&control, Pending::Change { id, change, as_option }, out);
    }

    fn message(&mut self, message: Message, out: &mut Effects) {
        let life = &mut self.life;
        if matches!(message, Message::Stream(_) | Message::Assistant(_) | Message::System(System::Init(_))) {
            life.working();
        }
        match message {
            Message::System(system) => self.system(system, out),
            Message::Stream(event) => {
                if event.parent_tool_use_id.is_none() {
                    life.meter.stream(&event.event, out);
                    life.screen.stream(event, out);
                }
            }
            Message::Assistant(mut assistant) => {
                assistant.is_api_error_message |= assistant.says(|text| life.notices.is_failure(text));
                life.screen.assistant(assistant, out);
            }
            Message::User(user) => life.screen.user(&user, out),
            Message::Result(result) => life.result(&result, out),
            Message::Ask(ask) => {
                let planned_from = self.options.planned_from();
                let child = ask.agent().and_then(|agent| life.screen.children.of(agent));
                let asker = child.unwrap_or(&self.session);
                life.asks.ask(asker, *ask, self.features, &life.screen.calls, planned_from, out);
            }
            Message::Withdrawn { request_id } => life.asks.withdrawn(&request_id, out),
            Message::Reply(reply) => self.replied(reply, out),
            Message::Lifecycle(lifecycle) => life.lifecycle(&lifecycle, out),
            Message::Prompted(prompted) => self.prompted_elsewhere(&prompted, out),
            Message::Unreadable(unreadable) => self.misread(unreadable, out),
            Message::Other => {}
        }
    }

    fn system(&mut self, system: System, out: &mut Effects) {
        let life = &mut self.life;
        match system {
            System::Init(init) => self.init(&init, out),
            System::Status(status) => {
                if let Some(mode) = &status.permission_mode {
                    self.apply(Change::Mode(mode.clone()), out);
                }
                let stopping = self.life.turns.is_stopping();
                self.life.notices.status(&status, stopping, out);
            }
            System::ApiRetry(retry) => life.notices.retry(&retry, out),
            System::CompactBoundary(compacted) => life.notices.compacted(&compacted, out),
            System::Informational(informational) => {
                if informational.level.as_deref() == Some("warning") {
                    life.notices.warn(&informational.content, out);
                }
            }
            System::SessionTitleChanged { title } => self.named(title, out),
            System::BackgroundTasksChanged { tasks } => life.tasks.now(&tasks),
            System::TaskStarted(task) => {
                life.tasks.started(&task, &mut life.screen.calls, out);
                if let Some(agent) = Agent::of(&task) {
                    life.screen.agent_began(&self.session, &agent, out);
                }
            }
            System::TaskNotification(task) => {
                life.screen.agent_over(&task, out);
                life.tasks.over(&task, &mut life.screen.calls, &mut life.controls, out);
            }
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
        self.life.notices.servers(&init.mcp_servers, out);
    }

    /// Somebody has prompted. The program says nothing of prompts from elsewhere.
    fn prompted_elsewhere(&mut self, prompted: &Prompted, out: &mut Effects) {
        if !self.life.turns.named(&prompted.uuid) {
            let text = format!(
                "Another program works in this session. Its prompt: {}. What it does is not shown here: wait for its end, \
                 then load the session again.",
                prompted.text
            );
            self.life.notices.tell(&text, out);
        }
    }

    /// The program sent a message that cannot be read. It is told, and whoever waits for it gets an answer.
    fn misread(&mut self, unreadable: Unreadable, out: &mut Effects) {
        let Unreadable { kind, why, request, reply, result } = unreadable;
        tracing::warn!(%kind, %why, "a message of Claude Code cannot be read");
        self.life.notices.tell(&format!("Claude Code said something that cannot be read: {kind} ({why})."), out);
        if let Some(id) = request {
            out.send(control::refuse(&id, "this client cannot read the request"));
        }
        if let Some(request_id) = reply {
            let error = Some("its answer cannot be read".to_owned());
            let (subtype, response) = ("error".to_owned(), Value::Null);
            self.replied(Reply { request_id, subtype, response, error, error_code: None }, out);
        }
        if let Some(result) = result {
            self.life.result(&result, out);
        }
    }

    /// The program answers a request of ours.
    fn replied(&mut self, reply: Reply, out: &mut Effects) {
        let life = &mut self.life;
        let awaited = life.controls.awaited();
        let Some(pending) = life.controls.answered(&reply.request_id) else { return };
        let result = reply.into_result();
        match pending {
            Pending::Interrupt => life.interrupted(result.ok().as_ref(), out),
            Pending::TakeBack { uuid } => {
                let taken = result.ok().and_then(|answer| answer.get("cancelled")?.as_bool()).unwrap_or(false);
                life.taken_back(&uuid, taken, out);
            }
            Pending::Forget { uuid } => {
                let gone = result.ok().and_then(|answer| answer.get("rewound")?.as_bool()).unwrap_or(false);
                life.forgotten(&uuid, gone, out);
            }
            Pending::Settings => {
                if self.options.hear_settings(&result.unwrap_or_default()) {
                    self.tell_options(out);
                }
            }
            Pending::StopTask { id } => {
                if let Some(id) = id {
                    out.answer(id, Ok(Answer::Stopped(result.is_ok())));
                }
            }
            Pending::Output { task, last } => {
                life.tasks.written(&task, last, result.ok().as_ref(), &mut life.screen.calls, out);
            }
            Pending::Change { id, change, as_option } => {
                let answer = self.changed(change, as_option, result, out);
                out.answer(id, answer);
            }
            Pending::Title { id, title } => {
                let named = result.map_err(|refusal| refused(&refusal));
                if named.is_ok() {
                    self.named(title, out);
                }
                out.answer(id, named.map(|_| Answer::Done));
            }
        }
        if awaited && !self.life.controls.awaited() {
            out.push(Effect::Disarm(SETTING.0));
        }
    }

    /// The program has changed an option for the client, or has not.
    fn changed(
        &mut self,
        change: Change,
        as_option: bool,
        result: Result<Value, control::Refusal>,
        out: &mut Effects,
    ) -> Result<Answer, Failure> {
        let answer = result.map_err(|refusal| refused(&refusal))?;
        if !holds(&change, &answer) {
            let real = answer.get("mode").and_then(Value::as_str).unwrap_or_default();
            let message = format!("Claude Code does not change to this mode: it is in {real}");
            let failure = Failure::new(FailureKind::InvalidParams, message);
            self.options.apply(Change::Mode(real.to_owned()));
            self.tell_mode(out);
            return Err(failure.with("mode", real));
        }
        let model = matches!(change, Change::Model(_));
        self.apply(change, out);
        if model {
            // Each model has an effort of its own.
            self.life.controls.send(&Control::GetSettings, Pending::Settings, out);
        }
        Ok(if as_option { Answer::Config(self.options.config()) } else { Answer::Done })
    }

    /// Takes over a change of an option. The client is told if something is different.
    fn apply(&mut self, change: Change, out: &mut Effects) {
        let mode = matches!(change, Change::Mode(_));
        if self.options.apply(change) {
            if mode { self.tell_mode(out) } else { self.tell_options(out) }
        }
    }

    /// Tells the client the mode, in both ways in which clients know it.
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

    fn fired(&mut self, timer: Timer, out: &mut Effects) {
        if timer == LOOK.0 {
            if self.life.gone().is_none() {
                self.life.tasks.look(&mut self.life.controls, out);
            }
        } else if timer == SETTING.0 {
            let failure = Failure::new(FailureKind::Harness, "Claude Code did not answer; close the session");
            self.life.controls.give_up(&failure, out);
        } else {
            self.life.overdue(timer, out);
        }
    }
}

/// True if a change is in force. The program says which mode really is.
fn holds(change: &Change, answer: &Value) -> bool {
    match change {
        Change::Mode(mode) => answer.get("mode").and_then(Value::as_str).is_none_or(|real| real == mode),
        _ => true,
    }
}

fn refused(refusal: &control::Refusal) -> Failure {
    let failure = Failure::new(FailureKind::InvalidParams, format!("Claude Code refused: {}", refusal.message));
    match &refusal.code {
        Some(code) => failure.with("error", code.clone()),
        None => failure,
    }
}

#[cfg(test)]
mod tests;
