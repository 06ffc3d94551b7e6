//! Commands that are stopped one by one.

use serde::Deserialize;
use serde_json::json;

use super::Translator;
use super::calls::{Purpose, refused};
use crate::codex::wire::{self, Message};
use crate::translate::{Answer, Effects, RequestId};

impl Translator {
    /// Ends the command of a tool call, in the background or not.
    pub(super) fn stop_task(&mut self, id: RequestId, task: &str, out: &mut Effects) {
        let Some((thread, process)) = self.items.process(task) else {
            return out.answer(id, Ok(Answer::Stopped(false)));
        };
        let params = json!({ "threadId": thread, "processId": process });
        self.calls.call("thread/backgroundTerminals/terminate", &params, Purpose::StopTask(id), out);
    }
}

/// The answer of Codex.
pub(super) fn stopped(id: RequestId, message: &Message, error: Option<&str>, out: &mut Effects) {
    #[derive(Deserialize)]
    struct Terminated {
        #[serde(default)]
        terminated: bool,
    }
    let done: Option<Terminated> = wire::read(message.result.as_ref(), "terminate");
    let answer = match error {
        Some(error) => Err(refused(error)),
        None => Ok(Answer::Stopped(done.is_some_and(|done| done.terminated))),
    };
    out.answer(id, answer);
}
