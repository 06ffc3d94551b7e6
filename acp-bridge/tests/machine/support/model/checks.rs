//! What has to be so at every step, and at the end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use acp_bridge::session::{LaneState, TurnPhase};
use acp_types::record::body::{PromptQueued, PromptSteered, SessionUpdated, Steer};
use acp_types::record::{Kind, Turn};

use super::World;
use super::agent::Agent;

pub(super) fn is_idle(lane: &LaneState) -> bool {
    lane.running().is_none() && lane.queue().len() == 0 && lane.steered().len() == 0
}

impl World {
    /// Turns that run although they were cancelled, with their lane.
    pub(super) fn cancelled(&self) -> Vec<(&str, Turn)> {
        let state = self.machine.state();
        let running = state.lanes().filter_map(|lane| Some((&**lane.name(), lane.running()?)));
        running.filter(|(_, turn)| state.turn(*turn).unwrap().cancel_requested).collect()
    }

    /// How many things there are that may have a deadline.
    pub(super) fn open_ended(&self) -> usize {
        let state = self.machine.state();
        let steered: usize = state.lanes().map(|lane| lane.steered().len()).sum();
        let restoring = state.lanes().filter(|lane| lane.is_restoring()).count();
        self.cancelled().len() + steered + state.pending().count() + restoring + self.untold()
    }

    /// Modes and options that one client has set and nobody has told the others since, in lanes whose agent is there.
    pub(super) fn untold(&self) -> usize {
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

    /// With nothing left to do, something else must be under way for everything that is open.
    pub(super) fn check_that_it_goes_on(&self) {
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
    pub(super) fn check_lane(&self, lane: &LaneState, agent: &Agent) -> bool {
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

    pub(super) fn check_the_end(&self) {
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
