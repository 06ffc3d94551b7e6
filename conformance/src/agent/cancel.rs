//! Stopping a turn.

use serde_json::{Value, json};

use crate::check::{Check, call};
use crate::history::{Call, Case, Message};
use crate::probe::{Permit, Probe, Stop, prompt_of};
use crate::scenario::Scenario;
use crate::verdict::Outcome;
use crate::words;

/// A turn that is stopped, and what comes after it.
pub(super) const CANCEL: Scenario = Scenario {
    name: "cancel",
    about: "stops a turn once it is under way, prompts again, and stops a session in which nothing runs",
    play: |probe| Box::pin(cancel(probe)),
    checks: &[
        Check::new("CANCEL-06", the_turn_ends_as_cancelled),
        Check::new("CANCEL-07", a_cancel_is_no_error),
        Check::new("CANCEL-08", nothing_of_the_turn_comes_after_its_end),
        Check::new("CANCEL-10", an_idle_cancel_does_not_leak),
        Check::new("CANCEL-12", the_session_stays_usable),
    ],
};

async fn cancel(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("new").await?;
    let turn = probe.ask("turn", "session/prompt", prompt_of(&session, words::COUNT)).await?;
    let limit = probe.limits().turn;
    // The first words may also be the last ones; more of them show that it counts.
    let mut outputs = 0;
    let under_way = |message: &Message| {
        outputs += usize::from(is_output(message));
        outputs == 3 || message.id() == Some(&turn)
    };
    probe.until("under-way", limit, under_way).await?;
    probe.notify("cancel", "session/cancel", json!({ "sessionId": session })).await?;
    let _ = probe.answer("turn", &turn, limit).await?;
    probe.quiet("after-cancel").await?;
    let _ = probe.prompt("next", &session, words::REPLY).await?;
    probe.notify("idle-cancel", "session/cancel", json!({ "sessionId": session })).await?;
    probe.quiet("after-idle-cancel").await?;
    let _ = probe.prompt("after-idle", &session, words::REPLY).await?;
    Ok(())
}

fn is_output(message: &Message) -> bool {
    matches!(
        message.update_kind(),
        Some("agent_message_chunk" | "agent_thought_chunk" | "tool_call" | "tool_call_update" | "plan")
    )
}

/// The stopped turn, or why it shows nothing: it was over before the cancel could be read (AMB-13).
fn stopped<'c>(case: &'c Case<'_>) -> Result<(Call<'c>, &'c Message), Outcome> {
    let Some(call) = case.call("turn") else { return Err(Outcome::NotExercised(case.why_not("turn"))) };
    let Some(cancel) = case.labelled("cancel") else { return Err(Outcome::NotExercised(case.why_not("cancel"))) };
    if call.until() < cancel.index {
        return Err(Outcome::NotExercised("the turn had ended before it could be stopped".to_owned()));
    }
    let reason = call.result().map(|result| &result["stopReason"]);
    if reason.is_some_and(|reason| reason == "end_turn") && !counts(case, cancel) {
        return Err(Outcome::NotExercised("the turn ended by itself: nothing shows that it was counting".to_owned()));
    }
    Ok((call, cancel))
}

/// Whether the agent had begun to count when it was stopped, and was far from the end.
fn counts(case: &Case<'_>, cancel: &Message) -> bool {
    let text: String = case
        .received()
        .filter(|message| message.index < cancel.index)
        .filter_map(|message| message.update()?["content"]["text"].as_str())
        .collect();
    text.contains('1') && text.contains('2') && !text.contains("1000")
}

fn the_turn_ends_as_cancelled(case: &Case<'_>) -> Outcome {
    let (call, cancel) = match stopped(case) {
        Ok(stopped) => stopped,
        Err(why) => return why,
    };
    if call.error().is_some() {
        return Outcome::NotExercised(format!("the turn ended with {}, which CANCEL-07 is about", call.said()));
    }
    let reason = call.result().map(|result| &result["stopReason"]);
    let places = [call.request.index, cancel.index].into_iter().chain(call.answer.map(|answer| answer.index)).collect();
    Outcome::pass_if(reason.is_some_and(|reason| reason == "cancelled"), || {
        Outcome::broken("a result with stopReason cancelled", call.said(), places)
    })
}

fn a_cancel_is_no_error(case: &Case<'_>) -> Outcome {
    let (call, cancel) = match stopped(case) {
        Ok(stopped) => stopped,
        Err(why) => return why,
    };
    let places = [call.request.index, cancel.index].into_iter().chain(call.answer.map(|answer| answer.index)).collect();
    match call.error() {
        Some(_) => Outcome::broken("a result", call.said(), places),
        None if call.answer.is_none() => Outcome::NotExercised(call.said()),
        None => Outcome::Pass,
    }
}

fn nothing_of_the_turn_comes_after_its_end(case: &Case<'_>) -> Outcome {
    let (call, _) = match stopped(case) {
        Ok(stopped) => stopped,
        Err(why) => return why,
    };
    let (Some(answer), Some(end)) = (call.answer, case.quiet("after-cancel")) else {
        return Outcome::NotExercised(case.why_not("after-cancel"));
    };
    match case.received().find(|m| m.index > answer.index && m.index < end && is_output(m)) {
        Some(late) => {
            Outcome::broken("nothing of the turn after its answer", "an update", vec![answer.index, late.index])
        }
        None => Outcome::Pass,
    }
}

fn an_idle_cancel_does_not_leak(case: &Case<'_>) -> Outcome {
    let call = call!(case, "after-idle");
    let reason = call.result().map(|result| &result["stopReason"]);
    Outcome::pass_if(reason.is_none_or(|reason| reason != "cancelled"), || {
        Outcome::broken("a turn that runs", call.said(), call.places())
    })
}

fn the_session_stays_usable(case: &Case<'_>) -> Outcome {
    if let Err(why) = stopped(case) {
        return why;
    }
    let call = call!(case, "next");
    let reason = call.result().and_then(|result| result["stopReason"].as_str());
    Outcome::pass_if(reason.is_some_and(|reason| reason != "cancelled"), || {
        Outcome::broken("a normal turn", call.said(), call.places())
    })
}

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
        let turn = probe.ask(name, "session/prompt", prompt_of(&session, words::TOUCH)).await?;
        if permit == Permit::Hold {
            let asked =
                |message: &Message| message.requests("session/request_permission") || message.id() == Some(&turn);
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
        let marker = probe.path(words::MARKER);
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
    match asked_and_ran(case, name) {
        Err(why) => why,
        Ok((_, _, false)) if case.call(name).is_some_and(|turn| turn.answer.is_none()) => {
            Outcome::broken("an answer to the prompt", "none", case.call(name).map(|c| c.places()).unwrap_or_default())
        }
        Ok((_, _, false)) => Outcome::Pass,
        Ok((turn, request, true)) => {
            let places = [turn.request.index, request.index].into_iter().chain(turn.answer.map(|a| a.index)).collect();
            Outcome::broken("a tool that did not run", "it ran: its file is there", places)
        }
    }
}

fn it_ran(case: &Case<'_>) -> Outcome {
    match asked_and_ran(case, "allow") {
        Err(why) => why,
        Ok((_, _, true)) => Outcome::Pass,
        Ok((turn, request, false)) => {
            let places = [turn.request.index, request.index].into_iter().chain(turn.answer.map(|a| a.index)).collect();
            Outcome::broken("a tool that ran", "its file is not there", places)
        }
    }
}
