//! One thread of Codex as one ACP session: a pure state machine.

mod agents;
mod asks;
mod calls;
mod commands;
mod contents;
mod decisions;
mod edits;
mod errors;
mod forms;
mod goal;
mod input;
mod items;
mod notices;
mod output;
mod settings;
mod shell;
mod stop;
mod subject;
mod tasks;
mod text;
mod turn;
mod unreachable;
mod usage;
mod view;
mod words;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

use acp_types::v1;
use serde::{Deserialize, Serialize};

use super::options::Settings;
use super::wire::{self, Message};
use crate::failure::Failure;
use crate::translate::{ClientFeatures, Effects, Input, Request, RequestId, Timer};
pub(super) use commands::{Skill, available};
pub(super) use edits::sides;
pub(super) use text::title_of_preview;
pub(super) use unreachable::patience;

/// What a session begins with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Setup {
    /// The thread, which is the session's id, too.
    pub(super) thread: String,
    /// What the ids of its calls begin with.
    pub(super) prefix: String,
    pub(super) cwd: PathBuf,
    pub(super) features: ClientFeatures,
    pub(super) settings: Settings,
    pub(super) skills: Vec<Skill>,
    /// The client's names of its MCP servers, by those that Codex knows, where they differ.
    #[serde(default)]
    pub(super) servers: BTreeMap<String, String>,
    /// Whether it has a title, which otherwise comes from the first prompt.
    pub(super) titled: bool,
    /// Whether it is shown from its history, with what the user said.
    pub(super) replay: bool,
    /// How long a model that cannot be reached may be tried.
    #[serde(default = "unreachable::default_patience")]
    pub(super) give_up_secs: u64,
    /// Hooks that Codex does not run, because nobody has trusted them.
    #[serde(default)]
    pub(super) untrusted_hooks: Vec<String>,
}

/// The state of a session.
#[derive(Debug)]
pub struct Translator {
    setup: Setup,
    settings: Settings,
    calls: calls::Calls,
    waiting: VecDeque<(RequestId, v1::PromptRequest)>,
    turn: Option<turn::Turn>,
    /// The turn before; what still comes of it is late.
    last_turn: Option<String>,
    closing: Option<RequestId>,
    items: items::Items,
    texts: text::Texts,
    asks: asks::Asks,
    agents: agents::Agents,
    usage: usage::Usage,
    notices: notices::Notices,
    contents: contents::Contents,
    titled: bool,
    /// Whether the model cannot be reached, and is tried again.
    unreachable: bool,
    /// Whether Codex goes on by itself when a turn has ended.
    goal_active: bool,
    /// Whether the change of the goal that was asked for may begin a turn.
    goal_begins: bool,
}

impl crate::translate::Translator for Translator {
    type Setup = Setup;

    fn new(setup: Setup) -> Self {
        Self {
            settings: setup.settings.clone(),
            calls: calls::Calls::new(&setup.prefix),
            waiting: VecDeque::new(),
            turn: None,
            last_turn: None,
            closing: None,
            items: items::Items::default(),
            texts: text::Texts::default(),
            asks: asks::Asks::default(),
            agents: agents::Agents::default(),
            usage: usage::Usage::default(),
            notices: notices::Notices::default(),
            contents: contents::Contents::default(),
            titled: setup.titled,
            unreachable: false,
            goal_active: false,
            goal_begins: false,
            setup,
        }
    }

    fn step(&mut self, input: Input, out: &mut Effects) {
        match input {
            Input::Request { id, request } => self.request(id, request, out),
            Input::Cancel { id } => self.cancel(id, out),
            Input::Stop => self.stop_all(out),
            Input::Native(message) => {
                let read = wire::read::<Message>(Some(&message), "message");
                if let Some(message) = read.or_else(|| Message::salvaged(&message)) {
                    self.native(message, out);
                }
            }
            Input::Answered { ask, answer } => self.answered(ask, answer, out),
            Input::Fired { timer } => self.fired(timer, out),
            Input::Exited(failure) => self.exited(&failure, out),
        }
    }
}

impl Setup {
    /// What the client calls an MCP server.
    fn server<'a>(&'a self, name: &'a str) -> &'a str {
        self.servers.get(name).map_or(name, String::as_str)
    }
}

impl Translator {
    fn request(&mut self, id: RequestId, request: Request, out: &mut Effects) {
        match request {
            Request::Prompt(prompt) => self.prompt(id, prompt, out),
            Request::Steer(prompt) => self.steer(id, &prompt, out),
            Request::StopTask(task) => self.stop_task(id, &task, out),
            Request::SetMode(mode) => self.set_mode(id, &mode, out),
            Request::SetConfig { option, value } => self.set_config(id, &option, value, out),
            Request::SetTitle(title) => self.set_title(id, &title, out),
            Request::Close => self.close(id, out),
        }
    }

    fn native(&mut self, message: Message, out: &mut Effects) {
        match (&message.method, &message.id) {
            (Some(_), Some(_)) => self.asked(&message, out),
            (Some(_), None) => self.notified(message, out),
            (None, Some(_)) => self.replied(&message, out),
            (None, None) => {}
        }
    }

    fn notified(&mut self, message: Message, out: &mut Effects) {
        let Message { method, params, files, began, .. } = message;
        for (id, printed) in began {
            self.began(&id, &printed, out);
        }
        let (method, params) = (method.as_deref().unwrap_or_default(), params.as_ref());
        let Some(place) = wire::read::<wire::Place>(params, method) else { return };
        let main = place.thread_id.as_ref().is_none_or(|thread| *thread == self.setup.thread);
        let place = Place { child: place.thread_id.filter(|_| !main), turn: place.turn_id.unwrap_or_default() };
        if is_of_the_model(method) {
            self.reached(out);
        }
        match method {
            "item/started" | "item/completed" => {
                if let Some(mut event) = wire::read::<wire::ItemEvent>(params, method) {
                    if let wire::Item::McpToolCall(call) = &mut event.item {
                        call.server = self.setup.server(&call.server).to_owned();
                    }
                    self.item(&event.item, &files, method == "item/completed", &place, out);
                }
            }
            "item/commandExecution/outputDelta" => self.with(params, method, |this, delta: wire::Delta| {
                this.output(&delta, out);
            }),
            "turn/started" | "turn/completed" => {
                let (turn, done) = (wire::read::<wire::TurnEvent>(params, method), method == "turn/completed");
                match (&place.child, turn) {
                    (Some(child), Some(event)) => self.child_turn(child, &event.turn, done, out),
                    (None, Some(event)) if done => self.turn_completed(&event.turn, out),
                    (None, Some(event)) => self.turn_started(&event.turn, out),
                    (None, None) if done => self.turn_lost(out),
                    (_, None) => {}
                }
            }
            "serverRequest/resolved" => self.with(params, method, |this, event: wire::Resolved| {
                this.resolved(&event.request_id, out);
            }),
            _ if main => self.told(method, params, out),
            // A sub-agent that cannot reach the model holds up whoever waits for it.
            "error" => self.with(params, method, |this, event: wire::ErrorEvent| {
                if event.will_retry {
                    this.tries_again(&event, out);
                }
            }),
            _ => {}
        }
    }

    /// Notifications that only matter when they are about the session's own thread.
    fn told(&mut self, method: &str, params: Option<&acp_types::RawBuf>, out: &mut Effects) {
        match method {
            "item/agentMessage/delta" | "item/plan/delta" => self.with(params, method, |this, delta: wire::Delta| {
                this.said(&delta, out);
            }),
            "item/reasoning/summaryTextDelta" | "item/reasoning/textDelta" => {
                self.with(params, method, |this, delta: wire::Delta| this.thought(&delta, out));
            }
            "turn/plan/updated" => self.with(params, method, |_, event: wire::PlanEvent| text::plan(&event, out)),
            "thread/tokenUsage/updated" => self.with(params, method, |this, event: wire::Usage| {
                this.used(&event.token_usage, out);
            }),
            "thread/name/updated" => self.with(params, method, |this, event: wire::Named| this.named(event, out)),
            "thread/goal/updated" => {
                self.with(params, method, |this, event: goal::GoalEvent| this.goal_changed(&event))
            }
            "thread/goal/cleared" => self.goal_changed(&goal::GoalEvent::default()),
            "thread/settings/updated" => self.with(params, method, |this, event: wire::SettingsEvent| {
                this.settings_changed(&event, out);
            }),
            wire::UNREADABLE => {
                self.with(params, method, |this, event: wire::Unreadable| this.unreadable(event.ends, out))
            }
            _ => self.noticed(method, params, out),
        }
    }

    /// Something that Codex said cannot be read.
    fn unreadable(&mut self, ends: bool, out: &mut Effects) {
        let what = if ends { "its turn ends here" } else { "what it says is missing here" };
        self.tell("A message of Codex cannot be read", Some(what.to_owned()), out);
        if ends {
            self.turn_lost(out);
        }
    }

    /// Reads and goes on, if it reads.
    fn with<T: serde::de::DeserializeOwned>(
        &mut self,
        params: Option<&acp_types::RawBuf>,
        method: &str,
        then: impl FnOnce(&mut Self, T),
    ) {
        if let Some(event) = wire::read(params, method) {
            then(self, event);
        }
    }

    fn fired(&mut self, timer: Timer, out: &mut Effects) {
        match timer {
            stop::STOP => self.stop_took_too_long(out),
            unreachable::UNREACHABLE => self.give_up(out),
            goal::BEGIN => self.goal_waits(out),
            _ => self.output_due(timer, out),
        }
    }

    fn exited(&mut self, failure: &Failure, out: &mut Effects) {
        for ask in self.asks.take_all() {
            out.push(crate::translate::Effect::Withdraw(ask));
        }
        // First, because the end of a turn lets the next prompt begin.
        for (id, _) in std::mem::take(&mut self.waiting) {
            out.answer(id, Err(failure.clone()));
        }
        self.calls.fail_all(failure, out);
        self.end_turn(Err(failure.clone()), out);
        self.items.close_all(out);
        if let Some(id) = self.closing.take() {
            out.answer(id, Ok(crate::translate::Answer::Done));
        }
    }
}

/// Whether a notification shows that the model answers. Commands go on without it.
fn is_of_the_model(method: &str) -> bool {
    method == "item/started" || (method.starts_with("item/") && method.ends_with("elta") && !method.contains("command"))
}

/// Where a notification belongs.
#[derive(Debug, Clone)]
struct Place {
    /// The sub-agent's thread, if it is one's.
    child: Option<String>,
    turn: String,
}

#[cfg(test)]
mod tests;
