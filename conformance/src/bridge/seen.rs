//! Questions of the checks of a bridge to a history.

use serde_json::Value;

use crate::core::history::{Call, Case, Message};
use crate::core::verdict::Outcome;

/// Updates of the session of a prompt, on its connection, from the prompt to its answer.
pub(super) fn updates<'c>(case: &'c Case<'_>, prompt: &Call<'c>) -> Vec<&'c Message> {
    let session = session(prompt);
    let all = case.updates(&session, prompt.request.index, prompt.until());
    let on = prompt.request.on;
    all.filter(|message| message.on == on).collect()
}

/// The session that a prompt names.
pub(super) fn session(prompt: &Call<'_>) -> String {
    let named = prompt.request.params().and_then(|params| params["sessionId"].as_str());
    named.unwrap_or_default().to_owned()
}

/// The text of an agent's chunk.
pub(super) fn text(message: &Message) -> Option<&str> {
    let update = message.update()?;
    (update["sessionUpdate"] == "agent_message_chunk").then(|| update["content"]["text"].as_str()).flatten()
}

/// All that the agent said in the turn of a prompt.
pub(super) fn said(case: &Case<'_>, prompt: &Call<'_>) -> String {
    updates(case, prompt).into_iter().filter_map(text).collect()
}

/// The agent's JSON in the turn of the prompt of this label, or why there is none.
pub(super) fn told(case: &Case<'_>, label: &str) -> Result<Value, Outcome> {
    let Some(call) = case.call(label) else { return Err(Outcome::NotExercised(case.why_not(label))) };
    acp_server::types::json::from_str(&said(case, &call)).map_err(|_| {
        let what = format!("`{label}` did not show what came to the far end: {}", call.said());
        Outcome::NotExercised(what)
    })
}

/// Where `sent` is not in `came`: the path of a member that is missing or not the same. What was added is no matter.
pub(super) fn lost(sent: &Value, came: &Value, path: &str) -> Option<String> {
    match (sent, came) {
        (Value::Object(sent), Value::Object(came)) => sent.iter().find_map(|(name, value)| match came.get(name) {
            Some(there) => lost(value, there, &format!("{path}.{name}")),
            None => Some(format!("{path}.{name} is missing")),
        }),
        (Value::Array(sent), Value::Array(came)) if sent.len() == came.len() => {
            let places = sent.iter().zip(came).enumerate();
            places.into_iter().find_map(|(place, (sent, came))| lost(sent, came, &format!("{path}[{place}]")))
        }
        _ if sent == came => None,
        _ => Some(format!("{path} is {}", crate::core::history::brief(came))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lost;

    #[test]
    fn what_is_missing_or_other_is_lost_and_what_is_added_is_not() {
        let sent = json!({ "a": { "b": [1, { "c": null }] } });
        assert_eq!(lost(&sent, &json!({ "a": { "b": [1, { "c": null, "d": 1 }] }, "e": 2 }), ""), None);
        assert_eq!(lost(&sent, &json!({ "a": { "b": [1, {}] } }), "").as_deref(), Some(".a.b[1].c is missing"));
        assert_eq!(lost(&sent, &json!({ "a": { "b": [1] } }), "x").as_deref(), Some("x.a.b is [1]"));
    }
}
