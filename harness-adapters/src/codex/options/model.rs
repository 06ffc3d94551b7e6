//! Models of the catalogue.

use serde::{Deserialize, Serialize};

use crate::codex::wire;

/// A model that can be chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) efforts: Vec<(String, String)>,
    pub(super) default_effort: String,
}

impl From<wire::Model> for Model {
    fn from(model: wire::Model) -> Self {
        let efforts = model.supported_reasoning_efforts.into_iter();
        Self {
            name: if model.display_name.is_empty() { model.model.clone() } else { model.display_name },
            id: model.model,
            description: model.description,
            efforts: efforts.map(|effort| (effort.reasoning_effort, effort.description)).collect(),
            default_effort: model.default_reasoning_effort,
        }
    }
}
