//! A message for the turn that runs: it is never given twice, and its own turn ends once (P6, P7).

use crate::support::{SECOND, Session, agent_started, call, notified, prompt, raw, value};
use acp_bridge::session::{CallId, Command, Config, Effect, FromAgent, Input, QueueCommand, Refusal, Reply, TurnPhase};
use acp_types::meta::{AfterRestart, OnBusy};
use acp_types::record::body::{AgentStarted, Outcome, Start};
use acp_types::record::{Kind, Origin, Turn};
use serde_json::json;

const DONE: Result<&str, &str> = Ok(r#"{"stopReason":"end_turn"}"#);
const INJECTED: Result<&str, &str> = Ok(r#"{"outcome":"injected"}"#);
const IDLE: Result<&str, &str> = Ok(r#"{"outcome":"idle"}"#);

fn steerable(start: Start) -> AgentStarted {
    AgentStarted { initialize: raw(r#"{"_meta":{"steering":{"supported":true}}}"#), ..agent_started(start) }
}

/// A session whose agent can be steered, with a turn that runs.
fn running() -> (Session, Turn, CallId) {
    let mut session = Session::with(Config::default(), r#"{"cwd":"/w"}"#, vec![]);
    session.exits();
    session.prompt("work");
    let effects = session.agent(FromAgent::Started(steerable(Start::Load)));
    let turn = session.machine.state().main().running().expect("a running turn");
    (session, turn, call(&effects).0)
}

fn steer_with(session: &mut Session, text: &str, key: Option<&str>) -> (Turn, Vec<Effect>) {
    let Command::Prompt { lane, params, key, accept_context_loss, .. } = prompt(text, key) else { unreachable!() };
    let (on_busy, after_restart) = (OnBusy::Steer, AfterRestart::Wait);
    let command = Command::Prompt { lane, params, key, accept_context_loss, on_busy, after_restart };
    let (reply, effects) = session.command("c2", command);
    let Ok(Reply::Turn(turn)) = reply else { panic!("{reply:?}") };
    (turn, effects)
}

fn steer(session: &mut Session, text: &str) -> (Turn, CallId) {
    let (turn, effects) = steer_with(session, text, None);
    (turn, call(&effects).0)
}

fn phase(session: &Session, turn: Turn) -> TurnPhase {
    session.machine.state().turn(turn).expect("a turn").phase.clone()
}

#[test]
fn a_message_that_is_taken_is_shown_in_the_running_turn_and_ends_with_it() {
    let (mut session, turn, id) = running();
    let head = session.head();
    let (steering, effects) = steer_with(&mut session, "faster", None);
    assert_eq!(session.kinds(head), ["prompt_queued", "prompt_steered"]);
    assert_eq!(value(&session.record(head + 2).body), json!({ "into": turn, "steer": "offered" }));
    let (call, method, params) = call(&effects);
    assert_eq!(method, "_session/steering");
    assert_eq!(params, Some(json!({ "sessionId": "agent-1", "prompt": [{ "type": "text", "text": "faster" }] })));

    let head = session.head();
    assert!(session.answered(call, INJECTED).is_empty());
    assert_eq!(session.kinds(head), ["prompt_steered", "update"]);
    let shown = session.record(head + 2);
    assert_eq!((shown.turn, &shown.origin), (Some(turn), &Origin::Client("c2".into())));
    assert_eq!(phase(&session, steering), TurnPhase::Joined(turn));

    let head = session.head();
    session.answered(id, DONE);
    assert_eq!(session.kinds(head), ["turn_ended", "turn_ended"]);
    assert_eq!(session.outcome(steering), session.outcome(turn));
    assert_eq!(session.machine.state().turn(steering).unwrap().steered, Some(turn));
}

#[test]
fn without_a_running_turn_it_is_an_ordinary_prompt() {
    let mut session = Session::new();
    let (turn, effects) = steer_with(&mut session, "a", None);
    assert_eq!((call(&effects).1.as_str(), session.machine.state().main().running()), ("session/prompt", Some(turn)));
}

#[test]
fn an_agent_that_cannot_be_steered_is_an_error_without_a_record() {
    let mut session = Session::new();
    session.running("a");
    let head = session.head();
    let params = raw("{}");
    let (on_busy, after_restart) = (OnBusy::Steer, AfterRestart::Wait);
    let command = Command::Prompt {
        lane: None,
        params,
        key: Some("k".into()),
        accept_context_loss: false,
        on_busy,
        after_restart,
    };
    assert_eq!(session.command("c2", command).0, Err(Refusal::SteeringUnsupported));
    assert_eq!((session.head(), session.machine.state().turn_by_key("k")), (head, None));
}

#[test]
fn a_message_that_is_not_taken_is_the_first_of_the_queue() {
    for outcome in [IDLE, Err(r#"{"code":1,"message":"no"}"#), Ok("null")] {
        let (mut session, _, id) = running();
        let (two, _) = session.prompt("two");
        let (steering, offer) = steer(&mut session, "faster");
        let head = session.head();
        session.answered(offer, outcome);
        assert_eq!(value(&session.record(head + 1).body)["steer"], "queued");
        assert_eq!(session.machine.state().main().queue().collect::<Vec<_>>(), [steering, two]);
        session.answered(id, DONE);
        assert_eq!(session.machine.state().main().running(), Some(steering));
    }
}

#[test]
fn an_offer_holds_the_queue_until_it_is_answered_and_joins_a_turn_that_has_ended() {
    let (mut session, turn, id) = running();
    session.prompt("two");
    let (steering, offer) = steer(&mut session, "faster");
    assert!(session.answered(id, DONE).is_empty(), "the next turn waits for the answer");
    assert_eq!(session.machine.deadline(), Some(session.now + 10 * SECOND));
    let effects = session.answered(offer, INJECTED);
    assert_eq!(session.outcome(steering), session.outcome(turn));
    assert_eq!((call(&effects).1.as_str(), session.machine.deadline()), ("session/prompt", None));
}

#[test]
fn an_offer_to_a_turn_that_has_ended_and_is_not_answered_is_interrupted_and_never_given_again() {
    let (mut session, _, id) = running();
    let (two, _) = session.prompt("two");
    let (steering, offer) = steer(&mut session, "faster");
    session.answered(id, DONE);
    session.now += 10 * SECOND;
    let effects = session.input(Input::Tick);
    assert!(matches!(session.outcome(steering), Some(Outcome::Interrupted { .. })));
    assert_eq!((call(&effects).1.as_str(), session.machine.state().main().running()), ("session/prompt", Some(two)));
    let head = session.head();
    assert!(session.answered(offer, IDLE).is_empty());
    assert_eq!(session.head(), head, "a late answer changes nothing");
}

#[test]
fn an_offer_that_the_bridge_or_the_agent_did_not_survive_is_interrupted() {
    for crash in [true, false] {
        let (mut session, turn, _) = running();
        let (steering, _) = steer(&mut session, "faster");
        if crash {
            session.crash()
        } else {
            session.exits()
        };
        assert!(matches!(session.outcome(turn), Some(Outcome::Interrupted { .. })));
        assert!(matches!(session.outcome(steering), Some(Outcome::Interrupted { .. })));
        assert_eq!(session.machine.deadline(), None);
    }
}

#[test]
fn what_was_taken_is_interrupted_with_its_turn_when_the_bridge_dies() {
    let (mut session, turn, _) = running();
    let (steering, offer) = steer(&mut session, "faster");
    session.answered(offer, INJECTED);
    session.crash();
    assert_eq!(session.outcome(steering), session.outcome(turn));
    assert!(session.outcome(turn).is_some());
}

#[test]
fn a_stop_of_what_was_taken_stops_the_turn_that_it_is_part_of() {
    let (mut session, turn, id) = running();
    let (steering, offer) = steer(&mut session, "faster");
    session.answered(offer, INJECTED);
    let effects = session.cancel(Some(steering));
    assert_eq!(notified(&effects), ["session/cancel"]);
    assert_eq!(session.only(0, &Kind::CancelRequested).turn, Some(turn));
    session.answered(id, Ok(r#"{"stopReason":"cancelled"}"#));
    assert!(matches!(session.outcome(steering), Some(Outcome::Cancelled { .. })));
}

#[test]
fn an_offer_that_is_cancelled_ends_at_once_and_is_still_shown_if_the_agent_has_it() {
    let (mut session, turn, _) = running();
    let (steering, offer) = steer(&mut session, "faster");
    assert!(session.cancel(Some(steering)).is_empty());
    assert!(matches!(session.outcome(steering), Some(Outcome::Cancelled { .. })));
    assert!(session.outcome(turn).is_none());
    let head = session.head();
    session.answered(offer, INJECTED);
    assert_eq!((session.kinds(head), session.record(head + 1).turn), (vec!["update"], Some(turn)));
}

#[test]
fn a_turn_that_is_being_stopped_takes_no_message_and_it_is_the_first_of_the_queue() {
    let (mut session, _, _) = running();
    let (two, _) = session.prompt("two");
    session.cancel(None);
    let (steering, effects) = steer_with(&mut session, "faster", None);
    assert!(effects.is_empty());
    assert_eq!(session.machine.state().main().queue().collect::<Vec<_>>(), [steering, two]);
}

#[test]
fn what_is_on_offer_or_taken_is_no_part_of_the_queue_any_more() {
    let (mut session, turn, _) = running();
    let (steering, offer) = steer_with(&mut session, "faster", Some("k"));
    let offer_call = call(&offer).0;
    for answered in [false, true] {
        if answered {
            session.answered(offer_call, INJECTED);
        }
        let withdraw = Command::Queue(QueueCommand::Withdraw { turn: steering });
        assert_eq!(session.command("c1", withdraw).0, Err(Refusal::TurnJoined { turn: steering, into: turn }));
        let head = session.head();
        assert_eq!(steer_with(&mut session, "faster", Some("k")).0, steering, "its key attaches to it");
        assert_eq!(session.head(), head);
    }
}
