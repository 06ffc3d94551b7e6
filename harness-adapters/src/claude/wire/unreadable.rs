//! Messages that cannot be read, with the members that can.

use acp_types::{Raw, RawBuf};
use serde_json::{Map, Value, json};

use super::result::TurnResult;

/// The kind of the message that stands for a line that is not JSON.
pub(super) const LINE: &str = "acp-harness/unreadable";
const ENDS: &str = "ends";

/// A message that should be known and cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Its type, or the type that it looks like.
    pub(crate) kind: String,
    /// The mistake in it, without any of its content.
    pub(crate) why: String,
    /// The request of the program that waits for an answer.
    pub(crate) request: Option<String>,
    /// The request of ours that it answers.
    pub(crate) reply: Option<String>,
    /// The end of a turn, with what can be read of it.
    pub(crate) result: Option<Box<TurnResult>>,
}

impl Unreadable {
    /// A message whose fields have other types.
    pub(super) fn of(kind: &str, line: Raw<'_>, error: &serde_json::Error) -> Self {
        let id = |path: &[&str]| line.path(path).and_then(Raw::as_string).map(std::borrow::Cow::into_owned);
        let why = format!("{:?} error at column {}", error.classify(), error.column()).to_lowercase();
        Self {
            request: id(&["request_id"]).filter(|_| kind == "control_request"),
            reply: id(&["response", "request_id"]).filter(|_| kind == "control_response"),
            result: (kind == "result").then(|| Box::new(parts(line, &why))),
            kind: kind.to_owned(),
            why,
        }
    }

    /// A message without a kind.
    pub(super) fn line(line: Raw<'_>) -> Self {
        let why = format!("{:?} without a type", line.kind()).to_lowercase();
        Self { kind: "message".to_owned(), why, request: None, reply: None, result: None }
    }

    /// The message that stands for a line that is not JSON.
    pub(super) fn no_json(line: Raw<'_>) -> Self {
        let ends = line.member(ENDS).and_then(Raw::as_bool) == Some(true);
        let why = "not JSON".to_owned();
        let result = ends.then(|| Box::new(failed(TurnResult::default(), &why)));
        Self { kind: if ends { "result" } else { "line" }.to_owned(), why, request: None, reply: None, result }
    }

    /// The message that stands for a line that is not JSON. It may be the end of a turn; then somebody waits for it.
    pub(crate) fn stand_in(line: &str) -> Option<RawBuf> {
        let ends = line.replace(' ', "").contains("\"type\":\"result\"");
        RawBuf::encode(&json!({ "type": LINE, ENDS: ends })).ok()
    }
}

/// The end of a turn from those of its members that can be read. It is never taken for a success.
fn parts(line: Raw<'_>, why: &str) -> TurnResult {
    let members: Map<String, Value> = line.decode().unwrap_or_default();
    let readable =
        |key: &String, value: &Value| serde_json::from_value::<TurnResult>(json!({ key.as_str(): value })).is_ok();
    let members: Map<_, _> = members.into_iter().filter(|(key, value)| readable(key, value)).collect();
    failed(serde_json::from_value(Value::Object(members)).unwrap_or_default(), why)
}

fn failed(mut result: TurnResult, why: &str) -> TurnResult {
    result.is_error = true;
    result.subtype = "unreadable".to_owned();
    result.result = None;
    result.errors.insert(0, format!("how the turn ended cannot be read ({why}); look at what it did before you go on"));
    result
}
