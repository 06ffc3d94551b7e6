//! What happens in a run, one step after the other.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::sync::Arc;

use acp_types::{RawBuf, rewrite};

use super::agent::{Agent, raw};
use super::check;
use super::client::{Client, Fate};
use super::dice::Dice;
use super::owner::{Log, Owner};
use crate::gateway::connection::{Effect as Wanted, EntryKind, Opened, Outcome, Then};
use crate::gateway::lanes::LaneFilter;
use crate::log::Answer;
use crate::session::{Command, Effect, FromAgent, Reply};

/// Steps with faults.
const STEPS: usize = 160;
/// Steps without, by which everything is to have settled.
const SETTLE: usize = 4_000;

/// A command's reply goes back to this client, if it still has that connection.
#[derive(Debug)]
pub(super) struct Waiting {
    client: usize,
    connection: u64,
    then: Next,
}

/// What the gateway makes of it.
#[derive(Debug)]
enum Next {
    Submitted(Then),
    Opened { id: acp_types::RequestId, entry: EntryKind },
}

/// How often what happened.
#[derive(Debug, Default, Clone)]
pub(super) struct Faults {
    pub(super) bridge: u64,
    pub(super) agent: u64,
    pub(super) client: u64,
    pub(super) repeated: u64,
    pub(super) interrupted: u64,
    pub(super) asked: u64,
    pub(super) cancelled: u64,
    /// Turns that ran on over a restart of the bridge.
    pub(super) went_on: u64,
}

impl Faults {
    pub(super) fn add(&mut self, other: &Self) {
        self.bridge += other.bridge;
        self.agent += other.agent;
        self.client += other.client;
        self.repeated += other.repeated;
        self.interrupted += other.interrupted;
        self.asked += other.asked;
        self.cancelled += other.cancelled;
        self.went_on += other.went_on;
    }
}

/// Everything in a run.
#[derive(Debug)]
pub(super) struct World {
    dice: Dice,
    now: u64,
    pub(super) log: Log,
    host: Owner,
    pub(super) agent: Agent,
    /// Between gateway and host.
    bus: VecDeque<(Arc<str>, Command, Waiting)>,
    pub(super) clients: Vec<Client>,
    /// How often the agent was given each prompt, by its text, which is its key.
    pub(super) given: BTreeMap<String, u64>,
    pub(super) faults: Faults,
}

impl World {
    /// A run. With `links` the agent is connected over a link, so that it outlives the bridge.
    pub(super) fn new(seed: u64, links: bool) -> Self {
        let mut log = Log::default();
        let mut agent = Agent::new(links);
        let host = Owner::create(&mut log, 0, agent.started());
        Self {
            dice: Dice::new(seed),
            now: 1,
            log,
            host,
            agent,
            bus: VecDeque::new(),
            clients: (0..3).map(Client::new).collect(),
            given: BTreeMap::new(),
            faults: Faults::default(),
        }
    }

    /// Lets it happen, lets it settle, and checks the promises.
    pub(super) fn run(&mut self) {
        for _ in 0..STEPS {
            self.now += 1_000;
            self.step();
        }
        for _ in 0..SETTLE {
            self.now += 100_000;
            self.settle();
            if self.is_settled() {
                self.count();
                check::promises(self);
                return;
            }
        }
        panic!("it does not settle: {:#?}", self.clients.iter().map(|client| &client.prompts).collect::<Vec<_>>());
    }

    /// The log as text.
    pub(super) fn history(&self) -> String {
        let mut text = String::new();
        for record in &self.log.records {
            let _ = writeln!(text, "{} {} {} {}", record.seq, record.kind, record.origin, record.body.as_str());
        }
        text
    }

    fn step(&mut self) {
        let client = self.dice.below(self.clients.len());
        match self.dice.below(40) {
            0..=4 => self.clients_want(client),
            5 => self.clients[client].cancel(),
            6..=8 => {
                let which = self.dice.below(4);
                self.clients[client].answer(which);
            }
            9..=15 => self.deliver(),
            16..=22 => self.agent_acts(false),
            39 if self.agent.awaited => self.agent_returns(),
            23..=29 => self.flush(None),
            30..=34 => {
                let some = 1 + self.dice.below(5);
                self.clients[client].records(&self.log.records, some);
            }
            35 => self.drop_client(client),
            36 if self.dice.percent(40) => self.kill_agent(),
            37 if self.dice.percent(40) => self.kill_bridge(),
            38 if self.dice.percent(30) => self.time_passes(),
            _ => self.pump(),
        }
        self.pump();
    }

    /// One round without faults, in which everybody does what is to be done.
    fn settle(&mut self) {
        for client in 0..self.clients.len() {
            if self.clients[client].link.is_none() {
                self.clients[client].connect();
            }
            let open: Vec<String> = self.clients[client]
                .prompts
                .iter()
                .filter(|(_, fate)| **fate == Fate::Open)
                .map(|(key, _)| key.clone())
                .collect();
            for key in open {
                self.clients[client].prompt(&key);
            }
            self.clients[client].answer(0);
            self.clients[client].records(&self.log.records, 50);
        }
        self.pump();
        while !self.bus.is_empty() {
            self.deliver();
        }
        self.agent_returns();
        self.agent_acts(true);
        self.time_passes();
        self.flush(None);
        self.pump();
    }

    fn is_settled(&self) -> bool {
        let head = self.log.head();
        self.agent.is_idle()
            && !self.host.has_work()
            && self.bus.is_empty()
            && self.clients.iter().all(|client| {
                client.prompts.values().all(|fate| *fate != Fate::Open)
                    && client.link.as_ref().is_some_and(|link| link.tail.is_some_and(|(_, cursor)| cursor == head))
            })
    }

    fn clients_want(&mut self, client: usize) {
        let fresh = self.dice.percent(50);
        let it = &mut self.clients[client];
        if it.link.is_none() {
            return it.connect();
        }
        let open: Vec<String> =
            it.prompts.iter().filter(|(_, fate)| **fate == Fate::Open).map(|(key, _)| key.clone()).collect();
        match open.first() {
            Some(key) if !fresh || open.len() > 2 => it.prompt(key),
            _ => {
                let key = format!("{client}-{}", it.prompts.len());
                it.prompt(&key);
            }
        }
    }

    /// Takes what the gateway wants done to the bus.
    fn pump(&mut self) {
        for at in 0..self.clients.len() {
            loop {
                let client = &mut self.clients[at];
                client.read();
                let connection = client.connections;
                let Some(link) = &mut client.link else { break };
                let effects = link.effects();
                if effects.is_empty() {
                    break;
                }
                for effect in effects {
                    let id = Arc::clone(&link.id);
                    let wait = |then| Waiting { client: at, connection, then };
                    match effect {
                        Wanted::Submit { command: Command::Describe { .. }, then, .. } => {
                            let answer = Ok(Reply::Agent(Ok(raw("{}"))));
                            link.connection.done(Outcome::Submitted { then, answer });
                        }
                        Wanted::Submit { command, then, .. } => {
                            self.bus.push_back((id, command, wait(Next::Submitted(then))));
                        }
                        Wanted::Open { params, entry, id: request, .. } => {
                            let next = Next::Opened { id: request, entry };
                            self.bus.push_back((id, Command::Attach { params }, wait(next)));
                        }
                        other => panic!("no client asks for {other:?}"),
                    }
                }
            }
        }
    }

    /// Hands the host the next command.
    fn deliver(&mut self) {
        if let Some((client, command, waiting)) = self.bus.pop_front() {
            self.host.command(self.now, client, command, waiting);
        }
    }

    fn agent_acts(&mut self, calm: bool) {
        let said = if self.agent.starting {
            Some(self.agent.started())
        } else if self.agent.alive {
            self.agent.act(&mut self.dice, calm)
        } else {
            None
        };
        if let Some((position, event)) = said {
            // What comes of a start may be handed in only while no effect waits.
            if matches!(event, FromAgent::Started(_)) {
                self.flush(None);
                if !self.agent.alive {
                    return;
                }
            }
            self.host.agent(self.now, position, event);
        }
    }

    /// An agent that was cut off comes back, or the bridge gives it up.
    fn agent_returns(&mut self) {
        if self.agent.awaited {
            for (position, event) in self.agent.returns() {
                self.host.agent(self.now, position, event);
            }
        }
    }

    /// Commits, then runs the effects; only the first `cut` of them when the bridge dies there.
    fn flush(&mut self, cut: Option<usize>) {
        let (effects, _) = self.host.commit(&mut self.log);
        if cut.is_none() {
            self.agent.acknowledged();
        }
        let count = cut.unwrap_or(effects.len());
        for effect in effects.into_iter().take(count) {
            self.effect(effect);
        }
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Reply { command, reply } => self.reply(command, reply),
            Effect::StartAgent { .. } => self.agent.starting = true,
            Effect::StopAgent { .. } => {
                self.agent.awaited = false;
                self.agent.die();
            }
            Effect::AwaitAgent { link, received, call, .. } => {
                self.faults.went_on += u64::from(call.is_some());
                self.agent.wait_for(&link, received, call);
            }
            Effect::Call { call, method, params, .. } => {
                assert_eq!(method, "session/prompt");
                let text = params.as_ref().map(RawBuf::as_raw).and_then(|params| params.member("prompt"));
                let text = text.and_then(|prompt| prompt.elements().next()?.member("text")?.as_string());
                *self.given.entry(text.expect("a prompt").into_owned()).or_default() += 1;
                if self.agent.alive {
                    self.agent.prompt(call);
                }
            }
            Effect::Notify { method, .. } if method == "session/cancel" => self.agent.cancel(),
            Effect::Respond { id, .. } => self.agent.answered(&id),
            other => panic!("nobody wanted {other:?}"),
        }
    }

    fn reply(&mut self, command: crate::session::CommandId, reply: Answer) {
        if let Ok(Reply::Turn(turn)) = &reply {
            assert!(*turn <= self.log.head(), "P2: turn {turn} was acknowledged before it was stored");
        }
        let Some(Waiting { client, connection, then }) = self.host.waiting(command) else { return };
        let client = &mut self.clients[client];
        let Some(link) = client.link.as_mut().filter(|_| client.connections == connection) else { return };
        let outcome = match then {
            Next::Submitted(then) => Outcome::Submitted { then, answer: reply },
            Next::Opened { id, entry } => {
                let Ok(Reply::State(result)) = reply else { panic!("{reply:?}") };
                let EntryKind::Resume { after: Some(after) } = entry else { panic!("{entry:?}") };
                let result = rewrite::remove_member(result.as_raw(), "sessionId");
                let opened =
                    Ok(Box::new(Opened { result, state: self.log.state(), lanes: LaneFilter::default(), after }));
                Outcome::Opened { session: super::owner::SESSION.into(), entry, id, opened }
            }
        };
        link.connection.done(outcome);
    }

    fn time_passes(&mut self) {
        if let Some(deadline) = self.host.deadline() {
            self.now = self.now.max(deadline);
            self.host.tick(self.now);
        }
    }

    fn drop_client(&mut self, client: usize) {
        if self.clients[client].link.take().is_some() {
            self.faults.client += 1;
        }
    }

    fn kill_agent(&mut self) {
        if self.agent.alive {
            self.faults.agent += 1;
            let connected = self.agent.is_connected();
            self.agent.die();
            if connected {
                self.host.agent(self.now, None, FromAgent::Exited { reason: "killed".to_owned() });
            }
        }
    }

    /// `kill -9` before, after or in the middle of what it was about to do. Every connection goes with it, and an agent that
    /// is its child.
    fn kill_bridge(&mut self) {
        self.faults.bridge += 1;
        if self.dice.percent(60) {
            let cut = self.dice.below(4);
            self.flush(Some(cut));
        }
        self.bus.clear();
        self.agent.lose_bridge();
        for client in &mut self.clients {
            // What the gateway had written may have reached it.
            client.read();
            client.link = None;
        }
        let (host, effects) = Owner::recover(&mut self.log, self.now);
        self.host = host;
        for effect in effects {
            self.effect(effect);
        }
        if !self.agent.awaited {
            // The log does not know it: it is refused when it comes.
            self.agent.die();
        }
    }

    fn count(&mut self) {
        use acp_types::record::Kind;
        let count = |kind: &Kind| self.log.records.iter().filter(|record| record.kind == *kind).count() as u64;
        self.faults.asked = count(&Kind::PermissionRequested);
        self.faults.cancelled = count(&Kind::CancelRequested);
        self.faults.repeated = self.clients.iter().map(|client| client.repeated).sum();
        let interrupted = |record: &&Arc<acp_types::record::Record>| record.body.as_str().contains("\"interrupted\"");
        self.faults.interrupted =
            self.log.records.iter().filter(|record| record.kind == Kind::TurnEnded).filter(interrupted).count() as u64;
    }
}
