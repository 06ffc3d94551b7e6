//! The words of the fault agent, and answers to what it asks.

use serde_json::{Value, json};

/// The text of the whole turn `count N`.
pub fn numbers(upto: u64) -> String {
    (1..=upto).map(|i| format!("{i} ")).collect()
}

/// The answer to a permission request of `ask` that allows it.
pub fn yes() -> Value {
    json!({ "outcome": { "outcome": "selected", "optionId": "yes" } })
}
