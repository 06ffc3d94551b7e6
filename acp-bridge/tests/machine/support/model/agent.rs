//! Agents: what a process does and hears while it lives.

use acp_bridge::session::{CallId, FromAgent, Input};
use acp_types::RequestId;

use super::World;
use super::link::{Link, Said};
use super::material::{RESULTS, pick, raw};
use super::op::Op;

/// One request of the agent, from its asking to its answer.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) id: RequestId,
    /// The number of its message.
    pub(super) position: u64,
    pub(super) answers: u32,
    /// The message was sent again after it was answered, so that a second answer may come; the link drops it.
    pub(super) again: bool,
    /// The process that asked is gone, so that no answer is due.
    pub(super) moot: bool,
}

/// The agent process, as the driver sees it.
#[derive(Debug, Default)]
pub(super) struct Agent {
    pub(super) alive: bool,
    pub(super) starting: bool,
    pub(super) open: Vec<(CallId, bool)>,
    pub(super) answered: Vec<CallId>,
    pub(super) asked: Vec<Asked>,
    pub(super) link: Link,
}

impl World {
    /// What a process can only do while it lives.
    pub(super) fn agent_op(&mut self, op: Op) {
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

    /// The agent of the lane that is turned to.
    pub(super) fn agent(&mut self) -> &mut Agent {
        self.agents.entry(self.lane).or_default()
    }

    pub(super) fn hear(&mut self, event: FromAgent) {
        self.handle(Input::Agent { lane: self.lane.into(), position: None, event });
    }

    pub(super) fn agent_dies(&mut self, lane: &str) {
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
}
