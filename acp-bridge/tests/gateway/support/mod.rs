//! A gateway on a log in memory, a host that does what the test says, and clients on real sockets.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

#[path = "../../program/support/client.rs"]
pub mod client;
mod counting;
mod host;
#[path = "../../program/support/json_rpc.rs"]
pub mod json_rpc;
#[path = "../../program/support/malformed.rs"]
pub mod malformed;

use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use acp_bridge::gateway;
use acp_bridge::log::{MemoryLog, SessionLog};
use acp_bridge::session::Command;
use acp_types::SessionId;
use acp_types::record::body::{self, Resolved};
use acp_types::record::{Kind, Origin, Seq, Turn};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use client::Client;
pub use counting::Counting;
pub use host::{Host, raw};

const DEADLINE: Duration = Duration::from_secs(180);

/// Everything between a client's socket and a host.
pub struct World {
    pub runtime: Runtime,
    pub log: Arc<Counting>,
    pub host: Arc<Host>,
    pub address: String,
    shutdown: CancellationToken,
    gateway: Option<JoinHandle<std::io::Result<()>>>,
    serving: JoinHandle<()>,
}

impl World {
    pub fn start() -> Self {
        Self::with(gateway::Config::default())
    }

    pub fn with(config: gateway::Config) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let log = Arc::new(Counting::new(MemoryLog::new()));
        let host = Arc::new(Host::new(Arc::clone(&log) as Arc<dyn SessionLog>));
        runtime.block_on(host.join());
        let serving = runtime.spawn(Arc::clone(&host).serve());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let shutdown = CancellationToken::new();
        let serve = gateway::serve(listener, Arc::clone(&log) as Arc<dyn SessionLog>, config, shutdown.clone());
        let gateway = Some(runtime.spawn(serve));
        Self { runtime, log, host, address, shutdown, gateway, serving }
    }

    pub fn client(&self) -> Client {
        let mut client = Client::connect(&self.address);
        client.initialize();
        client
    }

    /// Tells the gateway to stop.
    pub fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Waits until it has; how long it took.
    pub fn stopped(&mut self) -> Duration {
        let began = Instant::now();
        let gateway = self.gateway.take().expect("not waited for before");
        let ended = self.runtime.block_on(async { tokio::time::timeout(DEADLINE, gateway).await });
        ended.expect("in time").expect("no panic").expect("no error");
        began.elapsed()
    }

    /// Appends one record; its seq.
    pub fn append<T: Serialize>(&self, session: &str, kind: Kind, turn: Option<Turn>, by: Origin, body: &T) -> Seq {
        let (host, session) = (Arc::clone(&self.host), SessionId::from(session));
        let body = acp_types::RawBuf::encode(body).expect("JSON");
        self.runtime.block_on(async move { host.append(&session, kind, turn, by, body).await })
    }

    /// A chunk of the agent.
    pub fn chunk(&self, session: &str, turn: Option<Turn>, text: &str) -> Seq {
        let (host, session, text) = (Arc::clone(&self.host), SessionId::from(session), text.to_owned());
        self.runtime
            .block_on(async move { host.updates(&session, turn, Origin::Agent, "agent_message_chunk", &[text]).await })
    }

    /// Many chunks in batches of 100: the numbers up to `count`.
    pub fn flood(&self, session: &str, turn: Option<Turn>, count: usize, padding: usize) -> JoinHandle<()> {
        let (host, session) = (Arc::clone(&self.host), SessionId::from(session));
        self.runtime.spawn(async move {
            let padding = "x".repeat(padding);
            let texts: Vec<String> = (0..count).map(|number| format!("{number} {padding}")).collect();
            for texts in texts.chunks(100) {
                host.updates(&session, turn, Origin::Agent, "agent_message_chunk", texts).await;
                tokio::task::yield_now().await;
            }
        })
    }

    pub fn end(&self, session: &str, turn: Turn) -> Seq {
        let result = raw(r#"{"stopReason":"end_turn","n":1e2}"#);
        let outcome = body::Outcome::Completed { stop_reason: "end_turn".into(), result };
        self.append(session, Kind::TurnEnded, Some(turn), Origin::Host, &outcome)
    }

    /// The agent asks for a permission.
    pub fn ask(&self, session: &str, turn: Option<Turn>) -> Seq {
        let params = json!({ "sessionId": session, "toolCall": { "toolCallId": "t" }, "options": [] });
        self.append(session, Kind::PermissionRequested, turn, Origin::Agent, &params)
    }

    pub fn resolve(&self, session: &str, request: Seq) -> Seq {
        let resolved = Resolved { request, result: Some(raw("{}")), ..Resolved::default() };
        self.append(session, Kind::PermissionResolved, None, Origin::Host, &resolved)
    }

    /// Sends a prompt and waits until the host has accepted it: request id and turn.
    pub fn prompt(&self, client: &mut Client, session: &str, text: &str) -> (u64, Turn) {
        let id = client.prompt(session, text);
        self.command("prompt", |command| matches!(command, Command::Prompt { .. }));
        (id, self.host.last_turn(session))
    }

    /// The first command of a client that fits and was not asked for before.
    pub fn command(&self, what: &str, fits: impl Fn(&Command) -> bool) -> (Option<SessionId>, Command) {
        self.host.wait_for(what, fits)
    }

    /// A raw socket, for those who speak HTTP by hand.
    pub fn socket(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("connect");
        stream.set_read_timeout(Some(DEADLINE)).expect("a read timeout");
        stream
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let Some(gateway) = self.gateway.take() {
            // A test that failed may have left connections that do not end in time.
            let _ = self.runtime.block_on(async { tokio::time::timeout(DEADLINE, gateway).await });
        }
        self.serving.abort();
    }
}

/// Texts of an update notification.
pub fn text_of(message: &Value) -> &str {
    message["params"]["update"]["content"]["text"].as_str().unwrap_or_default()
}

/// What a message is: the text of an update, the method of anything else, `answer N`, or `error N`.
pub fn name(message: &Value) -> String {
    if message["method"] == "session/update" {
        return text_of(message).to_owned();
    }
    match (message["method"].as_str(), message["error"].is_null()) {
        (Some(method), _) => method.to_owned(),
        (None, true) => format!("answer {}", message["id"]),
        (None, false) => format!("error {}", message["id"]),
    }
}

/// The next message that is not about what waits.
pub fn next(client: &mut Client) -> Value {
    loop {
        let message = client.next();
        if message["method"] != acp_types::meta::QUEUE_CHANGED {
            return message;
        }
    }
}

/// Names of the next messages up to and including the one that has this name, without those about what waits.
pub fn names_until(client: &mut Client, last: &str) -> Vec<String> {
    let mut names = Vec::new();
    while names.last().is_none_or(|name| name != last) {
        names.push(name(&next(client)));
    }
    names
}
