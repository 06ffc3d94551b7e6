//! Calls to the app-server that are not answered yet.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{Translator, tasks};
use crate::codex::wire::{self, Message};
use crate::failure::{Failure, FailureKind};
use crate::translate::{Answer, Effects, RequestId, Steered};

/// What a call is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// To start the turn.
    Start,
    Interrupt,
    /// To end the commands of a thread that was stopped.
    Clean,
    Steer(RequestId),
    /// To have Codex forget a turn that the provider refused.
    Revert,
    /// To change settings, and who wants to know.
    Settings {
        patch: Value,
        asker: Asker,
    },
    Title(RequestId),
    /// To tell about MCP servers.
    Servers,
    /// To end a command.
    StopTask(RequestId),
    /// To show the goal, or to change it, which may begin a turn.
    Goal,
    Logout,
    /// Its result does not matter.
    Aside,
}

/// Who asked for a change of settings.
#[derive(Debug)]
pub(super) enum Asker {
    Mode(RequestId),
    Option(RequestId),
    /// A prompt that begins with the change, and what it goes on with.
    Prompt(String),
}

#[derive(Debug)]
pub(super) struct Calls {
    prefix: String,
    next: u64,
    open: BTreeMap<u64, Purpose>,
}

impl Calls {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), next: 0, open: BTreeMap::new() }
    }

    pub(super) fn call(&mut self, method: &str, params: &impl Serialize, purpose: Purpose, out: &mut Effects) {
        let number = self.next;
        self.next += 1;
        self.open.insert(number, purpose);
        out.send(wire::call(&format!("{}:{number}", self.prefix), method, params));
    }

    fn take(&mut self, message: &Message) -> Option<Purpose> {
        let id: String = wire::read(message.id.as_ref(), "id")?;
        let number = id.strip_prefix(&self.prefix)?.strip_prefix(':')?;
        self.open.remove(&number.parse().ok()?)
    }

    /// An id for something that has none.
    pub(super) fn unique(&mut self) -> String {
        self.next += 1;
        format!("{}:{}", self.prefix, self.next - 1)
    }

    /// Whether a turn was asked for and may yet begin.
    pub(super) fn is_starting(&self) -> bool {
        self.open.values().any(|purpose| matches!(purpose, Purpose::Start))
    }

    pub(super) fn is_cleaning(&self) -> bool {
        self.open.values().any(|purpose| matches!(purpose, Purpose::Clean))
    }

    /// Nothing will be answered any more.
    pub(super) fn fail_all(&mut self, failure: &Failure, out: &mut Effects) {
        for purpose in std::mem::take(&mut self.open).into_values() {
            match purpose {
                Purpose::Steer(id)
                | Purpose::StopTask(id)
                | Purpose::Title(id)
                | Purpose::Settings { asker: Asker::Mode(id) | Asker::Option(id), .. } => {
                    out.answer(id, Err(failure.clone()));
                }
                _ => {}
            }
        }
    }
}

impl Translator {
    /// An answer of the app-server.
    pub(super) fn replied(&mut self, message: &Message, out: &mut Effects) {
        let Some(purpose) = self.calls.take(message) else { return };
        let error = message.error.as_ref().map(|error| error.message.as_str());
        match purpose {
            Purpose::Start => self.start_answered(message, error, out),
            Purpose::Interrupt => {
                if error.is_some() {
                    tracing::debug!("there was nothing to interrupt");
                }
            }
            Purpose::Clean => self.cleaned(out),
            Purpose::Revert => self.taken_back(error.is_none(), out),
            Purpose::Steer(id) => match error {
                None => out.answer(id, Ok(Answer::Steer(Steered::Injected))),
                Some(error) if error.contains("no active turn") => out.answer(id, Ok(Answer::Steer(Steered::Idle))),
                Some(error) => out.answer(id, Err(refused(error))),
            },
            Purpose::Settings { patch, asker } => self.settings_answered(&patch, asker, error, out),
            Purpose::Title(id) => {
                let answer = error.map_or(Ok(Answer::Done), |error| Err(refused(error)));
                self.titled |= answer.is_ok();
                out.answer(id, answer);
            }
            Purpose::Servers => self.servers_listed(message, error, out),
            Purpose::StopTask(id) => tasks::stopped(id, message, error, out),
            Purpose::Goal => self.goal_answered(message, error, out),
            Purpose::Logout => match error {
                Some(error) => self.end_turn(Err(refused(error)), out),
                None => self.say("You are logged out of Codex.", out),
            },
            Purpose::Aside => {}
        }
    }
}

/// Codex says no to what a client asked for.
pub(super) fn refused(error: &str) -> Failure {
    Failure::new(FailureKind::Harness, format!("Codex refused: {error}"))
}
