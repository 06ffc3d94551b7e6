//! Duties of an agent over WebSocket, beyond those on every transport.

use serde_json::{Value, json};

use crate::core::check::{Check, answered, call, has_a_turn};
use crate::core::history::{Body, Case, What};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// The upgrade.
pub(super) const UPGRADES: Scenario = Scenario {
    name: "socket-upgrades",
    about: "upgrades two connections",
    play: |probe| Box::pin(upgrades(probe)),
    checks: &[Check::new("WS-01", an_upgrade_names_the_connection), Check::new("WS-02", every_upgrade_is_a_connection)],
};

/// Frames that are no message in one piece.
pub(super) const FRAMES: Scenario = Scenario {
    name: "socket-frames",
    about: "sends a message in several frames, and one in a binary frame",
    play: |probe| Box::pin(frames(probe)),
    checks: &[Check::new("WS-04", |case| answered(case, "fragmented")), Check::new("WS-05", a_binary_frame_is_ignored)],
};

/// Sessions that share a socket.
pub(super) const SESSIONS: Scenario = Scenario {
    name: "socket-sessions",
    about: "prompts in two sessions on one socket",
    play: |probe| Box::pin(sessions(probe)),
    checks: &[
        Check::new("WS-07", a_turn_is_what_it_is_on_stdio),
        Check::new("WS-09", sessions_are_told_apart_by_their_id),
    ],
};

/// Asked of every frame.
pub(super) const EVERY_FRAME: Check = Check::new("WS-04/a", every_text_frame_is_one_message);

async fn upgrades(probe: &mut Probe) -> Result<(), Stop> {
    probe.open().await?;
    probe.open().await
}

async fn frames(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let request = |id: &str, probe: &Probe| json!({ "jsonrpc": "2.0", "id": id, "method": "session/new", "params": probe.new_session() });
    let line = request("binary", probe).to_string();
    probe.binary("binary", &line).await?;
    probe.quiet("binary").await?;
    let _ = probe.call("after/binary", "session/new", probe.new_session()).await?;
    let line = request("fragmented", probe).to_string();
    probe.fragments("fragmented", &line, 16).await?;
    let _ = probe.answer("fragmented", &json!("fragmented"), probe.limits().session()).await?;
    Ok(())
}

async fn sessions(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let sessions = [probe.session("session/1").await?, probe.session("session/2").await?];
    let mut asked = Vec::new();
    for (number, session) in (1..).zip(&sessions) {
        let label = format!("prompt/{number}");
        asked.push(probe.ask(&label, "session/prompt", prompt_of(session, prompts::REPLY)).await?);
    }
    probe.answers("the ends of both turns", asked, probe.limits().turn).await
}

/// The notes of each upgrade, with their places.
fn upgraded<'c>(case: &Case<'c>) -> Vec<(usize, u32, &'c Value)> {
    let events = case.history().events.iter().enumerate();
    events
        .filter_map(|(place, event)| match &event.what {
            What::Note { label, data } if label == "ws/upgraded" => Some((place, event.on, data)),
            _ => None,
        })
        .collect()
}

fn an_upgrade_names_the_connection(case: &Case<'_>) -> Outcome {
    let upgrades = upgraded(case);
    let Some((place, _, upgrade)) = upgrades.first() else {
        return Outcome::NotExercised(case.why_not("the upgrade"));
    };
    let named = upgrade["connectionId"].as_str().is_some_and(|id| !id.is_empty());
    Outcome::pass_if(named, || Outcome::broken("101 with the header Acp-Connection-Id", "101 without it", vec![*place]))
}

fn every_upgrade_is_a_connection(case: &Case<'_>) -> Outcome {
    let upgrades = upgraded(case);
    let [(one, _, first), (other, _, second), ..] = upgrades.as_slice() else {
        return Outcome::NotExercised(case.why_not("the second upgrade"));
    };
    let (first, second) = (&first["connectionId"], &second["connectionId"]);
    if first.is_null() || second.is_null() {
        return Outcome::NotExercised("the upgrades name no connections".to_owned());
    }
    Outcome::pass_if(first != second, || {
        Outcome::broken("two connection ids", format!("{first} twice"), vec![*one, *other])
    })
}

fn a_binary_frame_is_ignored(case: &Case<'_>) -> Outcome {
    let after = call!(case, "after/binary");
    if after.answer.is_none() {
        return Outcome::broken("an answer to the next request", "none", after.places());
    }
    let begun =
        case.history().events.iter().position(|e| matches!(&e.what, What::Note { label, .. } if label == "binary"));
    let until = case.quiet("binary").unwrap_or(usize::MAX);
    let answer = case.received().find(|message| {
        let answers = matches!(&message.body, Body::Response { .. });
        message.id() == Some(&json!("binary")) || (answers && Some(message.index) > begun && message.index < until)
    });
    match answer {
        Some(answer) => Outcome::broken("nothing", "an answer", begun.into_iter().chain([answer.index]).collect()),
        None => Outcome::Pass,
    }
}

fn a_turn_is_what_it_is_on_stdio(case: &Case<'_>) -> Outcome {
    let call = call!(case, "prompt/1");
    match has_a_turn(case, "prompt/1") {
        Outcome::Pass => {}
        other => return other,
    }
    let session = call.request.params().and_then(|params| params["sessionId"].as_str()).unwrap_or_default();
    match case.updates(session, call.request.index, call.until()).next() {
        Some(_) => Outcome::Pass,
        None if case.is_scripted() => Outcome::broken("updates before the end of the turn", "none", call.places()),
        None => Outcome::NotExercised("the turn ended without a word, which may be the model's own".to_owned()),
    }
}

fn sessions_are_told_apart_by_their_id(case: &Case<'_>) -> Outcome {
    for label in ["prompt/1", "prompt/2"] {
        let call = call!(case, label);
        match has_a_turn(case, label) {
            Outcome::Pass => {}
            other => return other,
        }
        let session = call.request.params().and_then(|params| params["sessionId"].as_str()).unwrap_or_default();
        let said = |message: &&crate::core::history::Message| message.update_kind() == Some("agent_message_chunk");
        // A turn that says nothing is told by another check.
        if !case.received().any(|message| said(&message)) {
            return Outcome::NotExercised("no turn said anything".to_owned());
        }
        if case.updates(session, call.request.index, call.until()).find(said).is_none() {
            return Outcome::broken(format!("updates that name {session}"), "none", call.places());
        }
    }
    Outcome::Pass
}

fn every_text_frame_is_one_message(case: &Case<'_>) -> Outcome {
    let binary = case
        .history()
        .events
        .iter()
        .position(|event| matches!(&event.what, What::Note { label, .. } if label == "ws/binary"));
    if let Some(place) = binary {
        return Outcome::broken("text frames", "a binary frame", vec![place]);
    }
    let mut seen = false;
    for message in case.received() {
        seen = true;
        if let Body::Junk { why } = &message.body {
            return Outcome::broken(
                "one message in each text frame",
                format!("a frame that is {why}"),
                vec![message.index],
            );
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("the subject wrote nothing".to_owned()) }
}
