//! Agents that are connected over a link and run on when the bridge does not.

use crate::support::{
    SECOND, Session, awaited, call, linked_agent_started, notified, plan, prompt, raw, replies, responses, starts,
    stops, update, value,
};
use acp_bridge::session::{CallId, Command, Effect, FromAgent};
use acp_types::RequestId;
use acp_types::meta::{CancelScope, Unattended};
use acp_types::record::Kind;
use acp_types::record::body::{Outcome, Start};
use serde_json::json;

const UPDATE: &str = r#"{"sessionId":"agent-1","update":{"sessionUpdate":"agent_message_chunk"}}"#;

fn returned(has_prompt: bool, asked: &[(u64, u64)]) -> FromAgent {
    let asked = asked.iter().map(|&(position, id)| (position, RequestId::from(id))).collect();
    FromAgent::Returned { has_prompt, asked }
}

/// What a command that is done brings besides its reply.
fn does(session: &mut Session, command: Command) -> Vec<Effect> {
    let (reply, effects) = session.command("c1", command);
    assert!(reply.is_ok(), "{reply:?}");
    effects
}

fn cancelled() -> Outcome {
    Outcome::Cancelled { result: None, killed: false }
}

#[test]
fn records_say_which_message_of_the_agent_they_come_from() {
    let mut session = Session::linked();
    let positions = |session: &Session| session.log.iter().map(|record| record.position).collect::<Vec<_>>();
    assert_eq!(positions(&session), [None, Some(2)], "what opened the session counts as received");
    let (_, call) = session.running("a");
    session.agent(update(UPDATE));
    session.asks_permission(1);
    session.answered(call, Ok(r#"{"stopReason":"end_turn"}"#));
    let said = positions(&session).split_off(2);
    // prompt_queued, turn_started, the user's words; the agent's; the end of what it asked, and of its turn.
    assert_eq!(said, [None, None, None, Some(3), Some(4), Some(5), Some(5)]);
    assert_eq!(session.machine.state().main().received(), 5);
}

#[test]
fn a_turn_of_an_agent_that_runs_on_is_not_interrupted() {
    let mut session = Session::linked();
    let (turn, _) = session.running("a");
    session.agent(update(UPDATE));
    let head = session.head();
    let effects = session.crash();
    let (received, call) = awaited(&effects);
    assert_eq!((received, effects.len(), session.head()), (3, 1, head));
    assert_eq!(session.machine.state().main().running(), Some(turn));

    assert!(session.driver(returned(true, &[])).is_empty());
    session.agent(update(UPDATE));
    session.answered(call.unwrap(), Ok(r#"{"stopReason":"end_turn"}"#));
    assert_eq!(session.kinds(head), ["update", "turn_ended"]);
    assert!(matches!(session.outcome(turn), Some(Outcome::Completed { .. })));
    assert!(session.log.iter().filter(|record| record.seq > head).all(|record| record.epoch == 2));
}

#[test]
fn a_shutdown_leaves_such_a_turn_open_as_well() {
    let mut session = Session::linked();
    let (turn, _) = session.running("a");
    session.asks_permission(1);
    let (two, _) = session.prompt("two");
    let (open, _) = session.open_command("c1", Command::Call { lane: None, method: "_x".into(), params: None });
    let head = session.head();
    let effects = session.shutdown();
    assert_eq!((session.head(), stops(&effects)), (head, None));
    assert!(matches!(&replies(&effects)[..], [(id, Err(_))] if *id == open), "nobody will answer that");

    let (_, call) = awaited(&session.crash());
    session.driver(returned(true, &[(3, 1)]));
    session.answered(call.unwrap(), Ok("{}"));
    assert!(matches!(session.outcome(turn), Some(Outcome::Completed { .. })));
    let queue: Vec<_> = session.machine.state().main().queue().collect();
    assert_eq!(queue, [two], "what waits does so until a client comes");
}

#[test]
fn an_agent_that_does_not_come_back_is_as_one_that_exited() {
    let mut session = Session::linked();
    let (turn, _) = session.running("a");
    session.asks_permission(1);
    session.crash();
    let head = session.head();
    let effects = session.driver(FromAgent::Exited { reason: "it was not heard of for 60 s".into() });
    assert_eq!(session.kinds(head), ["agent_exited", "permission_resolved", "turn_ended"]);
    let reason = "the bridge stopped while the turn ran, and the agent did not come back: it was not heard of for 60 s";
    assert_eq!(session.outcome(turn), Some(Outcome::Interrupted { reason: reason.into() }));
    assert!(effects.is_empty());
    session.driver(returned(true, &[]));
    assert!(starts(&session.prompt("b").1), "it is too late to come back");
}

#[test]
fn a_prompt_that_never_reached_the_agent_is_given_again() {
    let mut session = Session::linked();
    let (turn, _) = session.running("a");
    let head = session.head();
    let (_, expected) = awaited(&session.crash());
    let effects = session.driver(returned(false, &[]));
    let (again, method, params) = call(&effects);
    assert_eq!((method.as_str(), params.unwrap()["prompt"][0]["text"].as_str()), ("session/prompt", Some("a")));
    assert_eq!(session.head(), head, "the user's words are not shown twice");
    session.answered(expected.unwrap(), Ok("{}"));
    assert_eq!(session.outcome(turn), None, "nothing is expected under the first number any more");
    session.answered(again, Ok(r#"{"stopReason":"end_turn"}"#));
    assert!(matches!(session.outcome(turn), Some(Outcome::Completed { .. })));
}

#[test]
fn a_request_stays_pending_and_is_answered_once_the_agent_is_back() {
    let mut session = Session::linked();
    session.running("a");
    let first = session.asks_permission(7);
    let second = session.asks(8, "_x", "{}");
    session.crash();
    assert_eq!(session.machine.state().pending().map(|(seq, _)| seq).collect::<Vec<_>>(), [first, second]);

    // One is answered before the agent is back, one after.
    let answer = Ok(raw(r#"{"outcome":{"outcome":"selected","optionId":"y"}}"#));
    let (_, effects) = session.command("c1", Command::Answer { request: first, answer });
    assert!(effects.is_empty());
    let effects = session.driver(returned(true, &[(3, 7), (4, 8)]));
    let selected = json!({ "outcome": { "outcome": "selected", "optionId": "y" } });
    assert_eq!(responses(&effects), [("7".into(), Ok(selected))]);
    let (_, effects) = session.command("c1", Command::Answer { request: second, answer: Err(raw(r#"{"code":1}"#)) });
    assert_eq!(responses(&effects), [("8".into(), Err(json!({ "code": 1 })))]);
}

#[test]
fn an_answer_that_is_in_the_log_reaches_the_agent_although_the_bridge_died_before_it_was_sent() {
    let mut session = Session::linked();
    session.running("a");
    let request = session.asks_permission(7);
    does(&mut session, Command::Answer { request, answer: Ok(raw(r#"{"yes":1}"#)) });
    session.crash();
    let effects = session.driver(returned(true, &[(3, 7)]));
    assert_eq!(responses(&effects), [("7".into(), Ok(json!({ "yes": 1 })))]);
}

#[test]
fn a_request_that_the_log_does_not_have_gets_an_error_and_can_be_made_again() {
    let mut session = Session::linked();
    session.running("a");
    session.crash();
    // It was acknowledged, and left no record.
    let effects = session.driver(returned(true, &[(3, 7)]));
    let responses = responses(&effects);
    assert_eq!((responses.len(), responses[0].0.as_str()), (1, "7"));
    let error = responses[0].1.as_ref().unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("restarted"), "{error}");
    let request = session.asks_permission(7);
    let (_, effects) = session.command("c1", Command::Answer { request, answer: Ok(raw("{}")) });
    assert_eq!(crate::support::responses(&effects)[0].0, "7");
}

#[test]
fn what_is_pending_and_the_agent_does_not_wait_for_is_over() {
    let mut session = Session::linked();
    session.running("a");
    session.asks_permission(7);
    session.crash();
    let head = session.head();
    assert!(responses(&session.driver(returned(true, &[]))).is_empty());
    assert_eq!(value(&session.only(head, &Kind::PermissionResolved).body)["cause"], "recovered");
}

#[test]
fn a_cancel_while_the_agent_is_away_reaches_it_when_it_is_back() {
    let mut session = Session::linked();
    let (turn, _) = session.running("a");
    session.asks_permission(7);
    let (_, call) = awaited(&session.crash());
    let head = session.head();
    assert!(session.cancel(None).is_empty());
    assert_eq!(session.kinds(head), ["cancel_requested", "permission_resolved"]);
    let effects = session.driver(returned(true, &[(3, 7)]));
    assert_eq!(notified(&effects), ["session/cancel"]);
    assert!(matches!(effects[0], Effect::Notify { .. }), "before the answers: {effects:?}");
    assert_eq!(responses(&effects), [("7".into(), Ok(json!({ "outcome": { "outcome": "cancelled" } })))]);
    session.answered(call.unwrap(), Ok(r#"{"stopReason":"cancelled"}"#));
    assert!(matches!(session.outcome(turn), Some(Outcome::Cancelled { result: Some(_), killed: false })));
}

#[test]
fn a_turn_that_was_cancelled_before_the_agent_got_it_is_not_given() {
    let mut session = Session::linked();
    let (turn, _) = session.running("a");
    session.crash();
    session.cancel(Some(turn));
    let effects = session.driver(returned(false, &[]));
    assert!(effects.is_empty(), "{effects:?}");
    assert_eq!(session.outcome(turn), Some(cancelled()));
    assert_eq!(session.machine.state().main().running(), None);
    session.running("b");
}

#[test]
fn an_agent_that_is_not_back_when_the_grace_of_a_cancel_is_over_is_stopped_and_another_one_started() {
    for cancelled_before in [true, false] {
        let mut session = Session::linked();
        let (turn, _) = session.running("a");
        if cancelled_before {
            session.cancel(None);
        }
        session.crash();
        if !cancelled_before {
            session.cancel(None);
        }
        session.now += 10 * SECOND;
        let effects = session.input(acp_bridge::session::Input::Tick);
        assert_eq!((stops(&effects), starts(&effects)), (Some(true), true));
        assert_eq!(session.outcome(turn), Some(Outcome::Cancelled { result: None, killed: true }));
        assert!(session.driver(returned(true, &[])).is_empty(), "it was given up");
        session.agent(FromAgent::Started(linked_agent_started(Start::Load)));
        assert_eq!(session.machine.state().main().received(), session.record(session.head()).position.unwrap());
    }
}

#[test]
fn who_calls_while_the_agent_is_away_waits_for_it_or_for_another_one() {
    for comes_back in [true, false] {
        let mut session = Session::linked();
        session.crash();
        let (_, effects) = session.open_command("c1", Command::Call { lane: None, method: "_x".into(), params: None });
        assert!(effects.is_empty());
        if comes_back {
            assert_eq!(call(&session.driver(returned(false, &[]))).1, "_x");
        } else {
            let effects = session.driver(FromAgent::Exited { reason: "away".into() });
            assert_eq!(plan(&effects).agent_session.as_deref(), Some("agent-1"));
        }
    }
}

#[test]
fn a_prompt_for_an_idle_lane_waits_for_its_agent() {
    let mut session = Session::linked();
    assert_eq!(awaited(&session.crash()), (2, None));
    let (turn, effects) = session.prompt("a");
    assert!(effects.is_empty());
    assert_eq!(call(&session.driver(returned(false, &[]))).1, "session/prompt");
    assert_eq!(session.machine.state().main().running(), Some(turn));
}

#[test]
fn closing_the_session_stops_an_agent_that_is_away() {
    let mut session = Session::linked();
    let (turn, _) = session.running("a");
    session.crash();
    let (_, effects) = session.command("c1", Command::Close);
    assert_eq!(stops(&effects), Some(false));
    assert_eq!(session.outcome(turn), Some(cancelled()));
    assert!(session.machine.state().closed() && session.machine.state().main().link().is_none());
    assert!(session.driver(returned(true, &[])).is_empty());
}

#[test]
fn nothing_that_the_agent_said_before_the_log_ends_is_expected_from_another_run() {
    let mut session = Session::linked();
    session.running("a");
    session.asks_permission(7);
    session.agent(update(UPDATE));
    session.driver(FromAgent::Exited { reason: "gone".into() });
    session.prompt("b");
    session.driver(FromAgent::Started(linked_agent_started(Start::Load)));
    assert_eq!(session.machine.state().main().received(), 0);
    assert_eq!(awaited(&session.crash()).0, 0);
}

#[test]
fn a_policy_waits_for_the_clients_that_were_there_before_the_restart() {
    let policy: Unattended = "reject".parse().unwrap();
    let attend = |session: &mut Session| does(session, Command::SetPresence { present: true });
    for client_comes_back in [true, false] {
        let mut session = Session::linked();
        attend(&mut session);
        does(&mut session, Command::SetPolicy { unattended: Some(policy.clone()) });
        session.running("a");
        let request = session.asks_permission(7);
        session.crash();
        session.driver(returned(true, &[(3, 7)]));
        assert!(session.machine.deadline().is_some());
        if client_comes_back {
            attend(&mut session);
            assert_eq!(session.machine.deadline(), None);
        }
        session.now += 10 * SECOND;
        let effects = session.input(acp_bridge::session::Input::Tick);
        assert_eq!(responses(&effects).len(), usize::from(!client_comes_back));
        assert_eq!(session.machine.state().pending_request(request).is_some(), client_comes_back);
    }
}

#[test]
fn a_message_for_the_running_turn_of_an_agent_that_is_away_is_the_next_turn() {
    let mut session = Session::linked();
    let mut steerable = linked_agent_started(Start::Load);
    steerable.initialize = raw(r#"{"_meta":{"steering":{"supported":true}}}"#);
    session.exits();
    let (one, _) = session.prompt("one");
    session.agent(FromAgent::Started(steerable));
    assert_eq!(session.machine.state().main().running(), Some(one));
    session.crash();
    let Command::Prompt { params, .. } = prompt("two", None) else { unreachable!() };
    let steer = Command::Prompt {
        lane: None,
        params,
        key: None,
        accept_context_loss: false,
        on_busy: acp_types::meta::OnBusy::Steer,
        after_restart: Default::default(),
    };
    let (_, effects) = session.command("c1", steer);
    assert!(effects.is_empty());
    assert_eq!(session.machine.state().main().queue().len(), 1);
    let everything = Command::Cancel { lane: None, turn: None, scope: CancelScope::Queued, reason: None };
    does(&mut session, everything);
    assert_eq!(session.machine.state().main().queue().len(), 0);
    assert!(session.driver(FromAgent::Answered { call: CallId(99), outcome: Ok(raw("{}")) }).is_empty());
}
