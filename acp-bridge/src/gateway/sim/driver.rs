//! Between the host's machine, its log and its agents: what a host's driver does, and how it is killed.

use std::sync::Arc;

use acp_types::record::{Kind, Origin, Record};
use acp_types::{Raw, RawBuf, rewrite};

use super::agent::{from_wire, raw};
use super::breaks::Break;
use super::check;
use super::gateway::text_of;
use super::owner::Owner;
use super::tail::Shared;
use super::world::World;
use crate::session::{Command, Effect, FromAgent};

impl World {
    /// Hands the host the next command.
    pub(super) fn deliver(&mut self) {
        let Some((client, mut command, waiting)) = self.bus.pop_front() else { return };
        match &mut command {
            Command::Answer { request, answer: Ok(answer) } if self.host.is_pending(*request) => {
                self.first_answers.insert(*request, (Arc::clone(&client), answer.as_str().to_owned()));
            }
            Command::Prompt { key, .. } if self.wrong == Some(Break::KeyLost) => *key = None,
            _ => {}
        }
        self.host.command(self.now, client, command, waiting);
    }

    pub(super) fn agents_act(&mut self, calm: bool) {
        let lanes: Vec<Arc<str>> = self.agents.keys().cloned().collect();
        for lane in lanes {
            if !calm && self.dice.percent(40) {
                continue;
            }
            let agent = self.agents.get_mut(&lane).expect("a lane");
            if agent.starting {
                // What comes of a start may be handed in only while no effect waits, which may end it.
                self.flush();
                let agent = self.agents.get_mut(&lane).expect("a lane");
                if agent.starting {
                    let started = agent.started();
                    self.host.agent(self.now, &lane, started);
                }
            } else if agent.alive
                && let Some(event) = agent.act(&mut self.dice, calm)
            {
                let event = self.on_its_way(event);
                self.host.agent(self.now, &lane, event);
            }
        }
    }

    fn on_its_way(&self, event: FromAgent) -> FromAgent {
        match event {
            FromAgent::Update(payload) if self.wrong == Some(Break::Rewritten) => {
                let update = payload.raw().member("update").map_or("{}", Raw::as_str);
                from_wire(&update.replace("1e2", "100.0"))
            }
            FromAgent::Answered { call, outcome: Err(_) } if self.wrong == Some(Break::RefusalUnheard) => {
                FromAgent::Answered { call, outcome: Ok(raw("{}")) }
            }
            event => event,
        }
    }

    /// Commits, then runs the effects.
    pub(super) fn flush(&mut self) {
        self.flush_some(usize::MAX);
    }

    /// Commits and runs the first effects; where it stops the bridge dies.
    fn flush_some(&mut self, count: usize) {
        let before = self.log.head();
        let effects = match self.host.commit(&mut self.log) {
            Ok(effects) => effects,
            Err(error) => return self.findings.broken("P9", format!("the owner may not append: {error}")),
        };
        let all = count >= effects.len();
        for effect in effects.into_iter().take(count) {
            self.effect(effect);
        }
        if all {
            let mut findings = std::mem::take(&mut self.findings);
            check::p8_answers_arrive(self, before, &mut findings);
            self.findings = findings;
        } else {
            self.cut.push(before..self.log.head());
        }
        if self.wrong == Some(Break::ChoiceUntold) {
            let new = self.log.records.iter_mut().filter(|record| record.seq > before);
            for record in new.filter(|record| record.origin == Origin::Host && record.kind == Kind::Update) {
                let body = rewrite::remove_member(record.body.as_raw(), "update");
                let body = rewrite::set_member(body.as_raw(), "update", Raw::EMPTY_OBJECT);
                *record = Arc::new(Record { body, ..Record::clone(record) });
            }
        }
        if self.wrong == Some(Break::RecordChanges) && self.dice.percent(5) {
            let at = self.dice.below(self.log.records.len());
            let record = &mut self.log.records[at];
            if record.kind == Kind::Update && record.origin == Origin::Agent {
                let text = Raw::trusted("\"something else \"");
                let body = rewrite::set_path(record.body.as_raw(), &["update", "content", "text"], text);
                *record = Arc::new(Record { body, ..Record::clone(record) });
            }
        }
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Reply { command, reply } => self.reply(command, reply),
            Effect::StartAgent { lane, .. } => self.agent(&lane).starting = true,
            Effect::StopAgent { lane, .. } => self.agent(&lane).die(),
            Effect::Call { lane, call, method, params } => {
                let leaks = self.wrong == Some(Break::StopLeaks) && self.dice.percent(30);
                if method == "session/prompt" {
                    let mut findings = std::mem::take(&mut self.findings);
                    check::p14_what_was_chosen_is_in_force(self, &lane, &mut findings);
                    self.findings = findings;
                }
                let unheard = self.wrong == Some(Break::ChoiceNotGiven) && method == "session/set_mode";
                let agent = self.agent(&lane);
                match method.as_str() {
                    _ if !agent.alive => {}
                    "session/prompt" => agent.prompt(call, text_of(params.as_ref())),
                    "_session/steering" => agent.offer(call, text_of(params.as_ref())),
                    "session/set_mode" if unheard => {
                        let answered = FromAgent::Answered { call, outcome: Ok(raw("{}")) };
                        self.host.agent(self.now, &lane, answered);
                    }
                    "session/set_mode" => agent.want(call, mode_of(params.as_ref())),
                    other => panic!("nobody asked for {other}"),
                }
                if leaks {
                    self.tell_to_stop(&lane);
                }
            }
            Effect::Notify { lane, method, .. } if method == "session/cancel" => {
                if self.wrong != Some(Break::StopNotTold) {
                    self.tell_to_stop(&lane);
                }
            }
            Effect::Respond { lane, id, answer } => {
                let answer = answer.expect("a permission is answered with a result");
                if self.wrong == Some(Break::AnswerTwice) {
                    self.agent(&lane).answered(&id, &answer);
                }
                if self.wrong == Some(Break::StopAnswersNothing) && is_cancelled(&answer) {
                    return;
                }
                self.agent(&lane).answered(&id, &answer);
            }
            other => panic!("nobody wanted {other:?}"),
        }
    }

    fn agent(&mut self, lane: &Arc<str>) -> &mut super::agent::Agent {
        self.agents.get_mut(lane).expect("a lane")
    }

    /// The agent hears of a stop, which is for what it works on (P5).
    fn tell_to_stop(&mut self, lane: &Arc<str>) {
        self.told.push((Arc::clone(lane), self.log.head(), self.log.epoch()));
        let agent = self.agents.get_mut(lane).expect("a lane");
        if let Some(text) = agent.works_on() {
            let records = &self.log.records;
            let of_turn =
                |record: &&Arc<Record>| record.kind == Kind::PromptQueued && text_of(Some(&prompt_of(record))) == text;
            let turn = records.iter().find(of_turn).map(|record| record.seq);
            let asked = records.iter().any(|record| record.kind == Kind::CancelRequested && record.turn == turn);
            self.findings.expect(asked, "P5", || format!("the agent was told to stop {text}, which nobody wanted"));
        }
        agent.cancel();
    }

    pub(super) fn time_passes(&mut self) {
        if let Some(deadline) = self.host.deadline() {
            self.now = self.now.max(deadline);
            self.host.tick(self.now);
        }
    }

    pub(super) fn kill_agent(&mut self) {
        let lanes: Vec<Arc<str>> = self.agents.keys().cloned().collect();
        let lane = &lanes[self.dice.below(lanes.len())];
        let agent = self.agent(lane);
        if agent.alive {
            agent.die();
            self.faults.agent += 1;
            if self.wrong != Some(Break::DeathUnheard) {
                self.host.agent(self.now, lane, FromAgent::Exited { reason: "killed".to_owned() });
            }
        }
    }

    /// `kill -9` before, after or in the middle of what it was about to do. Every connection and the agents go with it.
    /// Now and then it has only lost its place, and does not know.
    pub(super) fn kill_bridge(&mut self) {
        self.faults.bridge += 1;
        if self.wrong == Some(Break::DoneBeforeStored) {
            for effect in self.host.uncommitted() {
                self.effect(effect);
            }
        } else if self.dice.percent(60) {
            let cut = self.dice.below(4);
            self.flush_some(cut);
        }
        self.bus.clear();
        self.agents.values_mut().for_each(super::agent::Agent::die);
        for client in &mut self.clients {
            // What the gateway had written may have reached it.
            client.read();
            drop(client.drop_link());
        }
        self.shared = Shared::default();
        let owner = Owner::recover(&mut self.log, self.now);
        let before = std::mem::replace(&mut self.host, owner);
        if self.dice.percent(40) {
            self.stale = Some(before);
        }
    }

    /// Whatever it wants to record is refused (P9).
    pub(super) fn stale_host_acts(&mut self) {
        let Some(mut stale) = self.stale.take() else { return };
        self.faults.stale += 1;
        let params = RawBuf::trusted(r#"{"prompt":[{"type":"text","text":"nobody"}]}"#);
        stale.command(self.now, "nobody".into(), Command::prompt(params, Some("nobody".to_owned()), false), None);
        let head = self.log.head();
        let stored = stale.commit(&mut self.log).is_ok();
        self.findings.expect(!stored && self.log.head() == head, "P9", || "two hosts append".to_owned());
    }
}

fn is_cancelled(answer: &RawBuf) -> bool {
    answer.as_str() == r#"{"outcome":{"outcome":"cancelled"}}"#
}

/// The mode that a request is for.
fn mode_of(params: Option<&RawBuf>) -> String {
    let mode = params.and_then(|params| params.as_raw().member("modeId")?.as_string());
    mode.expect("a mode").into_owned()
}

/// Params of the prompt that a `prompt_queued` holds.
pub(super) fn prompt_of(record: &Record) -> RawBuf {
    record.decode::<acp_types::record::body::PromptQueued>().expect("a prompt").params
}
