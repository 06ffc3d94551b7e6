//! What else a client may want: calls to the agent, modes and options, attach, close, delete.

use crate::support::{Session, agent_started, call, notified, plan, raw, replies, responses, starts, stops, value};
use acp_bridge::session::{Command, Config, Effect, FromAgent, Refusal, Reply};
use acp_types::record::Origin;
use acp_types::record::body::{Outcome, SessionUpdated, Start};
use acp_types::{Raw, RawBuf};
use serde_json::json;

#[test]
fn a_call_passes_to_the_agent_and_its_answer_back_as_they_are() {
    let mut session = Session::new();
    let params = Some(raw(r#"{"sessionId":"s","a":1e2,"_meta":{"acp-bridge":{}}}"#));
    let (command, effects) = session.open_command("c1", Command::Call { lane: None, method: "_x/y".into(), params });
    let Effect::Call { call, method, params: Some(params), .. } = &effects[0] else { panic!("{effects:?}") };
    assert_eq!((method.as_str(), params.as_str()), ("_x/y", r#"{"sessionId":"agent-1","a":1e2}"#));
    let head = session.head();
    let effects = session.answered(*call, Err(r#"{"code":1,"message":"m","z":1e2}"#));
    let error = raw(r#"{"code":1,"message":"m","z":1e2}"#);
    assert_eq!(replies(&effects), [(command, Ok(Reply::Agent(Err(error))))]);
    assert_eq!(session.head(), head);
}

#[test]
fn a_call_without_session_id_or_params_gets_none() {
    let mut session = Session::new();
    for params in [None, Some(r#"{"a":1}"#), Some("[1]")] {
        let command = Command::Call { lane: None, method: "_x/y".into(), params: params.map(raw) };
        let (_, effects) = session.open_command("c1", command);
        let Effect::Call { params: passed, .. } = &effects[0] else { panic!("{effects:?}") };
        assert_eq!(passed.as_ref().map(RawBuf::as_str), params);
    }
}

#[test]
fn a_mode_or_option_that_the_agent_has_taken_is_recorded_before_the_reply() {
    let mut session = Session::new();
    let set = |session: &mut Session, method: &str, params: &str, result: Result<&str, &str>| {
        let command = Command::Call { lane: None, method: method.into(), params: Some(raw(params)) };
        let (id, effects) = session.open_command("c1", command);
        let head = session.head();
        let effects = session.answered(call(&effects).0, result);
        assert_eq!(replies(&effects)[0].0, id);
        session.log[usize::try_from(head).unwrap()..].to_vec()
    };
    let refused = set(&mut session, "session/set_mode", r#"{"modeId":"auto"}"#, Err(r#"{"code":1,"message":"no"}"#));
    assert_eq!(refused, []);
    let records = set(&mut session, "session/set_mode", r#"{"modeId":"auto"}"#, Ok("{}"));
    assert_eq!((records.len(), &records[0].origin), (1, &Origin::Client("c1".into())));
    assert_eq!(records[0].decode::<SessionUpdated>().unwrap().mode.as_deref(), Some("auto"));
    assert_eq!(set(&mut session, "session/set_mode", r#"{"modeId":"auto"}"#, Ok("{}")), [], "no news");
    let records = set(&mut session, "session/set_config_option", "{}", Ok(r#"{"configOptions":[{"id":"m"}]}"#));
    assert_eq!(value(&records[0].body), json!({ "configOptions": [{ "id": "m" }] }), "which option nobody knows");
    let state = session.machine.state();
    assert_eq!(
        (state.main().mode(), state.main().config_options().map(Raw::as_str)),
        (Some("auto"), Some(r#"[{"id":"m"}]"#))
    );
}

#[test]
fn a_notification_of_a_client_passes_to_the_agent_and_is_lost_without_one() {
    let mut session = Session::new();
    let notify = || Command::Notify { lane: None, method: "_x".into(), params: Some(raw(r#"{"sessionId":"s"}"#)) };
    let (reply, effects) = session.command("c1", notify());
    assert_eq!((reply, notified(&effects)), (Ok(Reply::Done), vec!["_x"]));
    session.exits();
    let (reply, effects) = session.command("c1", notify());
    assert_eq!((reply, effects.len()), (Ok(Reply::Done), 0));
}

#[test]
fn calls_wait_for_the_agent_and_only_so_many() {
    let mut session = Session::new();
    session.exits();
    let command = || Command::Call { lane: None, method: "_x".into(), params: None };
    let (first, effects) = session.open_command("c1", command());
    assert!(starts(&effects), "the first brings the agent back");
    for _ in 1..64 {
        assert!(session.open_command("c1", command()).1.is_empty());
    }
    let (reply, _) = session.command("c1", command());
    assert_eq!(reply.unwrap_err(), Refusal::StartCrowded { waiting: 64 });
    let effects = session.agent(FromAgent::Started(agent_started(Start::Load)));
    let calls: Vec<_> = effects.iter().filter(|effect| matches!(effect, Effect::Call { .. })).collect();
    assert_eq!(calls.len(), 64);
    let Effect::Call { call, .. } = calls[0] else { unreachable!() };
    assert_eq!(replies(&session.answered(*call, Ok("1"))), [(first, Ok(Reply::Agent(Ok(raw("1")))))]);
}

#[test]
fn an_agent_that_answers_nothing_gets_only_so_many_calls() {
    let mut config = Config::default();
    config.max_open_calls = 2;
    let mut session = Session::with(config, "{}", vec![]);
    let command = || Command::Call { lane: None, method: "_x".into(), params: None };
    session.open_command("c1", command());
    session.open_command("c1", command());
    assert_eq!(session.command("c1", command()).0.unwrap_err(), Refusal::AgentCrowded { open: 2 });
}

#[test]
fn open_calls_are_answered_when_the_agent_exits_or_cannot_start() {
    let mut session = Session::new();
    let command = || Command::Call { lane: None, method: "_x".into(), params: None };
    let (id, _) = session.open_command("c1", command());
    let effects = session.exits();
    let [(replied, Err(Refusal::NoAnswer { reason }))] = &replies(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(*replied, id);
    assert!(reason.contains("exit status 7"), "{reason}");
    let (id, _) = session.open_command("c1", command());
    let error = Refusal::Agent { error: raw(r#"{"code":-32000,"message":"log in"}"#) };
    let effects = session.agent(FromAgent::StartFailed { error: error.clone() });
    assert_eq!(replies(&effects), [(id, Err(error))]);
}

#[test]
fn an_attach_gives_the_state_and_what_the_next_start_needs() {
    let mut session = Session::with(Config::default(), r#"{"cwd":"/w","mcpServers":[{"name":"old"}],"n":1e2}"#, vec![]);
    let params =
        r#"{"sessionId":"s","cwd":"/elsewhere","mcpServers":[{"name":"brought"}],"additionalDirectories":["/d"]}"#;
    let (reply, effects) = session.command("c1", Command::Attach { params: raw(params) });
    assert_eq!(reply, Ok(Reply::State(raw(r#"{"modes":{"currentModeId":"ask"}}"#))));
    assert!(effects.is_empty());
    session.exits();
    let (_, effects) = session.prompt("a");
    let params = r#"{"cwd":"/w","mcpServers":[{"name":"brought"}],"n":1e2,"additionalDirectories":["/d"]}"#;
    assert_eq!(plan(&effects).params.as_str(), params);
    assert_eq!(plan(&effects).agent_session.as_deref(), Some("agent-1"));
    assert!(!session.log.iter().any(|record| record.body.as_str().contains("brought")), "not in the log");
    assert!(session.kept.as_ref().is_some_and(|kept| kept.as_str().contains("brought")));
}

#[test]
fn a_session_at_rest_is_opened_with_the_directories_that_are_named_and_no_others() {
    let made = r#"{"cwd":"/w","mcpServers":[{"name":"old"}],"additionalDirectories":["/d"]}"#;
    let bare = r#"{"sessionId":"s","cwd":"/w","mcpServers":[]}"#;
    let next = |before: &str, opened: &str| {
        let mut session = Session::with(Config::default(), made, vec![]);
        match before {
            "closed" => drop(session.command("c1", Command::Close)),
            "ended" => drop(session.exits()),
            "attended" => {
                session.command("c2", Command::SetPresence { present: true }).0.expect("it is there");
                session.exits();
            }
            _ => {}
        }
        session.command("c1", Command::Attach { params: raw(opened) }).0.expect("attached");
        if before == "running" {
            session.exits();
        }
        let (_, effects) = session.prompt("a");
        plan(&effects).params.as_str().to_owned()
    };
    let without = r#"{"cwd":"/w","mcpServers":[{"name":"old"}],"additionalDirectories":[]}"#;
    let another = bare.replace("[]", r#"[],"additionalDirectories":["/e"]"#);
    for before in ["closed", "ended"] {
        assert_eq!(next(before, bare), without);
        assert_eq!(next(before, &another), made.replace("/d", "/e"));
        assert_eq!(next(before, r#"{"sessionId":"s"}"#), made, "`session/attach` names none");
    }
    assert_eq!(next("attended", bare), made, "somebody else is there");
    assert_eq!(next("running", bare), made);
}

#[test]
fn closing_ends_all_turns_stops_the_agent_and_answers_everybody() {
    let mut session = Session::new();
    let (one, _) = session.running("one");
    session.asks_permission(9);
    let (two, _) = session.prompt("two");
    let (id, _) = session.open_command("c1", Command::Call { lane: None, method: "_x".into(), params: None });
    let head = session.head();
    let (reply, effects) = session.command("c1", Command::Close);
    assert_eq!(reply, Ok(Reply::Done));
    assert_eq!(
        session.kinds(head),
        [
            "cancel_requested",
            "permission_resolved",
            "turn_ended",
            "cancel_requested",
            "turn_ended",
            "agent_exited",
            "session_closed"
        ]
    );
    for turn in [one, two] {
        assert_eq!(session.outcome(turn), Some(Outcome::Cancelled { result: None, killed: false }));
    }
    assert_eq!((notified(&effects), stops(&effects)), (vec!["session/cancel"], Some(false)));
    assert_eq!(responses(&effects).len(), 1);
    assert!(matches!(&replies(&effects)[..], [(replied, Err(_))] if *replied == id));

    let head = session.head();
    let (reply, effects) = session.command("c1", Command::Close);
    assert_eq!((reply, effects.len(), session.head()), (Ok(Reply::Done), 0, head), "once is enough");
    let (turn, effects) = session.prompt("again");
    assert!(starts(&effects) && !session.machine.state().closed());
    session.agent(FromAgent::Started(agent_started(Start::Resume)));
    assert_eq!(session.machine.state().main().running(), Some(turn));
}

#[test]
fn deleting_closes_first_and_is_acknowledged_by_the_deletion() {
    let mut session = Session::new();
    let (turn, _) = session.running("one");
    let (id, effects) = session.open_command("c1", Command::Delete);
    assert!(session.outcome(turn).is_some());
    assert!(replies(&effects).is_empty());
    assert!(matches!(effects.last(), Some(Effect::Delete { command }) if *command == id));
}

#[test]
fn a_session_that_looked_unused_is_deleted_only_if_nothing_has_happened_since_and_nobody_is_there() {
    let mut session = Session::new();
    let seen = session.head();
    let (turn, _) = session.running("one");
    let head = session.head();
    let refused = |session: &mut Session, head| {
        let (reply, effects) = session.command("retention", Command::DeleteIdle { head });
        assert_eq!((reply, effects.len()), (Err(Refusal::InUse), 0));
    };
    refused(&mut session, seen);
    session.command("c1", Command::SetPresence { present: true }).0.unwrap();
    refused(&mut session, head);
    assert_eq!((session.head(), session.outcome(turn)), (head, None), "nothing was done");
    session.command("c1", Command::SetPresence { present: false }).0.unwrap();
    let (id, effects) = session.open_command("retention", Command::DeleteIdle { head });
    assert!(matches!(effects.last(), Some(Effect::Delete { command }) if *command == id));
}

#[test]
fn commands_about_no_session_are_refused() {
    let mut session = Session::new();
    for command in
        [Command::Describe { initialize: raw("{}") }, Command::Create { params: raw("{}"), initialize: raw("{}") }]
    {
        assert_eq!(session.command("c1", command).0, Err(Refusal::NeedsNoSession));
    }
}

#[test]
fn a_title_that_the_agent_has_taken_is_recorded_and_told_to_all_before_the_reply() {
    let mut session = Session::new();
    let title = |session: &mut Session, result: Result<&str, &str>, told: Option<&str>| {
        let params = Some(raw(r#"{"title":" Mine "}"#));
        let command = Command::Call { lane: None, method: "session/set_title".into(), params };
        let (id, effects) = session.open_command("c1", command);
        if let Some(title) = told {
            session.agent(FromAgent::Update(raw(title).into()));
        }
        let head = session.head();
        let effects = session.answered(call(&effects).0, result);
        assert_eq!(replies(&effects)[0].0, id);
        session.log[usize::try_from(head).unwrap()..].to_vec()
    };
    assert_eq!(title(&mut session, Err(r#"{"code":1,"message":"no"}"#), None), []);
    let records = title(&mut session, Ok(r#"{"title":"Mine"}"#), None);
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].origin, Origin::Client("c1".into()));
    assert_eq!(records[0].decode::<SessionUpdated>().unwrap().title.as_deref(), Some("Mine"));
    assert_eq!(value(&records[1].body)["update"], json!({ "sessionUpdate": "session_info_update", "title": "Mine" }));
    assert_eq!(session.machine.state().title(), Some("Mine"));
    assert_eq!(title(&mut session, Ok(r#"{"title":"Mine"}"#), None), [], "no news");
    let update = r#"{"sessionId":"agent-1","update":{"sessionUpdate":"session_info_update","title":"Other"}}"#;
    assert_eq!(title(&mut session, Ok(r#"{"title":"Other"}"#), Some(update)), [], "the agent has told all itself");
}
