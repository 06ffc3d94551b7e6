//! Prompts that wait: what they do when the agent is busy, how they are changed, and what a restart does to them.

use crate::support::{Session, agent_started, call, notified, prompt, raw, starts, value};
use acp_bridge::session::{Command, Effect, FromAgent, QueueCommand, Refusal, Reply};
use acp_types::meta::{AfterRestart, CancelScope, OnBusy};
use acp_types::record::body::{Outcome, Start};
use acp_types::record::{Origin, Turn};
use serde_json::json;

const DONE: Result<&str, &str> = Ok(r#"{"stopReason":"end_turn"}"#);

fn sent(text: &str, key: Option<&str>, on: OnBusy, after: AfterRestart) -> Command {
    let Command::Prompt { lane, params, key, accept_context_loss, .. } = prompt(text, key) else { unreachable!() };
    Command::Prompt { lane, params, key, accept_context_loss, on_busy: on, after_restart: after }
}

fn on_busy(text: &str, key: Option<&str>, on: OnBusy) -> Command {
    sent(text, key, on, AfterRestart::Wait)
}

fn after_restart(session: &mut Session, text: &str, after: AfterRestart) -> Turn {
    let (reply, _) = session.command("c1", sent(text, None, OnBusy::Queue, after));
    let Ok(Reply::Turn(turn)) = reply else { panic!("{reply:?}") };
    turn
}

fn queue(session: &Session) -> Vec<Turn> {
    session.machine.state().main().queue().collect()
}

fn edit(turn: Turn, text: &str) -> Command {
    let prompt = raw(&json!([{ "type": "text", "text": text }]).to_string());
    Command::Queue(QueueCommand::Edit { turn, prompt })
}

fn move_before(turn: Turn, before: Option<Turn>) -> Command {
    Command::Queue(QueueCommand::Move { turn, before })
}

fn withdraw(turn: Turn) -> Command {
    Command::Queue(QueueCommand::Withdraw { turn })
}

#[test]
fn a_prompt_that_is_not_to_wait_is_refused_with_the_turn_in_its_way_and_leaves_no_record() {
    let mut session = Session::new();
    let (running, id) = session.running("a");
    let head = session.head();
    let (reply, effects) = session.command("c1", on_busy("b", Some("k"), OnBusy::Reject));
    assert_eq!(reply.unwrap_err(), Refusal::Busy { turn: running });
    assert_eq!((session.head(), effects.len()), (head, 0));

    session.answered(id, DONE);
    let (reply, effects) = session.command("c1", on_busy("b", Some("k"), OnBusy::Reject));
    assert!(reply.is_ok() && call(&effects).1 == "session/prompt", "idle, it runs, and its key was not used up");
}

#[test]
fn a_prompt_that_waits_for_the_agent_to_start_makes_the_session_busy() {
    let mut session = Session::new();
    session.exits();
    let (waiting, _) = session.prompt("a");
    let refused = session.command("c1", on_busy("b", None, OnBusy::Reject)).0;
    assert_eq!(refused.unwrap_err(), Refusal::Busy { turn: waiting });
}

#[test]
fn a_key_attaches_to_what_it_started_whatever_is_to_be_done_when_busy() {
    for on in [OnBusy::Queue, OnBusy::Reject, OnBusy::Interrupt, OnBusy::Steer] {
        let mut session = Session::new();
        let (reply, _) = session.command("c1", on_busy("a", Some("k"), on));
        let head = session.head();
        assert_eq!(session.command("c2", on_busy("a", Some("k"), on)).0, reply, "{on}");
        assert_eq!(session.head(), head, "{on}");
    }
}

#[test]
fn an_interrupt_cancels_the_running_turn_in_the_clients_name_and_runs_next() {
    let mut session = Session::new();
    let (one, id) = session.running("one");
    let (two, _) = session.prompt("two");
    let head = session.head();
    let (reply, effects) = session.command("c9", on_busy("now", None, OnBusy::Interrupt));
    let Ok(Reply::Turn(now)) = reply else { panic!("{reply:?}") };
    assert_eq!(session.kinds(head), ["prompt_queued", "cancel_requested"]);
    let cancel = session.record(head + 2);
    assert_eq!((&cancel.origin, cancel.turn), (&Origin::Client("c9".into()), Some(one)));
    assert_eq!(notified(&effects), ["session/cancel"]);
    assert_eq!(queue(&session), [now, two]);
    session.answered(id, Ok(r#"{"stopReason":"cancelled"}"#));
    assert_eq!(session.machine.state().main().running(), Some(now));
}

#[test]
fn an_interrupt_of_an_idle_session_is_an_ordinary_prompt_and_a_second_one_goes_first() {
    let mut session = Session::new();
    let (reply, effects) = session.command("c1", on_busy("a", None, OnBusy::Interrupt));
    assert!(reply.is_ok() && notified(&effects).is_empty());
    let Ok(Reply::Turn(b)) = session.command("c1", on_busy("b", None, OnBusy::Interrupt)).0 else { panic!() };
    let (reply, effects) = session.command("c1", on_busy("c", None, OnBusy::Interrupt));
    let Ok(Reply::Turn(c)) = reply else { panic!() };
    assert!(notified(&effects).is_empty(), "the turn is on its way out already");
    assert_eq!(queue(&session), [c, b]);
}

#[test]
fn the_queue_is_listed_with_keys_clients_and_content() {
    let mut session = Session::new();
    session.running("a");
    let Ok(Reply::Turn(turn)) = session.command("c7", prompt("b", Some("k"))).0 else { panic!() };
    let head = session.head();
    let (reply, _) = session.command("c1", Command::Queue(QueueCommand::List));
    let Ok(Reply::Queue(queue)) = reply else { panic!("{reply:?}") };
    let prompt = json!([{ "type": "text", "text": "b" }]);
    assert_eq!(
        serde_json::to_value(&queue).unwrap(),
        json!([{ "turn": turn, "key": "k", "client": "c7", "lane": "main", "prompt": prompt }])
    );
    assert_eq!(session.head(), head, "looking leaves no record");
}

#[test]
fn an_edited_prompt_is_what_the_agent_gets_and_the_log_says_who_edited_it() {
    let mut session = Session::new();
    let (_, id) = session.running("a");
    let (turn, _) = session.prompt("typo");
    let head = session.head();
    assert_eq!(session.command("c5", edit(turn, "better")).0, Ok(Reply::Done));
    assert_eq!(session.kinds(head), ["prompt_edited"]);
    let record = session.record(head + 1);
    assert_eq!((&record.origin, record.turn), (&Origin::Client("c5".into()), Some(turn)));
    session.crash();
    let (_, effects) = session.command("c1", Command::Attach { params: raw("{}") });
    assert!(starts(&effects), "{id:?}");
    let effects = session.agent(FromAgent::Started(agent_started(Start::Load)));
    assert_eq!(call(&effects).2.unwrap()["prompt"][0]["text"], "better", "also after a restart");
}

#[test]
fn prompts_are_put_before_others_or_behind_all() {
    let mut session = Session::new();
    session.running("a");
    let [b, c, d] = ["b", "c", "d"].map(|text| session.prompt(text).0);
    let cases = [
        (d, Some(b), vec![d, b, c]),
        (d, None, vec![b, c, d]),
        (b, Some(d), vec![c, b, d]),
        (c, Some(d), vec![b, c, d]),
    ];
    for (turn, before, wanted) in cases {
        let head = session.head();
        assert_eq!(session.command("c5", move_before(turn, before)).0, Ok(Reply::Done));
        assert_eq!((session.kinds(head), queue(&session)), (vec!["prompt_moved"], wanted));
    }
    let head = session.head();
    for (turn, before) in [(b, Some(c)), (d, None), (b, Some(b))] {
        assert_eq!(session.command("c5", move_before(turn, before)).0, Ok(Reply::Done));
    }
    assert_eq!(session.head(), head, "a move to where it is leaves no record");
    assert!(session.command("c5", move_before(b, Some(999))).0.is_err());
    assert_eq!(session.head(), head);
}

#[test]
fn a_withdrawn_prompt_is_cancelled_and_the_agent_never_sees_it() {
    let mut session = Session::new();
    session.running("a");
    let (turn, _) = session.prompt("b");
    let head = session.head();
    assert_eq!(session.command("c5", withdraw(turn)).0, Ok(Reply::Done));
    assert_eq!(session.kinds(head), ["cancel_requested", "turn_ended"]);
    assert_eq!(session.record(head + 1).origin, Origin::Client("c5".into()));
    assert_eq!(session.outcome(turn), Some(Outcome::Cancelled { result: None, killed: false }));
}

#[test]
fn what_has_started_or_ended_is_neither_edited_nor_moved_nor_withdrawn() {
    let mut session = Session::new();
    let (one, id) = session.running("one");
    session.answered(id, DONE);
    let (two, _) = session.running("two");
    let head = session.head();
    for (turn, why) in [
        (one, Refusal::TurnEnded { turn: one, outcome: "completed".into() }),
        (two, Refusal::TurnStarted { turn: two }),
        (999, Refusal::UnknownTurn { turn: 999 }),
    ] {
        for command in [edit(turn, "x"), move_before(turn, None), withdraw(turn)] {
            assert_eq!(session.command("c1", command).0, Err(why.clone()));
        }
    }
    assert_eq!(session.head(), head);
}

#[test]
fn everything_that_waits_is_cancelled_and_what_runs_goes_on_or_not_as_it_was_asked() {
    for (scope, stops) in [(CancelScope::Queued, false), (CancelScope::All, true)] {
        let mut session = Session::new();
        let (one, _) = session.running("one");
        let waiting = ["two", "three"].map(|text| session.prompt(text).0);
        let reason = Some("it is late".to_owned());
        let cancel = Command::Cancel { lane: None, turn: None, scope, reason };
        let (_, effects) = session.command("c5", cancel);
        assert_eq!(notified(&effects) == ["session/cancel"], stops);
        assert_eq!(session.machine.state().turn(one).unwrap().cancel_requested, stops);
        for turn in waiting {
            assert!(matches!(session.outcome(turn), Some(Outcome::Cancelled { .. })));
        }
        let cancels = session.log.iter().filter(|record| record.kind.as_str() == "cancel_requested");
        assert!(cancels.into_iter().all(|record| value(&record.body) == json!({ "reason": "it is late" })));
    }
}

#[test]
fn a_reason_that_is_too_long_is_cut_and_the_stop_stops() {
    let mut session = Session::new();
    session.running("one");
    let reason = Some(format!("x{}", "ä".repeat(1000)));
    let cancel = Command::Cancel { lane: None, turn: None, scope: CancelScope::Turn, reason };
    assert_eq!(session.command("c5", cancel).0, Ok(Reply::Done));
    let body = value(&session.record(session.head()).body);
    assert_eq!(body["reason"].as_str().unwrap().len(), 1023);
}

#[test]
fn an_idle_session_has_nothing_to_cancel_in_any_scope() {
    let mut session = Session::new();
    let head = session.head();
    for scope in [CancelScope::Turn, CancelScope::Queued, CancelScope::All] {
        let (_, effects) = session.command("c5", Command::Cancel { lane: None, turn: None, scope, reason: None });
        assert!(effects.is_empty());
    }
    assert_eq!(session.head(), head);
}

#[test]
fn after_a_restart_those_that_may_run_run_in_order_up_to_the_first_that_waits() {
    let mut session = Session::new();
    session.running("a");
    let one = after_restart(&mut session, "one", AfterRestart::Run);
    let two = after_restart(&mut session, "two", AfterRestart::Wait);
    let three = after_restart(&mut session, "three", AfterRestart::Run);
    assert!(starts(&session.crash()));
    let effects = session.agent(FromAgent::Started(agent_started(Start::Load)));
    assert_eq!(session.machine.state().main().running(), Some(one));
    let effects = session.answered(call(&effects).0, DONE);
    assert!(effects.is_empty());
    assert_eq!((session.machine.state().main().running(), queue(&session)), (None, vec![two, three]));
    let (_, effects) = session.command("c1", Command::Attach { params: raw("{}") });
    assert_eq!((call(&effects).1.as_str(), session.machine.state().main().running()), ("session/prompt", Some(two)));
}

#[test]
fn a_prompt_whose_outcome_is_unknown_is_not_run_again_even_if_it_may_run_after_a_restart() {
    let mut session = Session::new();
    let turn = after_restart(&mut session, "a", AfterRestart::Run);
    assert_eq!(session.machine.state().main().running(), Some(turn));
    assert!(session.crash().is_empty());
    assert!(matches!(session.outcome(turn), Some(Outcome::Interrupted { .. })));
    assert!(session.command("c1", Command::Attach { params: raw("{}") }).1.is_empty());
}

#[test]
fn an_agent_that_cannot_start_after_a_restart_fails_only_those_that_were_to_run() {
    let mut session = Session::new();
    session.running("a");
    let one = after_restart(&mut session, "one", AfterRestart::Run);
    let two = after_restart(&mut session, "two", AfterRestart::Wait);
    session.crash();
    let error = Refusal::NotStarted { why: "gone".into() };
    let effects: Vec<Effect> = session.agent(FromAgent::StartFailed { error });
    assert!(effects.is_empty());
    assert!(matches!(session.outcome(one), Some(Outcome::Failed { .. })));
    assert_eq!(queue(&session), [two]);
}
