//! A reply as the events of a response.

use std::time::Duration;

use serde_json::{Value, json};

use super::request::Request;
use super::tools::{self, Item};
use crate::model::ids::Ids;
use crate::model::script::{End, Failed, Part, Usage, Words};
use crate::model::steps::{Event, ModelAnswer, ResponseStep};

/// The whole response to a request.
pub(in crate::model) fn render(reply: &[Part], request: &Request, usage: Usage, ids: &mut Ids) -> ModelAnswer {
    let mut writer = Writer::new(request, usage, ids);
    for part in reply {
        match part {
            Part::Say(words) => writer.say(words),
            Part::Think(words) => writer.think(words),
            Part::Tell(what) => writer.say(&request.turn.told(*what)),
            Part::Call(call) => tools::items(call, request).into_iter().for_each(|item| writer.item(item)),
            Part::Wait(gate) => writer.steps.push(ResponseStep::Wait(gate.clone())),
            Part::Pause(time) => writer.steps.push(ResponseStep::Pause(*time)),
            Part::End(end) => return writer.end(end),
        }
    }
    writer.complete()
}

/// The item that is being written.
#[derive(Debug)]
struct Open {
    id: String,
    kind: Kind,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Message,
    Reasoning,
}

#[derive(Debug)]
struct Writer<'a> {
    ids: &'a mut Ids,
    id: String,
    model: String,
    usage: Usage,
    steps: Vec<ResponseStep>,
    /// Items that are done.
    output: Vec<Value>,
    open: Option<Open>,
}

impl<'a> Writer<'a> {
    fn new(request: &Request, usage: Usage, ids: &'a mut Ids) -> Self {
        let id = ids.next("resp");
        let model = request.turn.model.clone();
        Self { ids, id, model, usage, steps: Vec::new(), output: Vec::new(), open: None }
    }

    fn send(&mut self, name: &'static str, data: Value) {
        self.steps.push(ResponseStep::Send(Event::new(name, data)));
    }

    fn response(&self, status: &str) -> Value {
        json!({ "id": self.id, "object": "response", "status": status, "model": self.model, "output": self.output })
    }

    /// Two texts in a row are two items; with nothing but a pause between them they are one.
    fn say(&mut self, words: &Words) {
        self.write(Kind::Message, words);
    }

    fn think(&mut self, words: &Words) {
        self.write(Kind::Reasoning, words);
    }

    fn write(&mut self, kind: Kind, words: &Words) {
        let goes_on = matches!(self.steps.last(), Some(ResponseStep::Wait(_) | ResponseStep::Pause(_)));
        if !(goes_on && self.open.as_ref().is_some_and(|open| open.kind == kind)) {
            self.close();
            self.begin(kind);
        }
        for delta in &words.0 {
            let event = self.delta(delta);
            self.steps.push(ResponseStep::Send(event));
            if let Some(open) = &mut self.open {
                open.text.push_str(delta);
            }
        }
    }

    fn begin(&mut self, kind: Kind) {
        let id = self.ids.next(match kind {
            Kind::Message => "msg",
            Kind::Reasoning => "rs",
        });
        let at = self.output.len();
        let item = match kind {
            Kind::Message => json!({ "type": "message", "id": id, "role": "assistant", "content": [] }),
            Kind::Reasoning => json!({ "type": "reasoning", "id": id, "summary": [] }),
        };
        self.send("response.output_item.added", json!({ "output_index": at, "item": item }));
        if kind == Kind::Reasoning {
            let part = json!({ "type": "summary_text", "text": "" });
            self.send(
                "response.reasoning_summary_part.added",
                json!({ "item_id": id, "output_index": at, "summary_index": 0, "part": part }),
            );
        }
        self.open = Some(Open { id, kind, text: String::new() });
    }

    /// A piece of the open item; of a message that was never opened when there is none.
    fn delta(&self, delta: &str) -> Event {
        let at = self.output.len();
        match &self.open {
            Some(Open { id, kind: Kind::Reasoning, .. }) => Event::new(
                "response.reasoning_summary_text.delta",
                json!({ "item_id": id, "output_index": at, "summary_index": 0, "delta": delta }),
            ),
            open => Event::new(
                "response.output_text.delta",
                json!({
                    "item_id": open.as_ref().map(|open| &open.id),
                    "output_index": at,
                    "content_index": 0,
                    "delta": delta,
                }),
            ),
        }
    }

    fn close(&mut self) {
        let Some(Open { id, kind, text }) = self.open.take() else { return };
        let item = match kind {
            Kind::Message => json!({
                "type": "message",
                "id": id,
                "role": "assistant",
                "status": "completed",
                "content": [{ "type": "output_text", "text": text, "annotations": [] }],
            }),
            Kind::Reasoning => json!({
                "type": "reasoning",
                "id": id,
                "summary": [{ "type": "summary_text", "text": text }],
                "encrypted_content": format!("scripted-{id}"),
            }),
        };
        self.done(item);
    }

    fn done(&mut self, item: Value) {
        let at = self.output.len();
        self.send("response.output_item.done", json!({ "output_index": at, "item": item }));
        self.output.push(item);
    }

    /// An item that comes whole.
    fn item(&mut self, item: Item) {
        self.close();
        let at = self.output.len();
        match item {
            Item::Text(text) => self.say(&Words(vec![text])),
            Item::Function { namespace, name, arguments } => {
                let (id, call) = (self.ids.next("fc"), self.ids.next("call"));
                let arguments = arguments.to_string();
                let mut item =
                    json!({ "type": "function_call", "id": id, "call_id": call, "name": name, "arguments": "" });
                if let Some(namespace) = namespace {
                    item["namespace"] = namespace.into();
                }
                self.send("response.output_item.added", json!({ "output_index": at, "item": item }));
                let done = json!({ "item_id": id, "output_index": at, "arguments": arguments });
                self.send("response.function_call_arguments.done", done);
                item["arguments"] = arguments.into();
                item["status"] = "completed".into();
                self.done(item);
            }
            Item::Custom { name, input } => {
                let (id, call) = (self.ids.next("ctc"), self.ids.next("call"));
                let mut item =
                    json!({ "type": "custom_tool_call", "id": id, "call_id": call, "name": name, "input": "" });
                self.send("response.output_item.added", json!({ "output_index": at, "item": item }));
                let done = json!({ "item_id": id, "output_index": at, "input": input });
                self.send("response.custom_tool_call_input.done", done);
                item["input"] = input.into();
                item["status"] = "completed".into();
                self.done(item);
            }
        }
    }

    fn complete(mut self) -> ModelAnswer {
        self.close();
        let mut response = self.response("completed");
        response["usage"] = tokens(self.usage);
        self.finish("response.completed", response)
    }

    fn finish(mut self, name: &'static str, response: Value) -> ModelAnswer {
        self.send(name, json!({ "response": response }));
        self.answer(response)
    }

    /// The response as far as it is written.
    fn answer(mut self, response: Value) -> ModelAnswer {
        let created = Event::new("response.created", json!({ "response": { "id": self.id, "status": "in_progress" } }));
        // Pauses before the first part come before the response begins.
        self.steps.insert(0, ResponseStep::Send(created));
        ModelAnswer::Reply { steps: self.steps, whole: response }
    }

    fn end(mut self, end: &End) -> ModelAnswer {
        match end {
            End::Status(status) => {
                let message = status.message.as_deref().unwrap_or("the script says so");
                ModelAnswer::Refusal {
                    before: self.steps,
                    status: status.code,
                    retry_after: status.retry_after,
                    body: super::body::error(status.code, status.error_type.as_deref(), message),
                }
            }
            End::Endless(endless) => {
                if !self.open.as_ref().is_some_and(|open| open.kind == Kind::Message) {
                    self.close();
                    self.begin(Kind::Message);
                }
                let event = self.delta(&endless.text);
                self.steps.push(ResponseStep::Endless { event, every: Duration::from_millis(endless.every_ms) });
                let response = self.response("in_progress");
                self.answer(response)
            }
            End::Drop => {
                self.steps.push(ResponseStep::Drop);
                let response = self.response("in_progress");
                self.answer(response)
            }
            // There is no other word for it that Codex reads.
            End::Refuse(text) => {
                self.say(&Words(vec![text.clone()]));
                self.complete()
            }
            End::Failed(Failed { code, message }) => {
                self.close();
                let message = message.as_deref().unwrap_or(code).to_owned();
                let mut response = self.response("failed");
                response["error"] = json!({ "code": code, "message": message });
                self.finish("response.failed", response)
            }
            End::SseError(kind) => {
                self.close();
                self.send("error", json!({ "code": kind, "message": "the script says so", "param": null }));
                let response = self.response("failed");
                self.answer(response)
            }
            End::Incomplete(reason) => {
                self.close();
                let mut response = self.response("incomplete");
                response["incomplete_details"] = json!({ "reason": reason });
                response["usage"] = tokens(self.usage);
                self.finish("response.incomplete", response)
            }
        }
    }
}

fn tokens(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": { "cached_tokens": usage.cached },
        "output_tokens": usage.output,
        "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": usage.input + usage.output,
    })
}

#[cfg(test)]
mod tests;
