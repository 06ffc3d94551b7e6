#[cfg(feature = "schema")]
use std::collections::BTreeSet;

use acp_types::{ErrorObjectOwned, RawBuf, RawError};
use serde_json::{Value, json};

use super::{Declined, answer_of, error_object};
use crate::session::{Forgotten, LastWords, Refusal};

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
    let mut all = of_hosts();
    all.extend(of_lanes());
    all.extend(of_turns());
    all.extend(of_agents());
    all
}

#[expect(clippy::too_many_lines, reason = "one row per refusal")]
fn of_hosts() -> Vec<(Refusal, i32, &'static str, Value)> {
    let no = Value::Null;
    vec![
        (Refusal::NoHost, INTERNAL, "no host serves this log; start one, or try again once it is up", no.clone()),
        (
            Refusal::HostGone,
            INTERNAL,
            "the host stopped before it answered; whether it did what was asked shows in the session's log",
            no.clone(),
        ),
        (
            Refusal::HostBusy { max: 1024 },
            INVALID_REQUEST,
            "1024 commands wait for a host already; try again",
            no.clone(),
        ),
        (
            Refusal::DeadlinePassed,
            INTERNAL,
            "no host took the command in time, and none will; send it again",
            no.clone(),
        ),
        (
            Refusal::UnreadableAnswer { why: "a brace is missing".into() },
            INTERNAL,
            "the host's answer cannot be read: a brace is missing; run the same version of acp-bridge on both sides",
            no.clone(),
        ),
        (
            Refusal::AnswerForgotten,
            INTERNAL,
            "this command was answered before and its answer is no longer kept; what it did shows in the session's log",
            no.clone(),
        ),
        (
            Refusal::QueueFailed { why: "the line is cut".into() },
            INTERNAL,
            "the command could not be queued: the line is cut",
            no.clone(),
        ),
        (
            Refusal::HeldElsewhere { ms: 1500 },
            INVALID_REQUEST,
            "another host has the session, and holds it for 1500 ms more unless it says that it is still there; try again",
            no.clone(),
        ),
        (Refusal::Vault { why: "the vault is full".into() }, INTERNAL, "the vault is full", no.clone()),
        (Refusal::HostStops, INTERNAL, "the host stops; try again once it is back", no.clone()),
        (
            Refusal::UnknownCommandVersion { version: 2, known: 1 },
            INTERNAL,
            "the command has version 2 and its host knows up to 1; run the same version of acp-bridge on both sides",
            ours(&json!({ "commandVersion": 2, "known": 1 })),
        ),
        (
            Refusal::UnreadableCommand { why: "a turn is missing".into() },
            INTERNAL,
            "the command cannot be read: a turn is missing; run the same version of acp-bridge on both sides",
            no.clone(),
        ),
        (
            Refusal::Unknown,
            INTERNAL,
            "the host refused for a reason that this version of acp-bridge does not know; update it",
            no.clone(),
        ),
        (
            Refusal::UnknownSession { session: "s".into() },
            NOT_FOUND,
            "there is no session s",
            json!({ "sessionId": "s" }),
        ),
        (Refusal::NeedsSession, INTERNAL, "this command needs a session", no.clone()),
        (Refusal::NeedsNoSession, INVALID_REQUEST, "this command concerns the agent and no session", no.clone()),
        (Refusal::InUse, INVALID_REQUEST, "the session is in use and was not deleted", no.clone()),
        (Refusal::SessionClosed, INTERNAL, "the session was closed", no.clone()),
        (Refusal::SessionClosing, INTERNAL, "the session is being closed", no.clone()),
        (Refusal::ShutDown, INTERNAL, "the bridge was shut down", no.clone()),
        (Refusal::SessionBusy, INVALID_REQUEST, "too many commands wait for this session; try again", no.clone()),
        (Refusal::AgentRequestsFull, INVALID_REQUEST, "too many requests to the agent are open; try again", no.clone()),
        (
            Refusal::AgentCallsFull { max: 4 },
            INVALID_REQUEST,
            "4 requests to the agent that name no session are open; try again",
            no.clone(),
        ),
        (
            Refusal::LogUnwritable { reason: "the disk is full".into() },
            INTERNAL,
            "the session log cannot be written: the disk is full",
            no.clone(),
        ),
        (
            Refusal::LogUnreadable { reason: "the disk is gone".into() },
            INTERNAL,
            "the session log cannot be read: the disk is gone",
            no.clone(),
        ),
        (
            Refusal::LogDamaged { reason: "a row is short".into() },
            INTERNAL,
            "the session log is damaged: a row is short; run `acp-bridge doctor` on it and restore a copy if it confirms",
            no.clone(),
        ),
        (
            Refusal::LogClosed,
            INTERNAL,
            "the session log is closed; the bridge is stopping, connect again once it is back",
            no.clone(),
        ),
        (
            Refusal::TakenOver { epoch: 1, current: 2 },
            INTERNAL,
            "the session was taken over: epoch 1 may not append, the current one is 2; claim it again",
            no.clone(),
        ),
        (Refusal::LogMismatch { why: "a record has seq 5".into() }, INTERNAL, "a record has seq 5", no.clone()),
        (Refusal::Encoding { why: "a number is NaN".into() }, INTERNAL, "a number is NaN", no),
    ]
}

fn of_lanes() -> Vec<(Refusal, i32, &'static str, Value)> {
    let no = Value::Null;
    vec![
        (
            Refusal::UnknownLane { lane: "b".into(), lanes: vec!["main".into(), "a".into()] },
            INVALID_PARAMS,
            r#"there is no lane "b" in this session; there are: main, a"#,
            ours(&json!({ "lane": "b", "lanes": ["main", "a"] })),
        ),
        (
            Refusal::LaneName { max: 64 },
            INVALID_PARAMS,
            "a lane's name is 1 to 64 letters, digits, dots, hyphens and underscores",
            no.clone(),
        ),
        (
            Refusal::LaneExists { lane: "a".into() },
            INVALID_PARAMS,
            r#"there is a lane "a" in this session already; use another name, or remove it"#,
            no.clone(),
        ),
        (Refusal::TooManyLanes { max: 8 }, INVALID_PARAMS, "the session has 8 lanes already; remove one", no.clone()),
        (
            Refusal::LaneNotDialled { lane: "a".into() },
            INVALID_PARAMS,
            "the agent of the lane \"a\" is started by the bridge and does not dial in; use another name for the lane, or a \
             session that was created with \"agent\": \"dials_in\"",
            no.clone(),
        ),
        (Refusal::MainStays, INVALID_PARAMS, "`main` cannot be removed; close or delete the session", no.clone()),
        (Refusal::LaneRemoved, INTERNAL, "the lane was removed", no.clone()),
        (
            Refusal::ProfileName { max: 256 },
            INVALID_PARAMS,
            "`agent` is not the name of a launch profile: 1 to 256 bytes",
            no.clone(),
        ),
        (Refusal::AgentName { max: 256 }, INVALID_PARAMS, "the name of the agent is 1 to 256 bytes", no),
    ]
}

fn of_turns() -> Vec<(Refusal, i32, &'static str, Value)> {
    let no = Value::Null;
    let turn = |turn: u64| ours(&json!({ "turn": turn }));
    vec![
        (
            Refusal::UnknownTurn { turn: 7 },
            INVALID_PARAMS,
            "there is no turn 7 in this session, or it ended long ago",
            turn(7),
        ),
        (Refusal::TurnLaneLeft { turn: 7 }, INVALID_PARAMS, "the lane of turn 7 has left", turn(7)),
        (
            Refusal::TurnStarted { turn: 7 },
            INVALID_PARAMS,
            "turn 7 has started: it can only be stopped, with session/cancel",
            turn(7),
        ),
        (
            Refusal::TurnJoined { turn: 7, into: 3 },
            INVALID_PARAMS,
            "turn 7 went into the running turn 3: it can only be stopped, with session/cancel",
            turn(7),
        ),
        (
            Refusal::TurnEnded { turn: 7, outcome: "cancelled".into() },
            INVALID_PARAMS,
            "turn 7 has ended already, as cancelled",
            turn(7),
        ),
        (
            Refusal::TurnElsewhere { before: 9, turn: 7 },
            INVALID_PARAMS,
            "turn 9 does not wait in the lane of turn 7",
            turn(9),
        ),
        (
            Refusal::Busy { turn: 7 },
            INVALID_REQUEST,
            "turn 7 runs or waits, and the prompt was not to wait; try again when it has ended",
            ours(&json!({ "busy": true, "turn": 7 })),
        ),
        (
            Refusal::QueueFull { queued: 5, max: 32 },
            INVALID_REQUEST,
            "the session's prompt queue is full (5); wait for a turn to end",
            ours(&json!({ "maxQueue": 32 })),
        ),
        (
            Refusal::QueueBytes { limit: 100 },
            INVALID_REQUEST,
            "with that, more than 100 bytes would wait; wait for a turn to end",
            no.clone(),
        ),
        (
            Refusal::SteeringUnsupported,
            INTERNAL,
            "this agent takes no messages into a running turn; queue the prompt or interrupt the turn",
            ours(&json!({ "steering": "unsupported" })),
        ),
        (
            Refusal::ChoicesFull,
            INVALID_PARAMS,
            "the session remembers 64 modes and options, in 64 KiB, to set them again when its agent is started again, and \
             this is more: nothing was set",
            no.clone(),
        ),
        (
            Refusal::StartCrowded { waiting: 64 },
            INVALID_REQUEST,
            "64 requests wait for the agent to start; try again",
            no.clone(),
        ),
        (
            Refusal::AgentCrowded { open: 256 },
            INVALID_REQUEST,
            "the agent has 256 requests to answer already; try again",
            no.clone(),
        ),
        (
            Refusal::NoAnswer { reason: "it is gone: exit status 7".into() },
            INTERNAL,
            "there is no answer from the agent: it is gone: exit status 7",
            no,
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "one row per refusal")]
fn of_agents() -> Vec<(Refusal, i32, &'static str, Value)> {
    let no = Value::Null;
    let lost = ours(&json!({ "contextLost": true }));
    vec![
        (
            Refusal::Agent { error: raw(r#"{"message":"log in","code":-32000,"data":{"a": 1}}"#) },
            -32000,
            "log in",
            json!({ "a": 1 }),
        ),
        (
            Refusal::Untrusted { lane: "a".into(), profile: "codex".into() },
            INTERNAL,
            "the lane \"a\" was added where this session was written, with the agent \"codex\", and nothing of that is \
             started here: trust the session with `acp-bridge trust`, or remove the lane and add it again",
            no.clone(),
        ),
        (
            Refusal::StartUnknown,
            INTERNAL,
            "the log does not say how the session's agent was started; make a new session",
            no.clone(),
        ),
        (
            Refusal::UnknownProfile { profile: "x".into(), why: "there is no harness x".into() },
            INVALID_PARAMS,
            "there is no harness x",
            no.clone(),
        ),
        (
            Refusal::ProfileUnusable { profile: "x".into(), why: "x is not installed".into() },
            INTERNAL,
            "x is not installed",
            no.clone(),
        ),
        (
            Refusal::AgentsFull { max: 4 },
            INTERNAL,
            "4 agents run, which is all that this bridge runs at once (--max-agents), and all of them have a turn, a client \
             or a request that waits: close a session or leave it, or start the bridge with more",
            no.clone(),
        ),
        (
            Refusal::NotStarted { why: "no such file".into() },
            INTERNAL,
            "the agent could not be started: no such file; check the agent command",
            no.clone(),
        ),
        (
            Refusal::LauncherFailed { why: "it exited with 1".into() },
            INTERNAL,
            "the process that keeps the agent did not start: it exited with 1",
            no.clone(),
        ),
        (
            Refusal::LauncherLate { limit_ms: 60_000 },
            INTERNAL,
            "what keeps the agent did not answer within 60 s (--start-timeout)",
            no.clone(),
        ),
        (
            Refusal::NotDialledIn { agent: "far".into(), session: "s".into(), lane: "a".into(), limit_ms: 1500 },
            INTERNAL,
            "the agent \"far\" of the lane \"a\" runs elsewhere, and did not dial in within 1.5 s (--start-timeout): start \
             `acp-bridge dial --session s --lane a -- AGENT` there",
            no.clone(),
        ),
        (
            Refusal::AgentVersion { version: "65535".into() },
            INTERNAL,
            "the agent speaks version 65535 of ACP and the bridge version 1: use a release of the agent that speaks version 1",
            no.clone(),
        ),
        (
            Refusal::AgentSilent {
                method: "initialize".into(),
                limit_ms: 300,
                words: LastWords::new("no key\n", "hello\n"),
            },
            INTERNAL,
            "the agent did not answer initialize: it was silent for 0.3 s and was stopped; if it needs longer, start the \
             bridge with a longer --start-timeout; its stderr ends: no key; its stdout had lines that are no messages: hello",
            no.clone(),
        ),
        (
            Refusal::AgentSlow {
                method: "session/new".into(),
                limit_ms: 60_000,
                times: 10,
                words: LastWords::default(),
            },
            INTERNAL,
            "the agent did not answer session/new within 600 s, 10 times --start-timeout (60 s), although it was not \
             silent, and was stopped; if it needs longer, start the bridge with a longer --start-timeout",
            no.clone(),
        ),
        (
            Refusal::AgentExited { method: "initialize".into(), exit: "exit status 7".into() },
            INTERNAL,
            "the agent exited before it answered initialize: exit status 7",
            no.clone(),
        ),
        (Refusal::NoSessionId, INTERNAL, "the agent answered session/new without a sessionId", no.clone()),
        (
            Refusal::ContextLost { forgotten: Forgotten::Imported },
            INTERNAL,
            "the session was imported without the agent's own id of it, so the agent cannot go back to the conversation; \
             send the prompt with _meta[\"acp-bridge\"].acceptContextLoss = true, or start the bridge with \
             --accept-context-loss, to go on without it",
            lost.clone(),
        ),
        (
            Refusal::ContextLost { forgotten: Forgotten::Incapable },
            INTERNAL,
            "the agent process ended and this agent can neither load nor resume a session, so it has forgotten the \
             conversation; send the prompt with _meta[\"acp-bridge\"].acceptContextLoss = true, or start the bridge with \
             --accept-context-loss, to go on without it",
            lost,
        ),
        (
            Refusal::StartBroke { why: "task 7 panicked".into() },
            INTERNAL,
            "starting the agent failed: task 7 panicked",
            no,
        ),
    ]
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
