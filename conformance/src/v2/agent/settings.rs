//! Options of a session.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::refusals::refused_with;
use super::stage;
use crate::core::check::{Check, call};
use crate::core::each::items;
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// Options that are set to what they cannot be.
pub(super) const SETTINGS: Scenario = Scenario {
    name: "v2-settings",
    about: "sets an option that is none, and one to a value that it does not have, then another to the value that it has",
    play: |probe| Box::pin(play(probe)),
    checks: &[Check::new("V2-24/c", what_cannot_be_set_is_refused), Check::new("V2-24/d", a_refusal_changes_nothing)],
};

async fn play(probe: &mut Probe) -> Result<(), Stop> {
    stage::begin(probe).await?;
    let made = probe.call("new", "session/new", probe.new_session()).await?;
    let Ok(made) = made else { return Err(Stop::Refused("session/new was refused".to_owned())) };
    let options = items(&made["configOptions"]);
    let Some(option) = options.iter().find(|option| option["type"] == "select") else { return Ok(()) };
    let mut asked = vec![
        ("option", json!("conformance-no-such-option"), "id", option["currentValue"].clone()),
        ("value", option["configId"].clone(), "id", json!("conformance-no-such-value")),
    ];
    // The answer about one option tells the values of all.
    if let Some((other, kind)) = options.iter().filter(|o| o["configId"] != option["configId"]).find_map(settable) {
        asked.push(("other", other["configId"].clone(), kind, other["currentValue"].clone()));
    }
    for (label, id, kind, value) in asked {
        let params = json!({ "sessionId": made["sessionId"], "configId": id, "type": kind, "value": value });
        let _ = probe.call(label, "session/set_config_option", params).await?;
    }
    Ok(())
}

/// An option with the type of its values, if that is one of the protocol's.
fn settable(option: &Value) -> Option<(&Value, &'static str)> {
    match option["type"].as_str()? {
        "select" => Some((option, "id")),
        "boolean" => Some((option, "boolean")),
        _ => None,
    }
}

/// The values of the session's options at its beginning, or that it has none to try this with.
fn offered(case: &Case<'_>) -> Result<BTreeMap<String, String>, Outcome> {
    let Some(call) = case.call("new") else { return Err(Outcome::NotExercised(case.why_not("new"))) };
    let Some(result) = call.result() else {
        return Err(Outcome::NotExercised(format!("session/new got {}", call.said())));
    };
    let options = items(&result["configOptions"]);
    match options.iter().any(|option| option["type"] == "select") {
        true => Ok(values(options)),
        false => Err(Outcome::NotApplicable("the agent offers no option with values".to_owned())),
    }
}

fn values(options: &[Value]) -> BTreeMap<String, String> {
    options.iter().map(|option| (option["configId"].to_string(), option["currentValue"].to_string())).collect()
}

fn what_cannot_be_set_is_refused(case: &Case<'_>) -> Outcome {
    match offered(case) {
        Ok(_) => refused_with(case, "option", -32602).and(refused_with(case, "value", -32602)),
        Err(why) => why,
    }
}

fn a_refusal_changes_nothing(case: &Case<'_>) -> Outcome {
    let before = match offered(case) {
        Ok(values) => values,
        Err(why) => return why,
    };
    if case.received().any(|message| message.update_kind() == Some("config_option_update")) {
        return Outcome::NotExercised("the options changed meanwhile".to_owned());
    }
    let call = call!(case, "option");
    let Some(kept) = case.call("other") else {
        return Outcome::NotApplicable(
            "the agent offers one option only, and to set it would hide the change".to_owned(),
        );
    };
    let Some(result) = kept.result() else { return Outcome::NotExercised(format!("the option got {}", kept.said())) };
    // What was taken is no refusal.
    if call.error().is_none() || case.call("value").is_none_or(|call| call.error().is_none()) {
        return Outcome::NotExercised("nothing was refused".to_owned());
    }
    let after = values(items(&result["configOptions"]));
    let changed = before.iter().find(|(id, value)| after.get(*id).is_some_and(|now| now != *value));
    match changed {
        Some((id, value)) => {
            let actual = after.get(id).unwrap_or(value).as_str();
            Outcome::broken(format!("{value} as the value of {id} still"), actual, kept.places())
        }
        None => Outcome::Pass,
    }
}
