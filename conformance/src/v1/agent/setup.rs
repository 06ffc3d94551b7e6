//! What a client may give a session at its start, and what it may ask about one: a system prompt, options, a title, a status.

use serde_json::{Value, json};

use super::settings::values;
use crate::core::check::{Check, all, call, fails, fails_with, needs, succeeds};
use crate::core::each::items;
use crate::core::history::{Case, Message, brief};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// A session that nobody made.
const NOBODYS: &str = "conformance-no-such-session";
/// An id and a value that no option has.
const NOTHING: &str = "conformance-no-such-thing";
/// A title that is set.
const TITLE: &str = "Conformance title 5309";
/// Pages of a list that are read.
const MAX_PAGES: usize = 50;

/// Setups with and without what the agent announced, and questions about sessions.
pub(super) const SETUP: Scenario = Scenario {
    name: "setup",
    about: "gives sessions a system prompt and initial options, good and bad ones, and asks for options, titles and states",
    play: |probe| Box::pin(setup(probe)),
    checks: &[
        Check::new("SYSTEM-01", |case| {
            needs!(case, "sessionCapabilities"."systemPrompt");
            succeeds(case, "system/append")
        }),
        Check::new("SYSTEM-02", |case| {
            needs!(case, "sessionCapabilities"."systemPrompt");
            all(case
                .calls("system/mode/")
                .iter()
                .filter_map(|call| call.request.label.as_deref())
                .map(|l| fails(case, l)))
        }),
        Check::new("SYSTEM-03", |case| {
            needs!(case, "sessionCapabilities"."systemPrompt");
            fails(case, "system/image")
        }),
        Check::new("OPTIONS-01", the_options_are_those_of_a_session),
        Check::new("OPTIONS-02", asking_for_options_changes_nothing),
        Check::new("OPTIONS-03", |case| {
            needs!(case, "sessionCapabilities"."options");
            fails_with(case, "options/unknown", -32002)
        }),
        Check::new("OPTIONS-04", initial_options_are_applied),
        Check::new("OPTIONS-05", what_is_not_offered_is_ignored),
        Check::new("OPTIONS-06", |case| {
            needs!(case, "sessionCapabilities"."options");
            fails_with(case, "options/twice", -32602)
        }),
        Check::new("TITLE-01", a_title_is_kept),
        Check::new("TITLE-02", |case| {
            needs!(case, "sessionCapabilities"."title");
            fails_with(case, "title/unknown", -32002)
        }),
        Check::new("STATUS-01", |case| {
            needs!(case, "sessionCapabilities"."status");
            fails_with(case, "status/unknown", -32002)
        }),
        Check::new("STATUS-02", a_new_session_is_open),
        Check::new("STATUS-03", |case| {
            needs!(case, "sessionCapabilities"."status");
            no_update_of(case, "status/open", "status/after")
        }),
    ],
};

async fn setup(probe: &mut Probe) -> Result<(), Stop> {
    let agent = probe.begin().await?;
    let capabilities = agent["agentCapabilities"]["sessionCapabilities"].clone();
    let has = |name: &str| capabilities[name].is_object();
    if has("systemPrompt") {
        system_prompts(probe, &capabilities["systemPrompt"]).await?;
    }
    if has("options") {
        let old = agent["agentCapabilities"]["loadSession"] == true || has("resume");
        options(probe, old, has("list")).await?;
    }
    if has("title") {
        titles(probe, has("list")).await?;
    }
    if has("status") {
        let session = probe.session("status/new").await?;
        let _ = probe.call("status/unknown", "session/status", json!({ "sessionId": NOBODYS })).await?;
        probe.quiet("status/before").await?;
        let _ = probe.call("status/open", "session/status", json!({ "sessionId": session })).await?;
        probe.quiet("status/after").await?;
    }
    Ok(())
}

async fn system_prompts(probe: &mut Probe, capability: &Value) -> Result<(), Stop> {
    let text = json!([{ "type": "text", "text": "Answer in one word." }]);
    let image = json!([{ "type": "image", "mimeType": "image/png", "data": "AAAA" }]);
    let mut prompts =
        vec![("append", "append", &text), ("mode/unknown", "_conformance", &text), ("image", "append", &image)];
    if !capability["mode"]["override"].is_object() {
        prompts.push(("mode/override", "override", &text));
    }
    for (label, mode, content) in prompts {
        let mut params = probe.new_session();
        params["systemPrompt"] = json!({ "mode": mode, "content": content });
        let _ = probe.call(&format!("system/{label}"), "session/new", params).await?;
    }
    Ok(())
}

async fn options(probe: &mut Probe, old: bool, lists: bool) -> Result<(), Stop> {
    let made = probe.call("options/new", "session/new", probe.new_session()).await?;
    let cwd = json!(probe.directory());
    probe.quiet("options/before").await?;
    list(probe, "options/list-before", lists).await?;
    let _ = probe.call("options/ask", "session/options", json!({ "cwd": cwd })).await?;
    probe.quiet("options/after").await?;
    list(probe, "options/list-after", lists).await?;
    if old {
        let _ = probe.call("options/unknown", "session/options", json!({ "cwd": cwd, "sessionId": NOBODYS })).await?;
    }
    let made = made.unwrap_or_default();
    let Some((id, current, other)) = items(&made["configOptions"]).iter().find_map(choice) else { return Ok(()) };
    let entry = |id: &Value, value: &Value| json!({ "configId": id, "value": value });
    let nothing = json!(NOTHING);
    for (label, entries) in [
        ("chosen", json!([entry(&id, &other)])),
        ("ignored", json!([entry(&nothing, &nothing), entry(&id, &nothing)])),
        ("twice", json!([entry(&id, &other), entry(&id, &current)])),
    ] {
        let mut params = probe.new_session();
        params["configOptions"] = entries;
        let _ = probe.call(&format!("options/{label}"), "session/new", params).await?;
    }
    Ok(())
}

/// Id, current value and another value of an option that has one.
fn choice(option: &Value) -> Option<(Value, Value, Value)> {
    let current = option["currentValue"].clone();
    let other = values(option).into_iter().find(|value| *value != current)?;
    (option["type"] == "select").then(|| (option["id"].clone(), current, other))
}

async fn titles(probe: &mut Probe, lists: bool) -> Result<(), Stop> {
    let session = probe.session("title/new").await?;
    let params = json!({ "sessionId": NOBODYS, "title": TITLE });
    let _ = probe.call("title/unknown", "session/set_title", params).await?;
    let params = json!({ "sessionId": session, "title": TITLE });
    let _ = probe.call("title/set", "session/set_title", params).await?;
    list(probe, "title/list", lists).await
}

/// The sessions of the scenario's directory, page by page.
async fn list(probe: &mut Probe, label: &str, lists: bool) -> Result<(), Stop> {
    let mut params = json!({ "cwd": probe.directory() });
    for page in 0..if lists { MAX_PAGES } else { 0 } {
        let answer = probe.call(&format!("{label}/{page}"), "session/list", params.clone()).await?;
        match answer.ok().map(|result| result["nextCursor"].clone()).filter(Value::is_string) {
            Some(cursor) => params["cursor"] = cursor,
            None => break,
        }
    }
    Ok(())
}

/// The entries of the pages of this label.
fn listed<'c>(case: &'c Case<'_>, label: &str) -> Vec<&'c Value> {
    let pages = case.calls(&format!("{label}/"));
    pages.iter().filter_map(|page| page.result()).flat_map(|result| items(&result["sessions"])).collect()
}

fn ids(options: &Value) -> Vec<&Value> {
    items(options).iter().map(|option| &option["id"]).collect()
}

fn the_options_are_those_of_a_session(case: &Case<'_>) -> Outcome {
    needs!(case, "sessionCapabilities"."options");
    let (asked, new) = (call!(case, "options/ask"), call!(case, "options/new"));
    let (Some(asked_for), Some(made)) = (asked.result(), new.result()) else {
        return Outcome::broken("the options", asked.said(), asked.places());
    };
    let (told, there) = (ids(&asked_for["configOptions"]), ids(&made["configOptions"]));
    Outcome::pass_if(told == there, || {
        let places = new.places().into_iter().chain(asked.places()).collect();
        Outcome::broken(format!("the options of a new session: {}", brief(&json!(there))), brief(&json!(told)), places)
    })
}

fn asking_for_options_changes_nothing(case: &Case<'_>) -> Outcome {
    needs!(case, "sessionCapabilities"."options");
    let same = || {
        let [before, after] = ["before", "after"].map(|when| listed(case, &format!("options/list-{when}")));
        let strange = after.iter().find(|entry| !before.iter().any(|known| known["sessionId"] == entry["sessionId"]));
        match strange {
            Some(entry) => {
                Outcome::broken("no session more in the list", brief(entry), call!(case, "options/ask").places())
            }
            None => Outcome::Pass,
        }
    };
    all([no_update_of(case, "options/ask", "options/after"), same()])
}

/// No update came from the request until the window had passed.
fn no_update_of(case: &Case<'_>, label: &str, window: &str) -> Outcome {
    let call = call!(case, label);
    let Some(end) = case.quiet(window) else { return Outcome::NotExercised(case.why_not(window)) };
    let within = |message: &&Message| message.index > call.request.index && message.index < end;
    match case.received().filter(within).find(|message| message.update().is_some()) {
        Some(update) => {
            let places = vec![call.request.index, update.index];
            Outcome::broken("no update", update.update_kind().unwrap_or_default(), places)
        }
        None => Outcome::Pass,
    }
}

/// The value of an option in a result.
fn value_of<'c>(result: &'c Value, id: &Value) -> &'c Value {
    items(&result["configOptions"])
        .iter()
        .find(|option| option["id"] == *id)
        .map_or(&Value::Null, |o| &o["currentValue"])
}

fn initial_options_are_applied(case: &Case<'_>) -> Outcome {
    needs!(case, "sessionCapabilities"."options");
    let chosen = call!(case, "options/chosen");
    let entry = chosen.request.params().map(|params| &params["configOptions"][0]).unwrap_or(&Value::Null);
    let Some(result) = chosen.result() else { return Outcome::broken("a session", chosen.said(), chosen.places()) };
    let now = value_of(result, &entry["configId"]);
    Outcome::pass_if(*now == entry["value"], || {
        let expected = format!("the value {} of {}", entry["value"], entry["configId"]);
        Outcome::broken(expected, brief(now), chosen.places())
    })
}

fn what_is_not_offered_is_ignored(case: &Case<'_>) -> Outcome {
    needs!(case, "sessionCapabilities"."options");
    let (plain, ignored) = (call!(case, "options/new"), call!(case, "options/ignored"));
    let Some(result) = ignored.result() else { return Outcome::broken("a session", ignored.said(), ignored.places()) };
    let entry = ignored.request.params().map(|params| &params["configOptions"][1]).unwrap_or(&Value::Null);
    let before = plain.result().map_or(&Value::Null, |result| value_of(result, &entry["configId"]));
    let now = value_of(result, &entry["configId"]);
    Outcome::pass_if(now == before, || {
        Outcome::broken(format!("{} as without: {before}", entry["configId"]), brief(now), ignored.places())
    })
}

fn a_title_is_kept(case: &Case<'_>) -> Outcome {
    needs!(case, "sessionCapabilities"."title");
    let set = call!(case, "title/set");
    // It may have been changed, and then the answer has it.
    let Some(stored) = set.result().map(|result| result["title"].as_str().unwrap_or(TITLE)) else {
        return Outcome::broken("a result", set.said(), set.places());
    };
    let session = set.request.params().map(|params| params["sessionId"].clone()).unwrap_or_default();
    match listed(case, "title/list").into_iter().find(|entry| entry["sessionId"] == session) {
        None => Outcome::NotExercised("the session is in no list".to_owned()),
        Some(entry) => Outcome::pass_if(entry["title"] == stored, || {
            Outcome::broken(format!("the title {stored:?} in the list"), brief(&entry["title"]), set.places())
        }),
    }
}

fn a_new_session_is_open(case: &Case<'_>) -> Outcome {
    needs!(case, "sessionCapabilities"."status");
    let call = call!(case, "status/open");
    Outcome::pass_if(call.result().is_some_and(|result| result["status"] == "open"), || {
        Outcome::broken("the status open", call.said(), call.places())
    })
}
