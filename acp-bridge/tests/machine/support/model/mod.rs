//! A whole world around a machine: clients, a driver, an agent and a log, moved by a list of [`Op`]s.
//!
//! It checks the promises at every step. The property tests and the fuzz target `session_ops` run it.

mod agent;
mod checks;
mod clients;
mod driver;
mod link;
mod material;
mod op;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use acp_bridge::session::{Command, CommandId, Config, FirstAgent, FromAgent, Input, Machine, Output, Refusal, State};
use acp_types::meta::CancelScope;
use acp_types::record::body::{AgentLink, Start};
use acp_types::record::{Epoch, Record, Turn};

use self::agent::Agent;
use self::checks::is_idle;
use self::link::Link;
use self::material::{CALLS, LANES, PARAMS, POLICIES, pick, raw, started};
pub(crate) use self::op::Op;

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
}
