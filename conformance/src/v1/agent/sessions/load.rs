//! Sessions that are loaded.

use serde_json::json;

use super::super::replay;
use super::earlier::{MARK, NOBODYS, first_turn, is_conversation, text_of, turn_to_come_back_to, works_after};
use crate::core::check::{Check, call, fails_with, needs};
use crate::core::history::{Case, Message, brief};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// A turn, and its session loaded on the same connection and on a new one.
pub(in super::super) const LOAD: Scenario = Scenario {
    name: "load",
    about: "has a turn, then loads its session in a new process, prompts again, and loads one that does not exist",
    play: |probe| Box::pin(load(probe)),
    checks: &[
        Check::new("LOAD-03", the_whole_conversation_comes_back),
        Check::new("LOAD-04", nothing_is_replayed_after_the_answer),
        Check::new("LOAD-05", the_replay_names_its_session),
        Check::new("LOAD-06", replay::message_ids_are_of_one_message),
        Check::new("LOAD-07", |case| works_after(case, "load", "load/prompt")),
        Check::new("LOAD-10", |case| {
            needs!(case, "loadSession");
            fails_with(case, "load/unknown", -32002)
        }),
        Check::new("NOTICE-03", replay::notices_are_of_their_moment),
    ],
};

async fn load(probe: &mut Probe) -> Result<(), Stop> {
    probe.capabilities = json!({ "session": { "notices": {} } });
    let agent = probe.begin().await?;
    if agent["agentCapabilities"]["loadSession"] != true {
        return Ok(());
    }
    let session = turn_to_come_back_to(probe).await?;
    probe.begin().await?;
    let params = json!({ "sessionId": session, "cwd": probe.directory(), "mcpServers": [] });
    let _ = probe.call("load", "session/load", params).await?;
    probe.quiet("load").await?;
    let _ = probe.prompt("load/prompt", &session, prompts::REPLY).await?;
    let unknown = json!({ "sessionId": NOBODYS, "cwd": probe.directory(), "mcpServers": [] });
    let _ = probe.call("load/unknown", "session/load", unknown).await?;
    Ok(())
}

/// A text without its white space.
fn dense(text: &str) -> String {
    text.split_whitespace().collect()
}

fn the_whole_conversation_comes_back(case: &Case<'_>) -> Outcome {
    needs!(case, "loadSession");
    let (session, said) = match first_turn(case) {
        Ok(turn) => turn,
        Err(outcome) => return outcome,
    };
    let call = call!(case, "load");
    if call.result().is_none() {
        return Outcome::broken("a result", call.said(), call.places());
    }
    let replay: Vec<&Message> = case.updates(&session, call.request.index, call.until()).collect();
    let user = text_of(replay.iter().copied(), "user_message_chunk");
    if !user.contains(MARK) {
        return Outcome::broken("the user's message in the replay", format!("the user's text {user:?}"), call.places());
    }
    // Messages may come in other pieces, with other space between them.
    let has = |text: &str| dense(text).contains(&dense(&said));
    let agent = text_of(replay.iter().copied(), "agent_message_chunk");
    if !has(&agent) {
        return Outcome::broken(
            format!("the agent's text {said:?} in the replay"),
            format!("{agent:?}"),
            call.places(),
        );
    }
    // An agent may have said something before its user did.
    let begun = replay.iter().skip_while(|message| message.update_kind() != Some("user_message_chunk"));
    Outcome::pass_if(has(&text_of(begun.copied(), "agent_message_chunk")), || {
        Outcome::broken("the user's message before the agent's", "the other way round", call.places())
    })
}

fn nothing_is_replayed_after_the_answer(case: &Case<'_>) -> Outcome {
    needs!(case, "loadSession");
    let call = call!(case, "load");
    let (Some(answer), Some(end)) = (call.answer, case.quiet("load")) else {
        return Outcome::NotExercised(case.why_not("load"));
    };
    if call.result().is_none() {
        return Outcome::NotExercised(format!("the load was answered with {}", call.said()));
    }
    let late = case.received().find(|m| m.index > answer.index && m.index < end && is_conversation(m));
    match late {
        Some(message) => Outcome::broken(
            "nothing of the conversation after the answer",
            "an update",
            vec![answer.index, message.index],
        ),
        None => Outcome::Pass,
    }
}

fn the_replay_names_its_session(case: &Case<'_>) -> Outcome {
    needs!(case, "loadSession");
    let (session, _) = match first_turn(case) {
        Ok(turn) => turn,
        Err(outcome) => return outcome,
    };
    let call = call!(case, "load");
    let within = case.received().filter(|m| m.index > call.request.index && m.index < call.until());
    let replayed: Vec<&Message> = within.filter(|message| is_conversation(message)).collect();
    if replayed.is_empty() {
        return Outcome::NotExercised("nothing was replayed, which LOAD-03 is about".to_owned());
    }
    let names = |message: &&&Message| message.params().is_some_and(|params| params["sessionId"] == session.as_str());
    let strange = replayed.iter().find(|message| !names(message));
    match strange {
        Some(message) => {
            let named = message.params().map(|params| brief(&params["sessionId"])).unwrap_or_default();
            Outcome::broken(format!("the session {session}"), named, vec![call.request.index, message.index])
        }
        None => Outcome::Pass,
    }
}
