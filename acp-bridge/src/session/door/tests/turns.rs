//! Refusals about lanes, turns and what waits.

use serde_json::{Value, json};

use super::{INTERNAL, INVALID_PARAMS, INVALID_REQUEST, ours};
use crate::session::Refusal;

pub(super) fn of_turns() -> Vec<(Refusal, i32, &'static str, Value)> {
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

pub(super) fn of_lanes() -> Vec<(Refusal, i32, &'static str, Value)> {
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
