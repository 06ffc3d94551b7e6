//! The driver: appends what was recorded, runs effects, fires timers, and is lost in a crash.

use acp_bridge::session::{AgentSource, CommandId, Effect, Input, LaneState, Machine, Reply, State};
use acp_types::record::{Kind, Record, Seq};
use acp_types::{RawBuf, SessionId};

use super::World;
use super::link::Link;
use super::material::LANES;

impl World {
    pub(super) fn handle(&mut self, input: Input) {
        self.machine.handle(self.now, input, &mut self.out);
    }

    pub(super) fn wait(&mut self, tenths: u8) {
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

    pub(super) fn append(&mut self) {
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

    pub(super) fn flush(&mut self) {
        self.append();
        self.agents.values_mut().for_each(|agent| agent.link.acknowledged());
        for effect in std::mem::take(&mut self.out.effects) {
            self.run_effect(effect);
        }
        self.check_that_it_goes_on();
    }

    pub(super) fn run_effect(&mut self, effect: Effect) {
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

    pub(super) fn reply(&mut self, command: CommandId, reply: Option<Reply>) {
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
    pub(super) fn crash(&mut self, appended: bool) {
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
}
