//! The host's driver and the log, cut where a crash may cut them.

use std::collections::HashMap;
use std::sync::Arc;

use acp_types::record::{Epoch, Record};

use super::agent::raw;
use super::world::Waiting;
use crate::session::{Command, CommandId, Config, Effect, FirstAgent, FromAgent, Input, Machine, Output, State};

/// The one session of a run.
pub(super) const SESSION: &str = "s";

/// Records on stable storage: they outlive everything.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) records: Vec<Arc<Record>>,
    pub(super) epoch: Epoch,
}

impl Log {
    pub(super) fn append(&mut self, records: Vec<Arc<Record>>) {
        for record in records {
            assert_eq!(record.seq, self.records.len() as u64 + 1, "P1: seqs have no gaps");
            assert_eq!(record.epoch, self.epoch, "P9: only the session's owner appends");
            self.records.push(record);
        }
    }

    pub(super) fn state(&self) -> State {
        let mut state = State::default();
        for record in &self.records {
            state.apply(record).expect("a log that its own state accepts");
        }
        state
    }

    pub(super) fn head(&self) -> u64 {
        self.records.len() as u64
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
    /// Claims the session and closes what was left open; the effects are to be run.
    pub(super) fn recover(log: &mut Log, now: u64) -> (Self, Vec<Effect>) {
        log.epoch += 1;
        let (machine, out) = Machine::recover(SESSION.into(), log.epoch, log.state(), Config::default(), now);
        let mut host = Self { machine, out, replies: HashMap::new(), commands: 0 };
        let (effects, _) = host.commit(log);
        assert!(effects.iter().all(|effect| !matches!(effect, Effect::Call { .. })), "nothing runs unasked");
        (host, effects)
    }

    /// Makes the session.
    pub(super) fn create(log: &mut Log, now: u64, (position, started): (Option<u64>, FromAgent)) -> Self {
        let FromAgent::Started(started) = started else { panic!("an agent that has started") };
        log.epoch = 1;
        let agent = FirstAgent { initialize: raw("{}"), started, position, early: Vec::new() };
        let params = raw(r#"{"cwd":"/","mcpServers":[]}"#);
        let (machine, out) = Machine::create(SESSION.into(), Config::default(), now, &params, agent);
        let mut host = Self { machine, out, replies: HashMap::new(), commands: 0 };
        host.commit(log);
        host
    }

    pub(super) fn command(&mut self, now: u64, client: Arc<str>, command: Command, waiting: Waiting) {
        let id = CommandId(self.commands);
        self.commands += 1;
        self.replies.insert(id, waiting);
        self.machine.handle(now, Input::Command { id, client, command }, &mut self.out);
    }

    pub(super) fn agent(&mut self, now: u64, position: Option<u64>, event: FromAgent) {
        self.machine.handle(now, Input::Agent { lane: Record::MAIN_LANE.into(), position, event }, &mut self.out);
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

    /// Puts what was recorded on stable storage; the effects that may be run now.
    pub(super) fn commit(&mut self, log: &mut Log) -> (Vec<Effect>, bool) {
        let Output { records, effects } = std::mem::take(&mut self.out);
        let any = !records.is_empty();
        log.append(records);
        (effects, any)
    }

    /// Who waits for a command's reply.
    pub(super) fn waiting(&mut self, command: CommandId) -> Option<Waiting> {
        self.replies.remove(&command)
    }
}
