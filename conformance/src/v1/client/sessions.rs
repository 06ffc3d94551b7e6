//! Sessions with things in them that a client need not know.

use serde_json::json;

use super::stage::{answers_pings, begin, lives_on, ping, prompted, update};
use crate::core::check::Check;
use crate::core::history::Case;
use crate::core::probe::{Host, Probe, Stop, rich_meta};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// Options of the session.
pub(super) const OPTIONS: Scenario = Scenario {
    name: "client-options",
    about: "makes sessions with options of no, known and unknown categories, and of an unknown type",
    play: |probe| Box::pin(options(probe)),
    checks: &[
        Check::new("CONFIG-11", |case| prompted(case, "categories", "plain")),
        Check::new("CONFIG-13", |case| prompted(case, "slider", "plain")),
    ],
};

async fn options(probe: &mut Probe) -> Result<(), Stop> {
    let select = |id: &str| {
        json!({
            "id": id, "name": id, "type": "select", "currentValue": "a",
            "options": [{ "value": "a", "name": "A" }, { "value": "b", "name": "B" }],
        })
    };
    let (bare, mut known, mut unknown) = (select("bare"), select("mode"), select("weather"));
    known["category"] = json!("mode");
    unknown["category"] = json!("_conformance_weather");
    let mut future = select("tide");
    future["category"] = json!("conformance_future");
    let slider = json!({ "id": "slider", "name": "Slider", "type": "slider", "currentValue": 3, "min": 1, "max": 5 });
    for (name, listed) in [
        ("plain", json!([known])),
        ("categories", json!([bare, known, unknown, future])),
        ("slider", json!([known, slider, bare])),
    ] {
        let mut host = Host { amiss: name == "slider", ..Host::default() };
        host.session["configOptions"] = listed;
        let modes = json!([{ "id": "a", "name": "A" }, { "id": "b", "name": "B" }]);
        host.session["modes"] = json!({ "currentModeId": "a", "availableModes": modes });
        match begin(probe, name, host).await {
            Ok(turn) => turn.end(probe, name, Ok(json!({ "stopReason": "end_turn" }))).await.unwrap_or_default(),
            Err(Stop::Gone | Stop::Late(_)) => {}
            Err(stop) => return Err(stop),
        }
    }
    Ok(())
}

/// `_meta` of somebody else.
pub(super) const META: Scenario = Scenario {
    name: "client-meta",
    about: "puts rich _meta that nobody knows on every message",
    play: |probe| Box::pin(meta(probe)),
    checks: &[Check::new("EXT-02", meta_of_others_changes_nothing)],
};

async fn meta(probe: &mut Probe) -> Result<(), Stop> {
    let turn = begin(probe, "plain", Host::default()).await?;
    ping(probe, "control").await?;
    turn.done(probe).await?;
    let mut host = Host::default();
    for part in [&mut host.initialize, &mut host.session] {
        part["_meta"] = rich_meta();
    }
    host.initialize["agentCapabilities"]["_meta"] = rich_meta();
    host.initialize["agentInfo"]["_meta"] = rich_meta();
    let turn = begin(probe, "rich", host).await?;
    let content = json!({ "type": "text", "text": "with notes", "_meta": rich_meta() });
    update(probe, "chunk", json!({ "sessionUpdate": "agent_message_chunk", "content": content, "_meta": rich_meta() }))
        .await?;
    let call = json!({ "sessionUpdate": "tool_call", "toolCallId": "noted", "title": "Note", "_meta": rich_meta() });
    update(probe, "tool", call).await?;
    ping(probe, "after").await?;
    turn.end(probe, "rich", Ok(json!({ "stopReason": "end_turn", "_meta": rich_meta() }))).await
}

fn meta_of_others_changes_nothing(case: &Case<'_>) -> Outcome {
    let came = prompted(case, "rich", "plain");
    match (came, answers_pings(case)) {
        (Outcome::Pass, Ok(())) => lives_on(case, "chunk", "after"),
        (came, _) => came,
    }
}
