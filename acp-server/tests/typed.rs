//! Agents and clients on the wire: what dispatch answers, in which order, and what cancellation does.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, Mutex};

use acp_server::proto::{CloseReason, Event, ResponseError};
use acp_server::transport::{Lines, memory};
use acp_server::types::error::error;
use acp_server::types::v1::*;
use acp_server::types::{ErrorCode, Raw, RawBuf};
use acp_server::{
    Agent, AgentContext, AgentPeer, Answer, CallError, Client, ClientContext, Config, Outbox, connect, serve_until,
    start,
};
use support::{Events, events, within};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Does what the session's name says.
struct Actor;

impl Agent for Actor {
    async fn new_session(&self, _: NewSessionRequest, context: &AgentContext) -> Answer<NewSessionResponse> {
        // What the types do not know is still there.
        let name = context.params().and_then(|params| params.path(&["extra", "name"])?.as_string());
        Ok(NewSessionResponse::new(name.unwrap_or_default().into_owned()))
    }

    async fn prompt(&self, turn: PromptRequest, context: &AgentContext) -> Answer<PromptResponse> {
        match &*turn.session_id.0 {
            "panic" => panic!("a bug"),
            "deaf" => std::future::pending().await,
            "wait" => context.cancelled().await,
            "flood" => loop {
                context.client().say(&turn.session_id, "more").await?;
            },
            "fail when cancelled" => {
                context.cancelled().await;
                return Err(error(ErrorCode::INTERNAL_ERROR, "the model call was aborted", None));
            }
            "ask" => {
                let call = ToolCallUpdate::new("call", ToolCallUpdateFields::new());
                let request = RequestPermissionRequest::new(turn.session_id.clone(), call, Vec::new());
                let answer = context.client().request_permission(request).await?;
                context.client().say(&turn.session_id, format!("{:?}", answer.outcome)).await?;
            }
            _ => {
                for number in 0..20 {
                    context.client().say(&turn.session_id, number.to_string()).await?;
                }
            }
        }
        Ok(PromptResponse::new(if context.is_cancelled() { StopReason::Cancelled } else { StopReason::EndTurn }))
    }

    async fn ext_method(&self, method: &str, params: Option<Raw<'_>>, _: &AgentContext) -> Answer<RawBuf> {
        match method {
            "_echo" => Ok(params.unwrap_or(Raw::NULL).to_owned()),
            _ => Err(error(ErrorCode::METHOD_NOT_FOUND, "no such method", None)),
        }
    }
}

/// [`Actor`] at the other end of a raw connection.
struct Stage {
    outbox: Outbox,
    events: Events,
    served: JoinHandle<CloseReason>,
}

impl Stage {
    fn new(config: Config) -> Self {
        let (left, right) = memory::pair(16);
        let served = tokio::spawn(serve_until(Actor, left, config, std::future::pending()));
        let (outbox, events) = events(start(right, Config::default()));
        Self { outbox, events, served }
    }

    async fn ready() -> Self {
        let mut stage = Self::new(Config::default());
        stage.call("initialize", r#"{"protocolVersion":1}"#).await.unwrap();
        stage
    }

    async fn send(&self, method: &str, params: &str) -> acp_server::proto::RequestKey {
        self.outbox.request(method, RawBuf::parse(params).unwrap()).await.unwrap()
    }

    /// The outcome of the next request that has one; what comes before it is dropped.
    async fn outcome(&mut self) -> Result<String, i32> {
        loop {
            match self.events.next().await {
                Some(Event::Response { outcome: Ok(payload), .. }) => return Ok(payload.raw().as_str().to_owned()),
                Some(Event::Response { outcome: Err(ResponseError::Peer(error)), .. }) => return Err(error.code().0),
                Some(Event::Closed(reason)) => panic!("closed: {reason}"),
                Some(_) => {}
                None => panic!("closed"),
            }
        }
    }

    async fn call(&mut self, method: &str, params: &str) -> Result<String, i32> {
        self.send(method, params).await;
        self.outcome().await
    }
}

fn prompt(session: &str) -> String {
    format!(r#"{{"sessionId":"{session}","prompt":[]}}"#)
}

#[tokio::test]
async fn nothing_is_served_before_initialize_and_that_only_once() {
    let mut stage = Stage::new(Config::default());
    assert_eq!(stage.call("session/new", r#"{"cwd":"/","mcpServers":[]}"#).await, Err(-32600));
    let agreed = stage.call("initialize", r#"{"protocolVersion":7}"#).await.unwrap();
    assert_eq!(Raw::parse(&agreed).unwrap().member("protocolVersion").unwrap().as_u64(), Some(1));
    assert_eq!(stage.call("initialize", r#"{"protocolVersion":1}"#).await, Err(-32600));
    assert!(stage.call("session/new", r#"{"cwd":"/","mcpServers":[]}"#).await.is_ok());
}

#[tokio::test]
async fn an_initialize_that_fails_may_be_tried_again() {
    let mut stage = Stage::new(Config::default());
    assert_eq!(stage.call("initialize", r#"{"protocolVersion":"one"}"#).await, Err(-32602));
    assert!(stage.call("initialize", r#"{"protocolVersion":1}"#).await.is_ok());
}

#[tokio::test]
async fn bad_calls_are_answered_and_the_connection_survives() {
    let mut stage = Stage::ready().await;
    assert_eq!(stage.call("session/nonsense", "{}").await, Err(-32601));
    assert_eq!(stage.call("session/load", r#"{"sessionId":"a","cwd":"/","mcpServers":[]}"#).await, Err(-32601));
    assert_eq!(stage.call("session/prompt", r#"{"sessionId":5}"#).await, Err(-32602));
    assert_eq!(stage.call("_unknown", "{}").await, Err(-32601));
    assert_eq!(stage.call("session/prompt", &prompt("panic")).await, Err(-32603));
    assert_eq!(stage.call("_echo", r#"{"a":1e2,"b":[ ]}"#).await, Ok(r#"{"a":1e2,"b":[ ]}"#.to_owned()));
}

#[tokio::test]
async fn handlers_reach_what_the_types_do_not_know() {
    let mut stage = Stage::ready().await;
    let session = stage.call("session/new", r#"{"cwd":"/","mcpServers":[],"extra":{"name":"x"}}"#).await.unwrap();
    assert_eq!(Raw::parse(&session).unwrap().member("sessionId").unwrap().as_str(), "\"x\"");
}

#[tokio::test]
async fn a_prompt_runs_while_others_wait_and_stops_when_its_session_is_cancelled() {
    let mut stage = Stage::ready().await;
    stage.send("session/prompt", &prompt("wait")).await;
    stage.send("session/prompt", &prompt("fail when cancelled")).await;
    assert_eq!(stage.call("_echo", "[]").await, Ok("[]".to_owned()));
    for session in ["another", "wait"] {
        let params = RawBuf::parse(format!(r#"{{"sessionId":"{session}"}}"#)).unwrap();
        stage.outbox.notify("session/cancel", params).await.unwrap();
    }
    assert_eq!(stage.outcome().await, Ok(r#"{"stopReason":"cancelled"}"#.to_owned()));
    let params = RawBuf::parse(r#"{"sessionId":"fail when cancelled"}"#).unwrap();
    stage.outbox.notify("session/cancel", params).await.unwrap();
    assert_eq!(stage.outcome().await, Ok(r#"{"stopReason":"cancelled"}"#.to_owned()));
}

#[tokio::test]
async fn a_cancel_right_behind_its_prompt_is_not_lost() {
    let mut stage = Stage::ready().await;
    for _ in 0..50 {
        stage.send("session/prompt", &prompt("wait")).await;
        stage.outbox.notify("session/cancel", RawBuf::parse(r#"{"sessionId":"wait"}"#).unwrap()).await.unwrap();
        assert_eq!(stage.outcome().await, Ok(r#"{"stopReason":"cancelled"}"#.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_is_answered_even_if_its_handler_is_deaf() {
    let mut stage = Stage::ready().await;
    let key = stage.send("session/prompt", &prompt("deaf")).await;
    stage.outbox.cancel(key).await.unwrap();
    assert_eq!(stage.outcome().await, Ok(r#"{"stopReason":"cancelled"}"#.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_agent_ends_when_its_client_is_gone_whatever_its_handlers_do() {
    let mut stage = Stage::ready().await;
    stage.send("session/prompt", &prompt("deaf")).await;
    assert_eq!(stage.call("_echo", "[]").await, Ok("[]".to_owned()));
    let Stage { outbox, events, served } = stage;
    drop((outbox, events));
    assert_eq!(within("the end", served).await.unwrap(), CloseReason::Peer);
}

#[tokio::test(start_paused = true)]
async fn an_agent_ends_when_its_client_is_gone_and_its_output_is_stuck() {
    let (ours, mut client) = tokio::io::duplex(64 * 1024);
    let (reader, writer) = tokio::io::split(ours);
    let transport = Lines::new(reader, writer);
    let served = tokio::spawn(serve_until(Actor, transport, Config::default(), std::future::pending()));
    let talk = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":1}}}}{}{{"jsonrpc":"2.0","id":2,"method":"session/prompt","params":{}}}{0}"#,
        '\n',
        prompt("flood")
    );
    within("the prompt", client.write_all(talk.as_bytes())).await.unwrap();
    // The end of input; the output stays open and unread.
    within("the shutdown", client.shutdown()).await.unwrap();
    assert_eq!(within("the end", served).await.unwrap(), CloseReason::Peer);
}

/// Keeps what it hears, slowly.
#[derive(Clone, Default)]
struct Listener {
    heard: Arc<Mutex<Vec<String>>>,
    strange: Arc<Mutex<Vec<String>>>,
    answer: Arc<Notify>,
    wait: bool,
}

impl Client for Listener {
    async fn session_update(&self, event: SessionNotification, _: &ClientContext) {
        tokio::task::yield_now().await;
        if let SessionUpdate::AgentMessageChunk(chunk) = event.update
            && let ContentBlock::Text(text) = chunk.content
        {
            self.heard.lock().unwrap().push(text.text);
        }
    }

    async fn request_permission(
        &self,
        _: RequestPermissionRequest,
        _: &ClientContext,
    ) -> Answer<RequestPermissionResponse> {
        if self.wait {
            self.answer.notified().await;
        }
        Ok(RequestPermissionResponse::new(RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new("yes"))))
    }

    async fn ext_notification(&self, method: &str, params: Option<Raw<'_>>, _: &ClientContext) {
        self.strange.lock().unwrap().push(format!("{method} {}", params.unwrap_or(Raw::NULL)));
    }
}

async fn conversation(client: Listener) -> (AgentPeer, JoinHandle<CloseReason>) {
    let (left, right) = memory::pair(16);
    let served = tokio::spawn(serve_until(Actor, left, Config::default(), std::future::pending()));
    let agent = connect(client, right);
    within("initialize", agent.initialize(InitializeRequest::new(ProtocolVersion::V1))).await.unwrap();
    (agent, served)
}

#[tokio::test]
async fn all_updates_are_handled_before_the_prompt_is_answered() {
    let listener = Listener::default();
    let (agent, _served) = conversation(listener.clone()).await;
    for turn in 1..=10 {
        within("the turn", agent.prompt(PromptRequest::new("talk", Vec::new()))).await.unwrap();
        assert_eq!(listener.heard.lock().unwrap().len(), 20 * turn);
    }
    let expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(listener.heard.lock().unwrap()[..20], expected);
}

#[tokio::test]
async fn an_agent_may_ask_in_the_middle_of_a_prompt() {
    let listener = Listener::default();
    let (agent, _served) = conversation(listener.clone()).await;
    within("the turn", agent.prompt(PromptRequest::new("ask", Vec::new()))).await.unwrap();
    assert!(listener.heard.lock().unwrap()[0].contains("yes"));
}

#[tokio::test]
async fn a_dropped_call_is_cancelled_at_the_peer() {
    let (left, right) = memory::pair(4);
    let agent = connect(Listener::default(), left);
    let (_outbox, mut events) = events(start(right, Config::default()));
    let waiting = agent.clone();
    let turn = tokio::spawn(async move { waiting.prompt(PromptRequest::new("wait", Vec::new())).await });
    let Some(Event::Request(request)) = events.next().await else { panic!("no prompt") };
    turn.abort();
    let Some(Event::Cancelled { id, .. }) = events.next().await else { panic!("not cancelled") };
    assert_eq!(id, *request.id());
}

#[tokio::test]
async fn the_last_handle_dropped_closes_the_connection() {
    let (agent, served) = conversation(Listener::default()).await;
    let clone = agent.clone();
    drop(agent);
    let echo = clone.peer().call_raw("_echo", RawBuf::parse("[]").unwrap());
    within("the echo", echo).await.unwrap();
    drop(clone);
    assert_eq!(within("the end", served).await.unwrap(), CloseReason::Peer);
}

#[tokio::test]
async fn calls_fail_when_the_agent_goes_away_and_ever_after() {
    let (agent, served) = conversation(Listener::default()).await;
    let waiting = agent.clone();
    let turn = tokio::spawn(async move { waiting.prompt(PromptRequest::new("wait", Vec::new())).await });
    let echo = agent.peer().call_raw("_echo", RawBuf::parse("[]").unwrap());
    within("the echo", echo).await.unwrap();
    served.abort();
    let failed = within("the failure", turn).await.unwrap();
    assert!(matches!(failed, Err(CallError::Closed { .. })), "{failed:?}");
    let failed = within("the failure", agent.logout(LogoutRequest::new())).await;
    assert!(matches!(failed, Err(CallError::Closed { .. })), "{failed:?}");
}

#[tokio::test]
async fn updates_that_the_types_do_not_know_reach_the_client_raw() {
    let (left, right) = memory::pair(4);
    let listener = Listener::default();
    let agent = connect(listener.clone(), left);
    let (outbox, mut events) = events(start(right, Config::default()));
    let params = r#"{"sessionId":7,"update":{"sessionUpdate":"from_the_future","x":1e2}}"#;
    outbox.notify("session/update", RawBuf::parse(params).unwrap()).await.unwrap();
    outbox.notify("_mine", RawBuf::parse("[]").unwrap()).await.unwrap();
    // A round trip, so that both were handled.
    let key = outbox.request("fs/read_text_file", RawBuf::parse(r#"{"sessionId":"a","path":"/"}"#).unwrap()).await;
    let Some(Event::Response { key: answered, outcome: Err(ResponseError::Peer(error)), .. }) = events.next().await
    else {
        panic!("no answer")
    };
    assert_eq!((answered, error.code()), (key.unwrap(), ErrorCode::METHOD_NOT_FOUND));
    let strange = listener.strange.lock().unwrap().clone();
    assert_eq!(strange, [format!("session/update {params}"), "_mine []".to_owned()]);
    agent.close().await;
}

#[tokio::test]
async fn shutdown_ends_serving() {
    let (left, right) = memory::pair(4);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async move { stopped.await.unwrap_or_default() };
    let served = tokio::spawn(serve_until(Actor, left, Config::default(), shutdown));
    let (_outbox, mut events) = events(start(right, Config::default()));
    stop.send(()).unwrap();
    assert_eq!(within("the end", served).await.unwrap(), CloseReason::Local);
    assert!(matches!(events.next().await, Some(Event::Closed(CloseReason::Peer))));
}

/// Speaks a version that nobody knows yet.
struct Future;

impl Agent for Future {
    async fn initialize(&self, _: InitializeRequest, _: &AgentContext) -> Answer<InitializeResponse> {
        let version = serde_json::from_str("65535").unwrap();
        Ok(InitializeResponse::new(version))
    }
}

#[tokio::test]
async fn a_client_leaves_an_agent_of_another_version_and_says_so() {
    let (left, right) = memory::pair(16);
    let served = tokio::spawn(serve_until(Future, left, Config::default(), std::future::pending()));
    let agent = connect(Listener::default(), right);
    let refused =
        within("initialize", agent.initialize(InitializeRequest::new(ProtocolVersion::V1))).await.unwrap_err();
    assert!(matches!(refused, CallError::Version { .. }) && refused.to_string().contains("65535"), "{refused}");
    assert_eq!(within("the end", served).await.unwrap(), CloseReason::Peer);
    let called = within("a call", agent.new_session(NewSessionRequest::new("/"))).await;
    assert!(matches!(called, Err(CallError::Closed { .. })), "{called:?}");
}
