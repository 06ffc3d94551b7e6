//! Lanes: agents that a client adds to a session and removes from it, and which there are.

use acp_types::{ErrorObjectOwned, Raw, RawBuf, RequestId};
use serde::Serialize;

use super::params::Params;
use super::{Connection, Then};
use crate::gateway::refusal;
use crate::session::{Command, LaneState, State};

impl Connection {
    /// `_acp-bridge/lane_add`: answered with the modes and options of the new agent once it serves.
    pub(super) fn lane_add(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = self.attached_session(params)?;
        let (lane, agent) = (params.text("lane")?.into(), params.text("agent")?);
        self.submit(Some(session), Command::LaneAdd { lane, agent }, Then::Call { id: id.clone() });
        Ok(())
    }

    /// `_acp-bridge/lane_remove`.
    pub(super) fn lane_remove(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = self.attached_session(params)?;
        let lane = params.text("lane")?.into();
        self.submit(Some(session), Command::LaneRemove { lane }, Then::Call { id: id.clone() });
        Ok(())
    }

    /// `_acp-bridge/lanes`: as the log has them, whatever the client wants to see of them.
    pub(super) fn lanes(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = self.attached_session(params)?;
        let Some(attached) = self.attachments.get(&session) else { return Err(refusal::not_attached(&session)) };
        let listed = listed(attached.state());
        self.out.respond(id.clone(), listed);
        Ok(())
    }
}

/// The result of `_acp-bridge/lanes`.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    lanes: Vec<Lane<'a>>,
}

#[derive(Debug, Serialize)]
struct Lane<'a> {
    lane: &'a str,
    /// The launch profile by which it joined; `main` has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    /// What the agent calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    alive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    turn: Option<u64>,
    queued: usize,
}

fn listed(state: &State) -> Result<RawBuf, ErrorObjectOwned> {
    let listed = Listed { lanes: state.lanes().map(lane).collect() };
    RawBuf::encode(&listed).map_err(|error| refusal::internal(error.to_string()))
}

fn lane(lane: &LaneState) -> Lane<'_> {
    let said = lane.agent().and_then(|agent| agent.initialize.as_raw().path(&["agentInfo", "name"]));
    Lane {
        lane: lane.name(),
        agent: lane.how_joined().map(|joined| joined.agent.as_str()),
        name: said.and_then(Raw::as_string).map(String::from),
        alive: lane.agent_alive(),
        turn: lane.running(),
        queued: lane.queue().len(),
    }
}
