//! A connection with somebody at each end, and hand-made records.

use std::sync::Arc;

use acp_server::proto::{self, RequestKey};
use acp_types::record::body::{self, AgentStarted, PromptQueued, Resolved, SessionCreated, Start};
use acp_types::record::{Kind, Origin, Record, Seq, Turn};
use acp_types::{RawBuf, SessionId};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use crate::command::CommandAnswer;
use crate::gateway::Limits;
use crate::gateway::attachment::{AttachmentId, Seen};
use crate::gateway::connection::{Connection, Effect, EffectOutcome, Opened};
use crate::gateway::outgoing::Item;
use crate::gateway::presence::{Membership, NewMember, Notifier, Presence};
use crate::log::LogError;
use crate::service::follower::Batch;
use crate::service::{Caller, Principal, ServiceError};
use crate::session::{Command, Reply, State};
use crate::view::Role;

pub(super) const ME: &str = "me";

pub(super) fn raw(text: &str) -> RawBuf {
    RawBuf::parse(text).unwrap()
}

/// Somebody who may do everything.
fn admin(client: &str) -> Caller {
    Caller::new(Arc::new(Principal::admin("test")), client.into())
}

/// A connection, the client in front of it and the gateway behind it.
pub(super) struct Kit {
    pub(super) connection: Connection,
    pub(super) presence: Arc<Presence>,
    pub(super) notifier: Notifier,
    /// Presence of the client as the host was told it, in order.
    pub(super) attended: Vec<bool>,
    core: proto::Connection,
}

impl Kit {
    pub(super) fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    pub(super) fn with_limits(limits: Limits) -> Self {
        Self::beside(&Presence::new(), ME, limits)
    }

    /// Another client of the same gateway.
    pub(super) fn beside(presence: &Arc<Presence>, client: &str, limits: Limits) -> Self {
        let notifier = Notifier::default();
        Self {
            connection: Connection::new(admin(client), limits, Arc::clone(presence), Arc::clone(&notifier)),
            core: proto::Connection::new(proto::Limits::default()),
            presence: Arc::clone(presence),
            notifier,
            attended: Vec::new(),
        }
    }

    /// Initialized.
    pub(super) fn ready() -> Self {
        Self::ready_with(Limits::default())
    }

    pub(super) fn ready_with(limits: Limits) -> Self {
        Self::with_limits(limits).initialized()
    }

    pub(super) fn initialized(mut self) -> Self {
        self.request(0, "initialize", &json!({ "protocolVersion": 1, "clientInfo": { "name": "kit" } }));
        self.answer(Ok(Reply::Agent(Ok(raw("{}")))));
        self.out();
        self
    }

    /// Somebody else in the session.
    pub(super) fn other(&self, client: &str, role: Role) -> Membership {
        let (connection, client) = (client.into(), client.into());
        let who = NewMember { connection, client, role, info: None, watches: false, notifier: Notifier::default() };
        self.presence.enter(&"s".into(), who)
    }

    /// Does what the driver does when the notifier was notified; whether it was.
    pub(super) fn heard(&mut self) -> bool {
        let rang = {
            let mut notified = std::pin::pin!(self.notifier.notified());
            notified.as_mut().enable()
        };
        if rang {
            self.connection.presence_changed();
        }
        rang
    }

    /// The client sends a message.
    pub(super) fn send(&mut self, message: &Value) {
        self.core.receive(Bytes::from(message.to_string()));
        while let Some(event) = self.core.next_event() {
            self.connection.handle(event);
        }
    }

    pub(super) fn request(&mut self, id: u64, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
    }

    pub(super) fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// The client answers a request that it was sent.
    pub(super) fn respond(&mut self, key: u64, result: &Value) {
        self.answer_to(key, &json!({ "result": result }));
    }

    pub(super) fn respond_error(&mut self, key: u64, error: &Value) {
        self.answer_to(key, &json!({ "error": error }));
    }

    fn answer_to(&mut self, key: u64, members: &Value) {
        // The core has to have sent it.
        self.core.request(RequestKey(key), "m", None).unwrap();
        while self.core.next_frame().is_some() {}
        let mut message = members.clone();
        message["jsonrpc"] = json!("2.0");
        message["id"] = json!(key);
        self.send(&message);
    }

    /// Messages since the last call: notifications as they are, answers as `{id, result|error}`, requests as
    /// `{ask, method, params}`, their cancellation as `{cancel}`. What is said of the queue is left out.
    pub(super) fn out(&mut self) -> Vec<Value> {
        let mut out = self.all();
        out.retain(|message| message["method"] != acp_types::meta::QUEUE_CHANGED);
        out
    }

    /// The same, all of it.
    pub(super) fn all(&mut self) -> Vec<Value> {
        let parse = |raw: &str| serde_json::from_str::<Value>(raw).unwrap();
        let mut out = Vec::new();
        for item in self.connection.out.take() {
            match item {
                Item::Frames(frames) => {
                    for frame in frames {
                        let mut value = parse(std::str::from_utf8(&frame).unwrap());
                        assert_eq!(value.as_object_mut().unwrap().remove("jsonrpc"), Some(json!("2.0")));
                        out.push(value);
                    }
                }
                Item::Respond { id, outcome } => {
                    let id = parse(id.as_raw().as_str());
                    // The next request may have the same id.
                    let _ = self.core.respond(&serde_json::from_value(id.clone()).unwrap(), Ok(acp_types::Raw::NULL));
                    out.push(match outcome {
                        Ok(result) => json!({ "id": id, "result": parse(result.as_str()) }),
                        Err(error) => json!({ "id": id, "error": parse(error.as_raw().as_str()) }),
                    });
                }
                Item::Request { key, method, params } => {
                    out.push(json!({ "ask": key.0, "method": *method, "params": parse(params.as_str()) }));
                }
                Item::Cancel(key) => out.push(json!({ "cancel": key.0 })),
            }
        }
        out
    }

    /// The one thing that was written.
    pub(super) fn only(&mut self) -> Value {
        let mut out = self.out();
        assert_eq!(out.len(), 1, "{out:?}");
        out.remove(0)
    }

    /// Texts of updates and kinds of everything else that was written.
    pub(super) fn shown(&mut self) -> Vec<String> {
        let name = |value: &Value| match () {
            () if value["params"]["update"]["client"].is_object() => {
                let update = &value["params"]["update"];
                format!(
                    "{} {}",
                    update["sessionUpdate"].as_str().unwrap(),
                    update["client"]["clientId"].as_str().unwrap()
                )
            }
            () if !value["params"]["update"]["outcome"].is_null() => {
                format!("permission_resolved {}", value["params"]["update"]["requestId"])
            }
            () if !value["params"]["update"].is_null() => {
                value["params"]["update"]["content"]["text"].as_str().unwrap().to_owned()
            }
            () if !value["ask"].is_null() => format!("ask {}", value["ask"]),
            () if !value["cancel"].is_null() => format!("cancel {}", value["cancel"]),
            () if !value["id"].is_null() => format!("answer {}", value["id"]),
            () => value["method"].as_str().unwrap().to_owned(),
        };
        self.out().iter().map(name).collect()
    }

    /// Effects to be run. The host takes note of who attends at once.
    pub(super) fn effects(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for effect in self.connection.take_effects() {
            match effect {
                Effect::Submit { command: Command::SetPresence { present }, then, .. } => {
                    self.attended.push(present);
                    self.connection.done(EffectOutcome::Submitted { then, answer: Ok(Reply::Done) });
                }
                effect => effects.push(effect),
            }
        }
        effects
    }

    /// The one thing that is to be done.
    pub(super) fn effect(&mut self) -> Effect {
        let mut effects = self.effects();
        assert_eq!(effects.len(), 1, "{effects:?}");
        effects.remove(0)
    }

    /// The one command that was submitted, not answered.
    pub(super) fn command(&mut self) -> (Option<SessionId>, Command) {
        match self.effect() {
            Effect::Submit { session, command, .. } => (session, command),
            other => panic!("{other:?}"),
        }
    }

    /// Answers the one command that was submitted.
    pub(super) fn answer(&mut self, answer: CommandAnswer) -> Command {
        match self.effect() {
            Effect::Submit { command, then, .. } => {
                let answer = answer.map_err(ServiceError::Host);
                self.connection.done(EffectOutcome::Submitted { then, answer });
                command
            }
            other => panic!("{other:?}"),
        }
    }

    /// Creates a session and attaches.
    pub(super) fn created(&mut self, session: &str) -> AttachmentId {
        self.request(1, "session/new", &json!({ "cwd": "/", "mcpServers": [] }));
        let result = raw(&json!({ "sessionId": session }).to_string());
        self.answer(Ok(Reply::Created { session: session.into(), result }));
        assert_eq!(self.only()["result"]["sessionId"], session);
        self.tail()
    }

    /// Loads or resumes a log, to the point where its tail is opened; the cursor.
    pub(super) fn open(&mut self, id: u64, method: &str, after: Option<Seq>, log: &Log) -> (AttachmentId, Seq) {
        let mut params = json!({ "sessionId": "s", "cwd": "/", "mcpServers": [] });
        if let Some(after) = after {
            params["_meta"] = json!({ "acp-bridge": { "after": after } });
        }
        self.request(id, method, &params);
        let after = match (method, after) {
            ("session/load", _) => 0,
            (_, Some(after)) => after,
            (_, None) => log.state().head(),
        };
        (self.opened(log, after), after)
    }

    /// Attaches to a log, to the point where its tail is opened. `params` beside the session.
    pub(super) fn attach(&mut self, id: u64, params: &Value, log: &Log, after: Seq) -> AttachmentId {
        let mut params = params.clone();
        params["sessionId"] = json!("s");
        self.request(id, "session/attach", &params);
        self.opened(log, after)
    }

    /// The log has been opened as it is now; history begins behind a cursor.
    pub(super) fn opened(&mut self, log: &Log, after: Seq) -> AttachmentId {
        let Effect::Open { session, mut coming, id, .. } = self.effect() else { panic!("nothing is opened") };
        let seen = log.seen();
        for record in log.records.iter().filter(|record| record.seq <= after) {
            coming.screen.hear(record, &coming.lanes, &seen.state);
        }
        let opened = Ok(Box::new(Opened { result: raw("{\"opened\":1}"), seen, follower: None, after }));
        self.connection.done(EffectOutcome::Opened { session, coming, id, opened });
        match self.effects().pop() {
            Some(Effect::Tail { attachment, after: from, .. }) => {
                assert_eq!(from, after);
                attachment
            }
            other => panic!("{other:?}"),
        }
    }

    /// The tail that was opened.
    pub(super) fn tail(&mut self) -> AttachmentId {
        match self.effect() {
            Effect::Tail { attachment, .. } => attachment,
            other => panic!("{other:?}"),
        }
    }

    /// Sends a prompt that is accepted as `turn`.
    pub(super) fn prompt(&mut self, id: u64, turn: Turn) {
        self.request(id, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
        self.answer(Ok(Reply::Turn(turn)));
    }
}

impl Connection {
    /// Takes the next records of an attachment.
    pub(super) fn records(&mut self, attachment: AttachmentId, batch: impl Into<Batch>) {
        let shown = self.attachments.show(attachment, Ok(batch.into()), &mut self.out);
        self.shown(attachment, shown);
    }

    /// Takes what went wrong with following an attachment's log; whether the attachment goes on.
    pub(super) fn tail_failed(&mut self, attachment: AttachmentId, failure: LogError) -> bool {
        let shown = self.attachments.show(attachment, Err(failure), &mut self.out);
        let goes_on = shown.is_ok();
        self.shown(attachment, shown);
        goes_on
    }
}

/// A log in the making.
#[derive(Default)]
pub(super) struct Log {
    pub(super) records: Vec<Arc<Record>>,
    /// Lane of what is added, if not `main`.
    pub(super) lane: Option<Arc<str>>,
}

impl Log {
    /// A session with an agent.
    pub(super) fn new() -> Self {
        let mut log = Self::default();
        let created = SessionCreated { cwd: "/".into(), ..SessionCreated::default() };
        log.add(Kind::SessionCreated, None, Origin::Host, &created);
        let started = AgentStarted {
            agent_session: Some("a".into()),
            start: Start::New,
            initialize: raw("{}"),
            state: raw("{}"),
            link: None,
        };
        log.add(Kind::AgentStarted, None, Origin::Host, &started);
        log
    }

    /// Puts what is added from now on into this lane.
    pub(super) fn within(&mut self, lane: &str) -> &mut Self {
        self.lane = Some(lane.into());
        self
    }

    fn lane(&self) -> Arc<str> {
        self.lane.clone().unwrap_or_else(|| Record::MAIN_LANE.into())
    }

    pub(super) fn add<T: Serialize>(&mut self, kind: Kind, turn: Option<Turn>, origin: Origin, body: &T) -> Seq {
        let seq = self.records.len() as Seq + 1;
        let body = RawBuf::encode(body).unwrap();
        let lane = self.lane();
        self.records.push(Arc::new(Record { seq, at: seq, epoch: 1, lane, origin, kind, turn, position: None, body }));
        seq
    }

    pub(super) fn say(&mut self, origin: Origin, kind: &str, turn: Option<Turn>, text: &str) -> Seq {
        let seq = self.records.len() as Seq + 1;
        let params = json!({
            "sessionId": "s",
            "update": { "sessionUpdate": kind, "content": { "type": "text", "text": text } },
            "_meta": { "acp-bridge": { "seq": seq, "at": seq, "turn": turn, "lane": self.lane() } },
        });
        self.add(Kind::Update, turn, origin, &params)
    }

    /// A chunk of the agent.
    pub(super) fn chunk(&mut self, turn: Turn, text: &str) -> Seq {
        self.say(Origin::Agent, "agent_message_chunk", Some(turn), text)
    }

    /// A prompt of a client, started at once, with the message that it makes.
    pub(super) fn prompt(&mut self, client: &str) -> Turn {
        let by = Origin::Client(client.into());
        let prompt = PromptQueued { params: raw("{}"), ..PromptQueued::default() };
        let turn = self.add(Kind::PromptQueued, None, by.clone(), &prompt);
        self.add(Kind::TurnStarted, Some(turn), Origin::Host, &body::TurnStarted {});
        self.say(by, "user_message_chunk", Some(turn), &format!("{client} says"));
        turn
    }

    pub(super) fn end(&mut self, turn: Turn) -> Seq {
        let result = raw(r#"{"stopReason":"end_turn"}"#);
        self.end_as(turn, &body::Outcome::Completed { stop_reason: "end_turn".into(), result })
    }

    pub(super) fn end_as(&mut self, turn: Turn, outcome: &body::Outcome) -> Seq {
        self.add(Kind::TurnEnded, Some(turn), Origin::Host, outcome)
    }

    pub(super) fn ask(&mut self, turn: Option<Turn>) -> Seq {
        self.add(
            Kind::PermissionRequested,
            turn,
            Origin::Agent,
            &json!({ "sessionId": "s", "toolCall": { "toolCallId": "call" }, "options": [] }),
        )
    }

    pub(super) fn resolve(&mut self, request: Seq) -> Seq {
        let resolved = Resolved { request, result: Some(raw("{}")), ..Resolved::default() };
        self.add(Kind::PermissionResolved, None, Origin::Client("other".into()), &resolved)
    }

    /// Sight of a client that comes before its first record.
    pub(super) fn seen(&self) -> Seen {
        Seen { state: Arc::new(self.state()), head: self.records.len() as Seq }
    }

    pub(super) fn state(&self) -> State {
        let mut state = State::default();
        for record in &self.records {
            state.apply(record).unwrap();
        }
        state
    }

    /// Records behind a cursor.
    pub(super) fn after(&self, cursor: Seq) -> &[Arc<Record>] {
        &self.records[usize::try_from(cursor).unwrap()..]
    }
}
