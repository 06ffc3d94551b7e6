//! Everything in a run, and the ways in which it goes on. Between two decisions of the dice all tasks run until none can.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use acp_types::SessionId;
use acp_types::record::Seq;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::agents::{Agents, Arrived};
use super::check;
use super::client::Client;
use super::dice::Dice;
use super::disk::Disk;
use super::evidence::{Evidence, Told};
use super::fault::Fault;
use super::finding::Findings;
use super::gateway::GatewayProcess;
use super::host::{Ground, HostProcess};
use super::tally::Tally;
use crate::command::{By, submit};
use crate::log::{Member, MemberId, Role, Signals};
use crate::service::Principal;
use crate::session::Command;
use crate::vault::MemoryVault;

/// The shortest time: long enough for every task to run until it waits.
const MOMENT: Duration = Duration::from_millis(1);

/// Everything in a run.
#[derive(Debug)]
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) ground: Ground,
    pub(super) session: SessionId,
    pub(super) hosts: Vec<HostProcess>,
    pub(super) gateways: Vec<GatewayProcess>,
    processes: u64,
    /// What is written is stored and read at once, and agents do what they can.
    pub(super) is_smooth: bool,
    pub(super) clients: Vec<Client>,
    told: Vec<Told>,
    pub(super) deaths: Vec<(Arc<str>, Seq)>,
    cut: Vec<Range<Seq>>,
    pub(super) tally: Tally,
    pub(super) findings: Findings,
}

impl World {
    /// A session with one agent, two gateways and a host.
    pub(super) async fn new(seed: u64, fault: Option<Fault>) -> Self {
        let disk = Disk::new(seed, fault);
        let agents = Agents::new(seed, Arc::clone(&disk));
        let ground = Ground { disk, agents, vault: Arc::new(MemoryVault::new()), begun: Instant::now() };
        let mut world = Self {
            dice: Dice::new(seed),
            ground,
            session: SessionId::from(""),
            hosts: Vec::new(),
            gateways: Vec::new(),
            processes: 0,
            is_smooth: true,
            clients: Vec::new(),
            told: Vec::new(),
            deaths: Vec::new(),
            cut: Vec::new(),
            tally: Tally::default(),
            findings: Findings::default(),
        };
        world.start_host().await;
        world.start_gateway().await;
        world.start_gateway().await;
        world.session = world.create().await;
        world.clients = (0..3).map(|name| Client::new(name, world.session.as_ref().into())).collect();
        world
    }

    /// Makes the session, as a client does that goes away then.
    async fn create(&mut self) -> SessionId {
        let socket = self.gateways[0].accept("founder".into());
        let hello = json!({ "protocolVersion": 1, "clientCapabilities": { "subagents": {} } });
        let new = json!({ "cwd": "/", "mcpServers": [] });
        let mut requests = [("initialize", hello), ("session/new", new)].into_iter();
        loop {
            let Some((method, params)) = requests.next() else { panic!("nobody makes a session") };
            socket.send(json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string());
            let answer = loop {
                self.let_all_happen().await;
                if let Some((_, answer)) = socket.read(1).pop() {
                    break serde_json::from_slice::<Value>(&answer).expect("JSON");
                }
            };
            if let Some(session) = answer["result"]["sessionId"].as_str() {
                return session.into();
            }
        }
    }

    pub(super) fn records(&self) -> Vec<Arc<acp_types::record::Record>> {
        self.ground.disk.records(&self.session)
    }

    pub(super) async fn start_host(&mut self) {
        self.processes += 1;
        let host = HostProcess::start(self.processes, &self.ground).await;
        self.hosts.push(host);
    }

    pub(super) async fn start_gateway(&mut self) {
        self.processes += 1;
        let Ground { disk, vault, .. } = &self.ground;
        self.gateways.push(GatewayProcess::start(self.processes, disk, vault).await);
    }

    /// Time passes, and all tasks run until none can.
    pub(super) async fn pass(&mut self, time: Duration) {
        sleep(time).await;
        self.look();
    }

    pub(super) async fn moment(&mut self) {
        self.pass(MOMENT).await;
    }

    /// Everything that waits for something happens, once.
    pub(super) async fn let_all_happen(&mut self) {
        self.hosts.iter().for_each(|host| host.process.take(true));
        self.let_writes_happen();
        let stops = self.ground.agents.act(true);
        self.stopped(stops);
        self.moment().await;
    }

    /// What was written is stored, and everybody hears of it.
    pub(super) fn let_writes_happen(&self) {
        let disk = &self.ground.disk;
        for process in self.hosts.iter().map(|host| &host.process).filter(|process| !process.is_stalled()) {
            while disk.held(process) != (0, 0) {
                disk.store(process);
                disk.acknowledge(process);
            }
        }
        disk.publish(None);
    }

    /// Looks at what has happened, now that nothing does.
    fn look(&mut self) {
        let disk = Arc::clone(&self.ground.disk);
        let head = disk.head();
        let owner = disk.spied().epochs.last_key_value().map(|(epoch, host)| (*epoch, *host));
        for arrived in self.ground.agents.collect() {
            match arrived {
                Arrived::Stop { lane, host } => self.told.push(Told { lane, head, host }),
                // What another host does by now is no business of one that has lost the session.
                Arrived::Prompt { host, .. } if owner.is_none_or(|(_, owner)| owner != host) => {}
                Arrived::Prompt { lane, mode, .. } => {
                    let looked =
                        check::p14_what_was_chosen_is_in_force(&self.records(), &lane, &mode, &mut self.findings);
                    self.tally.once(if looked { "mode known" } else { "mode on its way" });
                }
            }
        }
        for at in 0..self.hosts.len() {
            let host = &self.hosts[at];
            if host.process.is_stalled() || disk.held(&host.process) != (0, 0) {
                continue;
            }
            let number = host.process.number;
            if let Some((epoch, _)) = owner.filter(|(_, owner)| *owner == number && host.settled < head) {
                let asked = (&*self.ground.agents, number, epoch);
                check::p8_answers_arrive(&self.records(), host.settled, asked, &mut self.findings);
            }
            self.hosts[at].settled = head;
        }
        for client in &mut self.clients {
            if client.link.as_ref().is_some_and(super::link::Link::is_over) {
                client.drop_link(&disk, usize::MAX);
            }
        }
    }

    /// Agents have read that they are to stop.
    pub(super) fn stopped(&mut self, stops: Vec<(Arc<str>, Option<String>)>) {
        for text in stops.into_iter().filter_map(|(_, text)| text) {
            check::p5_somebody_wanted_it_to_stop(&self.records(), &text, &mut self.findings);
        }
    }

    pub(super) fn connect(&mut self, at: usize, plainly: bool) {
        let gateway = if plainly { 0 } else { self.dice.below(self.gateways.len()) };
        let Some(gateway) = self.gateways.get_mut(gateway) else { return };
        let client = &mut self.clients[at];
        let id = client.next_connection();
        let socket = gateway.accept(Arc::clone(&id));
        client.connect(id, gateway.process.number, (socket, &self.ground.disk), (!plainly).then_some(&mut self.dice));
    }

    /// A client goes away. What it asked for before is still done, and the host is told.
    pub(super) async fn drop_client(&mut self, at: usize) {
        let disk = Arc::clone(&self.ground.disk);
        let most = if self.dice.percent(50) { usize::MAX } else { self.dice.below(3) };
        let Some(connection) = self.clients[at].drop_link(&disk, most) else { return };
        self.tally.once("client cut");
        if self.ground.disk.goes_wrong(Fault::DropStops, 100) {
            self.stop_for(connection).await;
        }
    }

    /// Somebody stops what runs in the name of a client.
    async fn stop_for(&self, client: Arc<str>) {
        let from = MemberId::from("meddler");
        let log = &self.ground.disk.log;
        let member = Member { id: from.clone(), role: Role::Gateway };
        log.renew(&member, Duration::from_secs(1)).await.expect("the log has room");
        let by = By { principal: Arc::new(Principal::admin("meddler")), client };
        let (vault, session) = (Arc::clone(&self.ground.vault), self.session.clone());
        let disk = Arc::clone(&self.ground.disk);
        tokio::spawn(async move { submit(&disk.log, &*vault, &from, by, Some(session), Command::cancel(None)).await });
    }

    pub(super) fn kill_gateway(&mut self, at: usize) {
        let gateway = self.gateways.remove(at);
        let number = gateway.process.number;
        gateway.kill();
        let disk = Arc::clone(&self.ground.disk);
        for client in &mut self.clients {
            if client.link.as_ref().is_some_and(|link| link.gateway == number) {
                client.drop_link(&disk, usize::MAX);
            }
        }
        self.tally.once("gateway killed");
    }

    /// An agent is killed.
    pub(super) fn kill_agent(&mut self) {
        if let Some(lane) = self.ground.agents.kill_one() {
            self.deaths.push((lane, self.ground.disk.head()));
            self.tally.once("agent killed");
        }
    }

    /// A host is killed, before, after or in the middle of what it is about to write.
    pub(super) fn kill_host(&mut self, at: usize) {
        let host = self.hosts.remove(at);
        let (written, told) = self.ground.disk.held(&host.process);
        self.tally.add("writes cut", u64::from(written + told > 0));
        host.kill(&self.ground, self.dice.below(written + 1));
        self.cut.push(host.settled..self.ground.disk.head());
        self.tally.once("host killed");
    }

    /// What there is for the checks.
    pub(super) fn evidence(&self) -> Evidence {
        let records = self.records();
        let head = records.last().map_or(0, |record| record.seq);
        let mut visits = Vec::new();
        let mut prompts = Vec::new();
        for client in &self.clients {
            visits.extend(client.over.iter().cloned());
            visits.extend(client.link.as_ref().map(|link| {
                let mut visit = link.visit.clone();
                visit.reached = head;
                visit
            }));
            prompts.extend(client.prompts.iter().map(|(key, prompt)| (key.clone(), prompt.fate.clone())));
        }
        let deeds: BTreeMap<_, _> = self.ground.agents.deeds();
        let spied = self.ground.disk.spied();
        Evidence {
            session: self.session.clone(),
            records,
            visits,
            prompts,
            deeds,
            answers: spied.answers.clone(),
            acknowledged: spied.acknowledged.clone(),
            early: spied.early.clone(),
            epochs: spied.epochs.clone(),
            told: self.told.iter().map(|told| Told { lane: Arc::clone(&told.lane), ..*told }).collect(),
            deaths: self.deaths.clone(),
            cut: self.cut.clone(),
        }
    }
}
