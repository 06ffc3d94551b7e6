//! Lanes that join a session and leave it.

use std::sync::Arc;

use acp_types::ErrorObjectOwned;
use acp_types::error::ErrorCode;
use acp_types::record::body::{LaneJoined, LaneLeft};
use acp_types::record::{Kind, Origin, Record};

use super::super::lanes::Lanes;
use super::super::{CommandId, Effect, LaneState, Reply, StartPlan};
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
            step.refuse(command, ErrorCode::INVALID_PARAMS, why);
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
            let why = format!(
                "the agent of the lane {name:?} is started by the bridge and does not dial in; use another name for the lane"
            );
            step.refuse(command, ErrorCode::INVALID_PARAMS, why);
        }
    }

    fn why_not(&self, step: &Step<'_>, name: &str, joiner: &Joiner) -> Option<String> {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !plain || name.is_empty() || name.len() > MAX_NAME {
            return Some(format!("a lane's name is 1 to {MAX_NAME} letters, digits, dots, hyphens and underscores"));
        }
        if joiner.name().is_empty() || joiner.name().len() > MAX_PROFILE {
            return Some(match joiner {
                Joiner::Profile(_) => format!("`agent` is not the name of a launch profile: 1 to {MAX_PROFILE} bytes"),
                Joiner::Dials(_) => format!("the name of the agent is 1 to {MAX_PROFILE} bytes"),
            });
        }
        if self.get(name).is_some() {
            return Some(format!("there is a lane {name:?} in this session already; use another name, or remove it"));
        }
        let max = step.config().max_lanes;
        let full = self.iter().count() >= max;
        full.then(|| format!("the session has {max} lanes already; remove one"))
    }

    /// Cancels what a lane runs and queues, stops its agent, and lets it go.
    pub(super) fn remove(&mut self, step: &mut Step<'_>, command: CommandId, client: &Arc<str>, name: &str) {
        if name == Record::MAIN_LANE {
            step.refuse(command, ErrorCode::INVALID_PARAMS, "`main` cannot be removed; close or delete the session");
            return;
        }
        let Some(lane) = self.named(step, command, Some(name)) else { return };
        let reason = "the lane was removed";
        lane.put_to_rest(step, client, reason);
        let left = LaneLeft { reason: reason.to_owned() };
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
    pub(super) fn fail_to_join(&mut self, step: &mut Step<'_>, error: &ErrorObjectOwned) {
        if let Some(joining) = self.joining.take() {
            step.reply(joining.command, Err(error.clone()));
        }
    }
}
