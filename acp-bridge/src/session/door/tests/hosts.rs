//! Refusals of hosts and of whole sessions.

use serde_json::{Value, json};

use super::{INTERNAL, INVALID_PARAMS, INVALID_REQUEST, NOT_FOUND, ours};
use crate::session::Refusal;

#[expect(clippy::too_many_lines, reason = "one row per refusal")]
pub(super) fn all() -> Vec<(Refusal, i32, &'static str, Value)> {
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
        (
            Refusal::UnknownChild { session: "s~5".into() },
            INVALID_PARAMS,
            "the session has no child session s~5: name one that a subagent_update has announced",
            json!({ "sessionId": "s~5" }),
        ),
        (
            Refusal::ChildStays { session: "s~5".into() },
            INVALID_PARAMS,
            "the work of child session s~5 cannot be stopped: its agent has not said that it can; stop that of its parent",
            json!({ "sessionId": "s~5" }),
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
