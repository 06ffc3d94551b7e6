//! Questions of a scenario about what came before.

use serde_json::Value;

use super::Probe;
use crate::core::history::{Body, What};

impl Probe {
    /// Returns whether an answer to our request under this id has come on this connection.
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

    /// The peer's requests on this connection that we have not answered, in order: id, method, params.
    pub(crate) fn unanswered(&self) -> Vec<(Value, String, Value)> {
        let history = self.recorder.so_far();
        let on = history.events.last().map_or(0, |event| event.on);
        let mut open = Vec::new();
        for event in history.events.iter().filter(|event| event.on == on) {
            match &event.what {
                What::Received { line } => {
                    if let Some(Body::Request { id, method, params }) = line.text().map(|text| Body::parse(text).0) {
                        open.push((id, method, params));
                    }
                }
                What::Sent { line, .. } => {
                    if let Some(Body::Response { id, .. }) = line.text().map(|text| Body::parse(text).0) {
                        open.retain(|(asked, ..)| *asked != id);
                    }
                }
                _ => {}
            }
        }
        open
    }

    /// Returns whether the agent has asked for this on this connection.
    #[must_use]
    pub(crate) fn was_asked(&self, method: &str) -> bool {
        self.received().any(|body| matches!(body, Body::Request { method: asked, .. } if asked == method))
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
