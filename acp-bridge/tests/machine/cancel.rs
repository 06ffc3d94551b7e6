//! A stop is a record, reaches the agent, and ends the turn (P5).

use crate::support::{
    SECOND, Session, agent_started, call, notified, plan, prompt, raw, replies, responses, starts, stops, update, value,
};
use acp_bridge::session::{Command, FromAgent, Input, Refusal, Reply};
use acp_types::record::Origin;
use acp_types::record::body::{Outcome, Start};
use serde_json::json;

#[test]
fn cancelling_a_running_turn_is_recorded_and_reaches_the_agent() {
    let mut session = Session::new();
    let (turn, id) = session.running("a");
    let head = session.head();
    let effects = session.cancel(None);
    assert_eq!(session.kinds(head), ["cancel_requested"]);
    let record = session.record(head + 1);
    assert_eq!((&record.origin, record.turn), (&Origin::Client("c2".into()), Some(turn)));
    assert_eq!(notified(&effects), ["session/cancel"]);
    assert_eq!(session.machine.deadline(), Some(session.now + 10 * SECOND));
    session.answered(id, Ok(r#"{"stopReason":"cancelled"}"#));
    let result = Some(raw(r#"{"stopReason":"cancelled"}"#));
    assert_eq!(session.outcome(turn), Some(Outcome::Cancelled { result, killed: false }));
    assert_eq!(session.machine.deadline(), None);
}

#[test]
fn a_turn_that_was_done_before_the_cancel_reached_the_agent_is_completed() {
    let mut session = Session::new();
    let (turn, id) = session.running("a");
    session.cancel(None);
    session.answered(id, Ok(r#"{"stopReason":"end_turn"}"#));
    assert!(matches!(session.outcome(turn), Some(Outcome::Completed { .. })));
}

#[test]
fn an_agent_that_answers_a_cancel_with_an_error_has_cancelled() {
    let mut session = Session::new();
    let (turn, id) = session.running("a");
    session.cancel(None);
    session.answered(id, Err(r#"{"code":-32603,"message":"aborted"}"#));
    assert_eq!(session.outcome(turn), Some(Outcome::Cancelled { result: None, killed: false }));
}

#[test]
fn an_agent_that_cancels_by_itself_has_cancelled() {
    let mut session = Session::new();
    let (turn, id) = session.running("a");
    session.answered(id, Ok(r#"{"stopReason":"cancelled"}"#));
    assert!(matches!(session.outcome(turn), Some(Outcome::Cancelled { result: Some(_), killed: false })));
}

#[test]
fn cancelling_an_idle_session_leaves_no_trace_and_the_next_turn_is_untouched() {
    let mut session = Session::new();
    let head = session.head();
    assert!(session.cancel(None).is_empty());
    assert!(session.cancel(Some(77)).is_empty());
    assert_eq!((session.head(), session.machine.deadline()), (head, None));
    let (turn, id) = session.running("a");
    assert!(!session.machine.state().turn(turn).unwrap().cancel_requested);
    session.answered(id, Err(r#"{"code":1,"message":"m"}"#));
    assert!(matches!(session.outcome(turn), Some(Outcome::Failed { .. })));
}

#[test]
fn cancelling_a_turn_that_has_ended_leaves_the_running_one_alone() {
    let mut session = Session::new();
    let (one, id) = session.running("one");
    session.answered(id, Ok(r#"{"stopReason":"end_turn"}"#));
    let (two, _) = session.running("two");
    let head = session.head();
    assert!(session.cancel(Some(one)).is_empty());
    assert_eq!(session.head(), head);
    assert!(!session.machine.state().turn(two).unwrap().cancel_requested);
}

#[test]
fn a_second_cancel_changes_nothing_and_gives_no_more_time() {
    let mut session = Session::new();
    session.running("a");
    session.cancel(None);
    let (head, deadline) = (session.head(), session.machine.deadline());
    session.now += SECOND;
    assert!(session.cancel(None).is_empty());
    assert_eq!((session.head(), session.machine.deadline()), (head, deadline));
}

#[test]
fn an_agent_that_ignores_the_cancel_is_killed_and_started_again_at_once() {
    let mut session = Session::new();
    let (turn, _) = session.running("a");
    session.cancel(None);
    session.now += 10 * SECOND - 1;
    assert!(session.input(Input::Tick).is_empty(), "not yet");
    session.now += 1;
    let head = session.head();
    let effects = session.input(Input::Tick);
    assert_eq!(session.kinds(head), ["agent_exited", "turn_ended"]);
    let reason = "it did not end the turn within 10 s of the cancel and was killed";
    assert_eq!(value(&session.record(head + 1).body), json!({ "reason": reason, "expected": true }));
    assert_eq!(session.outcome(turn), Some(Outcome::Cancelled { result: None, killed: true }));
    assert_eq!(stops(&effects), Some(true));
    assert_eq!(plan(&effects).agent_session.as_deref(), Some("agent-1"));
    assert_eq!(session.machine.deadline(), None);

    let head = session.head();
    session.agent(update(r#"{"sessionId":"agent-1","update":{}}"#));
    session.exits();
    assert_eq!(session.head(), head, "what the killed one still says is dropped");
    session.agent(FromAgent::Started(agent_started(Start::Load)));
    assert_eq!(session.running("b").0, session.machine.state().main().running().unwrap());
}

#[test]
fn the_next_queued_turn_runs_when_the_agent_is_back_after_a_kill() {
    let mut session = Session::new();
    session.running("a");
    let (next, _) = session.prompt("b");
    session.cancel(None);
    session.now += 10 * SECOND;
    let effects = session.input(Input::Tick);
    assert!(starts(&effects));
    session.agent(FromAgent::Started(agent_started(Start::Load)));
    assert_eq!(session.machine.state().main().running(), Some(next));
}

#[test]
fn a_restart_after_a_kill_that_fails_ends_nothing_and_the_next_prompt_tries_again() {
    let mut session = Session::new();
    session.running("a");
    session.cancel(None);
    session.now += 10 * SECOND;
    session.input(Input::Tick);
    let head = session.head();
    let error = Refusal::NotStarted { why: "gone".into() };
    assert!(session.agent(FromAgent::StartFailed { error }).is_empty());
    assert_eq!(session.head(), head);
    assert!(starts(&session.prompt("b").1));
}

#[test]
fn a_kill_answers_open_calls() {
    let mut session = Session::new();
    session.running("a");
    let (id, _) = session.open_command("c1", Command::Call { lane: None, method: "_x".into(), params: None });
    session.cancel(None);
    session.now += 10 * SECOND;
    let effects = session.input(Input::Tick);
    assert!(matches!(&replies(&effects)[..], [(replied, Err(_))] if *replied == id));
}

#[test]
fn cancel_answers_what_the_turn_has_asked_and_what_it_asks_later() {
    let mut session = Session::new();
    session.running("a");
    session.asks_permission(1);
    session.asks(2, "elicitation/create", "{}");
    let head = session.head();
    let effects = session.cancel(None);
    assert_eq!(session.kinds(head), ["cancel_requested", "permission_resolved", "response"]);
    assert_eq!(value(&session.record(head + 2).body)["cause"], "cancelled");
    let cancelled = json!({ "outcome": { "outcome": "cancelled" } });
    let answers = responses(&effects);
    assert_eq!(answers[0], ("1".into(), Ok(cancelled.clone())));
    assert_eq!(answers[1].1.as_ref().unwrap_err()["code"], -32800);

    let head = session.head();
    let params = Some(raw(r#"{"sessionId":"agent-1"}"#));
    let request = FromAgent::Request { id: 3.into(), method: "session/request_permission".into(), params };
    let effects = session.agent(request);
    assert_eq!(session.kinds(head), ["permission_requested", "permission_resolved"]);
    assert_eq!(responses(&effects), [("3".into(), Ok(cancelled))]);
}

#[test]
fn what_was_asked_outside_the_turn_stays_open() {
    let mut session = Session::new();
    let outside = session.asks_permission(1);
    session.running("a");
    assert!(responses(&session.cancel(None)).is_empty());
    assert!(session.machine.state().pending_request(outside).is_some());
}

#[test]
fn a_queued_turn_is_cancelled_without_the_agent_ever_seeing_it() {
    let mut session = Session::new();
    let (one, id) = session.running("one");
    let (two, _) = session.prompt("two");
    let head = session.head();
    assert!(session.cancel(Some(two)).is_empty());
    assert_eq!(session.kinds(head), ["cancel_requested", "turn_ended"]);
    assert_eq!(session.outcome(two), Some(Outcome::Cancelled { result: None, killed: false }));
    assert_eq!(session.machine.state().main().running(), Some(one));
    assert!(session.answered(id, Ok(r#"{"stopReason":"end_turn"}"#)).is_empty());
}

#[test]
fn a_turn_that_waits_for_the_agent_is_cancelled_at_once() {
    let mut session = Session::new();
    session.exits();
    let (turn, _) = session.prompt("a");
    let effects = session.cancel(None);
    assert!(effects.is_empty());
    assert!(matches!(session.outcome(turn), Some(Outcome::Cancelled { result: None, killed: false })));
    assert!(session.agent(FromAgent::Started(agent_started(Start::Load))).is_empty(), "the agent gets no prompt");
}

#[test]
fn a_prompt_after_a_cancel_waits_for_the_end_of_the_turn() {
    let mut session = Session::new();
    let (_, id) = session.running("a");
    session.cancel(None);
    let (reply, effects) = session.command("c1", prompt("b", None));
    let Ok(Reply::Turn(next)) = reply else { panic!("{reply:?}") };
    assert!(effects.is_empty());
    let effects = session.answered(id, Ok(r#"{"stopReason":"cancelled"}"#));
    assert_eq!(call(&effects).1, "session/prompt");
    assert!(!session.machine.state().turn(next).unwrap().cancel_requested);
}

#[test]
fn an_agent_that_dies_of_a_cancel_has_cancelled() {
    let mut session = Session::new();
    let (turn, _) = session.running("a");
    session.cancel(None);
    session.exits();
    assert_eq!(session.outcome(turn), Some(Outcome::Cancelled { result: None, killed: false }));
    assert_eq!(session.machine.deadline(), None);
}
