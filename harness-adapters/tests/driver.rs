//! What the driver does, whatever harness it drives: order, stops, losses, and nothing left behind.

mod toy;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use acp_server::proto::{Event, RequestKey, ResponseError};
use acp_server::transport::memory;
use acp_server::types::RawBuf;
use acp_server::{Config, Inbox, Link, Outbox, start};
use harness_adapters::adapter;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use toy::Toy;

struct Stage {
    outbox: Outbox,
    inbox: Inbox,
    kept: Vec<Event>,
    served: JoinHandle<()>,
    opened: Arc<AtomicUsize>,
    running: Arc<AtomicUsize>,
}

impl Stage {
    async fn set() -> Self {
        Self::recording(None).await
    }

    async fn recording(directory: Option<std::path::PathBuf>) -> Self {
        let toy = Toy::default();
        let (opened, running) = (Arc::clone(&toy.opened), Arc::clone(&toy.running));
        let (left, right) = memory::pair(4);
        let served = tokio::spawn(adapter::serve(toy, left, directory, std::future::pending()));
        let Link { outbox, inbox } = start(right, Config::default());
        let mut stage = Self { outbox, inbox, kept: Vec::new(), served, opened, running };
        stage.call("initialize", json!({ "protocolVersion": 1 })).await.expect("as the toy speaks");
        stage
    }

    async fn send(&self, method: &str, params: &Value) -> RequestKey {
        let params = RawBuf::encode(params).expect("as the toy speaks");
        within("room in the queue", self.outbox.request(method, params)).await.expect("as the toy speaks")
    }

    async fn next(&mut self) -> Event {
        if self.kept.is_empty() {
            let batch = within("a message", self.inbox.next_batch()).await.expect("the agent is there");
            self.kept = batch.into_iter().collect();
        }
        self.kept.remove(0)
    }

    /// The outcome of a request, and the texts of the updates before it.
    async fn outcome(&mut self, wanted: RequestKey) -> (Result<Value, Value>, Vec<String>) {
        let mut texts = Vec::new();
        loop {
            match self.next().await {
                Event::Response { key, outcome, .. } if key == wanted => {
                    return match outcome {
                        Ok(payload) => {
                            (Ok(serde_json::from_str(payload.raw().as_str()).expect("as the toy speaks")), texts)
                        }
                        Err(ResponseError::Peer(error)) => {
                            (Err(serde_json::from_str(error.as_raw().as_str()).expect("as the toy speaks")), texts)
                        }
                        Err(other) => panic!("{other:?}"),
                    };
                }
                event => texts.extend(text(&event)),
            }
        }
    }

    async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let key = self.send(method, &params).await;
        self.outcome(key).await.0
    }

    async fn session(&mut self) -> String {
        let made = self.call("session/new", json!({ "cwd": "/", "mcpServers": [] })).await.expect("as the toy speaks");
        made["sessionId"].as_str().expect("as the toy speaks").to_owned()
    }

    async fn prompt(&self, session: &str, text: &str) -> RequestKey {
        let prompt = json!([{ "type": "text", "text": text }]);
        self.send("session/prompt", &json!({ "sessionId": session, "prompt": prompt })).await
    }

    async fn turn(&mut self, session: &str, text: &str) -> (Result<Value, Value>, Vec<String>) {
        let key = self.prompt(session, text).await;
        self.outcome(key).await
    }

    /// Waits until the agent has said a text.
    async fn said(&mut self, wanted: &str) {
        while text(&self.next().await).as_deref() != Some(wanted) {}
    }

    async fn cancel(&self, session: &str) {
        let params = RawBuf::encode(&json!({ "sessionId": session })).expect("as the toy speaks");
        self.outbox.notify("session/cancel", params).await.expect("as the toy speaks");
    }
}

fn text(event: &Event) -> Option<String> {
    let Event::Notification(notification) = event else { return None };
    let text = notification.params()?.path(&["update", "content", "text"])?.as_string()?;
    Some(text.into_owned())
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

#[tokio::test]
async fn what_belongs_after_an_answer_comes_after_it() {
    let mut stage = Stage::set().await;
    for _ in 0..20 {
        let key = stage.send("session/new", &json!({ "cwd": "/", "mcpServers": [] })).await;
        let (outcome, before) = stage.outcome(key).await;
        assert!(outcome.is_ok() && before.is_empty(), "{before:?} came before the answer");
        let next = stage.next().await;
        assert_eq!(text(&next).as_deref(), Some("after the answer"));
    }
}

#[tokio::test]
async fn history_comes_before_the_answer_of_a_load_and_in_order() {
    let mut stage = Stage::set().await;
    let load = json!({ "sessionId": "old", "cwd": "/", "mcpServers": [] });
    let key = stage.send("session/load", &load).await;
    let (outcome, before) = stage.outcome(key).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(before, ["old 1", "old 2", "old 3"]);
}

#[tokio::test]
async fn all_updates_of_a_turn_come_before_its_answer_and_in_order() {
    let mut stage = Stage::set().await;
    let session = stage.session().await;
    let (outcome, texts) = stage.turn(&session, "flood 5000").await;
    assert_eq!(outcome.unwrap()["stopReason"], "end_turn");
    let numbers: Vec<_> = texts.iter().filter_map(|text| text.trim().parse::<u64>().ok()).collect();
    assert_eq!(numbers, (0..5000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stop_gets_through_while_the_client_reads_nothing() {
    let mut stage = Stage::set().await;
    let session = stage.session().await;
    let key = stage.prompt(&session, "flood 1000000").await;
    // Nothing is read here until the queues between us are full, and the stop is sent into that.
    within("a stop to be taken", async {
        while stage.running.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..10_000 {
            tokio::task::yield_now().await;
        }
        stage.cancel(&session).await;
    })
    .await;
    let (outcome, texts) = stage.outcome(key).await;
    assert_eq!(outcome.unwrap()["stopReason"], "cancelled");
    assert!(texts.len() < 100_000, "{} updates came after the stop", texts.len());
}

#[tokio::test]
async fn a_question_comes_after_what_was_said_before_it_and_its_answer_goes_back() {
    let mut stage = Stage::set().await;
    let session = stage.session().await;
    let key = stage.prompt(&session, "ask").await;
    let mut before = Vec::new();
    let request = loop {
        match stage.next().await {
            Event::Request(request) => break request,
            event => before.extend(text(&event)),
        }
    };
    assert_eq!(request.method(), "session/request_permission");
    assert_eq!(before.last().map(String::as_str), Some("before"));
    let yes = RawBuf::encode(&json!({ "outcome": { "outcome": "selected", "optionId": "yes" } })).unwrap();
    stage.outbox.respond(request.id().clone(), Ok(yes)).await.unwrap();
    let (outcome, texts) = stage.outcome(key).await;
    assert_eq!(outcome.unwrap()["stopReason"], "end_turn");
    assert_eq!(texts, ["allowed"]);
}

#[tokio::test]
async fn a_stop_takes_an_open_question_back() {
    let mut stage = Stage::set().await;
    let session = stage.session().await;
    let key = stage.prompt(&session, "ask").await;
    let asked = loop {
        if let Event::Request(request) = stage.next().await {
            break request.id().clone();
        }
    };
    stage.cancel(&session).await;
    let mut withdrawn = false;
    loop {
        match stage.next().await {
            Event::Cancelled { id, .. } => {
                assert_eq!(id, asked);
                withdrawn = true;
            }
            Event::Response { key: answered, outcome, .. } if answered == key => {
                assert!(outcome.unwrap().raw().as_str().contains("cancelled"));
                break;
            }
            _ => {}
        }
    }
    assert!(withdrawn, "the question is still open for the client");
}

#[tokio::test]
async fn a_harness_that_is_lost_fails_its_turn_and_the_next_prompt_opens_the_session_again() {
    let mut stage = Stage::set().await;
    let session = stage.session().await;
    let (outcome, _) = stage.turn(&session, "die").await;
    let error = outcome.unwrap_err();
    assert_eq!(error["message"], "the toy is broken");
    assert_eq!(error["data"]["stderr"], "last words");
    let (outcome, texts) = stage.turn(&session, "say here again").await;
    assert_eq!(outcome.unwrap()["stopReason"], "end_turn");
    assert!(texts.contains(&"here again".to_owned()), "{texts:?}");
    assert_eq!(stage.opened.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn noise_on_the_harness_s_stdout_is_skipped() {
    let mut stage = Stage::set().await;
    let session = stage.session().await;
    let (outcome, texts) = stage.turn(&session, "noise").await;
    assert_eq!(outcome.unwrap()["stopReason"], "end_turn");
    assert!(texts.contains(&"heard".to_owned()), "{texts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_timer_fires_after_its_time() {
    let mut stage = Stage::set().await;
    let session = stage.session().await;
    let start = tokio::time::Instant::now();
    let key = stage.prompt(&session, "timer").await;
    let outcome = 'outcome: loop {
        let batch = timeout(Duration::from_secs(4000), stage.inbox.next_batch()).await.expect("in time");
        for event in batch.expect("the agent is there") {
            if let Event::Response { key: answered, outcome, .. } = event
                && answered == key
            {
                break 'outcome outcome.unwrap();
            }
        }
    };
    assert!(outcome.raw().as_str().contains("max_turn_requests"), "{outcome:?}");
    assert!(start.elapsed() >= Duration::from_secs(3600), "it fired after {:?}", start.elapsed());
}

#[tokio::test]
async fn closing_and_leaving_end_what_runs() {
    let mut stage = Stage::set().await;
    let (first, second) = (stage.session().await, stage.session().await);
    let turn = stage.prompt(&first, "hang").await;
    stage.said("hanging").await;
    assert_eq!(stage.running.load(Ordering::SeqCst), 2);
    let close = stage.send("session/close", &json!({ "sessionId": first })).await;
    let (outcome, _) = stage.outcome(turn).await;
    assert_eq!(outcome.unwrap()["stopReason"], "cancelled");
    assert!(stage.outcome(close).await.0.is_ok());
    assert_eq!(stage.running.load(Ordering::SeqCst), 1);
    let refused = stage.turn(&first, "say no").await.0.unwrap_err();
    assert_eq!(refused["code"], -32002, "{refused}");

    stage.prompt(&second, "hang").await;
    stage.said("hanging").await;
    let Stage { outbox, inbox, served, running, .. } = stage;
    drop((outbox, inbox));
    within("the end", served).await.unwrap();
    assert_eq!(running.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_does_not_wait_for_a_harness_that_does_not_obey() {
    let mut stage = Stage::set().await;
    let session = stage.session().await;
    stage.prompt(&session, "deaf").await;
    stage.said("deaf now").await;
    let Stage { outbox, inbox, served, running, .. } = stage;
    drop((outbox, inbox));
    timeout(Duration::from_secs(60), served).await.expect("an end").unwrap();
    assert_eq!(running.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn opening_a_session_again_is_refused_while_it_works_and_done_when_it_is_idle() {
    let mut stage = Stage::set().await;
    let session = stage.session().await;
    let load = json!({ "sessionId": session, "cwd": "/", "mcpServers": [] });
    let turn = stage.prompt(&session, "hang").await;
    let refused = stage.call("session/load", load.clone()).await.unwrap_err();
    assert!(refused["message"].as_str().unwrap().contains("at work"), "{refused}");
    stage.cancel(&session).await;
    assert!(stage.outcome(turn).await.0.is_ok());
    assert!(stage.call("session/load", load).await.is_ok());
    assert_eq!(stage.running.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_recording_holds_the_setup_and_every_input() {
    let directory = tempfile::tempdir().unwrap();
    let mut stage = Stage::recording(Some(directory.path().to_owned())).await;
    let session = stage.session().await;
    stage.turn(&session, "say hello").await.0.unwrap();
    let text = std::fs::read_to_string(directory.path().join(format!("{session}.jsonl"))).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["setup"]["session"], session);
    assert_eq!(lines[1]["input"]["request"]["request"]["prompt"]["prompt"][0]["text"], "say hello");
    assert_eq!(lines[2]["input"]["native"]["say"], "hello");
    assert_eq!(lines[3]["input"]["native"]["end"], true);
}
