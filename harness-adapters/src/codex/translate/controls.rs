//! Calls of ours to the app-server, and their meaning when they are answered.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::codex::wire::{self, Message, UserInput};
use crate::failure::{Failure, FailureKind};
use crate::translate::{Effects, RequestId};

/// Purpose of a call that has no answer yet.
#[derive(Debug)]
pub(super) enum Pending {
    /// Starts the turn.
    Start,
    /// Interrupts a turn.
    Interrupt,
    /// Ends the commands of a thread that was stopped.
    Clean,
    /// Puts a message of the client into the running turn.
    Steer(RequestId),
    /// Makes Codex forget a turn that the provider refused.
    Revert,
    /// Changes settings for somebody.
    Settings { patch: Value, asker: Asker },
    /// Names the session for the client.
    Title(RequestId),
    /// Lists the MCP servers for `/mcp`.
    Servers,
    /// Ends one command for the client.
    StopTask(RequestId),
    /// Shows or changes the goal for `/goal`. A change may begin a turn.
    Goal,
    /// Logs out for `/logout`.
    Logout,
    /// A call whose result does not matter.
    Aside,
}

/// Origin of a change of settings.
#[derive(Debug)]
pub(super) enum Asker {
    /// `session/set_mode`.
    Mode(RequestId),
    /// `session/set_config_option`.
    Option(RequestId),
    /// A prompt that begins with the change and goes on with this text.
    Prompt(String),
}

/// The calls of one session.
#[derive(Debug)]
pub(super) struct Controls {
    thread: String,
    prefix: String,
    next: u64,
    open: BTreeMap<u64, Pending>,
}

impl Controls {
    /// Calls about `thread`, with ids that begin with `prefix`.
    pub(super) fn new(thread: &str, prefix: &str) -> Self {
        Self { thread: thread.to_owned(), prefix: prefix.to_owned(), next: 0, open: BTreeMap::new() }
    }

    fn send(&mut self, method: &str, params: &impl Serialize, pending: Pending, out: &mut Effects) {
        let number = self.next;
        self.next += 1;
        self.open.insert(number, pending);
        out.send(wire::call(&format!("{}:{number}", self.prefix), method, params));
    }

    /// Starts a turn.
    pub(super) fn start(&mut self, input: &[UserInput], out: &mut Effects) {
        let params = json!({ "threadId": self.thread, "input": input });
        self.send("turn/start", &params, Pending::Start, out);
    }

    /// Starts a turn that compacts the conversation.
    pub(super) fn compact(&mut self, out: &mut Effects) {
        let params = json!({ "threadId": self.thread });
        self.send("thread/compact/start", &params, Pending::Start, out);
    }

    /// Starts a turn that reviews changes.
    pub(super) fn review(&mut self, target: &Value, out: &mut Effects) {
        let params = json!({ "threadId": self.thread, "target": target, "delivery": "inline" });
        self.send("review/start", &params, Pending::Start, out);
    }

    /// Puts input into the running turn.
    pub(super) fn steer(&mut self, id: RequestId, turn: &str, input: &[UserInput], out: &mut Effects) {
        let params = json!({ "threadId": self.thread, "input": input, "expectedTurnId": turn });
        self.send("turn/steer", &params, Pending::Steer(id), out);
    }

    /// Interrupts a turn of the session's own thread.
    pub(super) fn interrupt(&mut self, turn: &str, out: &mut Effects) {
        let params = json!({ "threadId": self.thread, "turnId": turn });
        self.send("turn/interrupt", &params, Pending::Interrupt, out);
    }

    /// Interrupts a sub-agent and ends its commands.
    pub(super) fn stop_child(&mut self, thread: &str, turn: &str, out: &mut Effects) {
        let params = json!({ "threadId": thread, "turnId": turn });
        self.send("turn/interrupt", &params, Pending::Interrupt, out);
        let params = json!({ "threadId": thread });
        self.send("thread/backgroundTerminals/clean", &params, Pending::Aside, out);
    }

    /// Ends the commands that an interrupt leaves running.
    pub(super) fn clean(&mut self, out: &mut Effects) {
        let params = json!({ "threadId": self.thread });
        self.send("thread/backgroundTerminals/clean", &params, Pending::Clean, out);
    }

    /// Ends one command.
    pub(super) fn stop_task(&mut self, id: RequestId, thread: &str, process: &str, out: &mut Effects) {
        let params = json!({ "threadId": thread, "processId": process });
        self.send("thread/backgroundTerminals/terminate", &params, Pending::StopTask(id), out);
    }

    /// Makes Codex forget a turn and all that came after it.
    pub(super) fn revert(&mut self, turn: &str, out: &mut Effects) {
        let params = json!({ "threadId": self.thread, "beforeTurnId": turn });
        self.send("thread/revert", &params, Pending::Revert, out);
    }

    /// Changes settings of the thread.
    pub(super) fn change(&mut self, patch: Value, asker: Asker, out: &mut Effects) {
        let mut params = patch.clone();
        params["threadId"] = self.thread.clone().into();
        self.send("thread/settings/update", &params, Pending::Settings { patch, asker }, out);
    }

    /// Names the thread.
    pub(super) fn rename(&mut self, title: &str, pending: Pending, out: &mut Effects) {
        let params = json!({ "threadId": self.thread, "name": title });
        self.send("thread/name/set", &params, pending, out);
    }

    /// Lists the MCP servers of the thread.
    pub(super) fn list_servers(&mut self, out: &mut Effects) {
        let params = json!({ "threadId": self.thread });
        self.send("mcpServerStatus/list", &params, Pending::Servers, out);
    }

    /// Calls a method of the goal with these members.
    pub(super) fn goal(&mut self, method: &str, mut params: Value, pending: Pending, out: &mut Effects) {
        params["threadId"] = self.thread.clone().into();
        params["origin"] = "user".into();
        self.send(method, &params, pending, out);
    }

    /// Logs out of Codex.
    pub(super) fn log_out(&mut self, out: &mut Effects) {
        self.send("account/logout", &Value::Null, Pending::Logout, out);
    }

    /// The call that a message answers. It is not open any more.
    pub(super) fn answered(&mut self, message: &Message) -> Option<Pending> {
        let id: String = wire::read(message.id.as_ref(), "id")?;
        let number = id.strip_prefix(&self.prefix)?.strip_prefix(':')?;
        self.open.remove(&number.parse().ok()?)
    }

    /// An id for something that has none, different from those of all calls.
    pub(super) fn unique(&mut self) -> String {
        self.next += 1;
        format!("{}:{}", self.prefix, self.next - 1)
    }

    /// True while a turn was asked for and may yet begin.
    pub(super) fn is_starting(&self) -> bool {
        self.open.values().any(|pending| matches!(pending, Pending::Start))
    }

    /// True while commands are being ended.
    pub(super) fn is_cleaning(&self) -> bool {
        self.open.values().any(|pending| matches!(pending, Pending::Clean))
    }

    /// Fails the client's requests that wait for Codex, which will not answer any more.
    pub(super) fn give_up(&mut self, failure: &Failure, out: &mut Effects) {
        for pending in std::mem::take(&mut self.open).into_values() {
            match pending {
                Pending::Steer(id)
                | Pending::StopTask(id)
                | Pending::Title(id)
                | Pending::Settings { asker: Asker::Mode(id) | Asker::Option(id), .. } => {
                    out.answer(id, Err(failure.clone()));
                }
                _ => {}
            }
        }
    }
}

/// The failure when Codex says no to a request of the client.
pub(super) fn refused(error: &str) -> Failure {
    Failure::new(FailureKind::Harness, format!("Codex refused: {error}"))
}
