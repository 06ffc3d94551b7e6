//! The translator: between one ACP session and one Quill, without I/O and without a clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use acp_server::types::{RawBuf, v1, v1::RequestPermissionOutcome::Selected};
use harness_adapters::translate::{
    Answer, AskId, Effect, Effects, Input, Question, Reply, Request, RequestId, Timer, Translator,
};
use harness_adapters::{Failure, FailureKind};

use super::wire::{FromQuill, ToQuill};

/// Time that Quill has to obey a stop, before it is killed.
const STOP: (Timer, std::time::Duration) = (Timer(0), std::time::Duration::from_secs(5));

/// One session. Quill answers one prompt at a time; the others wait here.
pub(crate) struct Session {
    id: v1::SessionId,
    running: Option<RequestId>,
    waiting: VecDeque<(RequestId, String)>,
    tools: BTreeSet<String>,       // They run or wait for permission.
    asks: BTreeMap<AskId, String>, // Tools that wait for permission.
    asked: u64,
    closing: Option<RequestId>,
}

impl Translator for Session {
    type Setup = v1::SessionId; // A recording has it in its first line.

    fn new(id: v1::SessionId) -> Self {
        let (tools, asks) = (BTreeSet::new(), BTreeMap::new());
        Self { id, running: None, waiting: VecDeque::new(), tools, asks, asked: 0, closing: None }
    }

    fn step(&mut self, input: Input, out: &mut Effects) {
        match input {
            Input::Request { id, request: Request::Prompt(prompt) } => {
                self.waiting.push_back((id, text_of(&prompt)));
                self.ask_next(out);
            }
            Input::Request { id, request: Request::Close } => {
                self.closing = Some(id);
                self.waiting.drain(..).for_each(|(id, _)| answer(id, v1::StopReason::Cancelled, out));
                self.stop(out);
            }
            Input::Request { id, .. } => {
                out.answer(id, Err(Failure::new(FailureKind::Unsupported, "Quill has no modes, options or titles")));
            }
            Input::Cancel { id } if self.running == Some(id) => self.stop(out),
            Input::Cancel { id } => {
                let at = self.waiting.iter().position(|(waiting, _)| *waiting == id);
                if let Some((id, _)) = at.and_then(|at| self.waiting.remove(at)) {
                    answer(id, v1::StopReason::Cancelled, out);
                }
            }
            Input::Stop | Input::StopChild(_) => {} // Quill does nothing that nobody asked for.
            Input::Native(message) => match serde_json::from_str(message.as_str()) {
                Ok(message) => self.heard(message, out),
                Err(error) => tracing::warn!(%error, "a message of Quill was not understood"),
            },
            Input::Answered { ask, answer } => {
                let Some(tool) = self.asks.remove(&ask) else { return }; // It was withdrawn meanwhile.
                let yes = matches!(answer, Reply::Permission(Selected(chosen)) if &*chosen.option_id.0 == "yes");
                if yes {
                    update(tool.clone(), v1::ToolCallStatus::InProgress, Vec::new(), out);
                }
                send(&if yes { ToQuill::Allow { tool } } else { ToQuill::Deny { tool } }, out);
            }
            Input::Fired { .. } => {
                self.ended(Ok(v1::StopReason::Cancelled), out);
                out.push(Effect::Kill);
            }
            Input::Exited(failure) => {
                self.waiting.drain(..).for_each(|(id, _)| out.answer(id, Err(failure.clone())));
                self.ended(Err(failure), out);
            }
        }
    }
}

impl Session {
    fn heard(&mut self, message: FromQuill, out: &mut Effects) {
        match message {
            FromQuill::Text { text } => {
                out.update(v1::SessionUpdate::AgentMessageChunk(v1::ContentChunk::new(text.into())));
            }
            FromQuill::Tool { tool, title } => {
                let call = v1::ToolCall::new(tool.clone(), title.clone()).kind(v1::ToolKind::Execute);
                out.update(v1::SessionUpdate::ToolCall(call.status(v1::ToolCallStatus::Pending)));
                let call = v1::ToolCallUpdate::new(tool.clone(), v1::ToolCallUpdateFields::new().title(title));
                let options = vec![
                    v1::PermissionOption::new("yes", "Run it", v1::PermissionOptionKind::AllowOnce),
                    v1::PermissionOption::new("no", "Do not run it", v1::PermissionOptionKind::RejectOnce),
                ];
                let question = v1::RequestPermissionRequest::new(self.id.clone(), call, options);
                self.asked += 1;
                out.push(Effect::Ask { ask: AskId(self.asked), question: Question::Permission(question) });
                self.asks.insert(AskId(self.asked), tool.clone());
                self.tools.insert(tool);
            }
            FromQuill::ToolEnded { tool, ok, output } if self.tools.remove(&tool) => {
                let status = if ok { v1::ToolCallStatus::Completed } else { v1::ToolCallStatus::Failed };
                update(tool, status, vec![v1::ContentBlock::from(output).into()], out);
            }
            FromQuill::End { why } => {
                let reason = match &*why {
                    "stopped" => v1::StopReason::Cancelled,
                    "refused" => v1::StopReason::Refusal,
                    _ => v1::StopReason::EndTurn,
                };
                self.ended(Ok(reason), out);
                self.ask_next(out);
            }
            FromQuill::ToolEnded { .. } | FromQuill::Unknown => {}
        }
    }

    fn ask_next(&mut self, out: &mut Effects) {
        let next = if self.running.is_none() { self.waiting.pop_front() } else { None };
        let Some((id, text)) = next else { return };
        self.running = Some(id);
        send(&ToQuill::Ask { text }, out);
    }

    fn stop(&mut self, out: &mut Effects) {
        if self.running.is_none() {
            return self.ended(Ok(v1::StopReason::Cancelled), out);
        }
        send(&ToQuill::Stop, out);
        out.push(Effect::Arm { timer: STOP.0, after: STOP.1 });
    }

    /// Nothing runs any more: no question and no tool call stays open after the turn.
    fn ended(&mut self, how: Result<v1::StopReason, Failure>, out: &mut Effects) {
        std::mem::take(&mut self.asks).into_keys().for_each(|ask| out.push(Effect::Withdraw(ask)));
        let tools = std::mem::take(&mut self.tools).into_iter();
        tools.for_each(|tool| update(tool, v1::ToolCallStatus::Failed, Vec::new(), out));
        out.push(Effect::Disarm(STOP.0));
        if let Some(id) = self.running.take() {
            out.answer(id, how.map(|reason| Answer::Prompt(v1::PromptResponse::new(reason))));
        }
        if let Some(id) = self.closing.take() {
            out.answer(id, Ok(Answer::Done));
        }
    }
}

fn update(tool: String, status: v1::ToolCallStatus, content: Vec<v1::ToolCallContent>, out: &mut Effects) {
    let fields = v1::ToolCallUpdateFields::new().status(status).content(content);
    out.update(v1::SessionUpdate::ToolCallUpdate(v1::ToolCallUpdate::new(tool, fields)));
}

fn answer(id: RequestId, reason: v1::StopReason, out: &mut Effects) {
    out.answer(id, Ok(Answer::Prompt(v1::PromptResponse::new(reason))));
}

fn send(message: &ToQuill, out: &mut Effects) {
    match RawBuf::encode(message) {
        Ok(message) => out.send(message),
        Err(error) => tracing::error!(%error, "a message to Quill is no JSON"),
    }
}

/// The text of a prompt. Every agent has to take text and links.
fn text_of(prompt: &v1::PromptRequest) -> String {
    let parts = prompt.prompt.iter().filter_map(|block| match block {
        v1::ContentBlock::Text(text) => Some(text.text.clone()),
        v1::ContentBlock::ResourceLink(link) => Some(format!("{} ({})", link.name, link.uri)),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("\n")
}
