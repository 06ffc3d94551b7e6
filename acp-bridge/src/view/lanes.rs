//! Which lanes a session has, and which of them a client wants to see. Pure.

use acp_types::api::{Lane, Lanes};
use acp_types::meta::RequestMeta;
use acp_types::{ErrorObjectOwned, Raw, RawBuf};

use super::refusal;
use crate::session::{LaneState, State};

/// Names in one filter: more than a session has lanes, so that those to come can be named as well.
const MAX_NAMES: usize = 64;

/// All lanes, or those that `_meta["acp-bridge"].lanes` names. A lane that is not there yet can be named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LaneFilter(Option<Vec<String>>);

impl LaneFilter {
    /// What the params of a `session/load` or `session/resume` ask for.
    pub(crate) fn read(params: &RawBuf) -> Result<Self, ErrorObjectOwned> {
        let meta = RequestMeta::read(params.as_raw()).map_err(|error| refusal::invalid_params(error.to_string()))?;
        if meta.lanes.as_ref().is_some_and(|lanes| lanes.len() > MAX_NAMES) {
            let message =
                format!("`_meta[\"acp-bridge\"].lanes` has more than {MAX_NAMES} names: leave it out to see all");
            return Err(refusal::invalid_params(message));
        }
        Ok(Self(meta.lanes))
    }

    /// Whether the client sees this lane.
    pub(crate) fn shows(&self, lane: &str) -> bool {
        self.0.as_ref().is_none_or(|lanes| lanes.iter().any(|named| named == lane))
    }
}

/// What clients are told of a session's lanes.
pub(crate) fn listed(state: &State) -> Lanes {
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

#[cfg(test)]
mod tests {
    use acp_types::RawBuf;
    use serde_json::json;

    use super::{LaneFilter, MAX_NAMES};

    fn read(ours: &serde_json::Value) -> Result<LaneFilter, acp_types::ErrorObjectOwned> {
        LaneFilter::read(&RawBuf::encode(&json!({ "sessionId": "s", "_meta": { "acp-bridge": ours } })).unwrap())
    }

    #[test]
    fn without_a_filter_every_lane_is_shown() {
        let plain = LaneFilter::read(&RawBuf::parse(r#"{"sessionId":"s"}"#).unwrap()).unwrap();
        for filter in [plain, read(&json!({ "after": 1 })).unwrap(), LaneFilter::default()] {
            assert!(filter.shows("main") && filter.shows("b"));
        }
    }

    #[test]
    fn a_filter_shows_what_it_names_and_nothing_else() {
        let filter = read(&json!({ "lanes": ["b", "c"] })).unwrap();
        assert!(filter.shows("b") && filter.shows("c") && !filter.shows("main") && !filter.shows("B"));
        assert!(!read(&json!({ "lanes": [] })).unwrap().shows("main"));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for wrong in [json!("b"), json!([1]), json!({ "b": true })] {
            assert_eq!(read(&json!({ "lanes": wrong })).unwrap_err().code(), -32602);
        }
        let names = |count: usize| (0..count).map(|lane| lane.to_string()).collect::<Vec<_>>();
        assert!(read(&json!({ "lanes": names(MAX_NAMES) })).is_ok());
        let refused = read(&json!({ "lanes": names(MAX_NAMES + 1) })).unwrap_err();
        assert!(refused.message().contains("64"), "{}", refused.message());
    }
}
