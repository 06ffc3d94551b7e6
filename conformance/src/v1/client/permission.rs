//! Permission requests.

use serde_json::{Value, json};

use super::stage::{answers, begin, update};
use crate::core::check::{Check, all, call};
use crate::core::history::{Body, Call, Case};
use crate::core::probe::{Host, Probe, SESSION, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// Permission requests: one, two at once, and one that is taken back.
pub(super) const PERMISSION: Scenario = Scenario {
    name: "client-ask",
    about: "asks for permission with unusual option ids, twice at once, and takes a request back",
    play: |probe| Box::pin(permission(probe)),
    checks: &[
        Check::new("INIT-20", permission_can_be_asked),
        Check::new("PERM-05", |case| all(ASKED.map(|label| the_answer_was_offered(case, label)))),
        Check::new("PERM-13", each_gets_its_own_answer),
        Check::new("CANCEL-17", |case| one_answer_when_taken_back(case, "taken-back")),
    ],
};

const ASKED: [&str; 3] = ["ask", "parallel/1", "parallel/2"];

fn request(tool: &str, ids: [&str; 4]) -> Value {
    let [once, always, no, never] = ids;
    json!({ "sessionId": SESSION, "toolCall": { "toolCallId": tool, "title": "Touch a file", "kind": "execute" }, "options": [
        { "optionId": once, "name": "Yes", "kind": "allow_once" },
        { "optionId": always, "name": "Always", "kind": "allow_always" },
        { "optionId": no, "name": "No", "kind": "reject_once" },
        { "optionId": never, "name": "Never", "kind": "reject_always" },
    ] })
}

async fn permission(probe: &mut Probe) -> Result<(), Stop> {
    let turn = begin(probe, "turn", Host::default()).await?;
    for tool in ["one", "two", "three", "four"] {
        let call =
            json!({ "sessionUpdate": "tool_call", "toolCallId": tool, "title": "Touch a file", "status": "pending" });
        update(probe, &format!("tool/{tool}"), call).await?;
    }
    let method = "session/request_permission";
    // The ids say nothing of what they are for.
    let _ = probe.call("ask", method, request("one", ["opt 3/ü", "0", "yes, allow", "{}"])).await?;
    let first = probe.ask("parallel/1", method, request("two", ["1-a", "1-b", "1-c", "1-d"])).await?;
    let second = probe.ask("parallel/2", method, request("three", ["2-a", "2-b", "2-c", "2-d"])).await?;
    answers(probe, "parallel", &[first, second]).await?;
    let id = probe.ask("taken-back", method, request("four", ["3-a", "3-b", "3-c", "3-d"])).await?;
    probe.notify("take-back", "$/cancel_request", json!({ "requestId": id })).await?;
    answers(probe, "taken-back", &[id]).await?;
    probe.quiet("after-taken-back").await?;
    turn.done(probe).await
}

fn permission_can_be_asked(case: &Case<'_>) -> Outcome {
    let call = call!(case, "ask");
    match call.code() {
        Some(-32601) => Outcome::broken("an answer", call.said(), call.places()),
        _ if call.answer.is_none() => Outcome::NotExercised(case.why_not("ask")),
        _ => Outcome::Pass,
    }
}

fn offered_by<'c>(call: &Call<'c>) -> Vec<&'c Value> {
    let options = call.request.params().and_then(|params| params["options"].as_array());
    options.into_iter().flatten().map(|option| &option["optionId"]).collect()
}

fn the_answer_was_offered(case: &Case<'_>, label: &str) -> Outcome {
    let call = call!(case, label);
    let Some(result) = call.result() else { return Outcome::NotExercised(format!("{label}: {}", call.said())) };
    let outcome = &result["outcome"];
    let good = match outcome["outcome"].as_str() {
        Some("cancelled") => true,
        Some("selected") => offered_by(&call).contains(&&outcome["optionId"]),
        _ => false,
    };
    Outcome::pass_if(good, || Outcome::broken("an option that was offered, or cancelled", call.said(), call.places()))
}

/// Nobody can tell which was answered if both got an error or `cancelled`.
fn each_gets_its_own_answer(case: &Case<'_>) -> Outcome {
    let (first, second) = (call!(case, "parallel/1"), call!(case, "parallel/2"));
    let chosen = |call: &Call<'_>| call.result().map(|result| result["outcome"]["optionId"].clone());
    for (call, other) in [(&first, &second), (&second, &first)] {
        if call.answer.is_none() {
            return Outcome::NotExercised(case.why_not("parallel"));
        }
        if chosen(call).is_some_and(|id| offered_by(other).contains(&&id)) {
            let places = [call.places(), vec![other.request.index]].concat();
            return Outcome::broken("an answer to this request", "an option of the other one", places);
        }
    }
    Outcome::Pass
}

/// A request that was taken back has one answer: a result, or the error that says so.
pub(super) fn one_answer_when_taken_back(case: &Case<'_>, label: &str) -> Outcome {
    let call = call!(case, label);
    let Some(answer) = call.answer else { return Outcome::NotExercised(case.why_not(label)) };
    let again = case.received().find(|message| {
        message.index > answer.index
            && matches!(message.body, Body::Response { .. })
            && message.id() == call.request.id()
            && message.on == answer.on
    });
    if let Some(again) = again {
        return Outcome::broken("one answer", "two", [call.places(), vec![again.index]].concat());
    }
    match call.code() {
        None | Some(-32800) => Outcome::Pass,
        Some(_) if case.call("ask").is_some_and(|ask| ask.error().is_some()) => {
            Outcome::NotExercised("the client answers such requests with errors anyway".to_owned())
        }
        Some(_) => Outcome::broken("a result, or an error with code -32800", call.said(), call.places()),
    }
}
