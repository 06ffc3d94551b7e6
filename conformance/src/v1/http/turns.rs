//! A turn over two streams, and messages that are there before their stream.

use serde_json::Value;

use super::routing::{connect, no_http, place, request, status};
use crate::core::check::{Check, all, call, has_a_turn};
use crate::core::history::{Body, Case, Message, What};
use crate::core::http::{CONNECTION, Listener, SESSION, get, post};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Two sessions, each on a stream of its own.
pub(super) const STREAMS: Scenario = Scenario {
    name: "http-streams",
    about: "prompts in two sessions of one connection at once",
    play: |probe| Box::pin(streams(probe)),
    checks: &[
        Check::new(
            "HTTP-05",
            |case| all(["new/1", "new/2", "prompt/1", "prompt/2"].map(|label| accepted(case, label))),
        ),
        Check::new("HTTP-06", |case| all(["new/1", "new/2"].map(|label| answered_on(case, label, "connection")))),
        Check::new("HTTP-07", each_session_on_its_stream),
        Check::new("HTTP-08", what_has_no_session_is_the_connections),
        Check::new("HTTP-18", streams_are_events_of_one_message),
        Check::new("HTTP-19", |case| all(["prompt/1", "prompt/2"].map(|label| a_turn(case, label)))),
    ],
};

/// A stream that is opened late.
pub(super) const EARLY: Scenario = Scenario {
    name: "http-early",
    about: "opens the stream of a connection after what it is to carry",
    play: |probe| Box::pin(early(probe)),
    checks: &[Check::new("HTTP-25", |case| answered_on(case, "new", "connection"))],
};

async fn streams(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin_http();
    let Some(connection) = connect(probe, "initialize").await? else { return Ok(()) };
    let mut main = open(probe, "connection", &[(CONNECTION, &connection)]).await?;
    let mut sessions = Vec::new();
    for number in [1, 2] {
        let label = format!("new/{number}");
        let session = new_session(probe, &label, &connection, &mut main).await?;
        let stream = format!("session/{number}");
        let ids = [(CONNECTION, connection.as_str()), (SESSION, session.as_str())];
        let listener = open(probe, &stream, &ids).await?;
        sessions.push((number, session.clone(), stream, listener));
    }
    let ping = request("ping", "_conformance/ping", serde_json::json!({}));
    probe.exchange("ping", post(&ping, &[(CONNECTION, &connection)])).await?;
    for (number, session, ..) in &sessions {
        let label = format!("prompt/{number}");
        let ids = [(CONNECTION, connection.as_str()), (SESSION, session.as_str())];
        let text = format!("{} stream-{number}", prompts::REPLY);
        probe.exchange(&label, post(&request(&label, "session/prompt", prompt_of(session, &text)), &ids)).await?;
    }
    let limit = probe.limits().turn;
    for (number, _, stream, listener) in &mut sessions {
        let end = format!("prompt/{number}");
        until(probe, stream, listener, limit, |message| message["id"] == end.as_str()).await;
    }
    let quiet = probe.limits().quiet;
    while probe.event("connection", &mut main, quiet).await.is_some() {}
    Ok(())
}

async fn early(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin_http();
    let Some(connection) = connect(probe, "initialize").await? else { return Ok(()) };
    let new = request("new", "session/new", probe.new_session());
    probe.exchange("new", post(&new, &[(CONNECTION, &connection)])).await?;
    // The answer is to be there before the stream is.
    probe.pause(probe.limits().quiet).await;
    let mut main = open(probe, "connection", &[(CONNECTION, &connection)]).await?;
    let limit = probe.limits().session();
    until(probe, "connection", &mut main, limit, |message| message["id"] == "new").await;
    Ok(())
}

pub(super) async fn open(probe: &mut Probe, stream: &str, ids: &[(&str, &str)]) -> Result<Listener, Stop> {
    let listener = probe.listen(&format!("listen/{stream}"), get(ids)).await?;
    listener.ok_or_else(|| Stop::Refused(format!("the stream {stream} was refused")))
}

pub(super) async fn new_session(
    probe: &mut Probe,
    label: &str,
    connection: &str,
    main: &mut Listener,
) -> Result<String, Stop> {
    let new = request(label, "session/new", probe.new_session());
    probe.exchange(label, post(&new, &[(CONNECTION, connection)])).await?;
    let limit = probe.limits().session();
    let answer = until(probe, "connection", main, limit, |message| message["id"] == label).await;
    let session = answer.as_ref().and_then(|answer| answer["result"]["sessionId"].as_str());
    session
        .map(str::to_owned)
        .ok_or_else(|| Stop::Refused(format!("{label} was not answered on the connection's stream")))
}

/// Reads a stream until this message has come.
pub(super) async fn until(
    probe: &mut Probe,
    stream: &str,
    listener: &mut Listener,
    limit: std::time::Duration,
    wanted: impl Fn(&Value) -> bool,
) -> Option<Value> {
    while let Some(event) = probe.event(stream, listener, limit).await {
        match acp_server::types::json::from_str(&event) {
            Ok(message) if wanted(&message) => return Some(message),
            _ => {}
        }
    }
    None
}

/// The stream that a message came on; none if it was the body of an answer.
fn stream_of(case: &Case<'_>, message: &Message) -> Option<String> {
    let before = case.history().events.get(message.index.checked_sub(1)?)?;
    match &before.what {
        What::Note { label, data } if label == "event" => data.as_str().map(str::to_owned),
        _ => None,
    }
}

/// 202 at once, with an empty body.
fn accepted(case: &Case<'_>, label: &str) -> Outcome {
    match status(case, label, &[202]) {
        Outcome::Pass => {}
        other => return other,
    }
    let body = case.note(label).map(|note| note["body"].clone()).unwrap_or_default();
    Outcome::pass_if(body == "", || Outcome::broken("an empty body", body.to_string(), place(case, label)))
}

fn answered_on(case: &Case<'_>, label: &str, stream: &str) -> Outcome {
    if let Some(outcome) = no_http(case) {
        return outcome;
    }
    let call = call!(case, label);
    let Some(answer) = call.answer else {
        return Outcome::broken(format!("the answer on the stream of the {stream}"), "none", call.places());
    };
    let found = stream_of(case, answer);
    Outcome::pass_if(found.as_deref() == Some(stream), || {
        let found = found.unwrap_or_else(|| "the body of the answer to the POST".to_owned());
        Outcome::broken(format!("the answer on the stream of the {stream}"), found, call.places())
    })
}

fn each_session_on_its_stream(case: &Case<'_>) -> Outcome {
    if let Some(outcome) = no_http(case) {
        return outcome;
    }
    let mut seen = false;
    for number in [1, 2] {
        let call = call!(case, &format!("prompt/{number}"));
        let session = call.request.params().map(|params| params["sessionId"].clone()).unwrap_or_default();
        let stream = format!("session/{number}");
        let of_turn = case.received().filter(|message| {
            let of_session = message.params().is_some_and(|params| params["sessionId"] == session);
            message.index > call.request.index && (of_session || message.id() == call.request.id())
        });
        for message in of_turn {
            seen = true;
            let found = stream_of(case, message);
            if found.as_deref() != Some(stream.as_str()) {
                let found = found.unwrap_or_else(|| "the body of an answer".to_owned());
                return Outcome::broken(format!("messages of {session} on {stream} only"), found, vec![message.index]);
            }
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("no turn sent anything".to_owned()) }
}

/// Messages without a session come on the connection's stream. One about a request may come on either (`$/cancel_request`).
fn what_has_no_session_is_the_connections(case: &Case<'_>) -> Outcome {
    if let Some(outcome) = no_http(case) {
        return outcome;
    }
    let ping = call!(case, "ping");
    let told = case.received().filter(|message| {
        let asked = message.method().is_some_and(|method| !method.starts_with("$/"));
        asked && message.params().is_none_or(|params| params["sessionId"].is_null())
    });
    let Some(answer) = ping.answer else {
        return Outcome::NotExercised("a request without a session had no answer by the end of both turns".to_owned());
    };
    for message in std::iter::once(answer).chain(told) {
        let found = stream_of(case, message);
        if found.as_deref() != Some("connection") {
            let found = found.unwrap_or_else(|| "the body of an answer".to_owned());
            return Outcome::broken("what has no session on the connection's stream", found, vec![message.index]);
        }
    }
    Outcome::Pass
}

fn streams_are_events_of_one_message(case: &Case<'_>) -> Outcome {
    if let Some(outcome) = no_http(case) {
        return outcome;
    }
    let Some(opened) = case.note("listen/connection") else {
        return Outcome::NotExercised(case.why_not("listen/connection"));
    };
    if !opened["type"].as_str().is_some_and(|kind| kind.starts_with("text/event-stream")) {
        let actual = opened["type"].to_string();
        return Outcome::broken("the type text/event-stream", actual, place(case, "listen/connection"));
    }
    let events = case.received().filter(|message| stream_of(case, message).is_some());
    let junk = events.filter(|message| matches!(message.body, Body::Junk { .. })).map(|message| message.index).next();
    match junk {
        Some(place) => Outcome::broken("one message in each event", "something else", vec![place]),
        None => Outcome::Pass,
    }
}

fn a_turn(case: &Case<'_>, label: &str) -> Outcome {
    no_http(case).unwrap_or_else(|| has_a_turn(case, label))
}
