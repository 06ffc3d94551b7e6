//! One thread of Codex as one ACP session: a pure state machine that takes each input to the part that it concerns.

use std::path::PathBuf;

use acp_types::RawBuf;
use acp_types::v1::{ContentBlock, StopReason};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::asks::Then;
use super::commands::{self, Slash};
use super::controls::{Asker, Pending, refused};
use super::goal::{Goal, GoalAnswer, GoalEvent};
use super::lifecycle::{Lifecycle, STOP};
use super::options::{Options, Prompted};
use super::screen::Origin;
use super::setup::{ServerNames, Setup, Skill};
use super::{contact, input, text};
use crate::codex::wire::{self, Files, Item, Message, UserInput};
use crate::failure::Failure;
use crate::translate::{Answer, Effect, Effects, Input, Request, RequestId, Steered, Timer, Translator};

/// Timer that runs while Codex is to begin the turn of a goal that was set.
const BEGIN: Timer = Timer(1_000_000_001);
/// Time limit of Codex to begin it.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// One session.
#[derive(Debug)]
pub struct Session {
    thread: String,
    cwd: PathBuf,
    skills: Vec<Skill>,
    servers: ServerNames,
    options: Options,
    goal: Goal,
    life: Lifecycle,
}

impl Translator for Session {
    type Setup = Setup;

    fn new(mut setup: Setup) -> Self {
        let life = Lifecycle::new(&mut setup);
        let Setup { thread, cwd, skills, servers, settings, .. } = setup;
        Self { thread, cwd, skills, servers, options: Options::new(settings), goal: Goal::default(), life }
    }

    fn step(&mut self, input: Input, out: &mut Effects) {
        match input {
            Input::Request { id, request } => self.request(id, request, out),
            Input::Cancel { id } => self.life.cancel(id, out),
            Input::StopChild(_) => {}
            Input::Stop => {
                self.goal.pause(&mut self.life.controls, out);
                self.life.stop_all(out);
            }
            Input::Native(message) => {
                let read = wire::read::<Message>(Some(&message), "message");
                if let Some(message) = read.or_else(|| Message::salvaged(&message)) {
                    self.message(message, out);
                }
            }
            Input::Answered { ask, answer } => {
                if self.life.asks.answered(ask, answer, &self.life.screen.calls, out) == Then::Stop {
                    self.life.stop(out);
                }
            }
            Input::Fired { timer } => self.fired(timer, out),
            Input::Exited(failure) => self.life.exited(&failure, out),
        }
        while let Some((id, prompt)) = self.life.turns.next() {
            self.begin(id, &prompt.prompt, out);
        }
    }
}

impl Session {
    fn request(&mut self, id: RequestId, request: Request, out: &mut Effects) {
        let controls = &mut self.life.controls;
        match request {
            Request::Prompt(prompt) => self.life.prompt(id, prompt, out),
            Request::Steer(prompt) => self.life.steer(id, &prompt, out),
            Request::StopTask(task) => match self.life.screen.calls.process(&task) {
                Some((thread, process)) => controls.stop_task(id, &thread, &process, out),
                None => out.answer(id, Ok(Answer::Stopped(false))),
            },
            Request::SetMode(mode) => self.options.set_mode(id, &mode, controls, out),
            Request::SetConfig { option, value } => self.options.set_config(id, &option, value, controls, out),
            Request::SetTitle(title) => controls.rename(&title, Pending::Title(id), out),
            Request::Close => self.life.close(id, out),
        }
    }

    /// Begins with a prompt that waited.
    fn begin(&mut self, id: RequestId, prompt: &[ContentBlock], out: &mut Effects) {
        let prompt = self.life.begin(id, prompt, out);
        match Slash::of(&prompt, &self.skills) {
            Some(slash) => self.command(slash, &prompt, out),
            None => match input::user_input(&prompt) {
                Ok(input) => self.life.controls.start(&input, out),
                Err(failure) => self.life.end(Err(failure), out),
            },
        }
    }

    /// Does a command in place of a turn.
    fn command(&mut self, slash: Slash, prompt: &[ContentBlock], out: &mut Effects) {
        let controls = &mut self.life.controls;
        match slash {
            Slash::Compact => controls.compact(out),
            Slash::Review(target) => controls.review(&target, out),
            Slash::Plan(then) => self.options.plan(then, controls, out),
            Slash::Goal(words) => self.goal.command(&words, controls, out),
            Slash::Init => controls.start(&[UserInput::text(commands::INIT)], out),
            Slash::Logout => controls.log_out(out),
            Slash::Status => {
                let tokens = self.life.meter.total();
                let status = commands::status(&self.thread, &self.cwd, self.options.settings(), tokens);
                self.life.say(&status, out);
            }
            Slash::Mcp => controls.list_servers(out),
            Slash::Skills => self.life.say(&commands::list_skills(&self.skills), out),
            Slash::Rename(title) => {
                controls.rename(&title, Pending::Aside, out);
                self.life.say(&format!("The session is called {title:?} now."), out);
            }
            Slash::Skill(skill, rest) => {
                let mut parts = vec![UserInput::Skill { name: skill.name, path: skill.path }];
                if !rest.is_empty() {
                    parts.push(UserInput::text(rest));
                }
                match prompt.get(1..).filter(|more| !more.is_empty()).map(input::user_input) {
                    Some(Err(failure)) => return self.life.end(Err(failure), out),
                    Some(Ok(more)) => parts.extend(more),
                    None => {}
                }
                controls.start(&parts, out);
            }
        }
    }

    fn message(&mut self, message: Message, out: &mut Effects) {
        match (&message.method, &message.id) {
            (Some(_), Some(_)) => {
                let life = &mut self.life;
                let stopping = life.turns.is_stopping();
                life.asks.ask(&message, stopping, &self.servers, &life.screen.calls, out);
            }
            (Some(_), None) => self.notified(message, out),
            (None, Some(_)) => self.replied(&message, out),
            (None, None) => {}
        }
    }

    fn notified(&mut self, message: Message, out: &mut Effects) {
        let Message { method, params, files, began, .. } = message;
        for (id, printed) in began {
            self.life.screen.calls.printed_first(&id, &printed, out);
        }
        let (method, params) = (method.as_deref().unwrap_or_default(), params.as_ref());
        let Some(wire::About { thread_id, turn_id }) = wire::read(params, method) else { return };
        let child = thread_id.filter(|thread| *thread != self.thread);
        let late = self.life.turns.is_late(turn_id.as_deref().unwrap_or_default());
        let origin = Origin { child: child.as_deref(), late };
        self.life.contact.notified(method, out);
        let life = &mut self.life;
        match method {
            "item/started" | "item/completed" => {
                with(params, method, |event: wire::ItemEvent| {
                    self.item(event.item, &files, method == "item/completed", origin, out);
                });
            }
            "item/commandExecution/outputDelta" => {
                with(params, method, |delta| life.screen.calls.output(&delta, out));
            }
            "turn/started" | "turn/completed" => {
                let (turn, done) = (wire::read::<wire::TurnEvent>(params, method), method == "turn/completed");
                match (origin.child, turn) {
                    (Some(child), Some(event)) => life.screen.agents.turn(child, &event.turn, done, out),
                    (None, Some(event)) if done => life.completed(&event.turn, out),
                    (None, Some(event)) => life.started(&event.turn, out),
                    (None, None) if done => life.lost(out),
                    (_, None) => {}
                }
            }
            "serverRequest/resolved" => with(params, method, |event: wire::Resolved| {
                life.asks.withdrawn(&event.request_id, &life.screen.calls, out);
            }),
            // A sub-agent that cannot reach the model holds up the turn that waits for it.
            "error" => with(params, method, |event: wire::ErrorEvent| {
                if event.will_retry {
                    life.tries_again(&event, out);
                }
                if origin.child.is_none() {
                    life.turns.errored(event.error);
                }
            }),
            _ if origin.child.is_none() => self.told(method, params, late, out),
            _ => {}
        }
    }

    fn item(&mut self, mut item: Item, files: &Files, done: bool, origin: Origin<'_>, out: &mut Effects) {
        if let Item::McpToolCall(call) = &mut item {
            call.server = self.servers.of_client(&call.server).to_owned();
        }
        if let Item::ContextCompaction { id } = &item {
            return self.life.notices.compaction(id, done, out);
        }
        let progress = self.life.screen.item(&item, files, done, origin, out);
        if progress.began {
            self.life.turns.taken();
        }
        if progress.ended {
            self.life.settle(out);
        }
    }

    /// Notifications that only matter when they are about the session's own thread.
    fn told(&mut self, method: &str, params: Option<&RawBuf>, late: bool, out: &mut Effects) {
        let life = &mut self.life;
        match method {
            "item/agentMessage/delta" | "item/plan/delta" if !late => {
                with(params, method, |delta| life.screen.text.said(&delta, out));
            }
            "item/reasoning/summaryTextDelta" | "item/reasoning/textDelta" if !late => {
                with(params, method, |delta| life.screen.text.thought(&delta, out));
            }
            "turn/plan/updated" => with(params, method, |event| text::plan(&event, out)),
            "thread/tokenUsage/updated" => {
                with(params, method, |event: wire::Usage| life.meter.used(&event.token_usage, out));
            }
            "thread/name/updated" => with(params, method, |event| life.title.named(event, out)),
            "thread/goal/updated" => with(params, method, |event| self.goal.changed(&event)),
            "thread/goal/cleared" => self.goal.changed(&GoalEvent::default()),
            "thread/settings/updated" => with(params, method, |event| self.options.changed(&event, out)),
            wire::UNREADABLE => with(params, method, |event: wire::Unreadable| self.unreadable(event.ends, out)),
            _ => life.notices.warned(method, params, &self.servers, out),
        }
    }

    /// A message of Codex cannot be read.
    fn unreadable(&mut self, ends: bool, out: &mut Effects) {
        let consequence = if ends { "its turn ends here" } else { "what it says is missing here" };
        let description = Some(consequence.to_owned());
        self.life.notices.tell("A message of Codex cannot be read", description, &mut self.life.controls, out);
        if ends {
            self.life.lost(out);
        }
    }

    /// The app-server answers a call of ours.
    fn replied(&mut self, message: &Message, out: &mut Effects) {
        let life = &mut self.life;
        let Some(pending) = life.controls.answered(message) else { return };
        let error = message.error.as_ref().map(|error| error.message.as_str());
        match pending {
            Pending::Start => life.start_answered(message, error, out),
            Pending::Interrupt if error.is_some() => tracing::debug!("there was nothing to interrupt"),
            Pending::Interrupt | Pending::Aside => {}
            Pending::Clean => life.settle(out),
            Pending::Revert => life.reverted(error.is_none(), out),
            Pending::Steer(id) => out.answer(id, steered(error)),
            Pending::Settings { patch, asker } => self.settings_answered(&patch, asker, error, out),
            Pending::Title(id) => {
                if error.is_none() {
                    life.title.set();
                }
                out.answer(id, error.map_or(Ok(Answer::Done), |error| Err(refused(error))));
            }
            Pending::Servers => match error {
                Some(error) => life.end(Err(refused(error)), out),
                None => life.say(&commands::list_servers(message, &self.servers), out),
            },
            Pending::StopTask(id) => out.answer(id, task_stopped(message, error)),
            Pending::Goal => match self.goal.answered(message, error) {
                GoalAnswer::Begins if life.turns.has_not_begun() => {
                    out.push(Effect::Arm { timer: BEGIN, after: PATIENCE });
                }
                GoalAnswer::Begins => {}
                GoalAnswer::Say(words) => life.say(&words, out),
                GoalAnswer::Refused(failure) => life.end(Err(failure), out),
            },
            Pending::Logout => match error {
                Some(error) => life.end(Err(refused(error)), out),
                None => life.say("You are logged out of Codex.", out),
            },
        }
    }

    fn settings_answered(&mut self, patch: &serde_json::Value, asker: Asker, error: Option<&str>, out: &mut Effects) {
        let Some(Prompted { then, changed }) = self.options.answered(patch, asker, error, out) else { return };
        match changed {
            _ if self.life.turns.is_stopping() => self.life.end(Ok(StopReason::Cancelled), out),
            Ok(()) if then.is_empty() => self.life.say("Plan mode is on.", out),
            Ok(()) => self.life.controls.start(&[UserInput::text(then)], out),
            Err(failure) => self.life.end(Err(failure), out),
        }
    }

    fn fired(&mut self, timer: Timer, out: &mut Effects) {
        match timer {
            STOP => self.life.overdue(out),
            contact::UNREACHABLE => self.life.give_up(out),
            BEGIN => {
                if self.life.turns.is_awaited() && !self.life.controls.is_starting() {
                    self.life.say("The goal is set.", out);
                }
            }
            _ => self.life.screen.calls.output_due(timer, out),
        }
    }
}

/// Reads a message and goes on with it, if it reads.
fn with<T: DeserializeOwned>(params: Option<&RawBuf>, method: &str, then: impl FnOnce(T)) {
    if let Some(event) = wire::read(params, method) {
        then(event);
    }
}

fn steered(error: Option<&str>) -> Result<Answer, Failure> {
    match error {
        None => Ok(Answer::Steer(Steered::Injected)),
        Some(error) if error.contains("no active turn") => Ok(Answer::Steer(Steered::Idle)),
        Some(error) => Err(refused(error)),
    }
}

fn task_stopped(message: &Message, error: Option<&str>) -> Result<Answer, Failure> {
    #[derive(Deserialize)]
    struct Terminated {
        #[serde(default)]
        terminated: bool,
    }
    if let Some(error) = error {
        return Err(refused(error));
    }
    let done: Option<Terminated> = wire::read(message.result.as_ref(), "terminate");
    Ok(Answer::Stopped(done.is_some_and(|done| done.terminated)))
}

#[cfg(test)]
mod tests;
