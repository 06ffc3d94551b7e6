//! What happens in a run, one step after the other.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::sync::Arc;

use acp_types::record::{Kind, Record, Seq};

use super::agent::Agent;
use super::breaks::{Break, Findings};
use super::check;
use super::client::{Client, Fate};
use super::dice::Dice;
use super::owner::{Log, Owner};
use super::tail::Shared;
use crate::gateway::connection::{Coming, Then};
use crate::session::Command;

/// Steps with faults.
const STEPS: usize = 240;
/// Steps without, by which everything is to have settled.
const SETTLE: usize = 4_000;

/// A command's reply goes back to this client, if it still has that connection.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) client: usize,
    pub(super) connection: u64,
    pub(super) then: Next,
}

/// What the gateway makes of it.
#[derive(Debug)]
pub(super) enum Next {
    Submitted(Then),
    Opened { id: acp_types::RequestId, coming: Box<Coming> },
}

/// How often what happened.
#[derive(Debug, Default, Clone)]
pub(super) struct Faults {
    pub(super) bridge: u64,
    pub(super) agent: u64,
    pub(super) client: u64,
    pub(super) stale: u64,
    pub(super) repeated: u64,
    pub(super) interrupted: u64,
    pub(super) asked: u64,
    pub(super) cancelled: u64,
    pub(super) steered: u64,
    pub(super) joined: u64,
    pub(super) chosen: u64,
    pub(super) restored: u64,
    pub(super) lost: u64,
    pub(super) visits: BTreeMap<String, u64>,
}

impl Faults {
    pub(super) fn add(&mut self, other: Self) {
        self.bridge += other.bridge;
        self.agent += other.agent;
        self.client += other.client;
        self.stale += other.stale;
        self.repeated += other.repeated;
        self.interrupted += other.interrupted;
        self.asked += other.asked;
        self.cancelled += other.cancelled;
        self.steered += other.steered;
        self.joined += other.joined;
        self.chosen += other.chosen;
        self.restored += other.restored;
        self.lost += other.lost;
        for (kind, count) in other.visits {
            *self.visits.entry(kind).or_default() += count;
        }
    }
}

/// Everything in a run.
#[derive(Debug)]
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) now: u64,
    pub(super) log: Log,
    pub(super) host: Owner,
    /// The host of before a crash that does not know yet that it is none any more.
    pub(super) stale: Option<Owner>,
    /// By lane.
    pub(super) agents: BTreeMap<Arc<str>, Agent>,
    /// Between gateway and host.
    pub(super) bus: VecDeque<(Arc<str>, Command, Option<Waiting>)>,
    pub(super) shared: Shared,
    pub(super) clients: Vec<Client>,
    /// The answer to each question that came to the host first: by whom, and the answer.
    pub(super) first_answers: BTreeMap<Seq, (Arc<str>, String)>,
    /// When agents were told to stop: lane, head and epoch of the log.
    pub(super) told: Vec<(Arc<str>, Seq, u64)>,
    /// Records, by their places, whose effects were not all run because the bridge died.
    pub(super) cut: Vec<std::ops::Range<Seq>>,
    pub(super) faults: Faults,
    pub(super) wrong: Option<Break>,
    pub(super) findings: Findings,
}

impl World {
    pub(super) fn new(seed: u64, wrong: Option<Break>) -> Self {
        let mut log = Log::new();
        let mut agents: BTreeMap<Arc<str>, Agent> =
            [Record::MAIN_LANE, "two"].into_iter().map(|lane| (lane.into(), Agent::new(lane))).collect();
        let started = agents.get_mut(Record::MAIN_LANE).map(Agent::started).expect("it is there");
        let host = Owner::create(&mut log, 0, started);
        log.open_to_all = wrong == Some(Break::TwoWriters);
        Self {
            dice: Dice::new(seed),
            now: 1,
            log,
            host,
            stale: None,
            agents,
            bus: VecDeque::new(),
            shared: Shared::default(),
            clients: (0..3).map(Client::new).collect(),
            first_answers: BTreeMap::new(),
            told: Vec::new(),
            cut: Vec::new(),
            faults: Faults::default(),
            wrong,
            findings: Findings::default(),
        }
    }

    /// Lets it happen, lets it settle, and checks the promises.
    pub(super) fn run(&mut self) {
        for _ in 0..STEPS {
            self.now += 1_000;
            self.step();
        }
        self.calm();
        for _ in 0..SETTLE {
            self.now += 100_000;
            self.settle();
            if self.is_settled() {
                check::promises(self);
                return self.count();
            }
        }
        let open: Vec<_> = self.clients.iter().flat_map(Client::open).collect();
        self.findings.broken("P7", format!("it does not settle; nobody answers {open:?}"));
    }

    /// The log as text.
    pub(super) fn history(&self) -> String {
        let mut text = String::new();
        for record in &self.log.records {
            let body = record.body.as_str();
            let _ = writeln!(text, "{} {} {} {} {body}", record.seq, record.lane, record.kind, record.origin);
        }
        text
    }

    fn step(&mut self) {
        let client = self.dice.below(self.clients.len());
        match self.dice.below(46) {
            0..=4 | 43 => self.clients_want(client),
            5 => self.clients[client].cancel(&mut self.dice),
            6..=8 => {
                let which = self.dice.below(4);
                self.clients[client].answer(which);
            }
            9..=15 => self.deliver(),
            16..=22 => self.agents_act(false),
            23..=29 => self.flush(),
            30..=34 => {
                let some = 1 + self.dice.below(5);
                self.show(client, some);
            }
            35 | 36 if self.dice.percent(50) => self.drop_client(client),
            37 if self.dice.percent(60) => self.kill_agent(),
            38 if self.dice.percent(25) => self.kill_bridge(),
            39 if self.dice.percent(30) => self.time_passes(),
            40 if self.dice.percent(60) => self.clients[client].add_lane(),
            41 => self.stale_host_acts(),
            44 | 45 => self.clients[client].choose(&mut self.dice),
            _ => self.pump(),
        }
        self.pump();
    }

    /// No faults any more: there is somebody who sees and may do everything, and who waits can be answered.
    fn calm(&mut self) {
        self.stale_host_acts();
        for at in 0..self.clients.len() {
            let client = &self.clients[at];
            let observes = client.link.as_ref().is_some_and(|link| !link.visit.controller);
            if at == 0 || (observes && !client.open().is_empty()) {
                self.drop_client(at);
            }
        }
    }

    /// One round without faults, in which everybody does what is to be done.
    fn settle(&mut self) {
        for at in 0..self.clients.len() {
            if self.clients[at].link.is_none() {
                self.clients[at].connect_plainly(&self.shared);
            }
            for key in self.clients[at].open() {
                self.clients[at].prompt(&key);
            }
            self.clients[at].answer(0);
            self.show(at, 50);
        }
        self.pump();
        while !self.bus.is_empty() {
            self.deliver();
        }
        self.agents_act(true);
        self.time_passes();
        self.flush();
        self.pump();
    }

    fn is_settled(&self) -> bool {
        let head = self.log.head();
        self.agents.values().all(Agent::is_idle)
            && !self.host.has_work()
            && self.bus.is_empty()
            && self.clients.iter().all(|client| {
                client.open().is_empty()
                    && client
                        .link
                        .as_ref()
                        .is_some_and(|link| link.attached && link.tail.as_ref().is_some_and(|tail| tail.cursor == head))
            })
    }

    fn clients_want(&mut self, client: usize) {
        let it = &mut self.clients[client];
        if it.link.is_none() {
            return it.connect(&self.shared, &mut self.dice);
        }
        let open = it.open();
        match open.first() {
            Some(key) if self.dice.percent(50) || open.len() > 2 => it.prompt(key),
            _ => it.prompt_anew(&mut self.dice),
        }
    }

    fn count(&mut self) {
        let count = |kind: &Kind| self.log.records.iter().filter(|record| record.kind == *kind).count() as u64;
        self.faults.asked = count(&Kind::PermissionRequested);
        self.faults.cancelled = count(&Kind::CancelRequested);
        self.faults.steered = count(&Kind::PromptSteered);
        self.faults.joined = count(&Kind::LaneJoined);
        let with = |kind: &Kind, word: &str| {
            let of_kind = self.log.records.iter().filter(|record| record.kind == *kind);
            of_kind.filter(|record| record.body.as_str().contains(word)).count() as u64
        };
        self.faults.chosen = with(&Kind::SessionUpdated, "\"chosen\"");
        self.faults.restored = with(&Kind::ChoicesRestored, "\"set\"");
        self.faults.lost = with(&Kind::ChoicesRestored, "\"lost\"");
        self.faults.repeated = self.clients.iter().map(|client| client.repeated).sum();
        let interrupted = |record: &&Arc<Record>| record.body.as_str().contains("\"interrupted\"");
        let ended = self.log.records.iter().filter(|record| record.kind == Kind::TurnEnded);
        self.faults.interrupted = ended.filter(interrupted).count() as u64;
        let refused = |client: &Client| {
            client.prompts.values().filter(|prompt| matches!(prompt.fate, Fate::Refused(_))).count() as u64
        };
        self.faults.visits.insert("refused".to_owned(), self.clients.iter().map(refused).sum());
        for visit in self.clients.iter().flat_map(Client::visits).filter(|visit| visit.opened.is_some()) {
            let role = if visit.controller { "controller" } else { "observer" };
            *self.faults.visits.entry(format!("{:?} {role} {:?}", visit.entry, visit.lanes)).or_default() += 1;
        }
    }
}
