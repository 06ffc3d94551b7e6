//! A session's machine with a log in memory: what comes in, what is recorded, what is to be done.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

pub(crate) mod model;

use std::sync::Arc;

use acp_bridge::session::{
    CallId, Command, CommandId, Config, Effect, FirstAgent, FromAgent, Input, Machine, Output, Refusal, Reply,
    StartPlan, State,
};
use acp_types::record::body::{AgentLink, AgentStarted, Outcome, Start};
use acp_types::record::{Kind, Record, Seq, Turn};
use acp_types::{RawBuf, RequestId, SessionId};
use serde_json::{Value, json};

pub(crate) const SECOND: u64 = 1_000_000;

pub(crate) fn raw(text: &str) -> RawBuf {
    RawBuf::parse(text).unwrap()
}

pub(crate) fn value(raw: &RawBuf) -> Value {
    serde_json::from_str(raw.as_str()).unwrap()
}

/// What an agent with modes says when it starts.
pub(crate) fn agent_started(start: Start) -> AgentStarted {
    AgentStarted {
        agent_session: Some("agent-1".into()),
        start,
        initialize: raw("{}"),
        state: raw(r#"{"sessionId":"agent-1","modes":{"currentModeId":"ask"}}"#),
        link: None,
    }
}

/// The same of one that is connected over a link.
pub(crate) fn linked_agent_started(start: Start) -> AgentStarted {
    let link = Some(AgentLink { instance: "run-1".into(), keep_ms: 60_000 });
    AgentStarted { link, ..agent_started(start) }
}

/// A machine, its log, and the effects that nobody has looked at yet.
pub(crate) struct Session {
    pub(crate) machine: Machine,
    pub(crate) log: Vec<Arc<Record>>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) now: u64,
    folded: State,
    config: Config,
    /// What was kept for the next start beside the log.
    pub(crate) kept: Option<RawBuf>,
    next_command: u64,
    /// The number of the agent's last message, if it is connected over a link.
    position: Option<u64>,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self::with(Config::default(), r#"{"cwd":"/w","mcpServers":[]}"#, vec![])
    }

    /// With an agent that is connected over a link and has sent two messages before the session was open.
    pub(crate) fn linked() -> Self {
        let started = linked_agent_started(Start::New);
        Self::made(Config::default(), r#"{"cwd":"/w","mcpServers":[]}"#, started, Some(2), vec![])
    }

    pub(crate) fn with(config: Config, params: &str, early: Vec<FromAgent>) -> Self {
        Self::made(config, params, agent_started(Start::New), None, early)
    }

    /// Whose agent has not dialled in yet.
    pub(crate) fn without_agent() -> Self {
        let (config, now) = (Config::default(), 1_000 * SECOND);
        let (params, initialize) = (raw(r#"{"cwd":"/w","mcpServers":[]}"#), raw(r#"{"protocolVersion":1}"#));
        let made = Machine::create_without_agent(SessionId::from("s"), config.clone(), now, &params, initialize);
        Self::of(config, now, made, None)
    }

    fn made(config: Config, params: &str, started: AgentStarted, position: Option<u64>, early: Vec<FromAgent>) -> Self {
        let now = 1_000 * SECOND;
        let made = Machine::create(
            SessionId::from("s"),
            config.clone(),
            now,
            &raw(params),
            FirstAgent {
                initialize: raw(r#"{"protocolVersion":1}"#),
                started,
                position,
                early: early.into_iter().map(|event| (None, event)).collect(),
            },
        );
        Self::of(config, now, made, position)
    }

    fn of(config: Config, now: u64, (machine, out): (Machine, Output), position: Option<u64>) -> Self {
        let (log, effects, folded) = (vec![], vec![], State::default());
        let mut session = Self { machine, log, effects, now, folded, config, kept: None, next_command: 0, position };
        session.take(out);
        session
    }

    /// Appends and folds; the effects wait to be looked at.
    fn take(&mut self, out: Output) {
        for record in out.records {
            assert_eq!(record.seq, self.log.len() as Seq + 1, "seqs have no gaps");
            self.folded.apply(&record).unwrap();
            self.log.push(record);
        }
        assert_eq!(&self.folded, self.machine.state(), "the log says what the machine thinks");
        for effect in out.effects {
            match effect {
                Effect::KeepStart { params } => self.kept = Some(params),
                other => self.effects.push(other),
            }
        }
    }

    /// What was kept beside the log is lost, or somebody else has the log.
    pub(crate) fn lose_what_was_kept(&mut self) {
        self.kept = None;
    }

    /// A record that the machine has not made.
    pub(crate) fn write(&mut self, kind: Kind, turn: Option<Turn>, body: &Value) -> Seq {
        let seq = self.head() + 1;
        let epoch = self.log.last().map_or(1, |record| record.epoch);
        self.log.push(Arc::new(Record {
            seq,
            at: self.now,
            epoch,
            lane: Record::MAIN_LANE.into(),
            origin: acp_types::record::Origin::Client("elsewhere".into()),
            kind,
            turn,
            position: None,
            body: RawBuf::encode(body).unwrap(),
        }));
        seq
    }

    /// One input; returns the effects that it has brought.
    pub(crate) fn input(&mut self, input: Input) -> Vec<Effect> {
        let mut out = Output::default();
        self.machine.handle(self.now, input, &mut out);
        self.take(out);
        std::mem::take(&mut self.effects)
    }

    pub(crate) fn agent(&mut self, event: FromAgent) -> Vec<Effect> {
        self.agent_of(Record::MAIN_LANE, event)
    }

    pub(crate) fn agent_of(&mut self, lane: &str, event: FromAgent) -> Vec<Effect> {
        self.position = self.position.map(|position| position + 1);
        self.input(Input::Agent { lane: lane.into(), position: self.position, event })
    }

    /// The driver says of the agent what it does not say itself.
    pub(crate) fn driver(&mut self, event: FromAgent) -> Vec<Effect> {
        self.input(Input::Agent { lane: Record::MAIN_LANE.into(), position: None, event })
    }

    /// A command's reply and what else it has brought.
    pub(crate) fn command(&mut self, client: &str, command: Command) -> (Result<Reply, Refusal>, Vec<Effect>) {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        let mut effects = self.input(Input::Command { id, client: client.into(), command });
        let at = effects.iter().position(|effect| matches!(effect, Effect::Reply { command, .. } if *command == id));
        let Effect::Reply { reply, .. } = effects.remove(at.expect("a reply")) else { unreachable!() };
        (reply, effects)
    }

    /// A command whose reply comes later.
    pub(crate) fn open_command(&mut self, client: &str, command: Command) -> (CommandId, Vec<Effect>) {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        let effects = self.input(Input::Command { id, client: client.into(), command });
        (id, effects)
    }

    /// A prompt that is accepted.
    pub(crate) fn prompt(&mut self, text: &str) -> (Turn, Vec<Effect>) {
        let (reply, effects) = self.command("c1", prompt(text, None));
        let Ok(Reply::Turn(turn)) = reply else { panic!("{reply:?}") };
        (turn, effects)
    }

    /// A prompt that runs at once, and the call to the agent.
    pub(crate) fn running(&mut self, text: &str) -> (Turn, CallId) {
        let (turn, effects) = self.prompt(text);
        assert_eq!(self.machine.state().main().running(), Some(turn));
        (turn, call(&effects).0)
    }

    pub(crate) fn cancel(&mut self, turn: Option<Turn>) -> Vec<Effect> {
        let (reply, effects) = self.command("c2", Command::cancel(turn));
        assert_eq!(reply, Ok(Reply::Done));
        effects
    }

    pub(crate) fn answered(&mut self, call: CallId, outcome: Result<&str, &str>) -> Vec<Effect> {
        let outcome = outcome.map(raw).map_err(raw);
        self.agent(FromAgent::Answered { call, outcome })
    }

    /// The agent asks; returns the seq of the record.
    pub(crate) fn asks(&mut self, id: u64, method: &str, params: &str) -> Seq {
        let params = Some(raw(params));
        let effects = self.agent(FromAgent::Request { id: RequestId::from(id), method: method.into(), params });
        assert!(effects.is_empty(), "{effects:?}");
        self.log.len() as Seq
    }

    pub(crate) fn asks_permission(&mut self, id: u64) -> Seq {
        self.asks(id, "session/request_permission", r#"{"sessionId":"agent-1","options":[]}"#)
    }

    /// The machine is gone with all that it had not recorded; another one opens the log. Looked at as control records
    /// only, which is how the host reads it.
    pub(crate) fn crash(&mut self) -> Vec<Effect> {
        self.now += SECOND;
        let mut state = State::default();
        for record in &self.log {
            if record.kind.is_control() {
                state.apply(record).unwrap();
            } else if let Some(position) = record.position {
                state.set_received(&record.lane, position);
            }
        }
        state.set_head(self.log.len() as Seq);
        let epoch = self.log.last().map_or(0, |record| record.epoch) + 1;
        self.folded = state.clone();
        let kept = self.kept.clone();
        let (machine, out) = Machine::recover(SessionId::from("s"), epoch, state, self.config.clone(), self.now, kept);
        self.machine = machine;
        self.effects.clear();
        self.take(out);
        std::mem::take(&mut self.effects)
    }

    pub(crate) fn shutdown(&mut self) -> Vec<Effect> {
        let mut out = Output::default();
        self.machine.shutdown(self.now, &mut out);
        self.take(out);
        std::mem::take(&mut self.effects)
    }

    pub(crate) fn exits(&mut self) -> Vec<Effect> {
        self.agent(FromAgent::Exited { reason: "exit status 7".into() })
    }

    /// The kinds of the records after `seq`.
    pub(crate) fn kinds(&self, after: Seq) -> Vec<&str> {
        self.log.iter().filter(|record| record.seq > after).map(|record| record.kind.as_str()).collect()
    }

    pub(crate) fn head(&self) -> Seq {
        self.log.len() as Seq
    }

    pub(crate) fn record(&self, seq: Seq) -> &Record {
        &self.log[usize::try_from(seq).unwrap() - 1]
    }

    /// The one record of that kind after `seq`.
    pub(crate) fn only(&self, after: Seq, kind: &Kind) -> &Record {
        let mut found = self.log.iter().filter(|record| record.seq > after && record.kind == *kind);
        let record = found.next().expect("such a record");
        assert!(found.next().is_none(), "only one {kind}");
        record
    }

    pub(crate) fn outcome(&self, turn: Turn) -> Option<Outcome> {
        let ended = |record: &&Arc<Record>| record.kind == Kind::TurnEnded && record.turn == Some(turn);
        let mut found = self.log.iter().filter(ended);
        let outcome = found.next().map(|record| record.decode().unwrap());
        assert!(found.next().is_none(), "a turn ends once");
        outcome
    }
}

pub(crate) fn prompt(text: &str, key: Option<&str>) -> Command {
    let params = json!({ "sessionId": "s", "prompt": [{ "type": "text", "text": text }] });
    Command::prompt(raw(&params.to_string()), key.map(Into::into), false)
}

/// The one call to the agent among effects: id, method, params.
pub(crate) fn call(effects: &[Effect]) -> (CallId, String, Option<Value>) {
    let mut found = effects.iter().filter_map(|effect| match effect {
        Effect::Call { call, method, params, .. } => Some((*call, method.clone(), params.as_ref().map(value))),
        _ => None,
    });
    let call = found.next().expect("a call to the agent");
    assert!(found.next().is_none(), "one call");
    call
}

/// The answers to the agent among effects.
pub(crate) fn responses(effects: &[Effect]) -> Vec<(String, Result<Value, Value>)> {
    let respond = |effect: &Effect| match effect {
        Effect::Respond { id, answer, .. } => Some((id.to_string(), answer.as_ref().map(value).map_err(value))),
        _ => None,
    };
    effects.iter().filter_map(respond).collect()
}

/// The methods of the notifications to the agent among effects.
pub(crate) fn notified(effects: &[Effect]) -> Vec<&str> {
    let mut methods = vec![];
    for effect in effects {
        if let Effect::Notify { method, .. } = effect {
            methods.push(method.as_str());
        }
    }
    methods
}

/// The one plan to start an agent among effects.
pub(crate) fn plan(effects: &[Effect]) -> &StartPlan {
    let mut found = effects.iter().filter_map(|effect| match effect {
        Effect::StartAgent { plan, .. } => Some(plan),
        _ => None,
    });
    let plan = found.next().expect("a start of the agent");
    assert!(found.next().is_none(), "one start");
    plan
}

pub(crate) fn starts(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::StartAgent { .. }))
}

pub(crate) fn stops(effects: &[Effect]) -> Option<bool> {
    effects.iter().find_map(|effect| match effect {
        Effect::StopAgent { kill, .. } => Some(*kill),
        _ => None,
    })
}

/// The one wait for an agent among effects: what is received, and the call of its prompt.
pub(crate) fn awaited(effects: &[Effect]) -> (u64, Option<CallId>) {
    let mut found = effects.iter().filter_map(|effect| match effect {
        Effect::AwaitAgent { received, call, .. } => Some((*received, *call)),
        _ => None,
    });
    let awaited = found.next().expect("an agent that is awaited");
    assert!(found.next().is_none(), "one agent");
    awaited
}

/// The replies among effects.
pub(crate) fn replies(effects: &[Effect]) -> Vec<(CommandId, Result<Reply, Refusal>)> {
    let reply = |effect: &Effect| match effect {
        Effect::Reply { command, reply } => Some((*command, reply.clone())),
        _ => None,
    };
    effects.iter().filter_map(reply).collect()
}

pub(crate) fn update(params: &str) -> FromAgent {
    FromAgent::Update(raw(params).into())
}
