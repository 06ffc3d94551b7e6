//! Three parties and what is on the way between them.

use std::collections::VecDeque;

use acp_server::proto::{Connection, Event, Limits, RequestKey};
use acp_types::{Raw, RawBuf};
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::{Item, Relay};
use super::bridge::{Bridge, Record};

/// Event on the link.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    /// It breaks.
    Drop,
    /// It breaks because the bridge is killed.
    Restart,
}

/// Acts of the editor, one after the other.
const SCRIPT: [&str; 8] =
    ["initialize", "session/new", "one", "ask", "one", "session/load", "ask again", "session/list"];

/// The editor, which knows one agent and its connection.
struct Editor {
    connection: Connection,
    next: usize,
    /// Requests with their answers, by key.
    answers: Vec<Option<Result<Value, Value>>>,
    session: String,
    /// Text of the agent, and of the user, since the session was last opened.
    agent: String,
    user: String,
    asked: Vec<u64>,
}

pub(super) struct World {
    editor: Editor,
    /// The relay's end of the connection with the editor.
    front: Connection,
    relay: Relay,
    /// The relay's end of the link.
    back: Option<Connection>,
    bridge: Bridge,
    /// On the way: to the relay from the editor, to the editor, to the bridge, to the relay from the bridge.
    wires: [VecDeque<Bytes>; 4],
    pub(super) steps: usize,
}

impl World {
    pub(super) fn new() -> Self {
        let editor = Editor {
            connection: Connection::new(Limits::default()),
            next: 0,
            answers: Vec::new(),
            session: String::new(),
            agent: String::new(),
            user: String::new(),
            asked: Vec::new(),
        };
        Self {
            editor,
            front: Connection::new(Limits::default()),
            relay: Relay::new("test", None),
            back: None,
            bridge: Bridge::default(),
            wires: Default::default(),
            steps: 0,
        }
    }

    /// Does one of the things that can happen next; whether there was any.
    pub(super) fn step(&mut self, choice: usize) {
        for way in 0..7 {
            if self.happen((choice + way) % 7) {
                self.steps += 1;
                return;
            }
        }
    }

    /// So many steps, each party in its turn.
    pub(super) fn run(&mut self, steps: usize) {
        for step in 0..steps {
            self.step(step);
        }
    }

    /// Until nothing happens any more.
    pub(super) fn finish(&mut self) {
        for step in 0..20_000 {
            let before = self.steps;
            self.step(step);
            if self.steps == before {
                return;
            }
        }
        panic!("it does not come to an end");
    }

    pub(super) fn cut(&mut self, cut: Cut) {
        self.wires[2].clear();
        self.wires[3].clear();
        self.bridge.link = None;
        if matches!(cut, Cut::Restart) {
            self.bridge.restart();
        }
        if let Some(mut back) = self.back.take() {
            back.close(acp_server::proto::CloseReason::Peer);
            while let Some(event) = back.next_event() {
                self.relay.bridge(event);
            }
            self.relay.disconnected();
        }
        self.route();
    }

    fn happen(&mut self, what: usize) -> bool {
        let happened = match what {
            0 => self.editor.act(),
            1 => {
                let Some(frame) = self.wires[0].pop_front() else { return false };
                self.front.receive(frame);
                while let Some(event) = self.front.next_event() {
                    self.relay.editor(event);
                }
                true
            }
            2 => {
                let Some(frame) = self.wires[1].pop_front() else { return false };
                self.editor.receive(frame);
                true
            }
            3 => {
                let Some(frame) = self.wires[2].pop_front() else { return false };
                self.bridge.link.as_mut().expect("a link").connection.receive(frame);
                self.bridge.receive();
                true
            }
            4 => {
                let Some(frame) = self.wires[3].pop_front() else { return false };
                let back = self.back.as_mut().expect("a link");
                back.receive(frame);
                while let Some(event) = back.next_event() {
                    self.relay.bridge(event);
                }
                true
            }
            5 => self.bridge.act(),
            _ => {
                if self.back.is_some() {
                    return false;
                }
                self.back = Some(Connection::new(Limits::default()));
                self.bridge.connect();
                self.relay.connected();
                true
            }
        };
        self.route();
        happened
    }

    /// Puts on the wires what the parties want to say.
    fn route(&mut self) {
        for item in self.relay.take_for_editor() {
            apply(&mut self.front, item);
        }
        if let Some(back) = &mut self.back {
            for item in self.relay.take_for_bridge() {
                apply(back, item);
            }
        }
        let link = self.bridge.link.as_mut().map(|link| &mut link.connection);
        let ends = [Some(&mut self.editor.connection), Some(&mut self.front), self.back.as_mut(), link];
        for (end, wire) in ends.into_iter().zip(&mut self.wires) {
            let frames = end.into_iter().flat_map(|end| std::iter::from_fn(move || end.next_frame()));
            wire.extend(frames);
        }
        assert!(!self.relay.is_broken());
    }

    /// The editor has been shown what is in the log, each once and in order, and everything has its one answer.
    pub(super) fn check(&self) {
        let editor = &self.editor;
        assert_eq!(editor.next, SCRIPT.len(), "the editor is not done: {:?}", editor.answers);
        assert!(editor.answers.iter().all(Option::is_some), "{:?}", editor.answers);
        let session = &self.bridge.sessions[&editor.session];
        let (mut agent, mut asks) = (String::new(), Vec::new());
        for (seq, record) in (1..).zip(&session.log) {
            match record {
                Record::Agent { text, .. } => agent.push_str(text),
                Record::Ask => asks.push(seq),
                _ => {}
            }
        }
        assert_eq!(editor.agent, agent);
        assert_eq!(session.prompts, ["one", "ask", "one", "ask again"], "each prompt ran once");
        // The load shows what was said before it, and what was said since the editor knows itself.
        let shown = session.log.iter().filter_map(|record| match record {
            Record::User { text, .. } if text != "ask again" => Some(text.as_str()),
            _ => None,
        });
        let shown: String = shown.collect();
        assert_eq!(editor.user, shown);
        let mut asked = editor.asked.clone();
        asked.sort_unstable();
        asked.dedup();
        assert_eq!(asked.len(), editor.asked.len(), "nothing is asked twice");
        assert!(asked.iter().all(|ask| asks.contains(ask)));
        assert!(self.bridge.answers.len() <= asks.len());
    }
}

impl Editor {
    /// The next thing of the script, once the one before has its answer.
    fn act(&mut self) -> bool {
        if self.answers.iter().any(Option::is_none) {
            return false;
        }
        let Some(word) = SCRIPT.get(self.next) else { return false };
        let place = json!({ "sessionId": self.session, "cwd": "/", "mcpServers": [] });
        let (method, params) = match *word {
            "initialize" => ("initialize", json!({ "protocolVersion": 1 })),
            "session/new" => ("session/new", json!({ "cwd": "/" })),
            "session/load" => {
                self.agent.clear();
                self.user.clear();
                ("session/load", place)
            }
            "session/list" => ("session/list", json!({})),
            text => {
                let prompt = json!([{ "type": "text", "text": text }]);
                ("session/prompt", json!({ "sessionId": self.session, "prompt": prompt }))
            }
        };
        let params = RawBuf::encode(&params).expect("JSON");
        let key = RequestKey(self.next as u64);
        self.connection.request(key, method, Some(params.as_raw())).expect("open");
        self.next += 1;
        self.answers.push(None);
        true
    }

    fn receive(&mut self, frame: Bytes) {
        self.connection.receive(frame);
        while let Some(event) = self.connection.next_event() {
            match event {
                Event::Response { key, outcome, .. } => self.answered(key, outcome),
                Event::Notification(update) => {
                    assert_eq!(update.method(), "session/update");
                    let params = value(update.params());
                    let text = params["update"]["content"]["text"].as_str().expect("text");
                    match params["update"]["sessionUpdate"].as_str() {
                        Some("agent_message_chunk") => self.agent.push_str(text),
                        _ => self.user.push_str(text),
                    }
                }
                Event::Request(request) => {
                    let params = value(request.params());
                    self.asked.push(params["_meta"]["acp-bridge"]["seq"].as_u64().expect("a seq"));
                    let yes = Raw::trusted(r#"{"outcome":"yes"}"#);
                    self.connection.respond_raw(request.id(), Ok(yes)).expect("open");
                }
                Event::Cancelled { .. } => {}
                other => panic!("the editor got {other:?}"),
            }
        }
    }

    fn answered(
        &mut self,
        key: RequestKey,
        outcome: Result<acp_server::proto::Payload, acp_server::proto::ResponseError>,
    ) {
        let answer = outcome.map(|result| value(Some(result.raw()))).map_err(|error| json!(error.to_string()));
        let word = SCRIPT[key.0 as usize];
        match &answer {
            Ok(result) if word == "session/new" => {
                self.session = result["sessionId"].as_str().expect("an id").to_owned()
            }
            Ok(_) => {}
            Err(error) => assert!(error.to_string().contains("interrupted"), "{word}: {error}"),
        }
        let slot = &mut self.answers[key.0 as usize];
        assert!(slot.is_none(), "{word} was answered twice");
        *slot = Some(answer);
    }
}

fn value(raw: Option<Raw<'_>>) -> Value {
    serde_json::from_str(raw.map_or("{}", Raw::as_str)).expect("JSON")
}

fn apply(connection: &mut Connection, item: Item) {
    match item {
        Item::Frame(frame) => connection.forward(frame).expect("open"),
        Item::Notify { method, params } => connection.notify(&method, Some(params.as_raw())).expect("open"),
        Item::Request { key, method, params } => {
            connection.request(key, &method, Some(params.as_raw())).expect("open");
        }
        Item::Respond { id, answer } => {
            let answer = answer.as_ref().map(RawBuf::as_raw);
            // The other side may have forgotten that it asked.
            let _ = connection.respond_raw(&id, answer);
        }
        Item::Cancel(key) => {
            connection.cancel_request(key);
        }
    }
}
