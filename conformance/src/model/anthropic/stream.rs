//! A reply as the events of a message.

use std::time::Duration;

use serde_json::{Value, json};

use super::request::Request;
use super::tool_use::Use;
use super::tools;
use crate::model::ids::Ids;
use crate::model::script::{End, Failed, Part, Usage, Words};
use crate::model::steps::{Event, ModelAnswer, ResponseStep};

/// The whole response to a request.
pub(in crate::model) fn render(reply: &[Part], request: &Request, usage: Usage, ids: &mut Ids) -> ModelAnswer {
    let mut writer = Writer::new(request, usage, ids);
    for part in reply {
        match part {
            Part::Say(words) => writer.write(Kind::Text, words),
            Part::Think(words) => writer.write(Kind::Thinking, words),
            Part::Tell(what) => writer.write(Kind::Text, &request.turn.told(*what)),
            Part::Call(call) => match tools::uses(call, request) {
                Ok(uses) => uses.into_iter().for_each(|one| writer.call(one)),
                Err(why) => return writer.fail(400, None, why, None),
            },
            Part::Wait(gate) => writer.steps.push(ResponseStep::Wait(gate.clone())),
            Part::Pause(time) => writer.steps.push(ResponseStep::Pause(*time)),
            Part::End(end) => return writer.end(end),
        }
    }
    let reason = if writer.called { "tool_use" } else { "end_turn" };
    writer.complete(reason)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
}

#[derive(Debug)]
struct Writer<'a> {
    ids: &'a mut Ids,
    id: String,
    model: String,
    usage: Usage,
    steps: Vec<ResponseStep>,
    /// Blocks that are done.
    content: Vec<Value>,
    /// The block that is being written, and its text.
    open: Option<(Kind, String)>,
    called: bool,
}

impl<'a> Writer<'a> {
    fn new(request: &Request, usage: Usage, ids: &'a mut Ids) -> Self {
        let id = ids.next("msg");
        let model = request.turn.model.clone();
        Self { ids, id, model, usage, steps: Vec::new(), content: Vec::new(), open: None, called: false }
    }

    fn send(&mut self, name: &'static str, data: Value) {
        self.steps.push(ResponseStep::Send(Event::new(name, data)));
    }

    /// Two texts in a row are two blocks; with nothing but a pause between them they are one.
    fn write(&mut self, kind: Kind, words: &Words) {
        let goes_on = matches!(self.steps.last(), Some(ResponseStep::Wait(_) | ResponseStep::Pause(_)));
        if !(goes_on && self.open.as_ref().is_some_and(|(open, _)| *open == kind)) {
            self.close();
            self.begin(kind);
        }
        for delta in &words.0 {
            let event = self.delta(kind, delta);
            self.steps.push(ResponseStep::Send(event));
            if let Some((_, text)) = &mut self.open {
                text.push_str(delta);
            }
        }
    }

    fn begin(&mut self, kind: Kind) {
        let block = match kind {
            Kind::Text => json!({ "type": "text", "text": "" }),
            Kind::Thinking => json!({ "type": "thinking", "thinking": "", "signature": "" }),
        };
        let index = self.content.len();
        self.send("content_block_start", json!({ "index": index, "content_block": block }));
        self.open = Some((kind, String::new()));
    }

    fn delta(&self, kind: Kind, delta: &str) -> Event {
        let delta = match kind {
            Kind::Text => json!({ "type": "text_delta", "text": delta }),
            Kind::Thinking => json!({ "type": "thinking_delta", "thinking": delta }),
        };
        Event::new("content_block_delta", json!({ "index": self.content.len(), "delta": delta }))
    }

    fn close(&mut self) {
        let Some((kind, text)) = self.open.take() else { return };
        let index = self.content.len();
        let block = match kind {
            Kind::Text => json!({ "type": "text", "text": text }),
            Kind::Thinking => {
                let signature = format!("scripted-{}-{index}", self.id);
                let delta = json!({ "type": "signature_delta", "signature": signature });
                self.send("content_block_delta", json!({ "index": index, "delta": delta }));
                json!({ "type": "thinking", "thinking": text, "signature": signature })
            }
        };
        self.send("content_block_stop", json!({ "index": index }));
        self.content.push(block);
    }

    fn call(&mut self, call: Use) {
        self.close();
        let (index, id) = (self.content.len(), self.ids.next("toolu"));
        let block = json!({ "type": "tool_use", "id": id, "name": call.name, "input": {} });
        self.send("content_block_start", json!({ "index": index, "content_block": block }));
        let input = call.input.to_string();
        let delta = json!({ "type": "input_json_delta", "partial_json": input });
        self.send("content_block_delta", json!({ "index": index, "delta": delta }));
        self.send("content_block_stop", json!({ "index": index }));
        self.content.push(json!({ "type": "tool_use", "id": id, "name": call.name, "input": call.input }));
        self.called = true;
    }

    fn message(&self, content: &[Value], reason: Option<&str>, output: u64) -> Value {
        json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": null,
            "usage": {
                "input_tokens": self.usage.input.saturating_sub(self.usage.cached),
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": self.usage.cached,
                "output_tokens": output,
            },
        })
    }

    fn complete(mut self, reason: &str) -> ModelAnswer {
        self.close();
        let delta = json!({ "stop_reason": reason, "stop_sequence": null });
        self.send("message_delta", json!({ "delta": delta, "usage": { "output_tokens": self.usage.output } }));
        self.send("message_stop", json!({}));
        self.answer(reason)
    }

    /// The response as far as it is written.
    fn answer(mut self, reason: &str) -> ModelAnswer {
        let start = Event::new("message_start", json!({ "message": self.message(&[], None, 1) }));
        self.steps.insert(0, ResponseStep::Send(start));
        let whole = self.message(&self.content, Some(reason), self.usage.output);
        ModelAnswer::Reply { steps: self.steps, whole }
    }

    /// An HTTP error while nothing was said yet, else an event of the stream.
    fn fail(mut self, status: u16, kind: Option<&str>, message: &str, retry_after: Option<u64>) -> ModelAnswer {
        let body = super::body::error(status, kind, message);
        if self.open.is_none() && self.content.is_empty() {
            return ModelAnswer::Refusal { before: self.steps, status, retry_after, body };
        }
        self.close();
        self.send("error", json!({ "error": body["error"] }));
        self.answer("end_turn")
    }

    fn end(mut self, end: &End) -> ModelAnswer {
        match end {
            End::Status(status) => {
                let message = status.message.as_deref().unwrap_or("the script says so");
                self.fail(status.code, status.error_type.as_deref(), message, status.retry_after)
            }
            End::Endless(endless) => {
                if !self.open.as_ref().is_some_and(|(kind, _)| *kind == Kind::Text) {
                    self.close();
                    self.begin(Kind::Text);
                }
                let event = self.delta(Kind::Text, &endless.text);
                self.steps.push(ResponseStep::Endless { event, every: Duration::from_millis(endless.every_ms) });
                self.answer("end_turn")
            }
            End::Drop => {
                self.steps.push(ResponseStep::Drop);
                self.answer("end_turn")
            }
            End::Refuse(text) => {
                self.write(Kind::Text, &Words(vec![text.clone()]));
                self.complete("refusal")
            }
            End::Failed(failed) => {
                let (status, kind, message) = failure(failed);
                self.fail(status, kind, &message, None)
            }
            End::SseError(kind) => {
                self.close();
                let error = json!({ "type": kind, "message": "the script says so" });
                self.send("error", json!({ "error": error }));
                self.answer("end_turn")
            }
            End::Incomplete(reason) => {
                let reason = match reason.as_str() {
                    "max_output_tokens" => "max_tokens",
                    "content_filter" => "refusal",
                    other => other,
                };
                let reason = reason.to_owned();
                self.complete(&reason)
            }
        }
    }
}

/// Codex's names of failures in this API's words.
fn failure(failed: &Failed) -> (u16, Option<&str>, String) {
    let (status, kind, usual) = match failed.code.as_str() {
        "context_length_exceeded" => (400, None, "prompt is too long: 300000 tokens > 200000 maximum"),
        "insufficient_quota" => (400, None, "Your credit balance is too low to access the Anthropic API."),
        "rate_limit_exceeded" => (429, None, "This request would exceed your rate limit."),
        other => (400, Some(other), other),
    };
    (status, kind, failed.message.as_deref().unwrap_or(usual).to_owned())
}

#[cfg(test)]
mod tests;
