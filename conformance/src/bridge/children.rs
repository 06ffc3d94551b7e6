//! Child sessions of the agent behind the bridge.

use serde_json::{Value, json};

use super::seen;
use crate::core::check::{Check, call};
use crate::core::each::{items, session_of};
use crate::core::history::{Call, Case, Message, brief};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::{children, far};
use crate::v1::agent::{a_cancelled_child_stops, cancel_a_child};
use crate::v1::invariants::children::{announced, children_are_announced_first, is_of_children};

/// Children live, of a load, and beside a client that does not take them.
pub(super) const CHILDREN: Scenario = Scenario {
    name: "bridge-children",
    about: "has the agent delegate, cancels a child, lists, loads the session with a client that takes child sessions and \
            with one that does not, and has the agent delegate for that one",
    play: |probe| Box::pin(play(probe)),
    checks: &[
        Check::new("BRIDGE-12", |case| asked(case, they_are_announced_first)),
        Check::new("BRIDGE-13", |case| asked(case, they_keep_their_ids)),
        Check::new("BRIDGE-14", |case| asked(case, others_see_nothing_of_them)),
        Check::new("BRIDGE-15", |case| asked(case, a_cancelled_child_stops)),
        Check::new("BRIDGE-16", |case| asked(case, they_are_not_listed)),
    ],
};

async fn play(probe: &mut Probe) -> Result<(), Stop> {
    probe.capabilities = json!({ "subagents": {} });
    let agent = probe.begin().await?;
    let session = probe.session("session").await?;
    let _ = probe.prompt("told", &session, far::ECHO).await?;
    let _ = probe.prompt("delegate", &session, children::DELEGATE).await?;
    cancel_a_child(probe, &session).await?;
    if agent["agentCapabilities"]["sessionCapabilities"]["list"].is_object() {
        let _ = probe.call("list", "session/list", json!({})).await?;
    }
    let loads = agent["agentCapabilities"]["loadSession"] == true;
    for (label, capabilities) in [("load", json!({ "subagents": {} })), ("without/load", json!({}))] {
        probe.capabilities = capabilities;
        probe.begin().await?;
        if loads {
            let params = json!({ "sessionId": session, "cwd": probe.directory(), "mcpServers": [] });
            let _ = probe.call(label, "session/load", params).await?;
            probe.quiet(&format!("{label}/after")).await?;
        }
    }
    let session = probe.session("without/session").await?;
    let _ = probe.prompt("without/delegate", &session, children::DELEGATE).await?;
    Ok(())
}

/// A bridge that does not tell its agent that there is a client with child sessions has none to pass on.
fn asked(case: &Case<'_>, check: fn(&Case<'_>) -> Outcome) -> Outcome {
    let told = match seen::told(case, "told") {
        Ok(told) => told,
        Err(outcome) => return outcome,
    };
    let offered = |message: &&Value| message["params"]["clientCapabilities"]["subagents"].is_object();
    let introduced = items(&told["got"]).iter().filter(|message| message["method"] == "initialize");
    match introduced.clone().find(offered) {
        Some(_) => check(case),
        None => Outcome::NotApplicable("the bridge does not offer child sessions to its agent".to_owned()),
    }
}

/// The children that this connection was shown.
fn shown<'c>(case: &'c Case<'_>, call: &Call<'c>) -> Vec<&'c str> {
    let all = announced(case);
    all.into_iter().filter(|(_, first)| first.on == call.request.on).map(|(child, _)| child).collect()
}

fn they_are_announced_first(case: &Case<'_>) -> Outcome {
    let delegate = call!(case, "delegate");
    if shown(case, &delegate).is_empty() {
        return Outcome::broken("the child session that the agent shows", "none", delegate.places());
    }
    children_are_announced_first(case)
}

fn they_keep_their_ids(case: &Case<'_>) -> Outcome {
    let (delegate, load) = (call!(case, "delegate"), call!(case, "load"));
    let (live, loaded) = (shown(case, &delegate), shown(case, &load));
    match live.iter().find(|child| !loaded.contains(child)) {
        Some(missing) => {
            let actual = brief(&json!(loaded));
            Outcome::broken(format!("{missing:?} among the children of the loaded session"), actual, load.places())
        }
        None => Outcome::Pass,
    }
}

/// Neither what tells of children, nor anything that carries the id of one.
fn others_see_nothing_of_them(case: &Case<'_>) -> Outcome {
    let without = call!(case, "without/delegate");
    let children: Vec<&str> = announced(case).into_iter().map(|(child, _)| child).collect();
    let of_one = |message: &&Message| is_of_children(message) || children.contains(&session_of(message).1);
    match case.received().filter(|message| message.on == without.request.on).find(of_one) {
        Some(stray) => {
            let actual = stray.update_kind().or(stray.method()).unwrap_or("a reference to one").to_owned();
            Outcome::broken("nothing of child sessions for a client that does not take them", actual, vec![stray.index])
        }
        None => Outcome::Pass,
    }
}

fn they_are_not_listed(case: &Case<'_>) -> Outcome {
    let agent = case.call("initialize").and_then(|call| call.result());
    if agent.is_some_and(|agent| agent["agentCapabilities"]["sessionCapabilities"]["list"].is_null()) {
        return Outcome::NotApplicable("the bridge lists no sessions".to_owned());
    }
    let list = call!(case, "list");
    let Some(result) = list.result() else { return Outcome::broken("a list", list.said(), list.places()) };
    let children = shown(case, &list);
    let is_child = |entry: &&Value| entry["sessionId"].as_str().is_some_and(|id| children.contains(&id));
    match items(&result["sessions"]).iter().find(is_child) {
        Some(entry) => Outcome::broken("no child session in the list", brief(entry), list.places()),
        None => Outcome::Pass,
    }
}
