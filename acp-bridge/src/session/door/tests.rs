//! What clients are told of each refusal.

mod agents;
mod hosts;
mod turns;

#[cfg(feature = "schema")]
use std::collections::BTreeSet;

use acp_types::{ErrorObjectOwned, RawBuf, RawError};
use serde_json::{Value, json};

use super::{Declined, answer_of, error_object};
use crate::session::Refusal;

const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const INTERNAL: i32 = -32603;
const NOT_FOUND: i32 = -32002;
const CANCELLED: i32 = -32800;

fn ours(data: &Value) -> Value {
    json!({ "acp-bridge": data })
}

fn raw(text: &str) -> RawBuf {
    RawBuf::parse(text).unwrap()
}

/// Every refusal, and what a client is told of it.
fn table() -> Vec<(Refusal, i32, &'static str, Value)> {
    let mut all = hosts::all();
    all.extend(turns::of_lanes());
    all.extend(turns::of_turns());
    all.extend(agents::all());
    all
}

#[test]
fn every_refusal_has_its_code_message_and_data() {
    for (refusal, code, message, data) in table() {
        let error = ErrorObjectOwned::from(&refusal);
        assert_eq!((error.code(), error.message()), (code, message), "{refusal:?}");
        let found = error.data().map_or(Value::Null, |data| serde_json::from_str(data.get()).unwrap());
        assert_eq!(found, data, "{refusal:?}");
        assert_eq!(refusal.to_string(), message);
        let recorded: Value = serde_json::from_str(error_object(&refusal).as_str()).unwrap();
        assert_eq!(recorded, serde_json::to_value(&error).unwrap(), "a record says what a client is told");
    }
}

#[test]
fn every_refusal_comes_out_of_json_as_it_went_in() {
    for (refusal, ..) in table() {
        let text = serde_json::to_string(&refusal).unwrap();
        assert_eq!(serde_json::from_str::<Refusal>(&text).unwrap(), refusal, "{text}");
    }
    let busy = serde_json::to_string(&Refusal::TurnJoined { turn: 7, into: 3 }).unwrap();
    assert_eq!(busy, r#"{"refusal":"turn_joined","turn":7,"into":3}"#);
    let late = serde_json::to_string(&Refusal::LauncherLate { limit_ms: 5 }).unwrap();
    assert_eq!(late, r#"{"refusal":"keeper_late","limitMs":5}"#);
}

#[test]
fn a_reason_of_a_newer_host_is_a_refusal_too() {
    let newer = r#"{"refusal":"moon_is_full","phase":3}"#;
    assert_eq!(serde_json::from_str::<Refusal>(newer).unwrap(), Refusal::Unknown);
}

#[test]
fn an_agents_own_error_keeps_its_bytes_in_a_command_queue_and_in_a_record() {
    let text = r#"{ "message":"no \u0041", "code":4711,"extra":1e2,"data":{"a": 1} }"#;
    let refusal = Refusal::Agent { error: raw(text) };
    let sent = serde_json::to_string(&refusal).unwrap();
    let come: Refusal = serde_json::from_str(&sent).unwrap();
    assert_eq!(error_object(&come).as_str(), text);
    assert_eq!(come.to_string(), "no A");
    let object = ErrorObjectOwned::from(come);
    assert_eq!((object.code(), object.data().unwrap().get()), (4711, r#"{"a": 1}"#));
}

#[test]
fn an_error_that_is_none_is_said_to_be_malformed() {
    let refusal = Refusal::Agent { error: raw("[]") };
    let object = ErrorObjectOwned::from(&refusal);
    assert_eq!((object.code(), object.message()), (INTERNAL, "the agent gave a malformed error"));
    assert!(RawError::new(error_object(&refusal)).is_ok(), "a record has an error object all the same");
}

#[test]
fn an_agent_is_told_why_its_request_is_not_taken() {
    let (method, why) = ("session/x".to_owned(), "it is ours".to_owned());
    for (declined, code, message) in [
        (
            Declined::NotForAgents { method: method.clone(), why: why.clone() },
            METHOD_NOT_FOUND,
            "session/x is not taken from an agent: it is ours",
        ),
        (
            Declined::NotTaken { method: method.clone(), why },
            INVALID_PARAMS,
            "session/x is not taken from an agent: it is ours",
        ),
        (Declined::NotOffered { method }, METHOD_NOT_FOUND, "session/x is not offered to the agent"),
        (
            Declined::EnvironmentInLog,
            INVALID_PARAMS,
            "terminals are served by a client here, so `env` would be written to the session log, and its values may be \
             secrets; leave it out, or start the bridge without --client-fs",
        ),
        (
            Declined::ManyPending { count: 256 },
            INTERNAL,
            "256 requests wait for a client's answer already; wait for one of them",
        ),
        (Declined::Forgotten, INTERNAL, "the bridge was restarted and does not know the answer any more; ask again"),
        (
            Declined::Cancelled { why: "the turn was cancelled" },
            CANCELLED,
            "the request was cancelled: the turn was cancelled",
        ),
    ] {
        let told: Value = serde_json::from_str(answer_of(&declined).as_str()).unwrap();
        assert_eq!(told, json!({ "code": code, "message": message }));
    }
}

/// The names by which refusals travel.
#[cfg(feature = "schema")]
fn names(refusals: impl Iterator<Item = Refusal>) -> BTreeSet<String> {
    refusals.map(|refusal| serde_json::to_value(refusal).unwrap()["refusal"].as_str().unwrap().to_owned()).collect()
}

#[cfg(feature = "schema")]
#[test]
fn the_table_above_has_every_refusal_that_the_schema_has() {
    let schema = schemars::schema_for!(Refusal).to_value();
    let variants = schema["oneOf"].as_array().expect("one of the variants");
    let name = |variant: &Value| variant["properties"]["refusal"]["const"].as_str().map(str::to_owned);
    let listed: BTreeSet<String> = variants.iter().filter_map(name).collect();
    assert_eq!(names(table().into_iter().map(|(refusal, ..)| refusal)), listed);
}
