//! A reply as the chunks of a response. Each is a response of its own that goes on where the last one ended.

use std::time::Duration;

use serde_json::{Value, json};

use super::request::Request;
use super::tools::{self, Use};
use crate::model::ids::Ids;
use crate::model::script::{End, Failed, Part, Usage, Words};
use crate::model::steps::{Event, ModelAnswer, ResponseStep};

/// The whole response to a request.
pub(in crate::model) fn render(reply: &[Part], request: &Request, usage: Usage, ids: &mut Ids) -> ModelAnswer {
    let mut writer = Writer::new(request, usage, ids);
    for part in reply {
        match part {
            Part::Say(words) => writer.write(Kind::Text, words),
            Part::Think(words) => writer.write(Kind::Thought, words),
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
    writer.complete("STOP")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thought,
}

impl Kind {
    fn part(self, text: &str) -> Value {
        match self {
            Self::Text => json!({ "text": text }),
            Self::Thought => json!({ "text": text, "thought": true }),
        }
    }
}

#[derive(Debug)]
struct Writer<'a> {
    ids: &'a mut Ids,
    id: String,
    model: String,
    usage: Usage,
    steps: Vec<ResponseStep>,
    /// All parts so far.
    parts: Vec<Value>,
}

impl<'a> Writer<'a> {
    fn new(request: &Request, usage: Usage, ids: &'a mut Ids) -> Self {
        let id = ids.next("resp");
        Self { ids, id, model: request.turn.model.clone(), usage, steps: Vec::new(), parts: Vec::new() }
    }

    fn response(&self, candidate: &Value) -> Value {
        json!({ "candidates": [candidate], "modelVersion": self.model, "responseId": self.id })
    }

    fn chunk(&self, part: &Value) -> Event {
        Event::unnamed(self.response(&json!({ "content": { "role": "model", "parts": [part] }, "index": 0 })))
    }

    fn part(&mut self, part: Value) {
        self.steps.push(ResponseStep::Send(self.chunk(&part)));
        self.parts.push(part);
    }

    fn write(&mut self, kind: Kind, words: &Words) {
        for delta in &words.0 {
            self.part(kind.part(delta));
        }
    }

    fn call(&mut self, call: Use) {
        let id = self.ids.next("call");
        self.part(json!({ "functionCall": { "id": id, "name": call.name, "args": call.args } }));
    }

    fn tokens(&self) -> Value {
        json!({
            "promptTokenCount": self.usage.input,
            "cachedContentTokenCount": self.usage.cached,
            "candidatesTokenCount": self.usage.output,
            "totalTokenCount": self.usage.input + self.usage.output,
        })
    }

    /// The end stands in the last chunk. Clients take one without content for an answer that was lost.
    fn complete(mut self, reason: &str) -> ModelAnswer {
        let tokens = self.tokens();
        if let Some(ResponseStep::Send(last)) = self.steps.last_mut() {
            last.data["candidates"][0]["finishReason"] = reason.into();
            last.data["usageMetadata"] = tokens;
        } else {
            let mut last = self.response(&json!({ "finishReason": reason, "index": 0 }));
            last["usageMetadata"] = tokens;
            self.steps.push(ResponseStep::Send(Event::unnamed(last)));
        }
        self.answer(reason)
    }

    /// The response as far as it is written.
    fn answer(self, reason: &str) -> ModelAnswer {
        let content = json!({ "role": "model", "parts": self.parts });
        let mut whole = self.response(&json!({ "content": content, "finishReason": reason, "index": 0 }));
        whole["usageMetadata"] = self.tokens();
        ModelAnswer::Reply { steps: self.steps, whole }
    }

    /// An HTTP error while nothing was said yet, else an error in the stream.
    fn fail(mut self, status: u16, kind: Option<&str>, message: &str, retry_after: Option<u64>) -> ModelAnswer {
        let body = super::body::error(status, kind, message);
        if self.parts.is_empty() {
            return ModelAnswer::Refusal { before: self.steps, status, retry_after, body };
        }
        self.steps.push(ResponseStep::Send(Event::unnamed(body)));
        self.answer("OTHER")
    }

    fn end(mut self, end: &End) -> ModelAnswer {
        match end {
            End::Status(status) => {
                let message = status.message.as_deref().unwrap_or("the script says so");
                self.fail(status.code, status.error_type.as_deref(), message, status.retry_after)
            }
            End::Endless(endless) => {
                let event = self.chunk(&Kind::Text.part(&endless.text));
                self.steps.push(ResponseStep::Endless { event, every: Duration::from_millis(endless.every_ms) });
                self.answer("STOP")
            }
            End::Drop => {
                self.steps.push(ResponseStep::Drop);
                self.answer("OTHER")
            }
            End::Refuse(text) => {
                self.write(Kind::Text, &Words(vec![text.clone()]));
                self.complete("SAFETY")
            }
            End::Failed(failed) => {
                let (status, message) = failure(failed);
                self.fail(status, None, &message, None)
            }
            End::SseError(kind) => {
                let body = super::body::error(500, Some(kind), "the script says so");
                self.steps.push(ResponseStep::Send(Event::unnamed(body)));
                self.answer("OTHER")
            }
            End::Incomplete(reason) => {
                let reason = match reason.as_str() {
                    "max_output_tokens" => "MAX_TOKENS",
                    "content_filter" => "SAFETY",
                    other => other,
                };
                let reason = reason.to_owned();
                self.complete(&reason)
            }
        }
    }
}

/// Codex's names of failures in this API's words.
fn failure(failed: &Failed) -> (u16, String) {
    let (status, usual) = match failed.code.as_str() {
        "context_length_exceeded" => (400, "The input token count exceeds the maximum number of tokens allowed."),
        "insufficient_quota" => (429, "You exceeded your current quota, please check your plan and billing details."),
        "rate_limit_exceeded" => (429, "Resource has been exhausted (e.g. check quota)."),
        other => (400, other),
    };
    (status, failed.message.as_deref().unwrap_or(usual).to_owned())
}

#[cfg(test)]
mod tests;
