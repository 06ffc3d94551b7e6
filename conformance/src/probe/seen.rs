//! What a scenario has to know of what came before.

use serde_json::Value;

use super::Probe;
use crate::history::{Body, What};

impl Probe {
    /// Whether an answer to our request under this id has come on this connection.
    #[must_use]
    pub(crate) fn is_answered(&self, id: &Value) -> bool {
        self.received().any(|body| matches!(body, Body::Response { id: answered, .. } if answered == *id))
    }

    /// The params of the agent's request under this id.
    #[must_use]
    pub(crate) fn asked_under(&self, id: &Value) -> Option<Value> {
        self.received().find_map(|body| match body {
            Body::Request { id: asked, params, .. } if asked == *id => Some(params),
            _ => None,
        })
    }

    fn received(&self) -> impl Iterator<Item = Body> {
        let history = self.recorder.so_far();
        let on = history.events.last().map_or(0, |event| event.on);
        history.events.iter().filter(move |event| event.on == on).filter_map(|event| match &event.what {
            What::Received { line } => line.text().map(|text| Body::parse(text).0),
            _ => None,
        })
    }
}
