//! A client on the official Rust SDK, driven by steps and observed by JSON lines, like `interop/ts/client.mjs`.
//!
//! ```text
//! official-client ws://127.0.0.1:PORT/acp < steps    over WebSocket
//! official-client -- AGENT CMD… < steps              over stdio, starting the agent
//! ```
//!
//! A step is `{"request": METHOD, "params": {…}}` (waits for the answer), `{"start": …}` (does not), `{"notify": …}`,
//! `{"permission": "yes" | "no" | "cancel"}` (how permission requests are answered from now on) or
//! `{"measure": PROMPT, "updates": N}` (prompts the last session, counts and times N updates instead of printing them).
//! In params `"$session"` stands for the session that was made or loaded last. It prints `{"update": params}`,
//! `{"ask": params}`, `{"result": …, "method": METHOD}`, `{"error": …, "method": METHOD}` and
//! `{"measured": {"updates", "seconds", "per_second", "text"}}`, and ends when its stdin does.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{
    AuthenticateRequest, CancelNotification, CloseSessionRequest, ContentBlock, DeleteSessionRequest,
    InitializeRequest, ListSessionsRequest, LoadSessionRequest, NewSessionRequest, PromptRequest,
    RequestPermissionOutcome, RequestPermissionRequest, RequestPermissionResponse, ResumeSessionRequest,
    SelectedPermissionOutcome, SessionNotification, SessionUpdate, SetSessionModeRequest,
};
use agent_client_protocol::{
    AcpAgent, Agent, Client, ConnectTo, Error, JsonRpcRequest, JsonRpcResponse, Result, UntypedMessage,
    on_receive_notification, on_receive_request,
};
use agent_client_protocol_http::HttpClient;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::Notify;

type Connection = ConnectionTo<Agent>;

/// What the handlers and the steps share.
#[derive(Default)]
struct State {
    measuring: AtomicBool,
    updates: AtomicU64,
    wanted: AtomicU64,
    reached: Notify,
    /// Text of the last chunk while measuring.
    last: Mutex<String>,
    permission: Mutex<String>,
    session: Mutex<Value>,
}

fn print(line: &Value) {
    println!("{line}");
}

fn set<T>(place: &Mutex<T>, value: T) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = value;
}

fn get<T: Clone>(place: &Mutex<T>) -> T {
    place.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl State {
    fn update(&self, notification: &SessionNotification) {
        if !self.measuring.load(Ordering::Relaxed) {
            print(&json!({ "update": notification }));
            return;
        }
        if let SessionUpdate::AgentMessageChunk(chunk) = &notification.update {
            if let ContentBlock::Text(text) = &chunk.content
                && text.text.starts_with('{')
            {
                set(&self.last, text.text.clone());
            }
            if self.updates.fetch_add(1, Ordering::Relaxed) + 1 == self.wanted.load(Ordering::Relaxed) {
                self.reached.notify_one();
            }
        }
    }

    fn answer(&self, request: &RequestPermissionRequest) -> RequestPermissionResponse {
        if !self.measuring.load(Ordering::Relaxed) {
            print(&json!({ "ask": request }));
        }
        let choice = get(&self.permission);
        RequestPermissionResponse::new(match choice.as_str() {
            "cancel" => RequestPermissionOutcome::Cancelled,
            choice => RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(choice.to_owned())),
        })
    }

    async fn measure(&self, connection: &Connection, text: &str, updates: u64) -> Result<()> {
        self.updates.store(0, Ordering::Relaxed);
        self.wanted.store(updates, Ordering::Relaxed);
        self.measuring.store(true, Ordering::Relaxed);
        let params = json!({ "sessionId": get(&self.session), "prompt": [{ "type": "text", "text": text }] });
        let start = Instant::now();
        let ended = typed::<PromptRequest>(connection, params).await;
        self.reached.notified().await;
        let seconds = start.elapsed().as_secs_f64();
        self.measuring.store(false, Ordering::Relaxed);
        ended?;
        print(&json!({ "measured": {
            "updates": updates, "seconds": seconds, "per_second": updates as f64 / seconds, "text": get(&self.last),
        } }));
        Ok(())
    }

    async fn step(self: &Arc<Self>, connection: &Connection, step: &Value) -> Result<()> {
        let params = filled(&step["params"], &get(&self.session));
        if let Some(method) = step["request"].as_str() {
            self.request(connection, method, params).await;
        } else if let Some(method) = step["start"].as_str() {
            let (state, connection, method) = (Arc::clone(self), connection.clone(), method.to_owned());
            tokio::spawn(async move { state.request(&connection, &method, params).await });
        } else if step["notify"] == "session/cancel" {
            let cancel: CancelNotification = parsed(params)?;
            connection.send_notification(cancel)?;
        } else if let Some(method) = step["notify"].as_str() {
            connection.send_notification(UntypedMessage::new(method, params)?)?;
        } else if let Some(choice) = step["permission"].as_str() {
            set(&self.permission, choice.to_owned());
        } else if let Some(text) = step["measure"].as_str() {
            self.measure(connection, text, step["updates"].as_u64().unwrap_or(1)).await?;
        }
        Ok(())
    }

    async fn request(&self, connection: &Connection, method: &str, params: Value) {
        let named = params["sessionId"].clone();
        match call(connection, method, params).await {
            Ok(result) => {
                match method {
                    "session/new" => set(&self.session, result["sessionId"].clone()),
                    "session/load" | "session/resume" => set(&self.session, named),
                    _ => {}
                }
                print(&json!({ "result": result, "method": method }));
            }
            Err(error) => print(&json!({ "error": error, "method": method })),
        }
    }
}

/// Sends a request through the SDK's own types, so that both sides of the exchange are checked against them.
async fn call(connection: &Connection, method: &str, params: Value) -> Result<Value> {
    match method {
        "initialize" => typed::<InitializeRequest>(connection, params).await,
        "authenticate" => typed::<AuthenticateRequest>(connection, params).await,
        "session/new" => typed::<NewSessionRequest>(connection, params).await,
        "session/load" => typed::<LoadSessionRequest>(connection, params).await,
        "session/resume" => typed::<ResumeSessionRequest>(connection, params).await,
        "session/list" => typed::<ListSessionsRequest>(connection, params).await,
        "session/close" => typed::<CloseSessionRequest>(connection, params).await,
        "session/delete" => typed::<DeleteSessionRequest>(connection, params).await,
        "session/set_mode" => typed::<SetSessionModeRequest>(connection, params).await,
        "session/prompt" => typed::<PromptRequest>(connection, params).await,
        _ => connection.send_request(UntypedMessage::new(method, params)?).block_task().await,
    }
}

async fn typed<R: JsonRpcRequest + DeserializeOwned>(connection: &Connection, params: Value) -> Result<Value> {
    let request: R = parsed(params)?;
    let method = request.method().to_owned();
    connection.send_request(request).block_task().await?.into_json(&method)
}

fn parsed<T: DeserializeOwned>(params: Value) -> Result<T> {
    serde_json::from_value(params).map_err(|error| Error::invalid_params().data(error.to_string()))
}

fn filled(params: &Value, session: &Value) -> Value {
    match params {
        Value::Null => json!({}),
        params => {
            let text = params.to_string().replace("\"$session\"", &session.to_string());
            serde_json::from_str(&text).expect("JSON in, JSON out: a string was replaced by a string or null")
        }
    }
}

async fn run(transport: impl ConnectTo<Client> + 'static) -> Result<()> {
    let state = Arc::new(State::default());
    set(&state.permission, "yes".to_owned());
    let (updates, asked, steps) = (Arc::clone(&state), Arc::clone(&state), state);
    Client
        .v1()
        .name("official-client")
        .on_receive_notification(
            async move |notification: SessionNotification, _connection| {
                updates.update(&notification);
                Ok(())
            },
            on_receive_notification!(),
        )
        .on_receive_notification(
            async move |message: UntypedMessage, _connection| {
                print(&json!({ "notification": message.method(), "params": message.params() }));
                Ok(())
            },
            on_receive_notification!(),
        )
        .on_receive_request(
            async move |request: RequestPermissionRequest, responder, _connection| {
                responder.respond(asked.answer(&request))
            },
            on_receive_request!(),
        )
        .connect_with(transport, async move |connection: Connection| {
            let mut lines = BufReader::new(tokio::io::stdin()).lines();
            while let Some(line) = lines.next_line().await.map_err(Error::into_internal_error)? {
                let step = serde_json::from_str(&line).map_err(Error::into_internal_error)?;
                steps.step(&connection, &step).await?;
            }
            Ok(())
        })
        .await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((dashes, command)) if dashes == "--" => run(AcpAgent::from_args(command)?).await?,
        Some((url, _)) => {
            let client = HttpClient::builder_with_endpoint(url).configure_http(|http| http.no_proxy()).build()?;
            run(client).await?;
        }
        None => return Err("see the top of the file for the arguments".into()),
    }
    Ok(())
}
