//! Manners of the tester as a client: how it answers what an agent asks.

use serde_json::{Value, json};

/// Answers to the agent's own requests.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "scenarios write it out")]
pub struct Manners {
    /// Permission requests.
    pub permit: Permit,
    /// Elicitations.
    pub elicit: Elicit,
    /// True if files are answered for. If not, they are refused as methods that are not there.
    pub files: bool,
    /// True if commands are run. Each is run to its end, for ten seconds at most, before its terminal is there.
    pub terminals: bool,
    /// True if results that say nothing are `null` instead of `{}`.
    pub null: bool,
    /// True if rich `_meta` that nobody knows goes with every answer.
    pub meta: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            permit: Permit::Allow,
            elicit: Elicit::Decline,
            files: false,
            terminals: false,
            null: false,
            meta: false,
        }
    }
}

/// Answers to `session/request_permission`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Permit {
    /// The option that allows once, or always.
    Allow,
    /// The option that rejects once, or always; `cancelled` if there is none.
    Reject,
    /// `cancelled`.
    Cancelled,
    /// A JSON-RPC error.
    Error,
    /// A JSON-RPC error with a code that nobody knows.
    Strange,
    /// An option that was not offered.
    Unknown,
    /// No answer; the scenario gives one later.
    Hold,
}

/// Answers to `elicitation/create`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Elicit {
    /// `accept` with the first choice of each field.
    Accept,
    /// `accept` with choices that are not offered.
    Wrong,
    /// `accept` with `null` for content.
    Null,
    /// `accept` without content.
    Bare,
    /// `decline`.
    Decline,
    /// `decline` with the content of an `accept`.
    DeclineFilled,
    /// `cancel`.
    Cancel,
    /// A JSON-RPC error.
    Error,
    /// No answer; the scenario gives one later.
    Hold,
}

/// The `_meta` of answers under [`Manners::meta`].
pub(crate) fn rich_meta() -> Value {
    json!({ "conformance/unknown": { "nested": [1, 2.5, null, "three"], "deep": { "er": true } }, "": "" })
}

pub(super) fn error(code: i64, message: &str) -> Value {
    json!({ "code": code, "message": message })
}
