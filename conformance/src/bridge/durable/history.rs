//! Order, and cursors.

use serde_json::json;

use super::view::{self, CAUGHT_UP, TURN_ENDED};
use crate::core::check::{Check, all, call};
use crate::core::history::{Case, Message};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::{self, far};

/// All of a session, live and twice from the log.
pub(super) const HISTORY: Scenario = Scenario {
    name: "durable-history",
    about: "has two more clients read all that the first one saw",
    play: |probe| Box::pin(history(probe)),
    checks: &[Check::new("P1", one_order_and_no_change)],
};

/// A cursor in the middle of a running turn.
pub(super) const RESUME: Scenario = Scenario {
    name: "durable-resume",
    about: "resumes behind a cursor while the turn runs, beside a client that sees all, and behind one that is not there",
    play: |probe| Box::pin(resume(probe)),
    checks: &[Check::new("P3", |case| all([every_record_once(case), no_cursor_beyond_the_end(case)]))],
};

async fn history(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    for (label, text) in [("first", prompts::REPLY), ("second", far::NUMBERS), ("third", prompts::PLAN)] {
        let _ = probe.prompt(label, &session, text).await?;
    }
    for label in ["read/1", "read/2"] {
        let mut other = probe.another();
        let played = read(&mut other, label, &session).await;
        probe.absorb(other).await;
        played?;
    }
    Ok(())
}

async fn read(probe: &mut Probe, label: &str, session: &str) -> Result<(), Stop> {
    probe.begin().await?;
    view::resume(probe, label, session, Some(0)).await?;
    view::until(probe, CAUGHT_UP, probe.limits().turn).await.map(drop)
}

fn one_order_and_no_change(case: &Case<'_>) -> Outcome {
    let first = call!(case, "first");
    let (one, two) = (call!(case, "read/1"), call!(case, "read/2"));
    let live = view::records(case, first.request.on, first.request.index, usize::MAX);
    let [one, two] = [one, two].map(|read| view::records(case, read.request.on, read.request.index, usize::MAX));
    for records in [&live, &one, &two] {
        if let Some(pair) = records.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            let places = pair.iter().map(|(_, message)| message.index).collect();
            return Outcome::broken("records in order", format!("{} before {}", pair[0].0, pair[1].0), places);
        }
    }
    if live.is_empty() {
        return Outcome::NotExercised("no update had a record".to_owned());
    }
    if let Some(outcome) = other(&one, &two, "the same to both who read") {
        return outcome;
    }
    let missing =
        live.iter().find(|(seq, message)| !one.iter().any(|(s, m)| s == seq && m.update() == message.update()));
    match missing {
        Some((seq, message)) => {
            let read = one.iter().find(|(found, _)| found == seq);
            let places = std::iter::once(message.index).chain(read.map(|(_, m)| m.index)).collect();
            Outcome::broken("what was seen live, read again", format!("record {seq} is another or missing"), places)
        }
        None => Outcome::Pass,
    }
}

/// The first record that is not the same.
fn other(one: &[(u64, &Message)], two: &[(u64, &Message)], expected: &str) -> Option<Outcome> {
    let differs = (0..one.len().max(two.len())).find(|at| {
        let shown = |records: &[(u64, &Message)]| records.get(*at).map(|(seq, m)| (*seq, m.update().cloned()));
        shown(one) != shown(two)
    })?;
    let show =
        |records: &[(u64, &Message)]| records.get(differs).map_or("nothing".to_owned(), |r| format!("record {}", r.0));
    let places = [one, two].iter().filter_map(|records| records.get(differs).map(|(_, m)| m.index)).collect();
    Some(Outcome::broken(expected, format!("{} and {}", show(one), show(two)), places))
}

async fn resume(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    let prompt = probe.ask("prompt", "session/prompt", prompt_of(&session, prompts::COUNT)).await?;
    let cursor = view::seq(&view::until_said(probe, "3\n").await?).unwrap_or_default();
    view::until_said(probe, "9\n").await?;
    probe.note("cursor", json!(cursor));
    let mut other = probe.another();
    let played = follow(&mut other, &session, cursor).await;
    let _ = probe.answer("prompt", &prompt, probe.limits().turn).await;
    probe.absorb(other).await;
    played
}

async fn follow(probe: &mut Probe, session: &str, cursor: u64) -> Result<(), Stop> {
    probe.begin().await?;
    view::resume(probe, "resume", session, Some(cursor)).await?;
    view::until(probe, CAUGHT_UP, probe.limits().turn).await?;
    view::until_said(probe, "\n").await?;
    probe.notify("cancel", "session/cancel", json!({ "sessionId": session })).await?;
    view::until(probe, TURN_ENDED, probe.limits().turn).await?;
    let _ = view::ask_resume(probe, "beyond", session, Some(1 << 40)).await?;
    Ok(())
}

fn every_record_once(case: &Case<'_>) -> Outcome {
    let (prompt, resumed) = (call!(case, "prompt"), call!(case, "resume"));
    if case.labelled("beyond").is_none() {
        return Outcome::broken("history, then live, to the end of the turn", case.why_not("beyond"), resumed.places());
    }
    let Some(cursor) = case.note("cursor").and_then(serde_json::Value::as_u64) else {
        return Outcome::NotExercised(case.why_not("cursor"));
    };
    let mut all = view::records(case, prompt.request.on, prompt.request.index, prompt.until());
    all.retain(|(seq, _)| *seq > cursor);
    let until = case.labelled("beyond").map_or(usize::MAX, |beyond| beyond.index);
    let read = view::records(case, resumed.request.on, resumed.request.index, until);
    other(&all, &read, "what the client that saw all saw behind the cursor").unwrap_or(Outcome::Pass)
}

fn no_cursor_beyond_the_end(case: &Case<'_>) -> Outcome {
    let call = call!(case, "beyond");
    let named = call.error().is_some_and(|error| error["data"]["latest"].is_u64());
    Outcome::pass_if(named, || Outcome::broken("an error that names the latest record", call.said(), call.places()))
}
