//! Modes, and the option that says the same for clients that know options.

use serde_json::Value;

use super::values::values;
use crate::core::history::{Body, Call, Case, Message};
use crate::core::verdict::Outcome;

/// The option of category `mode` whose values are the modes; why there is none.
fn mode_option(case: &Case<'_>) -> Result<Value, Outcome> {
    let Some(call) = case.call("new") else { return Err(Outcome::NotExercised(case.why_not("new"))) };
    let Some(result) = call.result() else { return Err(Outcome::NotExercised(call.said())) };
    let ids = |modes: &Value| -> Vec<Value> {
        modes["availableModes"].as_array().into_iter().flatten().map(|mode| mode["id"].clone()).collect()
    };
    let modes = ids(&result["modes"]);
    let mut options = result["configOptions"].as_array().into_iter().flatten();
    let Some(option) = options.find(|option| option["category"] == "mode" && option["type"] == "select") else {
        return Err(Outcome::NotApplicable("the agent has no option of category mode".to_owned()));
    };
    let values = values(option);
    let same = modes.iter().all(|mode| values.contains(mode)) && values.iter().all(|value| modes.contains(value));
    match same && !modes.is_empty() {
        true => Ok(option.clone()),
        false => Err(Outcome::NotApplicable("the agent's modes are not the values of its option".to_owned())),
    }
}

/// The value of the mode's option in a message that lists all options.
fn listed<'c>(message: &'c Message, id: &Value) -> Option<&'c Value> {
    let options = match &message.body {
        Body::Response { outcome: Ok(result), .. } => &result["configOptions"],
        _ => &message.update().filter(|update| update["sessionUpdate"] == "config_option_update")?["configOptions"],
    };
    options.as_array()?.iter().find(|option| option["id"] == *id).map(|option| &option["currentValue"])
}

/// The last value that was set, and its call.
fn last<'c>(calls: Vec<Call<'c>>, member: &str) -> Option<(Call<'c>, &'c Value)> {
    let call = calls.into_iter().rfind(|call| call.result().is_some())?;
    Some((call, &call.request.params()?[member]))
}

/// The last that `says` something has to say what was set: behind the call, and before its answer, for what follows from a
/// call may come on either side of it.
fn agrees<'c>(
    case: &'c Case<'_>,
    set: &(Call<'c>, &Value),
    until: usize,
    says: impl Fn(&'c Message) -> Option<&'c Value>,
) -> Option<Outcome> {
    let (call, wanted) = set;
    let within = |message: &&Message| message.index > call.request.index && message.index < until;
    let (message, said) =
        case.received().filter(within).filter_map(|message| Some((message, says(message)?))).last()?;
    Some(Outcome::pass_if(said == *wanted, || {
        let places = [call.places(), vec![message.index]].concat();
        Outcome::broken(format!("{wanted} on both sides"), format!("the other says {said}"), places)
    }))
}

/// Whichever of the two was set last, what the agent says afterwards of the other is the same.
pub(super) fn modes_and_their_option_agree(case: &Case<'_>) -> Outcome {
    let option = match mode_option(case) {
        Ok(option) => option,
        Err(why) => return why,
    };
    let (id, initial) = (&option["id"], &option["currentValue"]);
    let new = case.call("new");
    let current = new.and_then(|call| call.result()).map(|result| &result["modes"]["currentModeId"]);
    if let (Some(call), Some(current)) = (new, current)
        && current != initial
    {
        return Outcome::broken(
            format!("{current} on both sides"),
            format!("the option says {initial}"),
            call.places(),
        );
    }
    let is_of_mode = |call: &Call<'_>| call.request.params().is_some_and(|params| params["configId"] == *id);
    let set = ["option/", "back/"].into_iter().flat_map(|label| case.calls(label));
    let mut of_mode: Vec<Call<'_>> = set.filter(is_of_mode).collect();
    of_mode.sort_by_key(|call| call.request.index);
    let end = ["option-nonsense", "mode-nonsense"].iter().filter_map(|label| case.labelled(label)).map(|m| m.index);
    let end = end.min().unwrap_or(usize::MAX);
    let before = of_mode.first().map_or(end, |call| call.request.index);
    let modes = last(case.calls("mode/"), "modeId");
    let by_mode = modes.and_then(|set| agrees(case, &set, before, |message| listed(message, id)));
    let by_option = last(of_mode, "value").and_then(|set| agrees(case, &set, end, current_mode));
    let found = by_mode.into_iter().chain(by_option).reduce(Outcome::and);
    found.unwrap_or_else(|| Outcome::NotExercised("nothing was said of the other after one was set".to_owned()))
}

fn current_mode(message: &Message) -> Option<&Value> {
    let update = message.update().filter(|update| update["sessionUpdate"] == "current_mode_update")?;
    Some(&update["currentModeId"])
}
