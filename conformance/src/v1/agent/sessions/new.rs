//! New sessions.

use serde_json::json;

use crate::core::check::{Check, LOGIN, call, fails};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// New sessions.
pub(in super::super) const NEW: Scenario = Scenario {
    name: "new-sessions",
    about: "makes five sessions, and one in a directory that is not absolute",
    play: |probe| Box::pin(new(probe)),
    checks: &[
        Check::new("SESS-03", ids_are_distinct),
        Check::new("SESS-23", a_relative_cwd_is_refused),
        Check::new("INIT-15", the_baseline_is_there),
    ],
};

async fn new(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    for number in 1..=5 {
        let _ = probe.call(&format!("new/{number}"), "session/new", probe.new_session()).await?;
    }
    let _ = probe.call("bad/relative", "session/new", json!({ "cwd": "relative/path", "mcpServers": [] })).await?;
    Ok(())
}

fn ids_are_distinct(case: &Case<'_>) -> Outcome {
    let calls = case.calls("new/");
    if calls.len() < 5 {
        return Outcome::NotExercised(case.why_not("new/5"));
    }
    let mut ids = Vec::new();
    for call in &calls {
        match call.result().and_then(|result| result["sessionId"].as_str()) {
            Some(id) if !id.is_empty() => ids.push(id),
            // Whoever has to log in gets no session (ERR-10).
            None if call.code() == Some(LOGIN) => return Outcome::NotExercised(format!("it came to {}", call.said())),
            _ => return Outcome::broken("a result with a sessionId", call.said(), call.places()),
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    Outcome::pass_if(ids.len() == count, || {
        let places = calls.iter().flat_map(|call| call.places()).collect();
        Outcome::broken("five different ids", format!("{} different ids", ids.len()), places)
    })
}

fn a_relative_cwd_is_refused(case: &Case<'_>) -> Outcome {
    // AMB-07: cwd has to be absolute, but nobody has to refuse another.
    match fails(case, "bad/relative") {
        Outcome::Broken(finding) => Outcome::Doubtful(finding),
        other => other,
    }
}

fn the_baseline_is_there(case: &Case<'_>) -> Outcome {
    let call = call!(case, "new/1");
    Outcome::pass_if(call.code() != Some(-32601), || Outcome::broken("session/new", call.said(), call.places()))
}
