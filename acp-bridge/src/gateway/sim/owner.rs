//! The host's driver and the log, cut where a crash may cut them.

use std::collections::HashMap;
use std::sync::Arc;

use acp_types::record::{Record, Seq};

use super::agent::raw;
use super::world::Waiting;
use crate::log::{LogError, SessionInfo};
use crate::session::{Command, CommandId, Config, Effect, FirstAgent, FromAgent, Input, Machine, Output, State};

/// The one session of a run.
pub(super) const SESSION: &str = "s";

/// Records on stable storage: they outlive everything.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) records: Vec<Arc<Record>>,
    /// What decides who may append.
    info: SessionInfo,
    /// Whoever comes may append: what happens then is to be noticed.
    pub(super) open_to_all: bool,
}

impl Log {
    pub(super) fn new() -> Self {
        Self { records: Vec::new(), info: SessionInfo::new(SESSION.into()), open_to_all: false }
    }

    fn append(&mut self, mut records: Vec<Arc<Record>>) -> Result<(), LogError> {
        if self.open_to_all {
            for (seq, record) in (self.info.head + 1..).zip(&mut records) {
                Arc::make_mut(record).seq = seq;
            }
        } else {
            self.info.admit(&records)?;
        }
        for record in records {
            self.info.apply(&record);
            self.records.push(record);
        }
        Ok(())
    }

    pub(super) fn state(&self) -> State {
        let mut state = State::default();
        for record in &self.records {
            state.apply(record).expect("a log that its own state accepts");
        }
        state
    }

    pub(super) fn head(&self) -> Seq {
        self.info.head
    }

    pub(super) fn epoch(&self) -> u64 {
        self.info.epoch
    }
}

/// A host as long as it lives.
#[derive(Debug)]
pub(super) struct Owner {
    machine: Machine,
    out: Output,
    replies: HashMap<CommandId, Waiting>,
    commands: u64,
}

impl Owner {
    fn new(machine: Machine, out: Output) -> Self {
        Self { machine, out, replies: HashMap::new(), commands: 0 }
    }

    /// Claims the session and closes what was left open.
    pub(super) fn recover(log: &mut Log, now: u64) -> Self {
        log.info.epoch += 1;
        let (machine, out) =
            Machine::recover(SESSION.into(), log.info.epoch, log.state(), Config::default(), now, None);
        let mut host = Self::new(machine, out);
        let effects = host.commit(log).expect("the owner appends");
        assert!(effects.iter().all(|effect| !matches!(effect, Effect::Call { .. })), "nothing runs unasked");
        host
    }

    /// Makes the session.
    pub(super) fn create(log: &mut Log, now: u64, started: FromAgent) -> Self {
        let FromAgent::Started(started) = started else { panic!("an agent that has started") };
        let agent = FirstAgent { initialize: raw("{}"), started, position: None, early: Vec::new() };
        let params = raw(r#"{"cwd":"/","mcpServers":[]}"#);
        let (machine, out) = Machine::create(SESSION.into(), Config::default(), now, &params, agent);
        let mut host = Self::new(machine, out);
        host.commit(log).expect("the owner appends");
        host
    }

    /// A command of somebody who waits for the reply, or of nobody.
    pub(super) fn command(&mut self, now: u64, client: Arc<str>, command: Command, waiting: Option<Waiting>) {
        let id = CommandId(self.commands);
        self.commands += 1;
        if let Some(waiting) = waiting {
            self.replies.insert(id, waiting);
        }
        self.machine.handle(now, Input::Command { id, client, command }, &mut self.out);
    }

    pub(super) fn agent(&mut self, now: u64, lane: &Arc<str>, event: FromAgent) {
        self.machine.handle(now, Input::Agent { lane: Arc::clone(lane), position: None, event }, &mut self.out);
    }

    pub(super) fn tick(&mut self, now: u64) {
        self.machine.handle(now, Input::Tick, &mut self.out);
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        self.machine.deadline()
    }

    pub(super) fn has_work(&self) -> bool {
        !self.out.records.is_empty() || !self.out.effects.is_empty()
    }

    /// Whether a request of an agent waits for an answer as far as this host knows.
    pub(super) fn is_pending(&self, request: Seq) -> bool {
        self.machine.state().pending_request(request).is_some()
    }

    /// Puts what was recorded on stable storage; the effects that may be run now.
    pub(super) fn commit(&mut self, log: &mut Log) -> Result<Vec<Effect>, LogError> {
        let Output { records, effects } = std::mem::take(&mut self.out);
        log.append(records)?;
        Ok(effects)
    }

    /// What it would do next, with nothing of it stored.
    pub(super) fn uncommitted(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.out).effects
    }

    /// Who waits for a command's reply.
    pub(super) fn waiting(&mut self, command: CommandId) -> Option<Waiting> {
        self.replies.remove(&command)
    }
}
