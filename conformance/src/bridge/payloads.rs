//! Members that no schema knows, and errors.

use serde_json::{Value, json};

use super::seen;
use crate::core::check::{Check, all, call};
use crate::core::history::{Case, brief};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::far;

/// Members and methods that nobody knows.
pub(super) const PAYLOADS: Scenario = Scenario {
    name: "bridge-payloads",
    about: "sends and is sent `_meta`, unknown members, kinds and methods",
    play: |probe| Box::pin(payloads(probe)),
    checks: &[Check::new("BRIDGE-03", what_nobody_knows_passes)],
};

/// Errors of the agent.
pub(super) const ERRORS: Scenario = Scenario {
    name: "bridge-errors",
    about: "has prompts fail with codes that nobody knows and with data",
    play: |probe| Box::pin(errors(probe)),
    checks: &[Check::new("BRIDGE-05", |case| all(CODES.map(|code| the_error_passes(case, code))))],
};

const CODES: [i64; 2] = [4711, -32002];

async fn payloads(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    let news = json!({ "sessionId": session, "rich": far::rich() });
    probe.notify("news", far::NEWS_METHOD, news.clone()).await?;
    let _ = probe.call("extension", far::ECHO_METHOD, news).await?;
    let params = rich_prompt(&session);
    let id = probe.ask("echo", "session/prompt", params).await?;
    let _ = probe.answer("echo", &id, probe.limits().turn).await?;
    let _ = probe.prompt("rich", &session, far::RICH).await?;
    Ok(())
}

fn rich_prompt(session: &str) -> Value {
    let (meta, more) = (json!({ "conformance": far::rich() }), far::rich());
    let block = json!({ "type": "text", "text": far::ECHO, "_meta": meta, "conformanceUnknown": more });
    json!({ "sessionId": session, "prompt": [block], "_meta": meta, "conformanceUnknown": more })
}

fn what_nobody_knows_passes(case: &Case<'_>) -> Outcome {
    all([to_the_agent(case), news_to_the_agent(case), from_the_agent(case), the_extension_is_answered(case)])
}

fn to_the_agent(case: &Case<'_>) -> Outcome {
    let call = call!(case, "echo");
    let told = match seen::told(case, "echo") {
        Ok(told) => told,
        Err(outcome) => return outcome,
    };
    let prompts = told["got"].as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let Some(came) = prompts.rev().find(|message| message["method"] == "session/prompt") else {
        return Outcome::broken("the prompt at the agent", "none", call.places());
    };
    let mut sent = rich_prompt("");
    if let Some(sent) = sent.as_object_mut() {
        sent.remove("sessionId");
    }
    match seen::lost(&sent, &came["params"], "params") {
        Some(lost) => Outcome::broken("the prompt at the agent as it was sent", lost, call.places()),
        None => Outcome::Pass,
    }
}

fn news_to_the_agent(case: &Case<'_>) -> Outcome {
    let Some(sent) = case.labelled("news") else { return Outcome::NotExercised(case.why_not("news")) };
    let told = match seen::told(case, "echo") {
        Ok(told) => told,
        Err(outcome) => return outcome,
    };
    let got = told["got"].as_array().map(Vec::as_slice).unwrap_or_default();
    let came = got.iter().find(|message| message["method"] == far::NEWS_METHOD);
    let passed = came.is_some_and(|came| came["params"]["rich"] == far::rich());
    Outcome::pass_if(passed, || {
        let came = came.map_or("nothing".to_owned(), brief);
        Outcome::broken(format!("the notification {} at the agent", far::NEWS_METHOD), came, vec![sent.index])
    })
}

fn the_extension_is_answered(case: &Case<'_>) -> Outcome {
    let call = call!(case, "extension");
    let passed = call.result().is_some_and(|result| result["echo"]["rich"] == far::rich());
    Outcome::pass_if(passed, || {
        let expected = format!("the agent's answer to {}: its params", far::ECHO_METHOD);
        Outcome::broken(expected, call.said(), call.places())
    })
}

fn from_the_agent(case: &Case<'_>) -> Outcome {
    let call = call!(case, "rich");
    let (meta, more) = (json!({ "conformance": far::rich() }), far::rich());
    let about = json!({ "_meta": meta, "conformanceUnknown": more });
    let updates = seen::updates(case, &call);
    let Some(known) = updates.iter().find(|message| message.update_kind() == Some("agent_message_chunk")) else {
        return Outcome::broken("a chunk of text", "none", call.places());
    };
    let params = known.params().unwrap_or(&Value::Null);
    let parts = [("params", params), ("update", &params["update"]), ("content", &params["update"]["content"])];
    if let Some(lost) = parts.iter().find_map(|(name, part)| seen::lost(&about, part, name)) {
        return Outcome::broken("the update as the agent sent it", lost, vec![known.index]);
    }
    let unknown = updates.iter().find(|message| message.update_kind() == Some(far::UNKNOWN_KIND));
    if unknown.is_none_or(|message| message.update().is_none_or(|u| u["conformanceUnknown"] != more)) {
        return Outcome::broken(format!("an update of the kind {}", far::UNKNOWN_KIND), "none like it", call.places());
    }
    let news = case.received().find(|message| message.method() == Some(far::NEWS_METHOD));
    if news.is_none_or(|message| message.params().is_none_or(|params| params["rich"] != more)) {
        return Outcome::broken(
            format!("the agent's notification {}", far::NEWS_METHOD),
            "none like it",
            call.places(),
        );
    }
    match call.result().map(|result| seen::lost(&about, result, "result")) {
        Some(None) => Outcome::Pass,
        Some(Some(lost)) => Outcome::broken("the result as the agent sent it", lost, call.places()),
        None => Outcome::broken("a result", call.said(), call.places()),
    }
}

async fn errors(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    for code in CODES {
        let _ = probe.prompt(&format!("fail/{code}"), &session, &format!("{}{code}", far::FAIL)).await?;
    }
    Ok(())
}

fn the_error_passes(case: &Case<'_>, code: i64) -> Outcome {
    let call = call!(case, &format!("fail/{code}"));
    let wanted = far::failure(code);
    let lost = call.error().map_or_else(|| Some(call.said()), |error| seen::lost(&wanted, error, "error"));
    match lost {
        Some(lost) => Outcome::broken(format!("the agent's error {}", brief(&wanted)), lost, call.places()),
        None => Outcome::Pass,
    }
}
