//! A host without an agent: it accepts everything at once and leaves what an agent would do to the test.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use acp_bridge::command::{CommandAnswer, Order, encode_answer};
use acp_bridge::log::{Member, Role, SessionLog, TakenCommand};
use acp_bridge::session::{Command, Refusal, Reply};
use acp_bridge::vault;
use acp_types::record::body::{self, AgentStarted, PromptQueued, SessionCreated, Start};
use acp_types::record::{Kind, Origin, Record, Seq, Turn};
use acp_types::{Raw, RawBuf, SessionId};
use serde_json::json;

const DEADLINE: Duration = Duration::from_secs(180);

pub fn raw(text: &str) -> RawBuf {
    RawBuf::parse(text).expect("JSON")
}

fn encode<T: serde::Serialize>(body: &T) -> RawBuf {
    RawBuf::encode(body).expect("JSON")
}

/// The commands that have come, in order; each is handed out once.
#[derive(Default)]
struct Seen {
    commands: Vec<Option<(Option<SessionId>, Command)>>,
    turns: Vec<(SessionId, Option<String>, Turn)>,
    sessions: usize,
}

pub struct Host {
    log: Arc<dyn SessionLog>,
    member: Member,
    /// Appends are read-modify-write.
    writing: tokio::sync::Mutex<()>,
    seen: Mutex<Seen>,
    came: Condvar,
    /// While it is held, commands are taken but not answered.
    pub gate: tokio::sync::Mutex<()>,
}

impl Host {
    pub fn new(log: Arc<dyn SessionLog>) -> Self {
        Self {
            log,
            member: Member { id: "stub".into(), role: Role::Host },
            writing: tokio::sync::Mutex::default(),
            seen: Mutex::default(),
            came: Condvar::new(),
            gate: tokio::sync::Mutex::default(),
        }
    }

    /// Becomes a host of the log.
    pub async fn join(&self) {
        self.log.renew(&self.member, Duration::from_secs(600)).await.expect("room for a host");
    }

    /// Takes commands until the log is closed.
    pub async fn serve(self: Arc<Self>) {
        while let Ok(taken) = self.log.take(&self.member.id).await {
            for TakenCommand { id, session, body, .. } in taken {
                let order = Order::decode(&body).expect("a command");
                let (client, command) = order.open(&*vault::shared()).await.expect("its secrets");
                drop(self.gate.lock().await);
                let answer = self.answer(session.clone(), &client, command.clone()).await;
                self.seen.lock().expect("no panic").commands.push(Some((session, command)));
                self.came.notify_all();
                self.log.answer(&id, encode_answer(&answer)).await.expect("an answer");
            }
        }
    }

    async fn answer(&self, session: Option<SessionId>, client: &Arc<str>, command: Command) -> CommandAnswer {
        let by = Origin::Client(Arc::clone(client));
        match (session, command) {
            (None, Command::Describe { .. }) => {
                Ok(Reply::Agent(Ok(raw(r#"{"protocolVersion":1,"agentInfo":{"name":"stub"},"_x":1e2}"#))))
            }
            (None, Command::Create { params, .. }) => Ok(self.create(&params).await),
            (Some(session), command) => {
                if self.log.get(&session).await.expect("a log").is_none() {
                    return Err(unknown(&session));
                }
                self.in_session(&session, by, command).await
            }
            (_, command) => Ok(called(command)),
        }
    }

    async fn create(&self, params: &RawBuf) -> Reply {
        let _writing = self.writing.lock().await;
        let session = {
            let mut seen = self.seen.lock().expect("no panic");
            seen.sessions += 1;
            SessionId::from(format!("s{}", seen.sessions))
        };
        let cwd = params.as_raw().member("cwd").and_then(Raw::as_string).expect("checked").into_owned();
        let created = SessionCreated {
            cwd,
            params: params.clone(),
            redacted: false,
            initialize: raw("{}"),
            unattended: None,
            dialled: false,
        };
        let state = raw(r#"{"sessionId":"a","modes":{"currentModeId":"ask"}}"#);
        let agent_session = Some("a".into());
        let started = AgentStarted { agent_session, start: Start::New, initialize: raw("{}"), state, link: None };
        let early = json!({ "sessionId": session, "update": {
            "sessionUpdate": "available_commands_update", "availableCommands": [], "content": { "text": "early" } } });
        let records = [
            record(1, Kind::SessionCreated, None, Origin::Host, encode(&created)),
            record(2, Kind::AgentStarted, None, Origin::Host, encode(&started)),
            record(3, Kind::Update, None, Origin::Agent, encode(&early)),
        ];
        self.log
            .create(&session, &self.member.id, records.into_iter().map(Arc::new).collect())
            .await
            .expect("a new session");
        let result = encode(&json!({ "sessionId": session, "modes": { "currentModeId": "ask" } }));
        Reply::Created { session, result }
    }

    async fn in_session(&self, session: &SessionId, by: Origin, command: Command) -> CommandAnswer {
        Ok(match command {
            Command::Attach { .. } => Reply::State(raw(r#"{"modes":{"currentModeId":"ask"}}"#)),
            Command::Prompt { params, key, accept_context_loss, .. } => {
                if let Some(turn) =
                    key.as_ref().and_then(|key| self.find_turn(|of, with| of == session && with == Some(key)))
                {
                    return Ok(Reply::Turn(turn));
                }
                let text = params.as_raw().member("prompt").and_then(|prompt| prompt.elements().next());
                let text = text.and_then(|block| block.member("text")).and_then(Raw::as_string).unwrap_or_default();
                let text = text.into_owned();
                let queued =
                    encode(&PromptQueued { key: key.clone(), params, accept_context_loss, ..PromptQueued::default() });
                let turn = self.append(session, Kind::PromptQueued, None, by.clone(), queued).await;
                self.seen.lock().expect("no panic").turns.push((session.clone(), key, turn));
                let started = encode(&body::TurnStarted {});
                self.append(session, Kind::TurnStarted, Some(turn), Origin::Host, started).await;
                self.updates(session, Some(turn), by, "user_message_chunk", &[text]).await;
                Reply::Turn(turn)
            }
            Command::Cancel { turn, .. } => {
                let Some(turn) = turn.or_else(|| self.turn_of(session)) else { return Ok(Reply::Done) };
                let outcome = encode(&body::Outcome::Cancelled { result: None, killed: false });
                self.append(session, Kind::TurnEnded, Some(turn), Origin::Host, outcome).await;
                Reply::Done
            }
            Command::Answer { .. } => Reply::Answered(true),
            Command::Close => {
                self.append(session, Kind::SessionClosed, None, by, raw("{}")).await;
                Reply::Done
            }
            Command::Delete => {
                self.log.delete(session).await.expect("a log");
                Reply::Done
            }
            command => called(command),
        })
    }

    /// Appends one record at the head; its seq.
    pub async fn append(&self, session: &SessionId, kind: Kind, turn: Option<Turn>, by: Origin, body: RawBuf) -> Seq {
        let _writing = self.writing.lock().await;
        let seq = self.head(session).await + 1;
        let record = Arc::new(record(seq, kind, turn, by, body));
        self.log.append(session, vec![record]).await.expect("an append");
        seq
    }

    /// Appends updates as one batch; the last one's seq.
    pub async fn updates(
        &self,
        session: &SessionId,
        turn: Option<Turn>,
        by: Origin,
        kind: &str,
        texts: &[String],
    ) -> Seq {
        let _writing = self.writing.lock().await;
        let mut seq = self.head(session).await;
        let mut records = Vec::with_capacity(texts.len());
        for text in texts {
            seq += 1;
            let params = json!({
                "sessionId": session,
                "update": { "sessionUpdate": kind, "content": { "type": "text", "text": text } },
                "_meta": { "acp-bridge": { "seq": seq, "at": seq, "turn": turn, "lane": "main" } },
            });
            records.push(Arc::new(record(seq, Kind::Update, turn, by.clone(), encode(&params))));
        }
        self.log.append(session, records).await.expect("an append");
        seq
    }

    async fn head(&self, session: &SessionId) -> Seq {
        self.log.get(session).await.expect("a log").expect("a session").head
    }

    fn turn_of(&self, session: &SessionId) -> Option<Turn> {
        self.find_turn(|of, _| of == session)
    }

    fn find_turn(&self, fits: impl Fn(&SessionId, Option<&String>) -> bool) -> Option<Turn> {
        let seen = self.seen.lock().expect("no panic");
        seen.turns.iter().rev().find(|(of, key, _)| fits(of, key.as_ref())).map(|&(_, _, turn)| turn)
    }

    /// The newest turn of a session.
    pub fn last_turn(&self, session: &str) -> Turn {
        self.turn_of(&session.into()).expect("a turn")
    }

    /// The commands that came and were not asked for yet.
    pub fn commands(&self) -> Vec<Command> {
        let seen = self.seen.lock().expect("no panic");
        seen.commands.iter().flatten().map(|(_, command)| command.clone()).collect()
    }

    /// The same for one session, or for none.
    pub fn commands_for(&self, session: Option<&str>) -> Vec<Command> {
        let seen = self.seen.lock().expect("no panic");
        let of_it = seen.commands.iter().flatten().filter(|(of, _)| of.as_ref().map(SessionId::as_str) == session);
        of_it.map(|(_, command)| command.clone()).collect()
    }

    pub fn wait_for(&self, what: &str, fits: impl Fn(&Command) -> bool) -> (Option<SessionId>, Command) {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = self.seen.lock().expect("no panic");
        loop {
            let fitting = seen.commands.iter_mut().find(|came| came.as_ref().is_some_and(|(_, command)| fits(command)));
            if let Some(found) = fitting.and_then(Option::take) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} reached the host; seen {:?}", seen.commands);
            seen = self.came.wait_timeout(seen, left).expect("no panic").0;
        }
    }
}

fn record(seq: Seq, kind: Kind, turn: Option<Turn>, origin: Origin, body: RawBuf) -> Record {
    Record {
        seq,
        at: seq * 1_000_000,
        epoch: 1,
        lane: Record::MAIN_LANE.into(),
        origin,
        kind,
        turn,
        position: None,
        body,
    }
}

/// What the agent would say: what it was asked, or an error if the method ends in `fail`.
fn called(command: Command) -> Reply {
    match command {
        Command::Call { method, .. } if method.ends_with("fail") => {
            Reply::Agent(Err(raw(r#"{"code":4711,"message":"told to fail","_x":1e2}"#)))
        }
        Command::Call { method, params, .. } => {
            Reply::Agent(Ok(encode(&json!({ "method": method, "params": params }))))
        }
        _ => Reply::Done,
    }
}

fn unknown(session: &SessionId) -> Refusal {
    Refusal::UnknownSession { session: session.clone() }
}
