//! Values of an option that a client can choose.

use serde_json::Value;

/// The values of a select, those in groups included.
pub(in crate::v1::agent) fn values(option: &Value) -> Vec<Value> {
    let entries = option["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |entry: &Value| match entry["options"].as_array() {
        Some(group) => group.iter().map(|entry| entry["value"].clone()).collect(),
        None => vec![entry["value"].clone()],
    };
    entries.iter().flat_map(of).collect()
}
