//! Refusals because of agents.

use serde_json::{Value, json};

use super::{INTERNAL, INVALID_PARAMS, ours, raw};
use crate::session::{Forgotten, LastWords, Refusal};

#[expect(clippy::too_many_lines, reason = "one row per refusal")]
pub(super) fn all() -> Vec<(Refusal, i32, &'static str, Value)> {
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
