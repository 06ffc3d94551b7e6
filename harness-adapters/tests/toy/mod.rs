//! A harness of a few lines, to see what the driver does: for faults that a real one cannot be made to show.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use acp_server::types::{RawBuf, v1};
use bytes::Bytes;
use futures_util::FutureExt;
use harness_adapters::adapter::{Channel, FromHarness, Harness, Open, Opened};
use harness_adapters::translate::{
    Answer, AskId, Effect, Effects, Input, Question, Reply, Request, RequestId, Timer, Translator,
};
use harness_adapters::{Failure, FailureKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// What a prompt makes the harness do is its text: `say X`, `flood N`, `ask`, `hang`, `timer`, `die`, `deaf`.
#[derive(Default)]
pub(crate) struct Toy {
    pub(crate) opened: Arc<AtomicUsize>,
    /// Sessions of the harness that have not been shut down.
    pub(crate) running: Arc<AtomicUsize>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    session: v1::SessionId,
}

pub(crate) struct Talk {
    setup: Setup,
    prompts: Vec<RequestId>,
    asked: HashMap<AskId, RequestId>,
    close: Option<RequestId>,
}

impl Talk {
    fn end(&mut self, reason: v1::StopReason, out: &mut Effects) {
        for ask in self.asked.drain() {
            out.push(Effect::Withdraw(ask.0));
        }
        for id in self.prompts.drain(..) {
            out.answer(id, Ok(Answer::Prompt(v1::PromptResponse::new(reason))));
        }
        if let Some(id) = self.close.take() {
            out.answer(id, Ok(Answer::Done));
        }
    }

    fn native(&mut self, message: &Value, out: &mut Effects) {
        if let Some(text) = message["say"].as_str() {
            out.update(v1::SessionUpdate::AgentMessageChunk(v1::ContentChunk::new(text.into())));
        } else if let Some(ask) = message["ask"].as_u64()
            && let Some(id) = self.prompts.first()
        {
            self.asked.insert(AskId(ask), *id);
            let call = v1::ToolCallUpdate::new(format!("call-{ask}"), v1::ToolCallUpdateFields::new());
            let options = vec![v1::PermissionOption::new("yes", "Yes", v1::PermissionOptionKind::AllowOnce)];
            let question = v1::RequestPermissionRequest::new(self.setup.session.clone(), call, options);
            out.push(Effect::Ask { ask: AskId(ask), question: Question::Permission(question) });
        } else if message["arm"] == true {
            out.push(Effect::Arm { timer: Timer(1), after: Duration::from_secs(3600) });
        } else if message["end"] == true {
            self.end(v1::StopReason::EndTurn, out);
        } else if message["stopped"] == true {
            self.end(v1::StopReason::Cancelled, out);
        }
    }
}

impl Translator for Talk {
    type Setup = Setup;

    fn new(setup: Setup) -> Self {
        Self { setup, prompts: Vec::new(), asked: HashMap::new(), close: None }
    }

    fn step(&mut self, input: Input, out: &mut Effects) {
        let send = |out: &mut Effects, message: Value| {
            out.send(RawBuf::parse(message.to_string()).expect("as the toy speaks"))
        };
        match input {
            Input::Request { id, request: Request::Prompt(prompt) } => {
                self.prompts.push(id);
                let text = match prompt.prompt.first() {
                    Some(v1::ContentBlock::Text(text)) => text.text.clone(),
                    _ => String::new(),
                };
                send(out, json!({ "prompt": text }));
            }
            Input::Request { id, request: Request::Close } => {
                self.close = Some(id);
                if self.prompts.is_empty() {
                    self.end(v1::StopReason::Cancelled, out);
                } else {
                    send(out, json!({ "interrupt": true }));
                }
            }
            Input::Request { id, .. } => {
                out.answer(id, Err(Failure::new(FailureKind::InvalidParams, "the toy cannot do that")));
            }
            // The toy does nothing that nobody prompts.
            Input::Stop | Input::StopChild(_) => {}
            Input::Cancel { .. } => send(out, json!({ "interrupt": true })),
            Input::Native(message) => {
                let message = serde_json::from_str(message.as_str()).expect("as the toy speaks");
                self.native(&message, out);
            }
            Input::Answered { ask, answer } => {
                self.asked.remove(&ask);
                let yes = matches!(answer, Reply::Permission(v1::RequestPermissionOutcome::Selected(_)));
                send(out, json!({ "answer": yes }));
            }
            Input::Fired { .. } => self.end(v1::StopReason::MaxTurnRequests, out),
            Input::Exited(failure) => {
                for id in self.prompts.drain(..) {
                    out.answer(id, Err(failure.clone()));
                }
                if let Some(id) = self.close.take() {
                    out.answer(id, Ok(Answer::Done));
                }
            }
        }
    }
}

impl Harness for Toy {
    type Translator = Talk;

    async fn initialize(&self, _: &v1::InitializeRequest) -> Result<v1::InitializeResponse, Failure> {
        Ok(v1::InitializeResponse::new(v1::ProtocolVersion::V1))
    }

    async fn open(&self, how: Open) -> Result<Opened<Talk>, Failure> {
        let number = self.opened.fetch_add(1, Ordering::SeqCst) + 1;
        let (session, history) = match how {
            Open::New(_) => (v1::SessionId::new(format!("s{number}")), None),
            Open::Load(load) => {
                let (sender, history) = mpsc::channel(1);
                tokio::spawn(async move {
                    for text in ["old 1", "old 2", "old 3"] {
                        let chunk = v1::ContentChunk::new(text.into());
                        let update = v1::SessionUpdate::AgentMessageChunk(chunk);
                        sender.send(Ok(update.into())).await.expect("as the toy speaks");
                    }
                });
                (load.session_id, Some(history))
            }
            Open::Resume(resume) => (resume.session_id, None),
            Open::Fork(_) => return Err(Failure::new(FailureKind::NotFound, "nothing to fork")),
        };
        let (to, from_us) = mpsc::channel(4);
        let (to_us, from) = mpsc::channel(4);
        let running = Arc::clone(&self.running);
        running.fetch_add(1, Ordering::SeqCst);
        let process = tokio::spawn(play(from_us, to_us));
        let abort = process.abort_handle();
        let shutdown = async move {
            process.abort();
            running.fetch_sub(1, Ordering::SeqCst);
        };
        let channel =
            Channel { to, from, kill: Box::new(move || abort.abort()), shutdown: Box::new(|| shutdown.boxed()) };
        let note = v1::SessionUpdate::AgentThoughtChunk(v1::ContentChunk::new("after the answer".into()));
        let setup = Setup { session: session.clone() };
        Ok(Opened { session, setup, channel, history, modes: None, options: Vec::new(), updates: vec![note] })
    }

    async fn list(&self, _: v1::ListSessionsRequest) -> Result<v1::ListSessionsResponse, Failure> {
        Ok(v1::ListSessionsResponse::new(Vec::new()))
    }

    async fn delete(&self, _: v1::SessionId) -> Result<(), Failure> {
        Ok(())
    }

    async fn authenticate(&self, _: v1::AuthenticateRequest) -> Result<(), Failure> {
        Ok(())
    }

    async fn logout(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn shutdown(&self) {}
}

/// The process of the harness.
async fn play(mut input: mpsc::Receiver<Bytes>, output: mpsc::Sender<FromHarness>) {
    let say = async |message: Value| output.send(FromHarness::Line(Bytes::from(message.to_string()))).await.is_ok();
    let mut deaf = false;
    let mut asks = 0;
    while let Some(line) = input.recv().await {
        let message: Value = serde_json::from_slice(&line).expect("as the toy speaks");
        if message["interrupt"] == true && !deaf {
            say(json!({ "stopped": true })).await;
        }
        if message["answer"] == true {
            say(json!({ "say": "allowed" })).await;
            say(json!({ "end": true })).await;
        }
        let Some(prompt) = message["prompt"].as_str() else { continue };
        match prompt.split_once(' ').unwrap_or((prompt, "")) {
            ("say", text) => {
                say(json!({ "say": text })).await;
                say(json!({ "end": true })).await;
            }
            ("flood", count) => {
                for number in 0..count.parse::<u64>().expect("as the toy speaks") {
                    // A stop is obeyed in the middle.
                    if let Ok(line) = input.try_recv() {
                        assert!(String::from_utf8_lossy(&line).contains("interrupt"));
                        say(json!({ "stopped": true })).await;
                        break;
                    }
                    say(json!({ "say": format!("{number} ") })).await;
                }
                say(json!({ "end": true })).await;
            }
            ("ask", _) => {
                asks += 1;
                say(json!({ "say": "before" })).await;
                say(json!({ "ask": asks })).await;
            }
            ("timer", _) => drop(say(json!({ "arm": true })).await),
            ("noise", _) => {
                drop(output.send(FromHarness::Line(Bytes::from_static(b"no JSON"))).await);
                drop(output.send(FromHarness::Line(Bytes::from_static(b"\xff\xfe"))).await);
                say(json!({ "say": "heard" })).await;
                say(json!({ "end": true })).await;
            }
            ("die", _) => {
                let failure = Failure::new(FailureKind::Harness, "the toy is broken").with("stderr", "last words");
                drop(output.send(FromHarness::Exited(failure)).await);
                return;
            }
            ("deaf", _) => {
                deaf = true;
                say(json!({ "say": "deaf now" })).await;
            }
            ("hang", _) => drop(say(json!({ "say": "hanging" })).await),
            _ => {}
        }
    }
}
