//! Clients that connect to their agent over a network. The text is an RFD and no page of the protocol yet.

use serde_json::{Value, json};

use super::stage::{PING, begin, update};
use crate::core::check::Check;
use crate::core::history::{Case, What};
use crate::core::probe::{Host, Probe, SESSION, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// One short life of a client, over the wire.
pub(super) const REMOTE: Scenario = Scenario {
    name: "client-remote",
    about: "lets the client connect, initialize, make a session and prompt, and asks it for permission",
    play: |probe| Box::pin(remote(probe)),
    checks: &[
        Check::new("WS-03", initialize_is_the_first_message),
        Check::new("HTTP-10", cookies_come_back),
        Check::new("HTTP-11", |case| each(case, "POST", "the type application/json", is_json)),
        Check::new("HTTP-12", |case| each(case, "GET", "Accept: text/event-stream", takes_events)),
        Check::new("HTTP-13", sessions_are_named),
        Check::new("HTTP-22", every_stream_is_opened),
    ],
};

async fn remote(probe: &mut Probe) -> Result<(), Stop> {
    let turn = begin(probe, "remote", Host::default()).await?;
    let chunk = json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": "conformance" } });
    update(probe, "said", chunk).await?;
    let _ = probe.call("ping", PING, json!({})).await?;
    let options = json!([{ "optionId": "yes", "name": "Yes", "kind": "allow_once" }]);
    let tool = json!({ "toolCallId": "one", "title": "Touch a file" });
    let params = json!({ "sessionId": SESSION, "toolCall": tool, "options": options });
    let id = probe.ask("permission", "session/request_permission", params).await?;
    // A client that asks a person does not answer; then less is seen.
    let patience = probe.limits().grace;
    let _ = probe.answer("permission", &id, patience).await;
    turn.done(probe).await
}

fn initialize_is_the_first_message(case: &Case<'_>) -> Outcome {
    let Some(first) = case.received().next() else {
        return Outcome::NotExercised("the client said nothing".to_owned());
    };
    Outcome::pass_if(first.requests("initialize"), || {
        Outcome::broken("initialize as the first message", "another message", vec![first.index])
    })
}

/// The client's HTTP requests with their places, from the one that opened the connection on.
fn requests<'c>(case: &Case<'c>) -> Vec<(usize, &'c Value)> {
    let events = case.history().events.iter().enumerate();
    let noted = events.filter_map(|(place, event)| match &event.what {
        What::Note { label, data } if label == "client/request" => Some((place, data)),
        _ => None,
    });
    noted.skip_while(|(_, request)| request["rpc"] != "initialize").collect()
}

/// Asks each request of this method.
fn each(case: &Case<'_>, method: &str, expected: &str, good: impl Fn(&Value) -> bool) -> Outcome {
    let requests: Vec<_> = requests(case).into_iter().filter(|(_, request)| request["method"] == method).collect();
    if requests.is_empty() {
        return Outcome::NotExercised(format!("the client sent no {method}"));
    }
    match requests.into_iter().find(|(_, request)| !good(request)) {
        Some((place, request)) => Outcome::broken(expected, request.to_string(), vec![place]),
        None => Outcome::Pass,
    }
}

fn is_json(request: &Value) -> bool {
    request["type"].as_str().is_some_and(|kind| kind.starts_with("application/json"))
}

fn takes_events(request: &Value) -> bool {
    request["accept"].as_str().is_some_and(|accept| accept.contains("text/event-stream"))
}

/// The cookie was set by the answer to `initialize`, so what was sent before it came has none.
fn cookies_come_back(case: &Case<'_>) -> Outcome {
    let requests = requests(case);
    let later: Vec<_> = requests.iter().skip(1).filter(|(_, request)| !request["connection"].is_null()).collect();
    if later.is_empty() {
        return Outcome::NotExercised("the client sent nothing on its connection".to_owned());
    }
    let has = |request: &Value| request["cookie"].as_str().is_some_and(|cookie| cookie.contains("conformance="));
    match later.into_iter().find(|(_, request)| !has(request)) {
        Some((place, request)) => {
            Outcome::broken("the cookie on each request of the connection", request.to_string(), vec![*place])
        }
        None => Outcome::Pass,
    }
}

/// `$/` messages are about requests, and what nobody knows may be about anything.
fn sessions_are_named(case: &Case<'_>) -> Outcome {
    let about = |request: &Value| {
        let method = request["rpc"].as_str().unwrap_or("session/answer");
        request["method"] == "POST" && !request["scope"].is_null() && method.starts_with("session/")
    };
    let requests = requests(case);
    let scoped: Vec<_> = requests.into_iter().filter(|(_, request)| about(request)).collect();
    if scoped.is_empty() {
        return Outcome::NotExercised("the client sent nothing to a session".to_owned());
    }
    let named = |request: &Value| !request["connection"].is_null() && request["session"] == request["scope"];
    match scoped.into_iter().find(|(_, request)| !named(request)) {
        Some((place, request)) => Outcome::broken("both ids in the headers", request.to_string(), vec![place]),
        None => Outcome::Pass,
    }
}

/// A stream that is opened beside the request whose answer comes on it may be seen after it, and misses nothing.
fn every_stream_is_opened(case: &Case<'_>) -> Outcome {
    let requests = requests(case);
    let at = |wanted: &dyn Fn(&Value) -> bool| requests.iter().position(|(_, request)| wanted(request));
    let Some(prompt) = at(&|request| request["rpc"] == "session/prompt") else {
        return Outcome::NotExercised("the client did not prompt".to_owned());
    };
    let main = at(&|request| request["method"] == "GET" && request["session"].is_null());
    let own = at(&|request| request["method"] == "GET" && request["session"] == SESSION);
    let broken = |stream: &str| Outcome::broken(format!("a stream for the {stream}"), "none", vec![requests[prompt].0]);
    match (main, own) {
        (None, _) => broken("connection"),
        (_, None) => broken("session"),
        _ => Outcome::Pass,
    }
}
