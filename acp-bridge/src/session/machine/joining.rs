//! Lanes that join a session and leave it.

use std::sync::Arc;

use acp_types::record::body::{LaneJoined, LaneLeft};
use acp_types::record::{Kind, Origin, Record};

use super::super::lanes::Lanes;
use super::super::{CommandId, Effect, LaneState, Refusal, Reply, StartPlan};
use super::lane::{Agent, Lane};
use super::recorder::Step;

/// Bytes of a lane's name.
const MAX_NAME: usize = 64;

/// Bytes of the name of a launch profile, or of an agent that dials in.
const MAX_PROFILE: usize = 256;

/// A lane whose first agent is on its way. It is nobody's business until that agent serves: if it does not, there never
/// was a lane.
#[derive(Debug)]
pub(super) struct Joining {
    command: CommandId,
    client: Arc<str>,
    joiner: Joiner,
}

/// The agent of a lane that joins.
#[derive(Debug)]
pub(super) enum Joiner {
    /// The host starts it by a launch profile.
    Profile(String),
    /// It dials in, and is called so.
    Dials(String),
}

impl Joiner {
    fn name(&self) -> &str {
        match self {
            Self::Profile(name) | Self::Dials(name) => name,
        }
    }
}

impl Lanes<Lane> {
    /// Starts an agent for a lane of this name.
    pub(super) fn add(
        &mut self,
        step: &mut Step<'_>,
        command: CommandId,
        client: Arc<str>,
        name: Arc<str>,
        joiner: Joiner,
    ) {
        if let Some(why) = self.why_not(step, &name, &joiner) {
            step.refuse(command, why);
            return;
        }
        let plan = StartPlan {
            initialize: step.initialize().unwrap_or_default(),
            params: step.start_params().clone(),
            profile: Some(joiner.name().to_owned()),
            dialled: matches!(joiner, Joiner::Dials(_)),
            first: true,
            agent_session: None,
            accept_context_loss: false,
        };
        let mut lane = Lane::new(Arc::clone(&name));
        lane.agent = Agent::Starting { accepts_loss: false };
        lane.joining = Some(Joining { command, client, joiner });
        self.join(Arc::clone(&name), lane);
        step.effect(Effect::StartAgent { lane: name, plan });
    }

    /// The agent of a lane dials in. The lane is made if there is none.
    pub(super) fn dial(
        &mut self,
        step: &mut Step<'_>,
        command: CommandId,
        client: Arc<str>,
        name: Arc<str>,
        agent: String,
    ) {
        let Some(lane) = self.get(&name) else { return self.add(step, command, client, name, Joiner::Dials(agent)) };
        let joining = lane.joining.as_ref().map(|joining| matches!(joining.joiner, Joiner::Dials(_)));
        let joined = || lane.logged(step.state())?.how_joined().map(|joined| joined.dialled);
        if joining.or_else(joined) == Some(true) {
            step.reply(command, Ok(Reply::Done));
        } else {
            step.refuse(command, Refusal::LaneNotDialled { lane: name.to_string() });
        }
    }

    fn why_not(&self, step: &Step<'_>, name: &str, joiner: &Joiner) -> Option<Refusal> {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !plain || name.is_empty() || name.len() > MAX_NAME {
            return Some(Refusal::LaneName { max: MAX_NAME });
        }
        if joiner.name().is_empty() || joiner.name().len() > MAX_PROFILE {
            return Some(match joiner {
                Joiner::Profile(_) => Refusal::ProfileName { max: MAX_PROFILE },
                Joiner::Dials(_) => Refusal::AgentName { max: MAX_PROFILE },
            });
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
        let Joining { command, client, joiner } = self.joining.take()?;
        let dialled = matches!(joiner, Joiner::Dials(_));
        let joined = LaneJoined { agent: joiner.name().to_owned(), by: Some(Arc::clone(&client)), dialled };
        self.record(step, Kind::LaneJoined, Origin::Client(client), None, &joined);
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
