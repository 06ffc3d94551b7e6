//! Modes and config options.

mod sync;
mod values;

use serde_json::{Value, json};

pub(super) use values::values;

use crate::core::check::{Check, all, fails, succeeds};
use crate::core::history::{Case, brief};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::v1::invariants::config;

/// Settings: every mode and option.
pub(super) const SETTINGS: Scenario = Scenario {
    name: "settings",
    about: "sets every mode, another value of every option, and what is not offered",
    play: |probe| Box::pin(settings(probe)),
    checks: &[
        Check::new("MODE-02", the_current_mode_is_one_of_those_offered),
        Check::new("MODE-03", every_mode_can_be_set),
        Check::new("MODE-05", |case| modes(case).map_or_else(|why| why, |_| fails(case, "mode-nonsense"))),
        Check::new("CONFIG-02", options_are_whole),
        Check::new("CONFIG-03", ids_and_values_are_distinct),
        Check::new("CONFIG-04", the_current_value_is_one_of_those_offered),
        Check::new("CONFIG-05", no_boolean_unasked),
        Check::new("CONFIG-06", the_answer_is_the_whole_list),
        Check::new("CONFIG-09", nonsense_is_refused),
        Check::new("CONFIG-10", sync::modes_and_their_option_agree),
    ],
};

async fn settings(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let result = match probe.call("new", "session/new", probe.new_session()).await? {
        Ok(result) => result,
        Err(error) => return Err(Stop::Refused(brief(&error))),
    };
    let session = result["sessionId"].clone();
    let set_mode = |id: &Value| json!({ "sessionId": session, "modeId": id });
    if let Some(modes) = result["modes"]["availableModes"].as_array() {
        for (at, mode) in modes.iter().enumerate() {
            let _ = probe.call(&format!("mode/{at}"), "session/set_mode", set_mode(&mode["id"])).await?;
        }
        // What follows from a mode may come behind the answer.
        probe.quiet("modes").await?;
    }
    let set = |id: &Value, value: &Value| json!({ "sessionId": session, "configId": id, "value": value });
    if let Some(options) = result["configOptions"].as_array().filter(|options| !options.is_empty()) {
        // What one option is set to may change what others there are.
        let mut now = options.clone();
        for (at, option) in options.iter().enumerate() {
            let option = now.iter().find(|known| known["id"] == option["id"] && known["type"] == "select");
            let Some(option) = option else { continue };
            let other = values(option).into_iter().find(|value| *value != option["currentValue"]);
            let Some(other) = other else { continue };
            let label = format!("option/{at}");
            let _ = probe.call(&label, "session/set_config_option", set(&option["id"], &other)).await?;
            let label = format!("back/{at}");
            let back = set(&option["id"], &option["currentValue"]);
            let answer = probe.call(&label, "session/set_config_option", back).await?;
            now = answer.ok().and_then(|result| result["configOptions"].as_array().cloned()).unwrap_or(now);
        }
        probe.quiet("options").await?;
        let (none, first) = (json!("conformance-no-such-thing"), &options[0]["id"]);
        let _ = probe.call("option-nonsense", "session/set_config_option", set(&none, &none)).await?;
        if options[0]["type"] == "select" {
            let _ = probe.call("value-nonsense", "session/set_config_option", set(first, &none)).await?;
        }
    }
    if result["modes"].is_object() {
        let nonsense = json!("conformance-no-such-mode");
        let _ = probe.call("mode-nonsense", "session/set_mode", set_mode(&nonsense)).await?;
    }
    Ok(())
}

fn modes<'c>(case: &'c Case<'_>) -> Result<&'c Value, Outcome> {
    let Some(call) = case.call("new") else { return Err(Outcome::NotExercised(case.why_not("new"))) };
    match call.result().map(|result| &result["modes"]).filter(|modes| modes.is_object()) {
        Some(modes) => Ok(modes),
        None => Err(Outcome::NotApplicable("the agent has no modes".to_owned())),
    }
}

fn options<'c>(case: &'c Case<'_>) -> Result<&'c [Value], Outcome> {
    let Some(call) = case.call("new") else { return Err(Outcome::NotExercised(case.why_not("new"))) };
    match call.result().and_then(|result| result["configOptions"].as_array()).filter(|options| !options.is_empty()) {
        Some(options) => Ok(options),
        None => Err(Outcome::NotApplicable("the agent has no config options".to_owned())),
    }
}

/// The places of `session/new`, which shows what is offered.
fn offered(case: &Case<'_>) -> Vec<usize> {
    case.call("new").map(|call| call.places()).unwrap_or_default()
}

fn the_current_mode_is_one_of_those_offered(case: &Case<'_>) -> Outcome {
    let modes = match modes(case) {
        Ok(modes) => modes,
        Err(why) => return why,
    };
    let ids: Vec<&Value> = modes["availableModes"].as_array().into_iter().flatten().map(|mode| &mode["id"]).collect();
    let distinct = ids.iter().enumerate().all(|(at, id)| !ids[..at].contains(id));
    Outcome::pass_if(distinct && ids.contains(&&modes["currentModeId"]), || {
        Outcome::broken("distinct modes, the current one among them", brief(modes), offered(case))
    })
}

fn every_mode_can_be_set(case: &Case<'_>) -> Outcome {
    if let Err(why) = modes(case) {
        return why;
    }
    let calls = case.calls("mode/");
    all(calls.iter().filter_map(|call| call.request.label.as_deref()).map(|label| succeeds(case, label)))
}

fn options_are_whole(case: &Case<'_>) -> Outcome {
    let options = match options(case) {
        Ok(options) => options,
        Err(why) => return why,
    };
    let good = |option: &Value| {
        let text = |name: &str| option[name].is_string();
        let kind = option["type"].as_str().unwrap_or_default();
        let chosen = match kind {
            "select" => option["options"].is_array(),
            "boolean" => option["options"].is_null(),
            _ => true,
        };
        text("id") && text("name") && !kind.is_empty() && !option["currentValue"].is_null() && chosen
    };
    match options.iter().find(|option| !good(option)) {
        Some(option) => {
            Outcome::broken("id, name, type, currentValue, and options of a select", brief(option), offered(case))
        }
        None => Outcome::Pass,
    }
}

fn ids_and_values_are_distinct(case: &Case<'_>) -> Outcome {
    let options = match options(case) {
        Ok(options) => options,
        Err(why) => return why,
    };
    let distinct = |values: &[Value]| values.iter().enumerate().all(|(at, value)| !values[..at].contains(value));
    let ids: Vec<Value> = options.iter().map(|option| option["id"].clone()).collect();
    if !distinct(&ids) {
        return Outcome::broken("distinct ids", brief(&json!(ids)), offered(case));
    }
    match options.iter().map(values).find(|values| !distinct(values)) {
        Some(values) => Outcome::broken("distinct values", brief(&json!(values)), offered(case)),
        None => Outcome::Pass,
    }
}

fn the_current_value_is_one_of_those_offered(case: &Case<'_>) -> Outcome {
    let options = match options(case) {
        Ok(options) => options,
        Err(why) => return why,
    };
    let bad = |option: &&Value| option["type"] == "select" && !values(option).contains(&option["currentValue"]);
    match options.iter().find(bad) {
        Some(option) => Outcome::broken("a currentValue among the options", brief(option), offered(case)),
        None => Outcome::Pass,
    }
}

/// The client of this scenario claims nothing.
fn no_boolean_unasked(case: &Case<'_>) -> Outcome {
    let options = match options(case) {
        Ok(options) => options,
        Err(why) => return why,
    };
    match options.iter().find(|option| option["type"] == "boolean") {
        Some(option) => Outcome::broken("no boolean option for a client without them", brief(option), offered(case)),
        None => Outcome::Pass,
    }
}

/// Unknown values are refused. The values of a boolean need no announcement.
fn nonsense_is_refused(case: &Case<'_>) -> Outcome {
    let options = match options(case) {
        Ok(options) => options,
        Err(why) => return why,
    };
    let values = (options[0]["type"] == "select").then_some("value-nonsense");
    all(std::iter::once("option-nonsense").chain(values).map(|label| fails(case, label)))
}

fn the_answer_is_the_whole_list(case: &Case<'_>) -> Outcome {
    let before = match options(case) {
        Ok(options) => options,
        Err(why) => return why,
    };
    let calls = case.calls("option/");
    if calls.is_empty() {
        return Outcome::NotExercised("no option has another value to set".to_owned());
    }
    for call in &calls {
        let Some(after) = call.result().and_then(|result| result["configOptions"].as_array()) else {
            return Outcome::broken("a result with configOptions", call.said(), call.places());
        };
        let Some(params) = call.request.params() else { continue };
        let set = after.iter().find(|option| option["id"] == params["configId"]);
        if set.is_none_or(|option| option["currentValue"] != params["value"]) {
            return Outcome::broken(format!("the value {}", params["value"]), call.said(), call.places());
        }
    }
    for call in case.calls("back/") {
        let Some(after) = call.result().and_then(|result| result["configOptions"].as_array()) else { continue };
        if let Some(missing) = config::left_out(before, after) {
            return Outcome::broken("all options", format!("a list without {}", missing["id"]), call.places());
        }
    }
    Outcome::Pass
}
