//! Which lanes of a session a client wants to see. Pure.

use acp_types::meta::RequestMeta;
use acp_types::{ErrorObjectOwned, RawBuf};

use super::refusal;

/// Names in one filter: more than a session has lanes, so that those to come can be named as well.
const MAX_NAMES: usize = 64;

/// All lanes, or those that `_meta["acp-bridge"].lanes` names. A lane that is not there yet can be named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LaneFilter(Option<Vec<String>>);

impl LaneFilter {
    /// What the params of a `session/load` or `session/resume` ask for.
    pub(super) fn read(params: &RawBuf) -> Result<Self, ErrorObjectOwned> {
        let meta = RequestMeta::read(params.as_raw()).map_err(|error| refusal::invalid_params(error.to_string()))?;
        if meta.lanes.as_ref().is_some_and(|lanes| lanes.len() > MAX_NAMES) {
            let message =
                format!("`_meta[\"acp-bridge\"].lanes` has more than {MAX_NAMES} names: leave it out to see all");
            return Err(refusal::invalid_params(message));
        }
        Ok(Self(meta.lanes))
    }

    /// Whether the client sees this lane.
    pub(super) fn shows(&self, lane: &str) -> bool {
        self.0.as_ref().is_none_or(|lanes| lanes.iter().any(|named| named == lane))
    }
}
