//! A whole world around a machine: clients, a driver, an agent and a log, moved by a list of [`Op`]s.
//!
//! It checks the promises at every step. The property tests and the fuzz target `session_ops` run it.

#[path = "model/link.rs"]
mod link;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use acp_bridge::session::{
    AgentSource, CallId, Command, CommandId, Config, Effect, FirstAgent, FromAgent, Input, LaneState, Machine, Output,
    QueueCommand, Refusal, Reply, State, TurnPhase,
};
use acp_types::meta::{AfterRestart, CancelScope, OnBusy};
use acp_types::record::body::{AgentLink, AgentStarted, PromptQueued, PromptSteered, SessionUpdated, Start, Steer};
use acp_types::record::{Epoch, Kind, Record, Seq, Turn};
use acp_types::{RawBuf, RequestId, SessionId};
use link::{Link, Said};

/// One thing that happens. Numbers pick among what is there, so that every list of operations means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Prompt {
        key: u8,
        accept_context_loss: bool,
    },
    /// A prompt that says what it does when busy and after a restart.
    PromptThat {
        key: u8,
        kind: u8,
    },
    Cancel {
        turn: Option<u8>,
    },
    /// A cancel of what waits, or of everything.
    CancelAll {
        running: bool,
    },
    /// A look at what waits, or a change of it.
    Queue {
        kind: u8,
        turn: u8,
    },
    Attend {
        present: bool,
    },
    SetPolicy {
        kind: u8,
    },
    Answer {
        request: u8,
        error: bool,
    },
    Call {
        kind: u8,
    },
    Notify,
    /// Agents that nobody needs are to be stopped.
    Rest,
    Attach,
    Close,
    Update {
        kind: u8,
    },
    Request {
        method: u8,
        id: u8,
    },
    Withdraw {
        request: u8,
    },
    Notification,
    /// The agent answers one of its open calls, in any order.
    AgentAnswers {
        call: u8,
        kind: u8,
    },
    /// It answers what it has answered before, or what it was never asked.
    AgentAnswersAgain {
        call: u8,
    },
    AgentExits,
    Started {
        forgot: bool,
    },
    StartFails,
    /// An agent behind a link that was cut off comes back, or it does not.
    Returns {
        comes: bool,
    },
    /// An agent more, by name.
    LaneAdd {
        lane: u8,
    },
    LaneRemove {
        lane: u8,
    },
    /// Prompts, stops and what the agent does are about this lane from now on.
    Turn {
        lane: u8,
    },
    /// Time passes, up to half the grace; then the driver's timer fires if it is due.
    Wait {
        tenths: u8,
    },
    /// The driver appends and runs the effects.
    Flush,
    /// The machine is lost: with what it has not appended, or between the append and the effects.
    Crash {
        appended: bool,
    },
    Shutdown,
}

impl From<[u8; 3]> for Op {
    fn from([op, a, b]: [u8; 3]) -> Self {
        match op % 42 {
            0..=3 => Self::Prompt { key: a % 6, accept_context_loss: b % 4 == 0 },
            4 | 5 => Self::Cancel { turn: (a % 2 == 0).then_some(b) },
            6 | 7 => Self::Answer { request: a, error: b % 3 == 0 },
            8 => Self::Call { kind: a },
            9 if b % 2 == 0 => Self::Rest,
            9 => Self::Notify,
            10 => Self::Attach,
            11 if b % 3 == 0 => Self::Close,
            11..=13 => Self::Update { kind: a },
            14..=16 => Self::Request { method: a, id: b % 8 },
            17 => Self::Withdraw { request: a },
            18 => Self::Notification,
            19..=21 => Self::AgentAnswers { call: a, kind: b },
            22 => Self::AgentAnswersAgain { call: a },
            23 if b % 2 == 0 => Self::AgentExits,
            23..=25 => Self::Started { forgot: a % 4 == 0 },
            26 if b % 2 == 0 => Self::StartFails,
            26 | 27 => Self::Wait { tenths: a },
            28 if b % 4 == 0 => Self::Shutdown,
            28 | 29 if b % 2 == 0 => Self::Crash { appended: a % 2 == 0 },
            30 if b % 2 == 0 => Self::Turn { lane: a },
            31 if b % 4 == 0 => Self::LaneRemove { lane: a },
            31 if b % 4 < 3 => Self::LaneAdd { lane: a },
            32..=34 => Self::PromptThat { key: a % 6, kind: b },
            35 | 36 => Self::Queue { kind: a, turn: b },
            37 => Self::Attend { present: a % 2 == 0 },
            38 => Self::SetPolicy { kind: a },
            39 => Self::CancelAll { running: a % 4 == 0 },
            40 | 41 => Self::Returns { comes: b % 8 > 0 },
            _ => Self::Flush,
        }
    }
}

/// More names than there may be lanes.
const LANES: [&str; 3] = [Record::MAIN_LANE, "a", "b"];

const UPDATES: [&str; 10] = [
    r#"{"update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"t"}}}"#,
    r#"{"update":{"sessionUpdate":"session_info_update","title":"T"}}"#,
    r#"{"update":{"sessionUpdate":"session_info_update","title":null}}"#,
    r#"{"update":{"sessionUpdate":"current_mode_update","currentModeId":"m\ud800"}}"#,
    r#"{"update":{"sessionUpdate":"current_mode_update","currentModeId":"auto"}}"#,
    r#"{"update":{"sessionUpdate":"config_option_update","configOptions":[1e2]}}"#,
    r#"{"update":[],"_meta":7}"#,
    r#"{"sessionId":"foreign","sessionId":"agent","update":{"sessionUpdate":7},"_meta":{"acp-bridge":1,"acp-bridge":2}}"#,
    "[[]]",
    "{}",
];

const METHODS: [&str; 5] =
    ["session/request_permission", "session/request_permission", "elicitation/create", "_x/ask", "fs/read_text_file"];

const ASKED: &str = r#"{"toolCall":{"kind":"edit"},"options":[{"optionId":"y","kind":"allow_once"},{"optionId":"n","kind":"reject_once"}]}"#;

const CALLS: [&str; 4] = ["session/set_mode", "session/set_config_option", "_x/call", "session/set_mode"];

const PARAMS: [&str; 4] = [
    r#"{"sessionId":"s","modeId":"auto","_meta":{"acp-bridge":{}}}"#,
    r#"{"sessionId":"s","configId":"m","value":"v","modeId":"plan"}"#,
    r#"{"sessionId":"s","configId":"n","value":true}"#,
    r#"{"sessionId":"s"}"#,
];

const POLICIES: [&str; 5] = ["wait", "wait:2s", "reject", "allow:read:reject", "allow:edit:wait:1s"];

const RESULTS: [&str; 8] = [
    r#"{"outcome":"injected","stopReason":"end_turn"}"#,
    r#"{"outcome":"idle"}"#,
    r#"{"stopReason":"end_turn"}"#,
    r#"{"stopReason":"cancelled"}"#,
    r#"{"configOptions":[1,{"id":"m","category":"mode","currentValue":"v"}]}"#,
    "null",
    r#"{"stopReason":7}"#,
    "{}",
];

/// One request of the agent, from its asking to its answer.
#[derive(Debug)]
struct Asked {
    id: RequestId,
    /// The number of its message.
    position: u64,
    answers: u32,
    /// The message was sent again after it was answered, so that a second answer may come; the link drops it.
    again: bool,
    /// The process that asked is gone, so that no answer is due.
    moot: bool,
}

/// The agent process, as the driver sees it.
#[derive(Debug, Default)]
struct Agent {
    alive: bool,
    starting: bool,
    open: Vec<(CallId, bool)>,
    answered: Vec<CallId>,
    asked: Vec<Asked>,
    link: Link,
}

/// Everything around a machine.
pub(crate) struct World {
    machine: Machine,
    config: Config,
    out: Output,
    /// What is on stable storage.
    log: Vec<Arc<Record>>,
    folded: State,
    epoch: Epoch,
    now: u64,
    /// By lane, also those that are only on their way.
    agents: BTreeMap<&'static str, Agent>,
    /// The lane that operations are about.
    lane: &'static str,
    next_command: u64,
    /// Commands of the present machine that wait for their reply.
    waiting: HashMap<CommandId, Option<u8>>,
    /// Turns that were promised, by key (P6).
    promised: HashMap<u8, Turn>,
    /// Turns whose prompt an agent was given.
    prompted: HashSet<Turn>,
    /// Agents are connected over links.
    links: bool,
    /// Agents that were started over a link.
    runs: u32,
    /// Until when policies hold back after a restart.
    hold: Option<u64>,
    /// When the bridge was started last.
    restarted: u64,
    /// Lanes to which a client has come since the last crash, so that queued turns are to go on.
    came: HashSet<&'static str>,
}

fn raw(text: &str) -> RawBuf {
    RawBuf::parse(text).unwrap()
}

fn pick<T>(items: &[T], number: u8) -> Option<&T> {
    items.get(usize::from(number).checked_rem(items.len())?)
}

fn is_idle(lane: &LaneState) -> bool {
    lane.running().is_none() && lane.queue().len() == 0 && lane.steered().len() == 0
}

fn started(agent_session: &str, start: Start) -> AgentStarted {
    let state = raw(r#"{"sessionId":"a","modes":{"currentModeId":"ask"},"configOptions":[]}"#);
    AgentStarted {
        agent_session: Some(agent_session.into()),
        start,
        initialize: raw(r#"{"_meta":{"steering":{"supported":true}},"agentCapabilities":{"loadSession":true}}"#),
        state,
        link: None,
    }
}

impl World {
    /// Runs all operations, then lets the agent and time do what they must, and checks that nothing is left open.
    pub(crate) fn run(ops: &[Op]) {
        Self::run_with(ops, false);
    }

    /// The same with agents that are connected over links and outlive the bridge.
    pub(crate) fn run_linked(ops: &[Op]) {
        Self::run_with(ops, true);
    }

    fn run_with(ops: &[Op], links: bool) {
        let mut world = Self::new(links);
        for &op in ops {
            world.op(op);
        }
        world.drain();
    }

    fn new(links: bool) -> Self {
        let mut config = Config::default();
        config.max_lanes = 2;
        config.max_queue = 4;
        config.max_pending = 3;
        config.max_waiting_calls = 2;
        config.max_open_calls = 3;
        let params = raw(r#"{"cwd":"/","mcpServers":[{"env":[{"name":"n","value":"SECRET"}]}]}"#);
        let mut first = started("agent", Start::New);
        let main = Link::new("run 0".into());
        first.link = links.then(|| AgentLink { instance: main.instance.clone(), keep_ms: 1000 });
        let position = links.then_some(main.position);
        let first = FirstAgent { initialize: raw("{}"), started: first, position, early: vec![] };
        let (machine, out) = Machine::create("s".into(), config.clone(), 1, &params, first);
        let mut world = Self {
            machine,
            config,
            out,
            log: vec![],
            folded: State::default(),
            epoch: 1,
            now: 1,
            agents: BTreeMap::from([(Record::MAIN_LANE, Agent { alive: true, link: main, ..Agent::default() })]),
            lane: Record::MAIN_LANE,
            next_command: 0,
            waiting: HashMap::new(),
            promised: HashMap::new(),
            prompted: HashSet::new(),
            links,
            runs: 0,
            hold: None,
            restarted: 0,
            came: LANES.into(),
        };
        // A session exists once its first batch is on stable storage.
        world.flush();
        world
    }

    fn op(&mut self, op: Op) {
        self.now += 1;
        if matches!(op, Op::Started { .. } | Op::StartFails) {
            // What comes of a start is handed in with no effect left to run, which might take the start back.
            self.flush();
        }
        match op {
            Op::Prompt { key, accept_context_loss } => self.prompt(key, accept_context_loss),
            Op::PromptThat { key, kind } => self.prompt_that(key, kind),
            Op::Queue { kind, turn } => self.queue(kind, turn),
            Op::Attend { present } => {
                self.hold = self.hold.filter(|_| !present);
                self.command(None, Command::SetPresence { present });
            }
            Op::SetPolicy { kind } => {
                let unattended = pick(&POLICIES, kind).filter(|_| kind % 7 > 0).map(|policy| policy.parse().unwrap());
                self.command(None, Command::SetPolicy { unattended });
            }
            Op::Cancel { turn } => self.cancel(turn),
            Op::CancelAll { running } => {
                let scope = if running { CancelScope::All } else { CancelScope::Queued };
                self.command(None, Command::Cancel { lane: self.named(), turn: None, scope, reason: None });
                assert!(self.queued().is_empty());
            }
            Op::Answer { request, error } => self.answer(request, error),
            Op::Call { kind } => {
                let method = pick(&CALLS, kind).unwrap().to_string();
                let params = Some(raw(pick(&PARAMS, kind / 4).unwrap()));
                self.command(None, Command::Call { lane: self.named(), method, params });
            }
            Op::Notify => self.command(None, Command::Notify { lane: self.named(), method: "_x".into(), params: None }),
            Op::Rest => self.rest(),
            Op::Attach => self.command(None, Command::Attach { params: raw(r#"{"mcpServers":[]}"#) }),
            Op::Close => {
                self.command(None, Command::Close);
                assert!(self.machine.state().lanes().all(is_idle));
                assert_eq!(self.machine.state().pending().count(), 0);
            }
            Op::LaneAdd { lane } => {
                let lane: Arc<str> = (*pick(&LANES, lane).unwrap()).into();
                self.command(None, Command::LaneAdd { lane, agent: "profile".into() });
            }
            Op::LaneRemove { lane } => {
                let lane: Arc<str> = (*pick(&LANES, lane).unwrap()).into();
                self.command(None, Command::LaneRemove { lane: Arc::clone(&lane) });
                let state = self.machine.state();
                assert_eq!(state.lane(&lane).is_some(), &*lane == Record::MAIN_LANE);
                assert!(state.pending().all(|(_, request)| state.lane(&request.lane).is_some()));
            }
            Op::Turn { lane } => self.lane = pick(&LANES, lane).unwrap(),
            Op::AgentExits if self.agent().alive && !self.is_connected() => self.agent_dies(self.lane),
            Op::AgentExits if self.agent().alive => {
                self.agent_dies(self.lane);
                self.hear(FromAgent::Exited { reason: "it wanted to".into() });
            }
            Op::Started { forgot } if self.agent().starting => {
                *self.agent() = Agent { alive: true, ..Agent::default() };
                let started = if forgot { started("other", Start::ContextLost) } else { started("agent", Start::Load) };
                let started = self.linked(started);
                let position = self.position();
                self.handle(Input::Agent { lane: self.lane.into(), position, event: FromAgent::Started(started) });
            }
            Op::StartFails if self.agent().starting => {
                self.agent().starting = false;
                self.hear(FromAgent::StartFailed { error: Refusal::NotStarted { why: "no".into() } });
            }
            Op::Returns { comes } => self.returns(comes),
            Op::AgentExits | Op::Started { .. } | Op::StartFails => {}
            Op::Wait { tenths } => self.wait(tenths),
            Op::Flush => self.flush(),
            Op::Crash { appended } => self.crash(appended),
            Op::Shutdown => {
                self.machine.shutdown(self.now, &mut self.out);
                assert!(self.links || self.machine.state().lanes().all(|lane| lane.running().is_none()));
                self.crash(true);
            }
            _ if self.agent().alive => self.agent_op(op),
            _ => {}
        }
    }

    /// Nothing that anybody waits for is stopped.
    fn rest(&mut self) {
        let state = self.machine.state();
        let needed = !state.lanes().all(is_idle) || state.pending().count() > 0;
        let (head, idle) = (state.head(), self.machine.idle_since());
        assert!(!needed || idle.is_none(), "it is needed");
        self.handle(Input::Rest);
        assert_eq!(self.machine.state().head() > head, idle.is_some(), "what is idle is stopped, and nothing else");
        assert_eq!(self.machine.idle_since(), None);
    }

    /// The agent of the lane that is turned to.
    fn agent(&mut self) -> &mut Agent {
        self.agents.entry(self.lane).or_default()
    }

    /// That lane as a client names it: `main` needs no name.
    fn named(&self) -> Option<Arc<str>> {
        (self.lane != Record::MAIN_LANE).then(|| self.lane.into())
    }

    /// What a process can only do while it lives.
    fn agent_op(&mut self, op: Op) {
        match op {
            Op::Update { kind } => self.say(Said::Update(kind)),
            Op::Request { method, id } => {
                let id = RequestId::from(u64::from(id));
                // The connection drops requests whose id is in use.
                if self.agent().asked.iter().any(|asked| asked.id == id && asked.answers == 0) {
                    return;
                }
                let position = self.agent().link.position + 1;
                let asked = Asked { id: id.clone(), position, answers: 0, again: false, moot: false };
                self.agent().asked.push(asked);
                self.say(Said::Request { id, method });
            }
            Op::Withdraw { request } => {
                let open: Vec<_> = self.agent().asked.iter().filter(|asked| asked.answers == 0).collect();
                let id = pick(&open, request).map_or(RequestId::from(99), |asked| asked.id.clone());
                self.say(Said::Withdrew(id));
            }
            Op::Notification => self.say(Said::Notification),
            Op::AgentAnswers { call, kind } => {
                let at = usize::from(call).checked_rem(self.agent().open.len());
                let Some(at) = at else { return };
                let (call, prompt) = self.agent().open.remove(at);
                self.agent().answered.push(call);
                let outcome = match pick(&RESULTS, kind / 2) {
                    Some(result) if kind % 4 != 3 => Ok(raw(result)),
                    _ => Err(raw(r#"{"code":1,"message":"m"}"#)),
                };
                self.say(Said::Answered { call, prompt, outcome });
            }
            Op::AgentAnswersAgain { call } if self.is_connected() => {
                let call = pick(&self.agent().answered, call).copied().unwrap_or(CallId(u64::MAX));
                let before = self.machine.state().head();
                self.hear(FromAgent::Answered { call, outcome: Ok(raw("{}")) });
                assert_eq!(self.machine.state().head(), before, "a second answer does nothing");
            }
            _ => {}
        }
    }

    fn handle(&mut self, input: Input) {
        self.machine.handle(self.now, input, &mut self.out);
    }

    fn hear(&mut self, event: FromAgent) {
        self.handle(Input::Agent { lane: self.lane.into(), position: None, event });
    }

    fn command(&mut self, key: Option<u8>, command: Command) {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        self.waiting.insert(id, key);
        match command {
            Command::Attach { .. } => self.came.extend(LANES),
            Command::Prompt { .. } => drop(self.came.insert(self.lane)),
            _ => {}
        }
        self.handle(Input::Command { id, client: format!("c{}", id.0 % 3).into(), command });
    }

    fn prompt(&mut self, key: u8, accept_context_loss: bool) {
        let params = raw(r#"{"sessionId":"s","prompt":[{"type":"text","text":"t"},7],"_meta":{"acp-bridge":{}}}"#);
        // Key 0 stands for none.
        let text = (key > 0).then(|| format!("k{key}"));
        let (on_busy, after_restart) = Default::default();
        let lane = self.named();
        let prompt = Command::Prompt { lane, params, key: text, on_busy, after_restart, accept_context_loss };
        self.command(Some(key), prompt);
    }

    /// Without a lane, a turn is found whatever lane it is in.
    fn cancel_lane(&mut self, turn: Option<Turn>) {
        let lane = if turn.is_some() { None } else { self.named() };
        self.command(None, Command::Cancel { lane, turn, scope: CancelScope::default(), reason: None });
    }

    fn prompt_that(&mut self, key: u8, kind: u8) {
        let params = raw(r#"{"sessionId":"s","prompt":[{"type":"text","text":"t"},7]}"#);
        let text = (key > 0).then(|| format!("k{key}"));
        let on_busy = *pick(OnBusy::ALL, kind).unwrap();
        let after_restart = *pick(AfterRestart::ALL, kind / 4).unwrap();
        let lane = self.named();
        let prompt = Command::Prompt { lane, params, key: text, on_busy, after_restart, accept_context_loss: false };
        self.command(Some(key), prompt);
    }

    /// What waits in the lane that is turned to.
    fn queued(&self) -> Vec<Turn> {
        self.machine.state().lane(self.lane).map(|lane| lane.queue().collect()).unwrap_or_default()
    }

    fn queue(&mut self, kind: u8, turn: u8) {
        // Now and then one that does not wait, or waits in another lane.
        let waiting = self.queued();
        let turn = pick(&waiting, turn).copied().filter(|_| kind % 8 < 7).unwrap_or(Turn::from(turn));
        let before = pick(&waiting, kind / 4).copied();
        let command = match kind % 4 {
            0 => QueueCommand::List,
            1 => QueueCommand::Edit { turn, prompt: raw(r#"[{"type":"text","text":"edited"}]"#) },
            2 => QueueCommand::Move { turn, before },
            _ => QueueCommand::Withdraw { turn },
        };
        self.command(None, Command::Queue(command));
        let now = self.queued().len();
        // After a withdrawal the next may start.
        assert!(now == waiting.len() || kind % 4 == 3, "a change keeps what waits");
    }

    fn cancel(&mut self, turn: Option<u8>) {
        let state = self.machine.state();
        let turns: Vec<Turn> = self.log.iter().filter(|r| r.kind == Kind::PromptQueued).map(|r| r.seq).collect();
        let turn = turn.map(|turn| pick(&turns, turn).copied().unwrap_or(999));
        let idle = state.lanes().all(is_idle);
        let (head, effects) = (state.head(), self.out.effects.len());
        self.cancel_lane(turn);
        if idle {
            assert_eq!(self.machine.state().head(), head, "cancelling an idle session leaves no record");
            assert_eq!(self.out.effects.len(), effects + 1, "and does nothing but reply");
            let may_be_due = self.hold.is_some() || self.open_ended() > 0;
            assert!(self.machine.deadline().is_none() || may_be_due);
        }
    }

    fn answer(&mut self, request: u8, error: bool) {
        let pending: Vec<Seq> = self.machine.state().pending().map(|(seq, _)| seq).collect();
        // Now and then to what is not pending, or not any more.
        let request = pick(&pending, request).copied().filter(|_| request % 4 != 3).unwrap_or(Seq::from(request));
        let answer = if error { Err(raw(r#"{"code":1,"message":"m"}"#)) } else { Ok(raw("{}")) };
        self.command(None, Command::Answer { request, answer });
    }

    fn wait(&mut self, tenths: u8) {
        self.now += u64::from(tenths % 50) * 100_000;
        let Some(deadline) = self.machine.deadline() else { return };
        if self.now >= deadline {
            // What is due in one lane may bring on what is new in it.
            let before = self.open_ended() + usize::from(self.hold.is_some());
            self.hold = self.hold.filter(|until| *until > self.now);
            self.handle(Input::Tick);
            let after = self.open_ended() + usize::from(self.hold.is_some());
            assert!(
                after < before,
                "what was due is over: a cancelled turn, an offer, a request or the wait for clients"
            );
            assert!(self.machine.deadline().is_none_or(|next| next > self.now), "what was due is done");
        }
        for (lane, turn) in self.cancelled() {
            let grace = u64::try_from(self.config.cancel_grace.as_micros()).unwrap();
            let mut records = self.log.iter().chain(&self.out.records);
            let asked = records.find(|r| r.kind == Kind::CancelRequested && r.turn == Some(turn)).unwrap().at;
            // A restart gives as much time again.
            assert!(
                asked.max(self.restarted) + grace > self.now,
                "a turn of {lane} that was cancelled is over after the grace"
            );
        }
    }

    /// Turns that run although they were cancelled, with their lane.
    fn cancelled(&self) -> Vec<(&str, Turn)> {
        let state = self.machine.state();
        let running = state.lanes().filter_map(|lane| Some((&**lane.name(), lane.running()?)));
        running.filter(|(_, turn)| state.turn(*turn).unwrap().cancel_requested).collect()
    }

    /// How many things there are that may have a deadline.
    fn open_ended(&self) -> usize {
        let state = self.machine.state();
        let steered: usize = state.lanes().map(|lane| lane.steered().len()).sum();
        let restoring = state.lanes().filter(|lane| lane.is_restoring()).count();
        self.cancelled().len() + steered + state.pending().count() + restoring + self.untold()
    }

    /// Modes and options that one client has set and nobody has told the others since, in lanes whose agent is there.
    fn untold(&self) -> usize {
        let mut untold = HashSet::new();
        for record in self.log.iter().chain(&self.out.records).filter(|record| record.epoch == self.epoch) {
            let lane = &record.lane;
            match record.kind {
                Kind::AgentExited | Kind::TurnStarted | Kind::LaneLeft => {
                    untold.retain(|(of, _): &(Arc<str>, &str)| of != lane);
                }
                Kind::SessionUpdated => {
                    let updated: SessionUpdated = record.decode().unwrap();
                    if record.origin.client().is_some() || updated.chosen.is_some() {
                        untold.extend(updated.mode.map(|_| (Arc::clone(lane), "current_mode_update")));
                        untold.extend(updated.config_options.map(|_| (Arc::clone(lane), "config_option_update")));
                    }
                }
                Kind::Update => untold.retain(|(of, kind)| of != lane || !record.body.as_str().contains(kind)),
                _ => {}
            }
        }
        untold.len()
    }

    fn agent_dies(&mut self, lane: &str) {
        let Some(agent) = self.agents.get_mut(lane) else { return };
        agent.alive = false;
        agent.starting = false;
        agent.open.clear();
        agent.answered.clear();
        agent.link.dies();
        for asked in &mut agent.asked {
            asked.moot = true;
        }
    }

    fn append(&mut self) {
        for record in std::mem::take(&mut self.out.records) {
            assert_eq!(record.seq, self.log.len() as Seq + 1, "seqs have no gaps");
            assert_eq!(record.epoch, self.epoch);
            assert!(!record.body.as_str().contains("SECRET"));
            RawBuf::parse(record.body.as_str()).unwrap();
            self.folded.apply(&record).unwrap();
            self.log.push(record);
        }
        assert_eq!(&self.folded, self.machine.state(), "the log says what the machine thinks");
    }

    fn flush(&mut self) {
        self.append();
        self.agents.values_mut().for_each(|agent| agent.link.acknowledged());
        for effect in std::mem::take(&mut self.out.effects) {
            self.run_effect(effect);
        }
        self.check_that_it_goes_on();
    }

    /// With nothing left to do, something else must be under way for everything that is open.
    fn check_that_it_goes_on(&self) {
        let state = self.machine.state();
        let none = Agent::default();
        let mut due = false;
        for lane in state.lanes() {
            let agent = self.agents.get(&**lane.name()).unwrap_or(&none);
            due |= self.check_lane(lane, agent);
        }
        due |= self.untold() > 0;
        assert!(!due || self.machine.deadline().is_some(), "a cancel and an offer have an end");
        let may_be_due = due || self.hold.is_some() || state.pending().any(|(_, request)| request.is_permission());
        assert!(may_be_due || self.machine.deadline().is_none(), "nothing else has one");
        for (name, agent) in &self.agents {
            assert!(!agent.alive || state.lane(name).is_some(), "no agent without a lane");
        }
    }

    /// Whether the lane waits for what must have an end: of a turn that was cancelled, or of an offer that nobody
    /// can take any more.
    fn check_lane(&self, lane: &LaneState, agent: &Agent) -> bool {
        let state = self.machine.state();
        let running = lane.running().and_then(|turn| state.turn(turn));
        let late = running.is_none() && lane.steered().len() > 0;
        if agent.link.is_awaited() {
            // It is for the agent to come, or for the driver to give it up.
        } else if running.is_some() {
            assert!(agent.alive && agent.open.iter().any(|(_, prompt)| *prompt), "the agent works on it");
        } else if late {
            assert!(agent.alive, "an answer is waited for");
        } else if lane.is_restoring() {
            let choices = agent.open.iter().filter(|(_, prompt)| !*prompt).count();
            assert!(agent.alive && choices > 0, "an answer to what was chosen is waited for");
        } else if self.came.contains(&**lane.name()) && lane.queue().len() > 0 {
            assert!(agent.starting, "the next turn waits for the agent and for nothing else");
        }
        for turn in lane.steered() {
            match state.turn(turn).unwrap().phase {
                TurnPhase::Joined(into) => {
                    assert_eq!(lane.running(), Some(into), "it ends with the turn that it went into");
                }
                TurnPhase::Offered(into) => assert!(running.is_none() || lane.running() == Some(into)),
                ref other => panic!("{other:?}"),
            }
        }
        let pending: Vec<_> = state.pending().filter(|(_, request)| request.lane == *lane.name()).collect();
        assert!(lane.queue().len() + lane.steered().len() <= self.config.max_queue);
        assert!(pending.len() <= self.config.max_pending);
        let mut of_turns = pending.iter().filter_map(|(_, request)| request.turn);
        assert!(of_turns.all(|turn| Some(turn) == lane.running()), "no request outlives its turn");
        let alive = agent.alive || agent.link.is_awaited();
        assert_eq!(lane.agent_alive(), alive, "the log knows whether there is an agent");
        let restoring = lane.is_restoring() && !agent.link.is_awaited();
        late || restoring || running.is_some_and(|info| info.cancel_requested)
    }

    fn run_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Reply { command, reply } => self.reply(command, reply.ok()),
            Effect::StartAgent { lane, plan } => {
                let name = LANES.into_iter().find(|name| **name == *lane).unwrap();
                let there = self.machine.state().lane(&lane).is_some();
                let agent = self.agents.entry(name).or_default();
                assert!(!agent.alive && !agent.starting, "one process per lane");
                // The lane may have been removed since, and a stop is then next.
                assert!(plan.agent_session.is_some() || !there, "an agent comes back to the session that it had");
                assert_eq!(plan.source == AgentSource::Command, name == Record::MAIN_LANE);
                agent.starting = true;
            }
            Effect::StopAgent { lane, .. } => {
                self.agent_dies(&lane);
                if let Some(agent) = self.agents.get_mut(&*lane) {
                    agent.link = Link::default();
                }
            }
            Effect::AwaitAgent { lane, link, received, call } => {
                let name = LANES.into_iter().find(|name| **name == *lane).unwrap();
                self.awaits(name, &link, received, call);
            }
            Effect::Call { lane, call, method, params } => {
                let Some(agent) = self.agents.get_mut(&*lane).filter(|agent| agent.alive) else { return };
                let prompt = method == "session/prompt";
                let restoring = self.machine.state().lane(&lane).is_some_and(LaneState::is_restoring);
                assert!(!restoring || method.starts_with("session/set_"), "what was chosen comes first");
                assert!(!(prompt && agent.open.iter().any(|(_, prompt)| *prompt)), "one turn at a time");
                let params = params.unwrap();
                let session = params.as_raw().member("sessionId").unwrap().as_string().unwrap().into_owned();
                assert!(session == "agent" || session == "other", "the agent's own session id, not {session}");
                assert!(!params.as_str().contains("acp-bridge"));
                agent.open.push((call, prompt));
                let turn = self.machine.state().lane(&lane).and_then(LaneState::running).filter(|_| prompt);
                assert!(turn.is_none_or(|turn| self.prompted.insert(turn)), "no agent gets a prompt twice");
            }
            Effect::Respond { lane, id, .. } | Effect::Serve { lane, id, .. } => {
                let Some(agent) = self.agents.get_mut(&*lane).filter(|agent| agent.alive) else { return };
                let mut open = agent.asked.iter_mut().rev();
                let asked = open.find(|asked| asked.id == id).expect("an answer to something that was asked");
                asked.answers += u32::from(!asked.again || asked.answers == 0);
                assert_eq!(asked.answers, 1, "one answer");
            }
            _ => {}
        }
    }

    fn reply(&mut self, command: CommandId, reply: Option<Reply>) {
        let key = self.waiting.remove(&command).expect("one reply to each command");
        if let (Some(key), Some(Reply::Turn(turn))) = (key, reply) {
            assert_eq!(self.log[usize::try_from(turn).unwrap() - 1].kind, Kind::PromptQueued, "on storage first");
            if key > 0 {
                assert_eq!(*self.promised.entry(key).or_insert(turn), turn, "a key never yields two turns");
            }
        }
    }

    /// The machine is gone, and so is the process; another machine opens the log, which was read in full or only for
    /// its control records.
    fn crash(&mut self, appended: bool) {
        if appended {
            self.append();
        }
        let mut state = State::default();
        for record in &self.log {
            if !appended || record.kind.is_control() {
                state.apply(record).unwrap();
            } else if let Some(position) = record.position {
                state.set_received(&record.lane, position);
            }
        }
        state.set_head(self.log.len() as Seq);
        self.epoch += 1;
        self.restarted = self.now;
        self.cut_off();
        self.waiting.clear();
        self.came.clear();
        // The epoch of what was not read is not known.
        self.folded = state.clone();
        let (machine, out) =
            Machine::recover(SessionId::from("s"), self.epoch, state, self.config.clone(), self.now, None);
        self.machine = machine;
        self.out = out;
        let state = self.machine.state();
        assert!(state.lanes().all(|lane| lane.running().is_none() || lane.link().is_some()));
        assert!(state.pending().all(|(_, request)| state.lane(&request.lane).unwrap().link().is_some()));
        self.flush();
    }

    /// The agent does what it should, a client is there, time passes: everything has to come to an end.
    fn drain(&mut self) {
        self.flush();
        self.command(None, Command::Attach { params: raw("{}") });
        if self.hold.is_some() {
            self.op(Op::Attend { present: true });
        }
        // Of every other world the agent ends no turn by itself.
        let hangs = self.now.is_multiple_of(2);
        for _ in 0..32 {
            for lane in LANES {
                self.lane = lane;
                self.flush();
                self.op(Op::Returns { comes: true });
                self.op(Op::Started { forgot: false });
                if hangs {
                    self.cancel_lane(None);
                    self.op(Op::Wait { tenths: 49 });
                    self.op(Op::Wait { tenths: 49 });
                    self.op(Op::Wait { tenths: 49 });
                    self.flush();
                }
                for _ in 0..self.agent().open.len() {
                    self.op(Op::AgentAnswers { call: 0, kind: 0 });
                }
                self.op(Op::Answer { request: 0, error: false });
            }
        }
        self.flush();
        self.op(Op::Wait { tenths: 49 });
        self.flush();
        self.check_the_end();
    }

    fn check_the_end(&self) {
        let state = self.machine.state();
        assert!(state.lanes().all(is_idle));
        assert_eq!(state.pending().count(), 0);
        assert_eq!(self.machine.deadline(), None);
        assert!(self.waiting.is_empty(), "every command got its reply");
        self.check_that_all_was_heard();
        for asked in self.agents.values().flat_map(|agent| &agent.asked) {
            assert!(asked.moot || asked.answers == 1, "every request got its answer: {asked:?}");
        }
        let (mut ended, mut keys, mut running) = (HashSet::new(), HashSet::new(), HashMap::new());
        let mut given = HashSet::new();
        for record in &self.log {
            match record.kind {
                Kind::PromptQueued => {
                    let prompt: PromptQueued = record.decode().unwrap();
                    assert!(prompt.key.is_none_or(|key| keys.insert(key)), "one turn for each key");
                }
                Kind::TurnStarted => {
                    assert_eq!(running.insert(Arc::clone(&record.lane), record.turn), None, "one turn at a time");
                    assert!(given.insert(record.turn), "no prompt is given twice");
                }
                Kind::PromptSteered => match record.decode::<PromptSteered>().unwrap().steer {
                    Steer::Offered => assert!(given.insert(record.turn), "no prompt is given twice"),
                    // The agent has said that it did not take it.
                    Steer::Queued => assert!(given.remove(&record.turn)),
                    _ => assert!(given.contains(&record.turn)),
                },
                Kind::TurnEnded => {
                    assert!(ended.insert(record.turn.unwrap()), "a turn ends once");
                    if running.get(&record.lane) == Some(&record.turn) {
                        running.remove(&record.lane);
                    }
                }
                _ => {}
            }
        }
        let queued: HashSet<Turn> = self.log.iter().filter(|r| r.kind == Kind::PromptQueued).map(|r| r.seq).collect();
        assert_eq!(queued, ended, "every accepted prompt ends");
    }
}
