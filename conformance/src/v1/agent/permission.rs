//! Tools that ask before they run.

use serde_json::{Value, json};

use crate::core::check::{Check, call};
use crate::core::history::{Call, Case, Message};
use crate::core::probe::{Permit, Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Tools that ask first.
pub(super) const PERMISSION: Scenario = Scenario {
    name: "permission",
    about: "lets the agent ask for a tool, and answers in every way, or stops the turn while it waits",
    play: |probe| Box::pin(permission(probe)),
    checks: &[
        Check::new("PERM-02", requests_are_whole),
        Check::new("PERM-03", kinds_are_known),
        Check::new("PERM-04", option_ids_are_distinct),
        Check::new("PERM-07", |case| did_not_run(case, "reject")),
        Check::new("PERM-08", it_ran),
        Check::new("PERM-09", |case| did_not_run(case, "cancelled")),
        Check::new("PERM-10", |case| did_not_run(case, "error")),
        Check::new("PERM-11", |case| did_not_run(case, "unknown")),
        Check::new("CANCEL-13", |case| did_not_run(case, "stopped")),
        Check::new("SESS-05", it_ran_in_its_directory),
        Check::new("PROMPT-12", a_running_tool_is_marked),
        Check::new("PROMPT-13", a_tool_has_an_end),
    ],
};

async fn permission(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let limit = probe.limits().turn;
    for (name, permit) in [
        ("reject", Permit::Reject),
        ("cancelled", Permit::Cancelled),
        ("error", Permit::Error),
        ("unknown", Permit::Unknown),
        ("stopped", Permit::Hold),
        ("allow", Permit::Allow),
    ] {
        // A session each: what is allowed or refused for a whole session must not decide the next.
        let session = probe.session(&format!("{name}/new")).await?;
        probe.manners.permit = permit;
        let turn = probe.ask(name, "session/prompt", prompt_of(&session, prompts::TOUCH)).await?;
        if permit == Permit::Hold {
            let ended = |message: &Message| message.method().is_none() && message.id() == Some(&turn);
            let asked = |message: &Message| message.requests("session/request_permission") || ended(message);
            let request = probe.until("stopped/asked", limit, asked).await?;
            if request.requests("session/request_permission") {
                probe.notify("stopped/cancel", "session/cancel", json!({ "sessionId": session })).await?;
                let cancelled = json!({ "outcome": { "outcome": "cancelled" } });
                probe.reply(request.id().unwrap_or(&Value::Null), Ok(cancelled)).await?;
                let _ = probe.answer(name, &turn, limit).await?;
            }
        } else {
            let _ = probe.answer(name, &turn, limit).await?;
        }
        let marker = probe.path(prompts::MARKER);
        probe.note(&format!("{name}/marker"), json!(marker.exists()));
        // What is not there need not be removed.
        let _ = std::fs::remove_file(marker);
    }
    Ok(())
}

fn requests<'c>(case: &'c Case<'_>) -> Result<Vec<&'c Message>, Outcome> {
    let asked: Vec<_> = case.received().filter(|message| message.requests("session/request_permission")).collect();
    if asked.is_empty() { Err(Outcome::NotExercised("the agent asked for nothing".to_owned())) } else { Ok(asked) }
}

fn options(message: &Message) -> &[Value] {
    let options = message.params().and_then(|params| params["options"].as_array());
    options.map(Vec::as_slice).unwrap_or_default()
}

fn requests_are_whole(case: &Case<'_>) -> Outcome {
    let asked = match requests(case) {
        Ok(asked) => asked,
        Err(why) => return why,
    };
    for message in asked {
        let params = message.params().cloned().unwrap_or_default();
        let whole =
            |option: &Value| option["optionId"].is_string() && option["name"].is_string() && option["kind"].is_string();
        if !params["sessionId"].is_string()
            || !params["toolCall"]["toolCallId"].is_string()
            || !options(message).iter().all(whole)
        {
            return Outcome::broken(
                "sessionId, toolCall.toolCallId, options with optionId, name and kind",
                "less",
                vec![message.index],
            );
        }
        if options(message).is_empty() {
            return Outcome::doubtful("options", "none", vec![message.index]);
        }
    }
    Outcome::Pass
}

fn kinds_are_known(case: &Case<'_>) -> Outcome {
    let asked = match requests(case) {
        Ok(asked) => asked,
        Err(why) => return why,
    };
    let known = ["allow_once", "allow_always", "reject_once", "reject_always"];
    let strange = asked.iter().find_map(|message| {
        let of = |option: &&Value| !option["kind"].as_str().is_some_and(|kind| known.contains(&kind));
        Some((message.index, options(message).iter().find(of)?["kind"].to_string()))
    });
    match strange {
        Some((place, kind)) => Outcome::broken(format!("one of {}", known.join(", ")), kind, vec![place]),
        None => Outcome::Pass,
    }
}

fn option_ids_are_distinct(case: &Case<'_>) -> Outcome {
    let asked = match requests(case) {
        Ok(asked) => asked,
        Err(why) => return why,
    };
    let doubled = asked.iter().find(|message| {
        let mut ids: Vec<String> = options(message).iter().map(|option| option["optionId"].to_string()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        ids.len() < count
    });
    match doubled {
        Some(message) => Outcome::broken("a different optionId for each option", "one twice", vec![message.index]),
        None => Outcome::Pass,
    }
}

/// The permission request of a turn and whether the tool left its mark, or why neither is known.
fn asked_and_ran<'c>(case: &'c Case<'_>, name: &str) -> Result<(Call<'c>, &'c Message, bool), Outcome> {
    let Some(turn) = case.call(name) else { return Err(Outcome::NotExercised(case.why_not(name))) };
    let within = |message: &&Message| message.index > turn.request.index && message.index < turn.until();
    let request = case.received().filter(within).find(|message| message.requests("session/request_permission"));
    let Some(request) = request else {
        return Err(Outcome::NotExercised("the agent did not ask before it ran the tool, or ran none".to_owned()));
    };
    let Some(ran) = case.note(&format!("{name}/marker")).and_then(Value::as_bool) else {
        return Err(Outcome::NotExercised(case.why_not(&format!("{name}/marker"))));
    };
    Ok((turn, request, ran))
}

fn did_not_run(case: &Case<'_>, name: &str) -> Outcome {
    let (turn, request, ran) = match asked_and_ran(case, name) {
        Ok(asked) => asked,
        Err(why) => return why,
    };
    match (ran, turn.answer) {
        (false, None) => Outcome::broken("an answer to the prompt", "none", turn.places()),
        (false, Some(_)) => Outcome::Pass,
        (true, _) if another_call(case, &turn, request) && !case.is_scripted() => {
            Outcome::NotExercised("the model went another way, for which it had not been refused".to_owned())
        }
        (true, _) => Outcome::broken("a tool that did not run", "it ran: its file is there", places(&turn, request)),
    }
}

fn places(turn: &Call<'_>, request: &Message) -> Vec<usize> {
    [turn.request.index, request.index].into_iter().chain(turn.answer.map(|answer| answer.index)).collect()
}

/// Returns whether a tool call was reported behind a permission request that is not the one that was asked for.
fn another_call(case: &Case<'_>, turn: &Call<'_>, request: &Message) -> bool {
    let asked = request.params().map(|params| &params["toolCall"]["toolCallId"]);
    let later = case.received().filter(|message| message.index > request.index && message.index < turn.until());
    later
        .filter_map(Message::update)
        .any(|update| update["toolCallId"].is_string() && asked != Some(&update["toolCallId"]))
}

/// A tool that was allowed to run may still fail, and then says so.
fn it_ran(case: &Case<'_>) -> Outcome {
    let (turn, request, ran) = match asked_and_ran(case, "allow") {
        Ok(asked) => asked,
        Err(why) => return why,
    };
    if ran {
        return Outcome::Pass;
    }
    let allowed = case.call_of(request).and_then(|call| call.result());
    if allowed.is_none_or(|result| result["outcome"]["outcome"] != "selected") {
        return Outcome::NotExercised("there was no option to allow it".to_owned());
    }
    if !case.is_scripted() && statuses(case, &turn).iter().any(|(_, update)| update["status"] == "failed") {
        return Outcome::NotExercised("the tool was run and failed".to_owned());
    }
    Outcome::broken("a tool that ran", "its file is not there", places(&turn, request))
}

/// Programs are started elsewhere, so the file is there only if the session's directory counts.
fn it_ran_in_its_directory(case: &Case<'_>) -> Outcome {
    let call = call!(case, "allow");
    let made = case.note("allow/marker") == Some(&Value::Bool(true));
    let completed = statuses(case, &call).iter().any(|(_, update)| update["status"] == "completed");
    match (made, completed) {
        (true, _) => Outcome::Pass,
        (false, true) if case.is_scripted() => {
            Outcome::broken("the file of the command below cwd", "it is not there", call.places())
        }
        (false, true) => Outcome::NotExercised("nothing shows that the model had the command run".to_owned()),
        (false, false) => Outcome::NotExercised("no command was completed".to_owned()),
    }
}

/// The reports of tool calls within a turn that have a status.
fn statuses<'c>(case: &'c Case<'_>, call: &Call<'c>) -> Vec<(usize, &'c Value)> {
    let within = case.received().filter(|message| message.index > call.request.index && message.index < call.until());
    within.filter_map(|m| Some((m.index, m.update()?))).filter(|(_, update)| !update["status"].is_null()).collect()
}

/// Going straight to the end is not forbidden (AMB-30).
fn a_running_tool_is_marked(case: &Case<'_>) -> Outcome {
    let call = call!(case, "allow");
    let request = match asked_and_ran(case, "allow") {
        Ok((_, request, true)) => request,
        Ok(_) => return Outcome::NotExercised("the tool did not run".to_owned()),
        Err(why) => return why,
    };
    let running = statuses(case, &call).iter().any(|(_, update)| update["status"] == "in_progress");
    Outcome::pass_if(running, || {
        Outcome::doubtful("the status in_progress", "it was never told", vec![request.index, call.until()])
    })
}

fn a_tool_has_an_end(case: &Case<'_>) -> Outcome {
    let call = call!(case, "allow");
    match asked_and_ran(case, "allow") {
        Ok((_, _, true)) => {}
        Ok(_) => return Outcome::NotExercised("the tool did not run".to_owned()),
        Err(why) => return why,
    }
    let last =
        statuses(case, &call).into_iter().rev().find(|(_, u)| u["status"] == "completed" || u["status"] == "failed");
    // A call that is left open is not forbidden (AMB-30).
    Outcome::pass_if(last.is_some() || call.result().is_none(), || {
        Outcome::doubtful("completed or failed before the end of the turn", "neither", call.places())
    })
}
