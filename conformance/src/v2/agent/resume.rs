//! Sessions that are taken up again.

use serde_json::{Value, json};

use super::refusals::refused_with;
use super::stage;
use crate::core::check::{Check, all};
use crate::core::history::{Call, Case, Message};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// A session that is closed and resumed, without and with what was said in it.
pub(super) const RESUME: Scenario = Scenario {
    name: "v2-resume",
    about: "prompts, closes the session, resumes it without its history, closes it and resumes it with it, and closes it \
            and resumes it from where nobody knows",
    play: |probe| Box::pin(play(probe)),
    checks: &[
        Check::new("V2-18", without_a_cursor_nothing_is_replayed),
        Check::new("V2-18/a", from_the_start_everything_comes_before_the_answer),
        Check::new("V2-18/b", a_replayed_message_keeps_its_id),
        Check::new("V2-19", the_state_comes_before_the_answer),
        Check::new("V2-30", |case| all([no_end_without_a_replay(case), a_replay_has_one_end(case)])),
        Check::new("V2-31", |case| refused_with(case, "unknown", -32602)),
    ],
};

async fn play(probe: &mut Probe) -> Result<(), Stop> {
    let session = stage::session(probe).await?;
    stage::turn(probe, "turn", &session, prompts::REPLY).await?;
    for (label, from) in [("bare", Value::Null), ("whole", json!({ "type": "start" }))] {
        let _ = probe.call(&format!("{label}/close"), "session/close", json!({ "sessionId": session })).await?;
        let mut params = json!({ "sessionId": session, "cwd": probe.directory(), "mcpServers": [] });
        if !from.is_null() {
            params["replayFrom"] = from;
        }
        let _ = probe.call(label, "session/resume", params).await?;
        probe.quiet(&format!("{label}/after")).await?;
    }
    let _ = probe.call("unknown/close", "session/close", json!({ "sessionId": session })).await?;
    let from = json!({ "type": "_conformance" });
    let params = json!({ "sessionId": session, "cwd": probe.directory(), "mcpServers": [], "replayFrom": from });
    let _ = probe.call("unknown", "session/resume", params).await?;
    Ok(())
}

fn ends_a_replay(message: &Message) -> bool {
    message.update_kind() == Some("replay_complete")
}

fn no_end_without_a_replay(case: &Case<'_>) -> Outcome {
    let resumed = match resumed(case, "bare") {
        Ok(resumed) => resumed,
        Err(why) => return why,
    };
    let mut all = resumed.before.iter().chain(&resumed.after);
    match all.find(|message| ends_a_replay(message)) {
        Some(message) => {
            let places = vec![resumed.call.request.index, message.index];
            Outcome::broken("no replay_complete without replayFrom", "one", places)
        }
        None => Outcome::Pass,
    }
}

fn a_replay_has_one_end(case: &Case<'_>) -> Outcome {
    let resumed = match resumed(case, "whole") {
        Ok(resumed) => resumed,
        Err(why) => return why,
    };
    let expected = "one replay_complete behind what is replayed and before the answer";
    let everything = || resumed.before.iter().chain(&resumed.after);
    let ends: Vec<usize> = everything().filter(|m| ends_a_replay(m)).map(|message| message.index).collect();
    let places = |more: Vec<usize>| resumed.call.places().into_iter().chain(more).collect();
    let [end] = ends[..] else {
        return Outcome::broken(expected, format!("{} of them", ends.len()), places(ends));
    };
    let late = everything().find(|message| message.index > end && stage::is_history(message));
    match late.map(|message| message.index).or((end > resumed.call.until()).then_some(end)) {
        Some(late) => Outcome::broken(expected, "it is not at the end, or behind the answer", places(vec![end, late])),
        None => Outcome::Pass,
    }
}

/// A resumption that worked, with the session's updates before its answer and in the window after it.
struct Resumed<'c> {
    call: Call<'c>,
    before: Vec<&'c Message>,
    after: Vec<&'c Message>,
}

fn resumed<'c>(case: &'c Case<'_>, label: &str) -> Result<Resumed<'c>, Outcome> {
    let Some(call) = case.call(label) else { return Err(Outcome::NotExercised(case.why_not(label))) };
    if call.result().is_none() {
        return Err(Outcome::NotExercised(format!("session/resume got {}", call.said())));
    }
    let session = call.request.params().and_then(|params| params["sessionId"].as_str()).unwrap_or_default();
    let end = case.quiet(&format!("{label}/after")).unwrap_or(call.until());
    let before = case.updates(session, call.request.index, call.until()).collect();
    let after = case.updates(session, call.until(), end).collect();
    Ok(Resumed { call, before, after })
}

fn without_a_cursor_nothing_is_replayed(case: &Case<'_>) -> Outcome {
    let resumed = match resumed(case, "bare") {
        Ok(resumed) => resumed,
        Err(why) => return why,
    };
    let all = resumed.before.iter().chain(&resumed.after);
    match all.copied().find(|message| stage::is_history(message)) {
        Some(message) => {
            let places = [resumed.call.request.index, message.index].to_vec();
            Outcome::broken("nothing of what was said before", message.update_kind().unwrap_or_default(), places)
        }
        None => Outcome::Pass,
    }
}

fn from_the_start_everything_comes_before_the_answer(case: &Case<'_>) -> Outcome {
    let resumed = match resumed(case, "whole") {
        Ok(resumed) => resumed,
        Err(why) => return why,
    };
    if let Some(late) = resumed.after.iter().find(|message| stage::is_history(message)) {
        let mut places = resumed.call.places();
        places.push(late.index);
        return Outcome::broken("the whole history before the answer", "a part of it after the answer", places);
    }
    // An agent need not keep what was said.
    Outcome::pass_if(resumed.before.iter().any(|message| stage::is_history(message)), || {
        Outcome::doubtful("what was said before", "nothing of it", resumed.call.places())
    })
}

/// The ids of the messages among these that say what was prompted. Others may be told as the user's, too.
fn ids<'c>(messages: impl IntoIterator<Item = &'c Message>) -> Vec<&'c Value> {
    let prompted = |message: &&Message| {
        let said = message.update().map(|update| update["content"].to_string()).unwrap_or_default();
        message.update_kind().is_some_and(|kind| kind.starts_with("user_message")) && said.contains(prompts::REPLY)
    };
    messages.into_iter().filter(prompted).filter_map(|message| Some(&message.update()?["messageId"])).collect()
}

fn a_replayed_message_keeps_its_id(case: &Case<'_>) -> Outcome {
    let resumed = match resumed(case, "whole") {
        Ok(resumed) => resumed,
        Err(why) => return why,
    };
    let turn = match stage::Turn::of(case, "turn") {
        Ok(turn) => turn,
        Err(why) => return why,
    };
    let (lived, replayed) = (ids(turn.updates), ids(resumed.before));
    if lived.is_empty() || replayed.is_empty() {
        return Outcome::NotExercised("the prompt was not told both times".to_owned());
    }
    Outcome::pass_if(lived.iter().any(|id| replayed.contains(id)), || {
        let list = |ids: &[&Value]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Outcome::broken(format!("the messageId {}", list(&lived)), list(&replayed), resumed.call.places())
    })
}

fn the_state_comes_before_the_answer(case: &Case<'_>) -> Outcome {
    all(["bare", "whole"].map(|label| {
        let resumed = match resumed(case, label) {
            Ok(resumed) => resumed,
            Err(why) => return why,
        };
        let places = |message: &Message| message.update_kind() == Some("state_update");
        let Some(state) = resumed.before.iter().rposition(|message| places(message)) else {
            return Outcome::broken("a state_update before the answer", "none", resumed.call.places());
        };
        let told = resumed.before[state..].iter().find(|message| stage::is_history(message));
        match told {
            Some(message) => {
                let mut places = resumed.call.places();
                places.push(message.index);
                Outcome::broken("a state_update behind what is replayed", "none", places)
            }
            None => Outcome::Pass,
        }
    }))
}
