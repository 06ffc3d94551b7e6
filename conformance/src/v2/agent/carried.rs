//! Requirements that version 2 shares with version 1.

use serde_json::{Value, json};

use super::stage;
use crate::core::check::{Check, all, answered, fails_with, succeeds};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::prompts;
use crate::v1::agent::{
    ids_come_back_as_they_were, no_match_is_an_empty_array, silent, silent_and_alive, the_filter_holds,
};

/// Ids, notifications, extensions, links in prompts, lists.
pub(super) const CARRIED: Scenario = Scenario {
    name: "v2-carried",
    about: "sends requests with unusual ids, what nobody knows, and a link in a prompt, and lists sessions",
    play: |probe| Box::pin(play(probe)),
    checks: &[
        Check::new("RPC-02", ids_come_back_as_they_were),
        Check::new("RPC-04", |case| all(["unknown-note", "dollar-note"].map(|label| silent(case, label)))),
        Check::new("RPC-14", |case| answered(case, "after/notes")),
        Check::new("EXT-06", |case| answered(case, "ping")),
        Check::new("EXT-07", |case| fails_with(case, "ping", -32601)),
        Check::new("EXT-08", |case| silent_and_alive(case, "unknown-note")),
        Check::new("CONTENT-02", |case| succeeds(case, "link")),
        Check::new("LIST-03", |case| succeeds(case, "list/all")),
        Check::new("LIST-04", the_filter_holds),
        Check::new("LIST-08", no_match_is_an_empty_array),
    ],
};

/// The largest integer that every JSON reader keeps.
const LARGE: u64 = (1 << 53) - 1;

async fn play(probe: &mut Probe) -> Result<(), Stop> {
    stage::begin(probe).await?;
    let limit = probe.limits().session();
    for (label, id) in [
        ("id/0", json!(0)),
        ("id/large", json!(LARGE)),
        ("id/string", json!("conformance-a")),
        ("id/digits", json!("17")),
    ] {
        probe.ask_as(label, id, "session/new", probe.new_session()).await?;
        // Whether it has the same id is for the check to judge.
        probe.until(label, limit, |message| message.id().is_some() && message.method().is_none()).await?;
    }
    // The scenario goes on without an answer.
    let _ = probe.call("ping", "_conformance/ping", json!({})).await;
    probe.notify("unknown-note", "_conformance/note", json!({ "a": 1 })).await?;
    probe.quiet("unknown-note").await?;
    probe.notify("dollar-note", "$/conformance", json!({})).await?;
    probe.quiet("dollar-note").await?;
    let _ = probe.call("after/notes", "session/new", probe.new_session()).await?;
    lists(probe).await?;
    let session = probe.session("link/new").await?;
    link(probe, &session).await
}

async fn lists(probe: &mut Probe) -> Result<(), Stop> {
    let elsewhere = probe.path("elsewhere");
    std::fs::create_dir_all(&elsewhere)?;
    let _ = probe.call("list/elsewhere", "session/new", json!({ "cwd": elsewhere, "mcpServers": [] })).await?;
    let (here, nowhere) = (json!({ "cwd": probe.directory() }), json!({ "cwd": probe.path("nothing-was-ever-here") }));
    for (label, params) in [("list/all", json!({})), ("list/here/1", here), ("list/nowhere", nowhere)] {
        let _ = probe.call(label, "session/list", params).await?;
    }
    Ok(())
}

/// Every agent takes links besides text.
async fn link(probe: &mut Probe, session: &str) -> Result<(), Stop> {
    let file = probe.path(prompts::INPUT);
    std::fs::write(&file, "conformance")?;
    let blocks: Value = json!([
        { "type": "text", "text": prompts::REPLY },
        { "type": "resource_link", "name": prompts::INPUT, "uri": format!("file://{}", file.display()) },
    ]);
    let id = probe.ask("link", "session/prompt", json!({ "sessionId": session, "prompt": blocks })).await?;
    stage::ended(probe, "link", session, &id).await
}
