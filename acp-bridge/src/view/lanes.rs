//! Lanes of a session, and those of them that a client wants to see. Pure.

use acp_types::Raw;
use acp_types::api::{Lane, Lanes};

use crate::session::{LaneState, State};

/// Filter of lanes: all, or those that a client names. A lane that is not there yet can be named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LaneFilter(Option<Vec<String>>);

impl LaneFilter {
    /// Number of names that one may have: more than a session has lanes, so that those to come can be named as well.
    pub(crate) const MAX_NAMES: usize = 64;

    /// Creates a filter for the lanes of these names; without names, for all.
    pub(crate) fn new(names: Option<Vec<String>>) -> Self {
        Self(names)
    }

    /// Returns whether the client sees this lane.
    pub(crate) fn shows(&self, lane: &str) -> bool {
        self.0.as_ref().is_none_or(|lanes| lanes.iter().any(|named| named == lane))
    }
}

/// Lanes of a session, as clients are told of them.
pub(crate) fn lanes_of(state: &State) -> Lanes {
    Lanes { lanes: state.lanes().map(lane).collect() }
}

fn lane(lane: &LaneState) -> Lane {
    let said = lane.agent().and_then(|agent| agent.initialize.as_raw().path(&["agentInfo", "name"]));
    Lane {
        lane: lane.name().as_ref().to_owned(),
        agent: lane.source().name().map(str::to_owned),
        name: said.and_then(Raw::as_string).map(String::from),
        alive: lane.agent_alive(),
        turn: lane.running(),
        queued: lane.queue().len() as u64,
    }
}
