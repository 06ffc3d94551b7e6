//! One call of a tool, as the API has it.

use serde_json::Value;

/// A call of one tool.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Use {
    pub(super) name: String,
    pub(super) input: Value,
}

impl Use {
    pub(super) fn new(name: &str, input: Value) -> Self {
        Self { name: name.to_owned(), input }
    }
}
