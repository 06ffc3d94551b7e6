//! `session/list` and `session/delete`.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::sessions::an_object;
use crate::core::check::{Check, all, call, fails, needs, succeeds};
use crate::core::history::{Call, Case, brief};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Pages that are followed.
const MAX_PAGES: usize = 1000;

/// Lists of sessions.
pub(super) const LIST: Scenario = Scenario {
    name: "list",
    about: "makes sessions, lists them page by page, by directory, with a cursor that is none, and deletes one",
    play: |probe| Box::pin(list(probe)),
    checks: &[
        Check::new("LIST-03", |case| {
            needs!(case, "sessionCapabilities"."list");
            succeeds(case, "list/all")
        }),
        Check::new("LIST-04", |case| {
            needs!(case, "sessionCapabilities"."list");
            the_filter_holds(case)
        }),
        Check::new("LIST-06", |case| {
            needs!(case, "sessionCapabilities"."list");
            there_is_an_array(case)
        }),
        Check::new("LIST-07", |case| {
            needs!(case, "sessionCapabilities"."list");
            entries_have_id_and_cwd(case)
        }),
        Check::new("LIST-08", |case| {
            needs!(case, "sessionCapabilities"."list");
            no_match_is_an_empty_array(case)
        }),
        Check::new("LIST-11", |case| {
            needs!(case, "sessionCapabilities"."list");
            fails(case, "list/garbage")
        }),
        Check::new("LIST-13", |case| {
            needs!(case, "sessionCapabilities"."list");
            pages_end_and_repeat_nothing(case)
        }),
        Check::new("LIST-14", |case| {
            needs!(case, "sessionCapabilities"."list");
            listing_changes_nothing(case)
        }),
        Check::new("LIST-17", |case| {
            needs!(case, "sessionCapabilities"."list");
            times_are_iso_8601(case)
        }),
        Check::new("DELETE-02", |case| {
            needs!(case, "sessionCapabilities"."delete");
            deleting_is_answered_with_an_object(case)
        }),
        Check::new("DELETE-03", |case| {
            needs!(case, "sessionCapabilities"."delete");
            it_is_gone_from_the_list(case)
        }),
        Check::new("DELETE-04", |case| {
            needs!(case, "sessionCapabilities"."delete");
            all(["delete/twice", "delete/unknown"].map(|label| succeeds(case, label)))
        }),
    ],
};

async fn list(probe: &mut Probe) -> Result<(), Stop> {
    let agent = probe.begin().await?;
    let can = |name: &str| !agent["agentCapabilities"]["sessionCapabilities"][name].is_null();
    let elsewhere = probe.path("elsewhere");
    std::fs::create_dir_all(&elsewhere)?;
    let params = json!({ "cwd": elsewhere, "mcpServers": [] });
    let _ = probe.call("list/elsewhere", "session/new", params).await?;
    let mut sessions = Vec::new();
    for number in 1..=5 {
        let session = probe.session(&format!("list/new/{number}")).await?;
        // Some agents list a session only once something was said in it (AMB-32).
        if number == 1 {
            let _ = probe.prompt("list/prompt", &session, prompts::REPLY).await?;
        }
        sessions.push(session);
    }
    if can("list") {
        let _ = probe.call("list/all", "session/list", json!({})).await?;
        let here = json!({ "cwd": probe.directory() });
        pages(probe, "list/here", &here).await?;
        pages(probe, "list/twice", &here).await?;
        let nowhere = json!({ "cwd": probe.path("nothing-was-ever-here") });
        let _ = probe.call("list/nowhere", "session/list", nowhere).await?;
        let _ = probe.call("list/garbage", "session/list", json!({ "cursor": "conformance-garbage" })).await?;
    }
    if can("delete") {
        // What deleting a session does that is active is left to the agent (DELETE-05).
        probe.begin().await?;
        let here = json!({ "cwd": probe.directory() });
        if can("list") {
            pages(probe, "list/again", &here).await?;
        }
        let params = json!({ "sessionId": sessions[0] });
        let _ = probe.call("delete", "session/delete", params.clone()).await?;
        if can("list") {
            pages(probe, "list/after", &here).await?;
        }
        let _ = probe.call("delete/twice", "session/delete", params).await?;
        let unknown = json!({ "sessionId": "conformance-no-such-session" });
        let _ = probe.call("delete/unknown", "session/delete", unknown).await?;
    }
    Ok(())
}

/// Follows pages to the end, or until one comes again.
async fn pages(probe: &mut Probe, label: &str, params: &Value) -> Result<(), Stop> {
    let mut cursor = Value::Null;
    let mut seen = HashSet::new();
    for page in 1..=MAX_PAGES {
        let mut params = params.clone();
        if !cursor.is_null() {
            params["cursor"] = cursor;
        }
        let answer = probe.call(&format!("{label}/{page}"), "session/list", params).await?;
        cursor = answer.map(|result| result["nextCursor"].clone()).unwrap_or_default();
        if cursor.is_null() || !seen.insert(cursor.to_string()) {
            break;
        }
    }
    Ok(())
}

fn entries<'c>(call: &Call<'c>) -> &'c [Value] {
    call.result().and_then(|result| result["sessions"].as_array()).map(Vec::as_slice).unwrap_or_default()
}

/// The listed ids of all pages under a label.
fn ids<'c>(case: &'c Case<'_>, label: &str) -> Vec<&'c str> {
    let calls = case.calls(label);
    calls.iter().flat_map(|call| entries(call)).filter_map(|entry| entry["sessionId"].as_str()).collect()
}

pub(crate) fn the_filter_holds(case: &Case<'_>) -> Outcome {
    let call = call!(case, "list/here/1");
    let Some(wanted) = call.request.params().map(|params| &params["cwd"]) else { return Outcome::Pass };
    let all = entries(&call);
    if all.is_empty() {
        return Outcome::NotExercised("the agent listed none of the sessions that were made".to_owned());
    }
    match all.iter().find(|entry| &entry["cwd"] != wanted) {
        Some(entry) => Outcome::broken(format!("only entries with cwd {wanted}"), brief(entry), call.places()),
        None => Outcome::Pass,
    }
}

fn there_is_an_array(case: &Case<'_>) -> Outcome {
    let call = call!(case, "list/all");
    let Some(result) = call.result() else { return Outcome::NotExercised(call.said()) };
    Outcome::pass_if(result["sessions"].is_array(), || {
        Outcome::broken("an array of sessions", brief(&result["sessions"]), call.places())
    })
}

fn entries_have_id_and_cwd(case: &Case<'_>) -> Outcome {
    let call = call!(case, "list/all");
    let all = entries(&call);
    if all.is_empty() {
        return Outcome::NotExercised("no session was listed".to_owned());
    }
    let good = |entry: &&Value| {
        let absolute = entry["cwd"].as_str().is_some_and(|cwd| cwd.starts_with('/') || cwd.get(1..3) == Some(":\\"));
        entry["sessionId"].as_str().is_some_and(|id| !id.is_empty()) && absolute
    };
    match all.iter().find(|entry| !good(entry)) {
        Some(entry) => Outcome::broken("a sessionId and an absolute cwd", brief(entry), call.places()),
        None => Outcome::Pass,
    }
}

pub(crate) fn no_match_is_an_empty_array(case: &Case<'_>) -> Outcome {
    let call = call!(case, "list/nowhere");
    let empty = call.result().is_some_and(|result| result["sessions"].as_array().is_some_and(Vec::is_empty));
    Outcome::pass_if(empty, || Outcome::broken("a result with an empty array", call.said(), call.places()))
}

fn pages_end_and_repeat_nothing(case: &Case<'_>) -> Outcome {
    let calls = case.calls("list/here/");
    let Some(last) = calls.last() else { return Outcome::NotExercised(case.why_not("list/here/1")) };
    if last.result().is_some_and(|result| !result["nextCursor"].is_null()) {
        return Outcome::broken("a last page", "a cursor that came before, or more than 1000 pages", last.places());
    }
    let ids = ids(case, "list/here/");
    let distinct: HashSet<&&str> = ids.iter().collect();
    Outcome::pass_if(distinct.len() == ids.len(), || {
        Outcome::broken(
            "each session once",
            format!("{} entries, {} sessions", ids.len(), distinct.len()),
            last.places(),
        )
    })
}

/// A title may be made, and a time be set, behind the scenes; a session may come late.
fn listing_changes_nothing(case: &Case<'_>) -> Outcome {
    let (first, again) = (call!(case, "list/here/1"), case.calls("list/twice/"));
    let Some(last) = again.last() else { return Outcome::NotExercised(case.why_not("list/twice/1")) };
    let replayed = case.received().find(|message| {
        let within = message.index > first.request.index && message.index < last.until();
        within && message.on == first.request.on && message.update_kind() == Some("user_message_chunk")
    });
    if let Some(message) = replayed {
        return Outcome::broken("a list and no more", "an update of a session", vec![message.index]);
    }
    if let Some(call) = again.iter().find(|call| call.result().is_none()) {
        return Outcome::NotExercised(format!("the second list came to {}", call.said()));
    }
    let before = ids(case, "list/here/");
    if before.is_empty() {
        return Outcome::NotExercised("no session was listed".to_owned());
    }
    let after = ids(case, "list/twice/");
    match before.iter().find(|id| !after.contains(id)) {
        Some(gone) => Outcome::broken("the same sessions again", format!("a list without {gone}"), last.places()),
        None => Outcome::Pass,
    }
}

fn times_are_iso_8601(case: &Case<'_>) -> Outcome {
    let call = call!(case, "list/all");
    let times: Vec<&Value> =
        entries(&call).iter().map(|entry| &entry["updatedAt"]).filter(|at| !at.is_null()).collect();
    if times.is_empty() {
        return Outcome::NotExercised("no entry says when it was updated".to_owned());
    }
    let shaped = |text: &str| {
        let bytes = text.as_bytes();
        let digits = |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|d| d.iter().all(u8::is_ascii_digit));
        let dashed = digits(5..7) && bytes.get(7) == Some(&b'-') && digits(8..10);
        digits(0..4) && (bytes.get(4) == Some(&b'-') && dashed || digits(4..8))
    };
    match times.iter().find(|at| !at.as_str().is_some_and(shaped)) {
        Some(at) => Outcome::broken("a time as ISO 8601", brief(at), call.places()),
        None => Outcome::Pass,
    }
}

/// An agent that has forgotten its sessions with its process has none to delete, and whether it then complains is what
/// DELETE-04 asks.
fn deleting_is_answered_with_an_object(case: &Case<'_>) -> Outcome {
    let call = call!(case, "delete");
    let named = call.request.params().and_then(|params| params["sessionId"].as_str()).unwrap_or_default();
    if call.error().is_some() && !ids(case, "list/again/").contains(&named) {
        return Outcome::NotExercised(format!("the agent may not know the session any more: {}", call.said()));
    }
    an_object(case, "delete")
}

fn it_is_gone_from_the_list(case: &Case<'_>) -> Outcome {
    needs!(case, "sessionCapabilities"."list");
    let call = call!(case, "delete");
    let Some(id) = call.request.params().and_then(|params| params["sessionId"].as_str()) else { return Outcome::Pass };
    if !ids(case, "list/again/").contains(&id) {
        return Outcome::NotExercised("the session was not listed before it was deleted".to_owned());
    }
    if case.call("list/after/1").is_none() {
        return Outcome::NotExercised(case.why_not("list/after/1"));
    }
    Outcome::pass_if(!ids(case, "list/after/").contains(&id), || {
        Outcome::broken("a list without it", "it is still listed", call.places())
    })
}
