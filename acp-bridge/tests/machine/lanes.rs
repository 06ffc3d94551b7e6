//! Several agents in one session: each lane has its own turns, stops, requests and recovery.

use std::sync::Arc;

use crate::support::{
    SECOND, Session, agent_started, call, notified, plan, raw, replies, responses, starts, stops, update,
};
use acp_bridge::session::{CallId, Command, Config, Effect, FromAgent, Refusal, Reply};
use acp_types::RequestId;
use acp_types::meta::{AfterRestart, CancelScope, OnBusy};
use acp_types::record::body::{LaneJoined, LaneLeft, Outcome, Start};
use acp_types::record::{Kind, Record, Turn};

const PERMISSION: &str = "session/request_permission";
const END: &str = r#"{"stopReason":"end_turn"}"#;

fn add(name: &str) -> Command {
    Command::LaneAdd { lane: name.into(), agent: "profile".into() }
}

/// A session with a lane `a` whose agent serves.
fn with_lane() -> Session {
    let mut session = Session::new();
    join(&mut session, "a");
    session
}

fn join(session: &mut Session, name: &str) {
    let (command, effects) = session.open_command("c1", add(name));
    assert!(starts(&effects));
    let effects = session.agent_of(name, FromAgent::Started(agent_started(Start::New)));
    let modes = raw(r#"{"modes":{"currentModeId":"ask"}}"#);
    assert_eq!(replies(&effects), [(command, Ok(Reply::State(modes)))]);
}

fn prompt_in(session: &mut Session, lane: &str, text: &str) -> (Turn, Vec<Effect>) {
    let Command::Prompt { params, .. } = crate::support::prompt(text, None) else { unreachable!() };
    let command = Command::Prompt {
        lane: Some(lane.into()),
        params,
        key: None,
        on_busy: OnBusy::Queue,
        after_restart: AfterRestart::Wait,
        accept_context_loss: false,
    };
    let (reply, effects) = session.command("c1", command);
    let Ok(Reply::Turn(turn)) = reply else { panic!("{reply:?}") };
    (turn, effects)
}

fn runs_in(session: &mut Session, lane: &str, text: &str) -> (Turn, CallId) {
    let (turn, effects) = prompt_in(session, lane, text);
    assert_eq!(session.machine.state().lane(lane).expect("the lane").running(), Some(turn));
    (turn, call(&effects).0)
}

/// The lanes of the records after `seq`, without repetitions in a row.
fn lanes_after(session: &Session, seq: u64) -> Vec<&str> {
    let mut lanes: Vec<&str> = session.log.iter().filter(|r| r.seq > seq).map(|r| &*r.lane).collect();
    lanes.dedup();
    lanes
}

#[test]
fn a_lane_joins_once_its_agent_serves() {
    let mut session = Session::new();
    let head = session.head();
    let (command, effects) = session.open_command("c1", add("a"));
    let plan = plan(&effects);
    assert_eq!((plan.source.profile(), plan.agent_session.as_deref()), (Some("profile"), None));
    assert_eq!(plan.params, raw(r#"{"cwd":"/w","mcpServers":[]}"#));
    assert_eq!(session.head(), head, "there is no lane yet");
    let effects = session.agent_of("a", FromAgent::Started(agent_started(Start::New)));
    assert_eq!(replies(&effects)[0].0, command);
    assert_eq!(session.kinds(head), ["lane_joined", "agent_started"]);
    assert_eq!(lanes_after(&session, head), ["a"]);
    let joined: LaneJoined = session.only(head, &Kind::LaneJoined).decode().unwrap();
    assert_eq!(joined, LaneJoined { agent: "profile".into(), by: Some("c1".into()), dialled: false });
    assert!(session.machine.state().lane("a").unwrap().agent_alive());
}

#[test]
fn a_lane_whose_agent_does_not_start_never_was_and_the_name_is_free() {
    let mut session = Session::new();
    let head = session.head();
    let (command, _) = session.open_command("c1", add("a"));
    let (twice, _) = session.command("c1", add("a"));
    assert_eq!(twice.unwrap_err(), Refusal::LaneExists { lane: "a".into() });
    let error = Refusal::NotStarted { why: "no such program".into() };
    let effects = session.agent_of("a", FromAgent::StartFailed { error: error.clone() });
    assert_eq!(replies(&effects), [(command, Err(error))]);
    assert_eq!((session.head(), session.machine.state().lanes().count()), (head, 1));
    join(&mut session, "a");
}

#[test]
fn names_are_plain_and_used_once_and_lanes_are_limited() {
    let mut config = Config::default();
    config.max_lanes = 3;
    let mut session = Session::with(config, "{}", vec![]);
    for name in ["", "a b", "ä", "a/b", &"x".repeat(65)] {
        assert_eq!(session.command("c1", add(name)).0, Err(Refusal::LaneName { max: 64 }));
    }
    join(&mut session, "a.b-c_D9");
    for name in ["main", "a.b-c_D9"] {
        assert_eq!(session.command("c1", add(name)).0, Err(Refusal::LaneExists { lane: name.into() }));
    }
    // One that is about to join counts.
    session.open_command("c1", add("b"));
    assert_eq!(session.command("c1", add("c")).0, Err(Refusal::TooManyLanes { max: 3 }));
}

#[test]
fn two_lanes_run_turns_at_the_same_time_and_each_record_says_whose_it_is() {
    let mut session = with_lane();
    let (one, main_call) = session.running("in main");
    let (two, lane_call) = runs_in(&mut session, "a", "in a");
    assert_ne!(one, two);
    let head = session.head();
    for lane in ["main", "a", "main"] {
        session.agent_of(lane, update(r#"{"sessionId":"agent-1","update":{}}"#));
    }
    assert_eq!(lanes_after(&session, head), ["main", "a", "main"]);
    let turns: Vec<_> = session.log.iter().filter(|r| r.seq > head).map(|r| r.turn.unwrap()).collect();
    assert_eq!(turns, [one, two, one]);
    assert!(session.record(head + 2).body.as_str().contains(r#""lane":"a""#));
    session.agent_of("a", FromAgent::Answered { call: lane_call, outcome: Ok(raw(END)) });
    assert_eq!(session.machine.state().main().running(), Some(one));
    session.answered(main_call, Ok(END));
    assert!(session.outcome(one).is_some() && session.outcome(two).is_some());
}

#[test]
fn an_answer_of_another_lanes_agent_ends_nothing() {
    let mut session = with_lane();
    let (one, main_call) = session.running("in main");
    session.agent_of("a", FromAgent::Answered { call: main_call, outcome: Ok(raw(END)) });
    assert_eq!(session.machine.state().main().running(), Some(one));
}

#[test]
fn a_stop_goes_to_the_lane_that_is_named_or_that_has_the_turn_and_leaves_the_others_running() {
    let mut session = with_lane();
    let (one, _) = session.running("in main");
    let (two, _) = runs_in(&mut session, "a", "in a");
    let (reply, effects) = session
        .command("c2", Command::Cancel { lane: Some("a".into()), turn: None, scope: CancelScope::Turn, reason: None });
    assert_eq!((reply, notified(&effects)), (Ok(Reply::Done), vec!["session/cancel"]));
    assert!(matches!(&effects[0], Effect::Notify { lane, .. } if &**lane == "a"));
    let state = session.machine.state();
    assert!(state.turn(two).unwrap().cancel_requested && !state.turn(one).unwrap().cancel_requested);

    // The agent of `a` ignores it and is killed; `main` does not notice.
    session.now += 11 * SECOND;
    let effects = session.input(acp_bridge::session::Input::Tick);
    assert_eq!(stops(&effects), Some(true));
    assert_eq!(session.outcome(two), Some(Outcome::Cancelled { result: None, killed: true }));
    assert_eq!(session.machine.state().main().running(), Some(one));
    assert!(session.machine.state().main().agent_alive());

    session.agent_of("a", FromAgent::Started(agent_started(Start::Load)));
    let (three, _) = runs_in(&mut session, "a", "again");
    session.cancel(Some(three));
    assert!(session.machine.state().turn(three).unwrap().cancel_requested);
    // A turn that is named together with another lane than its own is not stopped.
    let (stopped, _) = session.command(
        "c2",
        Command::Cancel { lane: Some("a".into()), turn: Some(one), scope: CancelScope::Turn, reason: None },
    );
    assert_eq!(stopped, Ok(Reply::Done));
    assert!(!session.machine.state().turn(one).unwrap().cancel_requested);
}

#[test]
fn an_unknown_lane_is_named_together_with_those_that_there_are() {
    let mut session = with_lane();
    let lane: Option<Arc<str>> = Some("b".into());
    let params = raw("{}");
    for command in [
        Command::Prompt {
            lane: lane.clone(),
            params,
            key: None,
            on_busy: OnBusy::Queue,
            after_restart: AfterRestart::Wait,
            accept_context_loss: false,
        },
        Command::Cancel { lane: lane.clone(), turn: None, scope: CancelScope::Turn, reason: None },
        Command::Call { lane: lane.clone(), method: "_x".into(), params: None },
        Command::Notify { lane, method: "_x".into(), params: None },
        Command::LaneRemove { lane: "b".into() },
    ] {
        let head = session.head();
        let unknown = Refusal::UnknownLane { lane: "b".into(), lanes: vec!["main".into(), "a".into()] };
        assert_eq!(session.command("c1", command).0, Err(unknown));
        assert_eq!(session.head(), head);
    }
}

#[test]
fn requests_with_the_same_id_in_two_lanes_each_get_the_answer_to_their_own() {
    let mut session = with_lane();
    let mut asks = |lane: &str| {
        let params = Some(raw(r#"{"sessionId":"agent-1"}"#));
        session.agent_of(lane, FromAgent::Request { id: RequestId::from(1), method: PERMISSION.into(), params });
        session.head()
    };
    let (of_main, of_lane) = (asks("main"), asks("a"));
    for (request, lane) in [(of_lane, "a"), (of_main, "main")] {
        let (_, effects) = session.command("c1", Command::Answer { request, answer: Ok(raw("{}")) });
        assert_eq!(responses(&effects).len(), 1);
        assert!(effects.iter().any(|e| matches!(e, Effect::Respond { lane: of, .. } if &**of == lane)));
        assert_eq!(&*session.record(session.head()).lane, lane);
    }
}

#[test]
fn files_and_commands_are_served_to_the_lane_whose_agent_asks() {
    let mut session = with_lane();
    for lane in ["a", "main"] {
        let id = RequestId::from(1);
        let request = FromAgent::Request { id: id.clone(), method: "terminal/create".into(), params: None };
        let effects = session.agent_of(lane, request);
        assert!(matches!(&effects[..], [Effect::Serve { lane: of, .. }] if &**of == lane), "{effects:?}");
        let effects = session.agent_of(lane, FromAgent::Withdrew(id));
        assert!(matches!(&effects[..], [Effect::Unserve { lane: of, .. }] if &**of == lane), "{effects:?}");
    }
}

#[test]
fn the_exit_of_one_agent_interrupts_its_turn_and_no_other() {
    let mut session = with_lane();
    let (one, _) = session.running("in main");
    let (two, _) = runs_in(&mut session, "a", "in a");
    let head = session.head();
    session.agent_of("a", FromAgent::Exited { reason: "killed".into() });
    assert_eq!(lanes_after(&session, head), ["a"]);
    assert!(matches!(session.outcome(two), Some(Outcome::Interrupted { .. })));
    assert_eq!(session.machine.state().main().running(), Some(one));
    let (_, effects) = prompt_in(&mut session, "a", "next");
    let plan = plan(&effects);
    assert_eq!((plan.source.profile(), plan.agent_session.as_deref()), (Some("profile"), Some("agent-1")));
}

#[test]
fn modes_are_of_the_lane_and_the_title_is_what_main_says() {
    let mut session = with_lane();
    let mode = r#"{"sessionId":"agent-1","update":{"sessionUpdate":"current_mode_update","currentModeId":"auto"}}"#;
    let title = r#"{"sessionId":"agent-1","update":{"sessionUpdate":"session_info_update","title":"T"}}"#;
    session.agent_of("a", update(mode));
    session.agent_of("a", update(title));
    let state = session.machine.state();
    assert_eq!((state.main().mode(), state.lane("a").unwrap().mode()), (Some("ask"), Some("auto")));
    assert_eq!(state.title(), None);
    session.agent_of("main", update(title));
    assert_eq!(session.machine.state().title(), Some("T"));
}

#[test]
fn a_lane_that_is_removed_ends_what_it_runs_and_queues_once_and_stops_its_agent() {
    let mut session = with_lane();
    let (one, _) = session.running("in main");
    let (two, _) = runs_in(&mut session, "a", "in a");
    let (three, _) = prompt_in(&mut session, "a", "queued");
    let params = Some(raw(r#"{"sessionId":"agent-1"}"#));
    session.agent_of("a", FromAgent::Request { id: RequestId::from(1), method: PERMISSION.into(), params });
    let head = session.head();
    let (reply, effects) = session.command("c2", Command::LaneRemove { lane: "a".into() });
    assert_eq!((reply, stops(&effects)), (Ok(Reply::Done), Some(false)));
    let cancelled = Some(Outcome::Cancelled { result: None, killed: false });
    assert_eq!((session.outcome(two), session.outcome(three)), (cancelled.clone(), cancelled));
    assert_eq!(session.kinds(head).last(), Some(&"lane_left"));
    assert_eq!(lanes_after(&session, head), ["a"]);
    let left: LaneLeft = session.only(head, &Kind::LaneLeft).decode().unwrap();
    assert!(left.reason.contains("removed"));
    assert_eq!(session.only(head, &Kind::LaneLeft).origin.client().map(|c| &**c), Some("c2"));
    let state = session.machine.state();
    assert_eq!((state.lane("a"), state.main().running(), state.pending().count()), (None, Some(one), 0));

    // What the old agent still says is nobody's, and the name can be used again.
    let head = session.head();
    session.agent_of("a", update(r#"{"sessionId":"agent-1"}"#));
    assert_eq!(session.head(), head);
    session.cancel(Some(two));
    join(&mut session, "a");
    runs_in(&mut session, "a", "new");
}

#[test]
fn main_stays() {
    let mut session = with_lane();
    let remove = Command::LaneRemove { lane: Record::MAIN_LANE.into() };
    assert_eq!(session.command("c1", remove).0, Err(Refusal::MainStays));
}

#[test]
fn after_a_crash_each_lane_is_closed_and_comes_back_when_it_is_needed() {
    let mut session = with_lane();
    let (one, _) = session.running("in main");
    let (two, _) = runs_in(&mut session, "a", "in a");
    let (queued, _) = prompt_in(&mut session, "a", "queued");
    let head = session.head();
    let effects = session.crash();
    assert!(!starts(&effects));
    let kinds = ["agent_exited", "turn_ended", "agent_exited", "turn_ended"];
    assert_eq!((session.kinds(head), lanes_after(&session, head)), (kinds.to_vec(), vec!["main", "a"]));
    for turn in [one, two] {
        assert!(matches!(session.outcome(turn), Some(Outcome::Interrupted { .. })));
    }
    let (_, effects) = session.command("c1", Command::Attach { params: raw("{}") });
    let plan = plan(&effects);
    assert_eq!((plan.source.profile(), plan.agent_session.as_deref()), (Some("profile"), Some("agent-1")));
    session.agent_of("a", FromAgent::Started(agent_started(Start::Load)));
    assert_eq!(session.machine.state().lane("a").unwrap().running(), Some(queued));
    assert!(!session.machine.state().main().agent_alive(), "nobody needs it");
}

#[test]
fn a_crash_while_a_lane_joins_leaves_no_lane() {
    let mut session = Session::new();
    session.open_command("c1", add("a"));
    session.crash();
    assert_eq!(session.machine.state().lanes().count(), 1);
    session.agent_of("a", FromAgent::Started(agent_started(Start::New)));
    assert_eq!(session.machine.state().lanes().count(), 1);
}

#[test]
fn close_and_shutdown_put_every_lane_to_rest_and_refuse_one_that_joins() {
    for close in [true, false] {
        let mut session = with_lane();
        session.running("in main");
        let (two, _) = runs_in(&mut session, "a", "in a");
        let (joining, _) = session.open_command("c1", add("b"));
        let effects = if close { session.command("c2", Command::Close).1 } else { session.shutdown() };
        let stopped = effects.iter().filter(|e| matches!(e, Effect::StopAgent { .. })).count();
        assert_eq!(stopped, 3);
        let refused = replies(&effects).into_iter().find(|(command, _)| *command == joining);
        assert!(refused.is_some_and(|(_, reply)| reply.is_err()));
        assert!(session.outcome(two).is_some());
        assert!(session.machine.state().lanes().all(|lane| lane.running().is_none() && !lane.agent_alive()));
        assert!(session.machine.state().lane("a").is_some(), "it is still a lane of the session");
    }
}
