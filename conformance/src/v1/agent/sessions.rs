//! Sessions: made, loaded, resumed, closed.

use serde_json::{Value, json};

use super::{cancel, replay};
use crate::core::check::{Check, LOGIN, call, fails, fails_with, has_a_turn, needs};
use crate::core::history::{Case, Message, brief};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// A session that nobody made.
const NOBODYS: &str = "conformance-no-such-session";
/// What the user says in the turn that is then loaded.
const MARK: &str = "conformance-mark-5309";

/// New sessions.
pub(super) const NEW: Scenario = Scenario {
    name: "new-sessions",
    about: "makes five sessions, and one in a directory that is not absolute",
    play: |probe| Box::pin(new(probe)),
    checks: &[
        Check::new("SESS-03", ids_are_distinct),
        Check::new("SESS-23", a_relative_cwd_is_refused),
        Check::new("INIT-15", the_baseline_is_there),
    ],
};

async fn new(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    for number in 1..=5 {
        let _ = probe.call(&format!("new/{number}"), "session/new", probe.new_session()).await?;
    }
    let _ = probe.call("bad/relative", "session/new", json!({ "cwd": "relative/path", "mcpServers": [] })).await?;
    Ok(())
}

fn ids_are_distinct(case: &Case<'_>) -> Outcome {
    let calls = case.calls("new/");
    if calls.len() < 5 {
        return Outcome::NotExercised(case.why_not("new/5"));
    }
    let mut ids = Vec::new();
    for call in &calls {
        match call.result().and_then(|result| result["sessionId"].as_str()) {
            Some(id) if !id.is_empty() => ids.push(id),
            // Whoever has to log in gets no session (ERR-10).
            None if call.code() == Some(LOGIN) => return Outcome::NotExercised(format!("it came to {}", call.said())),
            _ => return Outcome::broken("a result with a sessionId", call.said(), call.places()),
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    Outcome::pass_if(ids.len() == count, || {
        let places = calls.iter().flat_map(|call| call.places()).collect();
        Outcome::broken("five different ids", format!("{} different ids", ids.len()), places)
    })
}

fn a_relative_cwd_is_refused(case: &Case<'_>) -> Outcome {
    // AMB-07: cwd has to be absolute, but nobody has to refuse another.
    match fails(case, "bad/relative") {
        Outcome::Broken(finding) => Outcome::Doubtful(finding),
        other => other,
    }
}

fn the_baseline_is_there(case: &Case<'_>) -> Outcome {
    let call = call!(case, "new/1");
    Outcome::pass_if(call.code() != Some(-32601), || Outcome::broken("session/new", call.said(), call.places()))
}

/// A turn, and its session loaded on the same connection and on a new one.
pub(super) const LOAD: Scenario = Scenario {
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

/// A session with one finished turn whose user said [`MARK`].
async fn turn_to_come_back_to(probe: &mut Probe) -> Result<String, Stop> {
    let session = probe.session("first/new").await?;
    let _ = probe.prompt("first/prompt", &session, &format!("{} {MARK}", prompts::REPLY)).await?;
    Ok(session)
}

/// What belongs to a conversation; commands, options and usage may come at any time.
fn is_conversation(message: &Message) -> bool {
    matches!(
        message.update_kind(),
        Some(
            "user_message_chunk"
                | "agent_message_chunk"
                | "agent_thought_chunk"
                | "tool_call"
                | "tool_call_update"
                | "plan"
        )
    )
}

/// The text of chunks of a kind between two places.
fn text_of<'c>(messages: impl Iterator<Item = &'c Message>, kind: &str) -> String {
    let of_kind = messages.filter(|message| message.update_kind() == Some(kind));
    of_kind.filter_map(|message| message.update()?["content"]["text"].as_str()).collect()
}

/// A text without its white space.
fn dense(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The first turn's answer text, or why there was no such turn.
fn first_turn(case: &Case<'_>) -> Result<(String, String), Outcome> {
    let Some(first) = case.call("first/prompt") else {
        return Err(Outcome::NotExercised(case.why_not("first/prompt")));
    };
    if first.result().is_none() {
        return Err(Outcome::NotExercised(format!("there was no finished turn to come back to, but {}", first.said())));
    }
    let session = first.request.params().map(|params| params["sessionId"].clone()).unwrap_or_default();
    let session = session.as_str().unwrap_or_default().to_owned();
    let text = text_of(case.updates(&session, first.request.index, first.until()), "agent_message_chunk");
    Ok((session, text))
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

fn works_after(case: &Case<'_>, before: &str, label: &str) -> Outcome {
    let first = call!(case, before);
    if first.result().is_none() {
        return Outcome::NotExercised(format!("there was {} before", first.said()));
    }
    match first_turn(case) {
        Ok(_) => has_a_turn(case, label),
        Err(why) => why,
    }
}

/// A turn, and its session resumed in a new process.
pub(super) const RESUME: Scenario = Scenario {
    name: "resume",
    about: "has a turn, then resumes its session in a new process, prompts again, and resumes one that does not exist",
    play: |probe| Box::pin(resume(probe)),
    checks: &[
        Check::new("RESUME-03", nothing_is_replayed_on_resume),
        Check::new("RESUME-04", |case| {
            needs!(case, "sessionCapabilities"."resume");
            works_after(case, "resume", "resume/prompt")
        }),
        Check::new("RESUME-06", |case| {
            needs!(case, "sessionCapabilities"."resume");
            first_turn(case).map_or_else(|why| why, |_| an_object(case, "resume"))
        }),
        Check::new("RESUME-07", |case| {
            needs!(case, "sessionCapabilities"."resume");
            fails_with(case, "resume/unknown", -32002)
        }),
    ],
};

async fn resume(probe: &mut Probe) -> Result<(), Stop> {
    let agent = probe.begin().await?;
    if agent["agentCapabilities"]["sessionCapabilities"]["resume"].is_null() {
        return Ok(());
    }
    let session = turn_to_come_back_to(probe).await?;
    probe.begin().await?;
    let params = json!({ "sessionId": session, "cwd": probe.directory(), "mcpServers": [] });
    let _ = probe.call("resume", "session/resume", params).await?;
    let _ = probe.prompt("resume/prompt", &session, prompts::REPLY).await?;
    let unknown = json!({ "sessionId": NOBODYS, "cwd": probe.directory(), "mcpServers": [] });
    let _ = probe.call("resume/unknown", "session/resume", unknown).await?;
    Ok(())
}

fn nothing_is_replayed_on_resume(case: &Case<'_>) -> Outcome {
    needs!(case, "sessionCapabilities"."resume");
    let call = call!(case, "resume");
    if call.result().is_none() {
        return Outcome::NotExercised(format!("the session was not resumed, but {}", call.said()));
    }
    let replayed =
        case.received().find(|m| m.index > call.request.index && m.index < call.until() && is_conversation(m));
    match replayed {
        Some(message) => {
            Outcome::broken("no history before the answer", "an update", vec![call.request.index, message.index])
        }
        None => Outcome::Pass,
    }
}

/// `null` where an object is meant is what the documentation's own examples do elsewhere (AMB-26).
pub(super) fn an_object(case: &Case<'_>, label: &str) -> Outcome {
    let call = call!(case, label);
    match call.result() {
        Some(Value::Object(_)) => Outcome::Pass,
        Some(Value::Null) => Outcome::doubtful("an object", call.said(), call.places()),
        _ => Outcome::broken("an object", call.said(), call.places()),
    }
}

/// Sessions that are closed.
pub(super) const CLOSE: Scenario = Scenario {
    name: "close",
    about: "closes an idle session and one in mid-turn, and prompts after it",
    play: |probe| Box::pin(close(probe)),
    checks: &[
        Check::new("CLOSE-03", |case| {
            needs!(case, "sessionCapabilities"."close");
            the_turn_was_cancelled(case)
        }),
        Check::new("CLOSE-05", |case| {
            needs!(case, "sessionCapabilities"."close");
            an_object(case, "close/idle")
        }),
        Check::new("CLOSE-07", |case| {
            needs!(case, "sessionCapabilities"."close");
            fails_with(case, "close/prompt", -32002)
        }),
    ],
};

async fn close(probe: &mut Probe) -> Result<(), Stop> {
    let agent = probe.begin().await?;
    if agent["agentCapabilities"]["sessionCapabilities"]["close"].is_null() {
        return Ok(());
    }
    let idle = probe.session("close/new").await?;
    let _ = probe.call("close/idle", "session/close", json!({ "sessionId": idle })).await?;
    let _ = probe.prompt("close/prompt", &idle, prompts::REPLY).await?;
    let busy = probe.session("close/new-busy").await?;
    let turn = probe.ask("close/turn", "session/prompt", prompt_of(&busy, prompts::COUNT)).await?;
    cancel::under_way(probe, "close/under-way", &turn).await?;
    let close = probe.ask("close/busy", "session/close", json!({ "sessionId": busy })).await?;
    // Either answer may come first (AMB-11).
    let mut open = vec![turn, close];
    let limit = probe.limits().step;
    probe
        .until("close/answers", limit, |message| {
            if message.method().is_none()
                && let Some(id) = message.id()
            {
                open.retain(|waiting| waiting != id);
            }
            open.is_empty()
        })
        .await?;
    Ok(())
}

fn the_turn_was_cancelled(case: &Case<'_>) -> Outcome {
    let call = call!(case, "close/turn");
    let close = call!(case, "close/busy");
    if close.error().is_some() {
        return Outcome::NotExercised(format!("the close was answered with {}", close.said()));
    }
    if let Err(why) = cancel::ran_at(case, &call, close.request) {
        return why;
    }
    let reason = call.result().map(|result| &result["stopReason"]);
    Outcome::pass_if(reason.is_some_and(|reason| reason == "cancelled"), || {
        Outcome::broken("a result with stopReason cancelled", call.said(), call.places())
    })
}
