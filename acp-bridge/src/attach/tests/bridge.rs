//! The bridge as far as a client can tell it from the outside: a log per session, and one connection at a time.

use std::collections::{BTreeMap, HashMap};

use acp_server::proto::{Connection, Event, Limits, RequestKey};
use acp_types::{Raw, RawBuf, RawError, RequestId};
use serde_json::{Value, json};

/// One record; its seq is its place, from 1.
#[derive(Debug, Clone)]
pub(super) enum Record {
    /// Holds a seq, so that seqs of updates have gaps.
    Queued,
    User {
        turn: u64,
        link: u64,
        text: String,
    },
    Agent {
        turn: u64,
        text: String,
    },
    Ask,
    Resolved {
        ask: u64,
    },
    Ended {
        turn: u64,
        outcome: &'static str,
    },
}

#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) log: Vec<Record>,
    keys: HashMap<String, u64>,
    /// Turns that have not ended, with what the agent still does.
    turns: Vec<(u64, u64, String, Vec<Act>)>,
    pub(super) prompts: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Act {
    Echo,
    Say(String),
    Ask,
    Wait(u64),
}

#[derive(Debug)]
struct Attached {
    cursor: u64,
    /// Until then it is history; then comes this.
    until: Option<u64>,
    load: Option<RequestId>,
}

/// State that ends with the connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) connection: Connection,
    number: u64,
    initialized: bool,
    attached: BTreeMap<String, Attached>,
    waiting: Vec<(RequestId, String, u64)>,
    asked: HashMap<RequestKey, (String, u64)>,
    next_key: u64,
}

#[derive(Debug, Default)]
pub(super) struct Bridge {
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) answers: Vec<Value>,
    pub(super) link: Option<Link>,
    links: u64,
}

fn raw(value: &Value) -> RawBuf {
    RawBuf::encode(value).expect("JSON")
}

impl Session {
    fn head(&self) -> u64 {
        self.log.len() as u64
    }

    fn push(&mut self, record: Record) -> u64 {
        self.log.push(record);
        self.head()
    }

    fn pending(&self) -> Vec<u64> {
        let resolved = |seq| self.log.iter().any(|record| matches!(record, Record::Resolved { ask } if *ask == seq));
        (1..)
            .zip(&self.log)
            .filter(|(seq, record)| matches!(record, Record::Ask) && !resolved(*seq))
            .map(|(seq, _)| seq)
            .collect()
    }

    fn outcome(&self, turn: u64) -> Option<(u64, &'static str)> {
        (1..).zip(&self.log).find_map(|(seq, record)| match record {
            Record::Ended { turn: of, outcome } if *of == turn => Some((seq, *outcome)),
            _ => None,
        })
    }

    /// The agent does one thing; whether it did.
    fn act(&mut self) -> bool {
        let Some((turn, link, text, acts)) = self.turns.first_mut() else { return false };
        let (turn, link, text) = (*turn, *link, text.clone());
        let Some(act) = acts.first().cloned() else {
            self.turns.remove(0);
            self.push(Record::Ended { turn, outcome: "end_turn" });
            return true;
        };
        if let Act::Wait(ask) = act {
            if self.pending().contains(&ask) {
                return false;
            }
            self.turns[0].3.remove(0);
            return true;
        }
        acts.remove(0);
        match act {
            Act::Echo => drop(self.push(Record::User { turn, link, text })),
            Act::Say(text) => drop(self.push(Record::Agent { turn, text })),
            Act::Ask => {
                let ask = self.push(Record::Ask);
                self.turns[0].3.insert(0, Act::Wait(ask));
            }
            Act::Wait(_) => {}
        }
        true
    }
}

impl Bridge {
    pub(super) fn connect(&mut self) {
        self.links += 1;
        self.link = Some(Link {
            connection: Connection::new(Limits::default()),
            number: self.links,
            initialized: false,
            attached: BTreeMap::new(),
            waiting: Vec::new(),
            asked: HashMap::new(),
            next_key: 0,
        });
    }

    /// It is killed and started again: what ran is interrupted.
    pub(super) fn restart(&mut self) {
        self.link = None;
        for session in self.sessions.values_mut() {
            for ask in session.pending() {
                session.push(Record::Resolved { ask });
            }
            if !session.turns.is_empty() {
                let (turn, ..) = session.turns.remove(0);
                session.push(Record::Ended { turn, outcome: "interrupted" });
            }
        }
    }

    /// Some agent does something; whether any did.
    pub(super) fn act(&mut self) -> bool {
        let acted = self.sessions.values_mut().any(Session::act);
        self.deliver();
        acted
    }

    /// Takes what the client has sent.
    pub(super) fn receive(&mut self) {
        while let Some(event) = self.link.as_mut().and_then(|link| link.connection.next_event()) {
            match event {
                Event::Request(request) => {
                    let params = serde_json::from_str(request.params().map_or("{}", Raw::as_str)).expect("JSON");
                    self.request(request.id(), request.method(), &params);
                }
                Event::Response { key, outcome: Ok(result), .. } => {
                    let Some((session, ask)) = self.link.as_mut().and_then(|link| link.asked.remove(&key)) else {
                        continue;
                    };
                    let session = self.sessions.get_mut(&session).expect("a session");
                    if session.pending().contains(&ask) {
                        session.push(Record::Resolved { ask });
                        self.answers.push(serde_json::from_str(result.raw().as_str()).expect("JSON"));
                    }
                }
                _ => {}
            }
        }
        self.deliver();
    }

    fn answer(&mut self, id: &RequestId, result: &Value) {
        let link = self.link.as_mut().expect("a link");
        link.connection.respond_raw(id, Ok(raw(result).as_raw())).expect("an open request");
    }

    fn refuse(&mut self, id: &RequestId, error: &Value) {
        let error = RawError::new(raw(error)).expect("an error");
        let link = self.link.as_mut().expect("a link");
        link.connection.respond_raw(id, Err(&error)).expect("an open request");
    }

    fn request(&mut self, id: &RequestId, method: &str, params: &Value) {
        let name = params["sessionId"].as_str().unwrap_or_default().to_owned();
        let link = self.link.as_mut().expect("a link");
        assert_eq!(link.initialized, method != "initialize", "{method} on a link that is not initialized, or twice");
        match method {
            "initialize" => {
                link.initialized = true;
                self.answer(id, &json!({ "protocolVersion": 1 }));
            }
            "session/new" => {
                let name = format!("s{}", self.sessions.len());
                self.sessions.insert(name.clone(), Session::default());
                self.answer(id, &json!({ "sessionId": name }));
                self.attach(&name, 0, None, false);
            }
            "session/resume" => {
                let after = params["_meta"]["acp-bridge"]["after"].as_u64().expect("a cursor");
                let head = self.sessions[&name].head();
                if after > head {
                    let data = json!({ "latest": head });
                    return self.refuse(id, &json!({ "code": -32602, "message": "beyond", "data": data }));
                }
                self.answer(id, &json!({}));
                self.attach(&name, after, None, true);
            }
            "session/load" => self.attach(&name, 0, Some(id.clone()), true),
            "session/prompt" => self.prompt(id, &name, params),
            "session/list" => self.answer(id, &json!({ "sessions": [] })),
            _ => self.answer(id, &json!({ "echo": method })),
        }
    }

    fn attach(&mut self, name: &str, after: u64, load: Option<RequestId>, history: bool) {
        let until = history.then(|| self.sessions[name].head());
        let link = self.link.as_mut().expect("a link");
        link.attached.insert(name.to_owned(), Attached { cursor: after, until, load });
    }

    fn prompt(&mut self, id: &RequestId, name: &str, params: &Value) {
        let number = self.link.as_ref().expect("a link").number;
        let session = self.sessions.get_mut(name).expect("a session");
        let key = params["_meta"]["acp-bridge"]["key"].as_str().expect("a key").to_owned();
        let text = params["prompt"][0]["text"].as_str().expect("text").to_owned();
        let turn = session.keys.get(&key).copied().unwrap_or_else(|| {
            let turn = session.push(Record::Queued);
            session.prompts.push(text.clone());
            let mut acts = vec![Act::Echo];
            acts.extend((0..3).map(|i| Act::Say(format!("{text}{i} "))));
            if text.starts_with("ask") {
                acts.insert(2, Act::Ask);
            }
            session.turns.push((turn, number, text, acts));
            session.keys.insert(key, turn);
            turn
        });
        self.link.as_mut().expect("a link").waiting.push((id.clone(), name.to_owned(), turn));
    }

    /// Shows the client what is new to it.
    fn deliver(&mut self) {
        let Some(link) = &mut self.link else { return };
        let names: Vec<_> = link.attached.keys().cloned().collect();
        for name in names {
            let session = &self.sessions[&name];
            while link.deliver_one(&name, session) {}
        }
    }
}

impl Link {
    fn deliver_one(&mut self, name: &str, session: &Session) -> bool {
        let attached = self.attached.get_mut(name).expect("attached");
        if attached.until.is_some_and(|until| attached.cursor >= until) {
            attached.until = None;
            if let Some(id) = attached.load.take() {
                self.connection.respond_raw(&id, Ok(Raw::EMPTY_OBJECT)).expect("an open request");
            } else {
                let params = raw(&json!({ "sessionId": name, "seq": attached.cursor }));
                self.connection.notify("_acp-bridge/caught_up", Some(params.as_raw())).expect("open");
            }
            for ask in session.pending() {
                self.ask(name, ask);
            }
        }
        self.answer_ended(name, session);
        let attached = self.attached.get_mut(name).expect("attached");
        let live = attached.until.is_none();
        let Some(record) = session.log.get(attached.cursor as usize) else { return false };
        attached.cursor += 1;
        let seq = attached.cursor;
        match record {
            Record::Queued => {}
            Record::User { turn, link, text } if !live || *link != self.number => {
                self.update(name, seq, *turn, "user_message_chunk", text);
            }
            Record::User { .. } => {}
            Record::Agent { turn, text } => self.update(name, seq, *turn, "agent_message_chunk", text),
            Record::Ask if live && session.pending().contains(&seq) => self.ask(name, seq),
            Record::Ask => {}
            Record::Resolved { ask } => {
                let key = self.asked.iter().find(|(_, (of, seq))| of == name && seq == ask).map(|(&key, _)| key);
                if let Some(key) = key {
                    self.asked.remove(&key);
                    self.connection.cancel_request(key);
                }
            }
            Record::Ended { turn, .. } => {
                if !self.waiting.iter().any(|(_, of, waits)| of == name && waits == turn) {
                    let meta = json!({ "acp-bridge": { "seq": seq, "turn": turn } });
                    let params = raw(&json!({ "sessionId": name, "turn": turn, "_meta": meta }));
                    self.connection.notify("_acp-bridge/turn_ended", Some(params.as_raw())).expect("open");
                }
            }
        }
        true
    }

    fn update(&mut self, name: &str, seq: u64, turn: u64, kind: &str, text: &str) {
        let content = json!({ "type": "text", "text": text });
        let meta = json!({ "acp-bridge": { "seq": seq, "turn": turn, "lane": "main" } });
        let update = json!({ "sessionUpdate": kind, "content": content });
        let params = raw(&json!({ "sessionId": name, "update": update, "_meta": meta }));
        self.connection.notify("session/update", Some(params.as_raw())).expect("open");
    }

    fn ask(&mut self, name: &str, seq: u64) {
        if self.asked.values().any(|asked| *asked == (name.to_owned(), seq)) {
            return;
        }
        self.next_key += 1;
        let key = RequestKey(self.next_key);
        self.asked.insert(key, (name.to_owned(), seq));
        let params = raw(&json!({ "sessionId": name, "_meta": { "acp-bridge": { "seq": seq } } }));
        self.connection.request(key, "session/request_permission", Some(params.as_raw())).expect("open");
    }

    fn answer_ended(&mut self, name: &str, session: &Session) {
        let attached = &self.attached[name];
        if attached.until.is_some() {
            return;
        }
        let cursor = attached.cursor;
        let ended = |of: &str, turn| session.outcome(turn).filter(|(seq, _)| of == name && *seq <= cursor);
        for (id, of, turn) in std::mem::take(&mut self.waiting) {
            match ended(&of, turn) {
                None => self.waiting.push((id, of, turn)),
                Some((_, "end_turn")) => {
                    let meta = json!({ "acp-bridge": { "seq": cursor, "turn": turn } });
                    let result = raw(&json!({ "stopReason": "end_turn", "_meta": meta }));
                    self.connection.respond_raw(&id, Ok(result.as_raw())).expect("an open request");
                }
                Some((_, outcome)) => {
                    let data = json!({ "acp-bridge": { "turn": turn, "outcome": outcome } });
                    let error = raw(&json!({ "code": -32603, "message": outcome, "data": data }));
                    let error = RawError::new(error).expect("an error");
                    self.connection.respond_raw(&id, Err(&error)).expect("an open request");
                }
            }
        }
    }
}
