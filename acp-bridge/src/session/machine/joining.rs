//! Lanes that join a session and leave it.

use std::sync::Arc;

use acp_types::record::body::{LaneJoined, LaneLeft};
use acp_types::record::{Kind, Origin, Record};

use super::super::lanes::Lanes;
use super::super::{AgentSource, CommandId, Effect, LaneState, Refusal, Reply, StartPlan};
use super::lane::{Agent, Lane};
use super::recorder::Step;

/// Bytes of a lane's name.
const MAX_NAME: usize = 64;

/// Bytes of the name of a launch profile, or of an agent that dials in.
const MAX_PROFILE: usize = 256;

/// A lane whose first agent is on its way, and who waits to hear of it. A lane that the log does not have is nobody's
/// business until that agent serves: if it does not, there never was a lane.
#[derive(Debug)]
pub(super) struct Joining {
    command: CommandId,
    client: Arc<str>,
    pub(super) source: AgentSource,
}

impl Lanes<Lane> {
    /// Starts an agent for a lane of this name.
    pub(super) fn add(
        &mut self,
        step: &mut Step<'_>,
        command: CommandId,
        client: Arc<str>,
        name: Arc<str>,
        source: AgentSource,
    ) {
        if let Some(why) = self.why_not(step, &name, &source) {
            step.refuse(command, why);
            return;
        }
        let plan = StartPlan {
            initialize: step.initialize().unwrap_or_default(),
            params: step.start_params().clone(),
            source: source.clone(),
            first: true,
            agent_session: None,
            accept_context_loss: false,
        };
        let mut lane = Lane::new(Arc::clone(&name));
        lane.agent = Agent::Starting { accepts_loss: false };
        lane.joining = Some(Joining { command, client, source });
        self.join(Arc::clone(&name), lane);
        step.effect(Effect::StartAgent { lane: name, plan });
    }

    /// The agent of a lane dials in. The lane is made if there is none; the first agent of one that waits for it is started
    /// at once, a later one when it is needed.
    pub(super) fn dial(
        &mut self,
        step: &mut Step<'_>,
        command: CommandId,
        client: Arc<str>,
        name: Arc<str>,
        agent: String,
    ) {
        let source = AgentSource::DialsIn(Some(agent));
        let Some(lane) = self.get_mut(&name) else { return self.add(step, command, client, name, source) };
        if !lane.source(step.state()).is_some_and(AgentSource::dials_in) {
            step.refuse(command, Refusal::LaneNotDialled { lane: name.to_string() });
            return;
        }
        let is_first = lane.logged(step.state()).is_some_and(LaneState::awaits_first_agent);
        let starts = is_first && lane.agent == Agent::Absent && !step.state().closed();
        match lane.plan(step, false).filter(|_| starts) {
            Some(plan) => {
                lane.agent = Agent::Starting { accepts_loss: false };
                lane.joining = Some(Joining { command, client, source });
                step.effect(Effect::StartAgent { lane: name, plan });
            }
            None => step.reply(command, Ok(Reply::Done)),
        }
    }

    fn why_not(&self, step: &Step<'_>, name: &str, source: &AgentSource) -> Option<Refusal> {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !plain || name.is_empty() || name.len() > MAX_NAME {
            return Some(Refusal::LaneName { max: MAX_NAME });
        }
        let agent = source.name().unwrap_or_default();
        if agent.is_empty() || agent.len() > MAX_PROFILE {
            let dials_in = source.dials_in();
            let (profile, own) = (Refusal::ProfileName { max: MAX_PROFILE }, Refusal::AgentName { max: MAX_PROFILE });
            return Some(if dials_in { own } else { profile });
        }
        if self.get(name).is_some() {
            return Some(Refusal::LaneExists { lane: name.to_owned() });
        }
        let max = step.config().max_lanes;
        let full = self.iter().count() >= max;
        full.then_some(Refusal::TooManyLanes { max })
    }

    /// Cancels what a lane runs and queues, stops its agent, and lets it go.
    pub(super) fn remove(&mut self, step: &mut Step<'_>, command: CommandId, client: &Arc<str>, name: &str) {
        if name == Record::MAIN_LANE {
            step.refuse(command, Refusal::MainStays);
            return;
        }
        let Some(lane) = self.named(step, command, Some(name)) else { return };
        lane.put_to_rest(step, client, &Refusal::LaneRemoved);
        let left = LaneLeft { reason: Refusal::LaneRemoved.to_string() };
        lane.record(step, Kind::LaneLeft, Origin::Client(Arc::clone(client)), None, &left);
        self.leave(name);
        step.reply(command, Ok(Reply::Done));
    }

    /// Lanes whose first agent did not come.
    pub(super) fn forget_unjoined(&mut self, step: &Step<'_>) {
        self.retain(|lane| lane.joining.is_some() || lane.logged(step.state()).is_some());
    }
}

impl Lane {
    /// The first agent is there: so is the lane. The command that waits for it, if this is that time.
    pub(super) fn join(&mut self, step: &mut Step<'_>) -> Option<CommandId> {
        let Joining { command, client, source } = self.joining.take()?;
        if self.logged(step.state()).is_none() {
            let agent = source.name().unwrap_or_default().to_owned();
            let joined = LaneJoined { agent, by: Some(Arc::clone(&client)), dialled: source.dials_in() };
            self.record(step, Kind::LaneJoined, Origin::Client(client), None, &joined);
        }
        Some(command)
    }

    /// Tells whoever added the lane.
    pub(super) fn joined(&self, step: &mut Step<'_>, command: CommandId) {
        let result = self.logged(step.state()).map(LaneState::session_result);
        step.reply(command, Ok(Reply::State(result.unwrap_or_default())));
    }

    /// The first agent does not come.
    pub(super) fn fail_to_join(&mut self, step: &mut Step<'_>, why: &Refusal) {
        if let Some(joining) = self.joining.take() {
            step.refuse(joining.command, why.clone());
        }
    }
}
