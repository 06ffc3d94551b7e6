//! A client that loses its connection again and again, and takes note of all that it was shown.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use acp_types::Raw;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// Nothing that is waited for takes so long.
const DEADLINE: Duration = Duration::from_secs(30);

/// The connection has ended.
#[derive(Debug)]
pub struct Gone;

/// What was shown on one connection.
#[derive(Debug, Default)]
pub struct Visit {
    /// The cursor that it began with.
    pub after: u64,
    /// Seq and `update` as it was written, of each update.
    pub shown: Vec<(u64, String)>,
}

pub struct Peer {
    pub name: &'static str,
    session: String,
    socket: Option<WebSocket<TcpStream>>,
    next_id: u64,
    /// Seq of the last update, or end of a turn, that it has.
    pub cursor: u64,
    pub visits: Vec<Visit>,
    /// Ids of questions that wait for its answer.
    pub asks: Vec<Value>,
    /// The prompt that it waits for: request and key.
    waits: Option<(u64, String)>,
    /// How its prompts were answered, by key.
    pub answers: BTreeMap<String, Value>,
    /// Ends of turns that it was told.
    pub ended: BTreeMap<u64, String>,
    /// What it has seen of the running turn.
    pub events: usize,
}

impl Peer {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            session: String::new(),
            socket: None,
            next_id: 0,
            cursor: 0,
            visits: Vec::new(),
            asks: Vec::new(),
            waits: None,
            answers: BTreeMap::new(),
            ended: BTreeMap::new(),
            events: 0,
        }
    }

    fn open(&mut self, address: &str) {
        let stream = TcpStream::connect(address).expect("connect to the bridge");
        stream.set_read_timeout(Some(DEADLINE)).expect("set a read timeout");
        stream.set_nodelay(true).expect("no delay");
        let (socket, _) = client(format!("ws://{address}/acp"), stream).expect("a WebSocket handshake");
        self.socket = Some(socket);
        self.asks.clear();
        self.waits = None;
        self.visits.push(Visit { after: self.cursor, shown: Vec::new() });
        self.call("initialize", &json!({ "protocolVersion": 1 }));
    }

    /// Connects and makes the session.
    pub fn create(&mut self, address: &str) -> String {
        self.open(address);
        let result = self.call("session/new", &json!({ "cwd": "/", "mcpServers": [] }));
        self.session = result["sessionId"].as_str().expect("a session").to_owned();
        self.session.clone()
    }

    /// Connects and goes on where it was.
    pub fn come(&mut self, address: &str, session: &str) {
        session.clone_into(&mut self.session);
        self.open(address);
        let meta = json!({ "acp-bridge": { "after": self.cursor } });
        self.call("session/resume", &json!({ "sessionId": session, "cwd": "/", "mcpServers": [], "_meta": meta }));
    }

    /// Cuts the connection, wherever it is.
    pub fn cut(&mut self) {
        if let Some(mut socket) = self.socket.take() {
            // It may be closed already.
            let _ = socket.get_mut().shutdown(Shutdown::Both);
        }
    }

    /// Reads what had been written before the other end died.
    pub fn drain(&mut self) {
        while self.step().is_ok() {}
        self.socket = None;
    }

    fn send(&mut self, message: &Value) -> Result<(), Gone> {
        let socket = self.socket.as_mut().ok_or(Gone)?;
        socket.send(Message::text(message.to_string())).map_err(|_| Gone)
    }

    fn request(&mut self, method: &str, params: &Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(&message).expect("the bridge lives");
        id
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        let id = self.request(method, params);
        loop {
            let message = self.step().unwrap_or_else(|Gone| panic!("{}: gone before {method}", self.name));
            if message["id"] == json!(id) && message["method"].is_null() {
                assert!(message["error"].is_null(), "{}: {method}: {message}", self.name);
                return message["result"].clone();
            }
        }
    }

    /// Sends a prompt under its key, again perhaps.
    pub fn prompt(&mut self, key: &str, text: &str) {
        let meta = json!({ "acp-bridge": { "key": key } });
        let prompt = json!([{ "type": "text", "text": text }]);
        let id = self.request("session/prompt", &json!({ "sessionId": self.session, "prompt": prompt, "_meta": meta }));
        self.waits = Some((id, key.to_owned()));
    }

    pub fn cancel(&mut self) {
        let params = json!({ "sessionId": self.session });
        self.send(&json!({ "jsonrpc": "2.0", "method": "session/cancel", "params": params }))
            .expect("the bridge lives");
    }

    /// Answers all that waits for it.
    pub fn answer(&mut self, option: &str) {
        for id in std::mem::take(&mut self.asks) {
            let result = json!({ "outcome": { "outcome": "selected", "optionId": option } });
            self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result })).expect("the bridge lives");
        }
    }

    /// Reads until something is so.
    pub fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        while !so(self) {
            self.step().unwrap_or_else(|Gone| panic!("{}: gone before {what}", self.name));
        }
    }

    /// Reads one message.
    fn step(&mut self) -> Result<Value, Gone> {
        let socket = self.socket.as_mut().ok_or(Gone)?;
        let began = Instant::now();
        let text = loop {
            // Pings are no progress.
            assert!(began.elapsed() < DEADLINE, "{}: nothing comes any more", self.name);
            match socket.read() {
                Ok(Message::Text(text)) => break text,
                Ok(Message::Close(_)) => return Err(Gone),
                Ok(_) => {}
                Err(tokio_tungstenite::tungstenite::Error::Io(error))
                    if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
                {
                    panic!("{}: nothing comes any more; it has seen {} of the turn", self.name, self.events);
                }
                Err(_) => return Err(Gone),
            }
        };
        let message: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let ours = &message["params"]["_meta"]["acp-bridge"];
        match message["method"].as_str() {
            Some("session/update") => {
                let seq = ours["seq"].as_u64().expect("a seq");
                assert!(seq > self.cursor, "P3: {} was shown {seq} after {}: {text}", self.name, self.cursor);
                self.cursor = seq;
                let raw = Raw::parse(&text).expect("JSON");
                let update = raw.path(&["params", "update"]).expect("an update").as_str().to_owned();
                self.visits.last_mut().expect("a connection").shown.push((seq, update));
                self.events += 1;
            }
            Some("session/request_permission") => {
                self.asks.push(message["id"].clone());
                self.events += 1;
            }
            Some("$/cancel_request") => self.asks.retain(|id| *id != message["params"]["requestId"]),
            Some("_acp-bridge/turn_ended") => {
                let outcome = message["params"]["outcome"].as_str().expect("an outcome").to_owned();
                let turn = message["params"]["turn"].as_u64().expect("a turn");
                assert!(self.ended.insert(turn, outcome).is_none(), "P7: {} heard twice of {turn}", self.name);
                self.cursor = self.cursor.max(ours["seq"].as_u64().expect("a seq"));
            }
            None => {
                if let Some((_, key)) = self.waits.take_if(|(id, _)| message["id"] == json!(*id)) {
                    self.answers.insert(key, message.clone());
                }
            }
            _ => {}
        }
        Ok(message)
    }
}
