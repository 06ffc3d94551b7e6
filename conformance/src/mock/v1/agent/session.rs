//! One session of the agent.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) cwd: String,
    pub(super) mode: String,
    pub(super) model: String,
    /// Updates that a load replays.
    pub(super) said: Vec<Value>,
    /// Other roots.
    pub(super) roots: Vec<String>,
    /// The title that a client gave it.
    #[serde(default)]
    pub(super) title: Option<String>,
}

pub(super) const MODES: [&str; 2] = ["ask", "code"];
pub(super) const MODELS: [&str; 2] = ["small", "large"];

impl Session {
    /// A new one.
    pub(super) fn new(cwd: &str, roots: Vec<String>) -> Self {
        let (mode, model) = (MODES[0].to_owned(), MODELS[0].to_owned());
        Self { cwd: cwd.to_owned(), mode, model, said: Vec::new(), roots, title: None }
    }

    /// Mode and options are those of a new one.
    pub(super) fn forget(&mut self) {
        MODES[0].clone_into(&mut self.mode);
        MODELS[0].clone_into(&mut self.model);
    }

    pub(super) fn modes(&self) -> Value {
        let modes = MODES.map(|id| json!({ "id": id, "name": id }));
        json!({ "currentModeId": self.mode, "availableModes": modes })
    }

    pub(super) fn options(&self) -> Value {
        let choices = MODELS.map(|value| json!({ "value": value, "name": value }));
        json!([
            { "id": "model", "name": "Model", "type": "select", "currentValue": self.model, "options": choices, "category": "model" },
            { "id": "mode", "name": "Mode", "type": "select", "currentValue": self.mode,
              "options": MODES.map(|value| json!({ "value": value, "name": value })), "category": "mode" },
        ])
    }
}
