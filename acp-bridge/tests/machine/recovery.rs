//! What a log says after the bridge or the agent died, and how it goes on (P7).

use crate::support::{
    Session, agent_started, call, plan, prompt, raw, replies, responses, starts, stops, update, value,
};
use acp_bridge::session::{Command, Config, FromAgent, Refusal, Reply};
use acp_types::record::body::{AgentExited, Outcome, Start};
use acp_types::record::{Kind, Origin};
use serde_json::json;

#[test]
fn a_turn_that_ran_when_the_bridge_died_is_interrupted() {
    let mut session = Session::new();
    let (turn, _) = session.running("a");
    session.asks_permission(1);
    session.asks(2, "_x", "{}");
    let head = session.head();
    let effects = session.crash();
    assert!(effects.is_empty());
    assert_eq!(session.kinds(head), ["agent_exited", "permission_resolved", "response", "turn_ended"]);
    assert!(session.log.iter().filter(|record| record.seq > head).all(|record| record.epoch == 2));
    let exited: AgentExited = session.record(head + 1).decode().unwrap();
    assert!(!exited.expected);
    let resolved = value(&session.record(head + 2).body);
    assert_eq!(resolved["result"], json!({ "outcome": { "outcome": "cancelled" } }));
    assert_eq!(resolved["cause"], "recovered");
    assert_eq!(value(&session.record(head + 3).body)["error"]["code"], -32800);
    let reason = "the bridge stopped while the turn ran; what the agent did after the last record is unknown";
    assert_eq!(session.outcome(turn), Some(Outcome::Interrupted { reason: reason.into() }));
}

#[test]
fn an_idle_session_whose_agent_was_gone_is_opened_without_a_record() {
    let mut session = Session::new();
    session.exits();
    let head = session.head();
    session.crash();
    session.crash();
    assert_eq!(session.head(), head);
}

#[test]
fn the_agent_is_started_again_only_for_the_next_prompt() {
    let mut session = Session::new();
    session.crash();
    let (reply, effects) = session.command("c1", Command::Attach { params: raw("{}") });
    assert!(matches!(reply, Ok(Reply::State(_))) && effects.is_empty());
    let (turn, effects) = session.prompt("a");
    let plan = plan(&effects);
    assert_eq!(
        (plan.agent_session.as_deref(), plan.initialize.as_str()),
        (Some("agent-1"), r#"{"protocolVersion":1}"#)
    );
    let effects = session.agent(FromAgent::Started(agent_started(Start::Resume)));
    assert_eq!(session.machine.state().main().running(), Some(turn));
    assert_eq!(call(&effects).2.unwrap()["sessionId"], "agent-1");
}

#[test]
fn an_agent_that_came_back_anew_is_addressed_by_its_new_session() {
    let mut session = Session::new();
    session.crash();
    session.prompt("a");
    let mut started = agent_started(Start::ContextLost);
    started.agent_session = Some("agent-2".into());
    let effects = session.agent(FromAgent::Started(started));
    assert_eq!(call(&effects).2.unwrap()["sessionId"], "agent-2");
}

#[test]
fn queued_turns_wait_after_a_restart_until_a_client_attaches() {
    let mut session = Session::new();
    session.running("a");
    let (two, _) = session.prompt("two");
    assert!(session.crash().is_empty());
    assert_eq!(session.machine.state().main().queue().collect::<Vec<_>>(), [two]);
    let (id, effects) = session.open_command("c1", Command::Call { lane: None, method: "_x".into(), params: None });
    assert!(starts(&effects));
    let effects = session.agent(FromAgent::Started(agent_started(Start::Load)));
    assert_eq!(call(&effects).1, "_x", "a call does not set them off");
    session.answered(call(&effects).0, Ok("{}"));
    let (_, effects) = session.command("c1", Command::Attach { params: raw("{}") });
    assert_eq!(call(&effects).1, "session/prompt");
    assert_eq!((session.machine.state().main().running(), id.0 > 0), (Some(two), true));
}

#[test]
fn a_prompt_sent_again_sets_queued_turns_off_after_a_restart() {
    let mut session = Session::new();
    session.running("a");
    let (reply, _) = session.command("c1", prompt("two", Some("k")));
    session.crash();
    let (again, effects) = session.command("c1", prompt("two", Some("k")));
    assert_eq!(reply, again);
    assert!(starts(&effects));
}

#[test]
fn a_cancel_after_a_restart_ends_the_next_queued_turn_and_sets_the_rest_off() {
    let mut session = Session::new();
    session.running("a");
    let (two, _) = session.prompt("two");
    let (three, _) = session.prompt("three");
    session.crash();
    let effects = session.cancel(None);
    assert!(matches!(session.outcome(two), Some(Outcome::Cancelled { .. })));
    assert!(starts(&effects));
    session.agent(FromAgent::Started(agent_started(Start::Load)));
    assert_eq!(session.machine.state().main().running(), Some(three));
}

#[test]
fn a_failed_start_for_a_call_leaves_paused_turns_alone() {
    let mut session = Session::new();
    session.running("a");
    let (two, _) = session.prompt("two");
    session.crash();
    session.open_command("c1", Command::Call { lane: None, method: "_x".into(), params: None });
    let error = Refusal::NotStarted { why: "no".into() };
    let effects = session.agent(FromAgent::StartFailed { error });
    assert!(replies(&effects)[0].1.is_err());
    assert_eq!(session.outcome(two), None);
}

#[test]
fn an_agent_that_dies_in_mid_turn_interrupts_it_and_the_queue_goes_on() {
    let mut session = Session::new();
    let (one, _) = session.running("one");
    let (two, _) = session.prompt("two");
    let head = session.head();
    let effects = session.exits();
    assert_eq!(session.kinds(head), ["agent_exited", "turn_ended"]);
    let reason = "the agent exited in mid-turn: exit status 7";
    assert_eq!(session.outcome(one), Some(Outcome::Interrupted { reason: reason.into() }));
    assert!(starts(&effects));
    session.agent(FromAgent::Started(agent_started(Start::Load)));
    assert_eq!(session.machine.state().main().running(), Some(two));
}

#[test]
fn an_agent_that_dies_while_idle_is_noted_and_not_started_before_it_is_needed() {
    let mut session = Session::new();
    let head = session.head();
    let effects = session.exits();
    assert_eq!(session.kinds(head), ["agent_exited"]);
    assert!(!starts(&effects));
    session.exits();
    assert_eq!(session.head(), head + 1, "it dies once");
}

#[test]
fn what_a_dead_agent_still_says_is_dropped() {
    let mut session = Session::new();
    session.exits();
    let head = session.head();
    let events = [
        update(r#"{"sessionId":"agent-1","update":{}}"#),
        FromAgent::Request { id: 1.into(), method: "_x".into(), params: None },
        FromAgent::Withdrew(1.into()),
        FromAgent::Notification { method: "_x".into(), params: None },
        FromAgent::Started(agent_started(Start::New)),
    ];
    for event in events {
        assert!(session.agent(event).is_empty());
    }
    assert_eq!(session.head(), head);
}

#[test]
fn a_shutdown_interrupts_the_running_turn_and_keeps_the_queue() {
    let mut session = Session::new();
    let (one, _) = session.running("one");
    session.asks_permission(1);
    let (two, _) = session.prompt("two");
    let (call, _) = session.open_command("c1", Command::Call { lane: None, method: "_x".into(), params: None });
    let head = session.head();
    let effects = session.shutdown();
    assert_eq!(session.kinds(head), ["agent_exited", "permission_resolved", "turn_ended"]);
    assert_eq!(session.outcome(one), Some(Outcome::Interrupted { reason: "the bridge was shut down".into() }));
    assert_eq!((stops(&effects), responses(&effects).len()), (Some(false), 0));
    assert!(matches!(&replies(&effects)[..], [(id, Err(_))] if *id == call));

    let head = session.head();
    session.crash();
    assert_eq!(session.head(), head, "nothing is left to close");
    let (_, effects) = session.command("c1", Command::Attach { params: raw("{}") });
    assert!(starts(&effects));
    session.agent(FromAgent::Started(agent_started(Start::Load)));
    assert_eq!(session.machine.state().main().running(), Some(two));
}

#[test]
fn what_was_kept_of_mcp_servers_is_there_again_and_without_it_a_client_has_to_bring_them() {
    let params = r#"{"cwd":"/w","mcpServers":[{"name":"m","env":[{"name":"K","value":"SECRET"}]},{"name":"plain"}],"_meta":{"x":1}}"#;
    let mut session = Session::with(Config::default(), params, vec![]);
    assert!(session.log.iter().all(|record| !record.body.as_str().contains("SECRET")));
    session.crash();
    let (_, effects) = session.prompt("a");
    assert_eq!(plan(&effects).params.as_str(), params);

    session.lose_what_was_kept();
    session.crash();
    let (_, effects) = session.prompt("b");
    assert_eq!(plan(&effects).params.as_str(), r#"{"cwd":"/w","mcpServers":[]}"#, "the log's word starts nothing");

    session.crash();
    let brought = r#"{"mcpServers":[{"name":"m","env":[{"name":"K","value":"SECRET"}]}]}"#;
    let (_, effects) = session.command("c1", Command::Attach { params: raw(brought) });
    assert!(plan(&effects).params.as_str().contains("SECRET"));
    session.crash();
    let (_, effects) = session.command("c1", Command::Attach { params: raw("{}") });
    assert!(plan(&effects).params.as_str().contains("SECRET"), "it is kept from then on");
}

#[test]
fn nothing_is_kept_beside_the_log_of_a_session_of_which_the_log_says_all() {
    let mut session =
        Session::with(Config::default(), r#"{"cwd":"/w","mcpServers":[],"additionalDirectories":["/d"]}"#, vec![]);
    session.command("c1", Command::Attach { params: raw(r#"{"cwd":"/w","mcpServers":[]}"#) }).0.unwrap();
    assert_eq!(session.kept, None);
}

#[test]
fn the_session_is_brought_back_in_its_mode() {
    let mut session = Session::new();
    session.agent(update(r#"{"update":{"sessionUpdate":"current_mode_update","currentModeId":"auto"}}"#));
    session.crash();
    session.prompt("a");
    let effects = session.agent(FromAgent::Started(agent_started(Start::Load)));
    assert_eq!(session.machine.state().main().session_result().as_str(), r#"{"modes":{"currentModeId":"auto"}}"#);
    let (set, method, params) = call(&effects);
    assert_eq!((method.as_str(), params.unwrap()["modeId"].as_str()), ("session/set_mode", Some("auto")));
    assert_eq!(call(&session.answered(set, Ok("{}"))).1, "session/prompt");
    assert_eq!(session.machine.state().main().session_result().as_str(), r#"{"modes":{"currentModeId":"auto"}}"#);
}

#[test]
fn the_prompting_client_is_known_after_a_restart() {
    let mut session = Session::new();
    let (turn, _) = session.running("a");
    session.crash();
    assert_eq!(session.machine.state().turn(turn).unwrap().client.as_deref(), Some("c1"));
    assert_eq!(session.record(turn).origin, Origin::Client("c1".into()));
    assert_eq!(session.only(0, &Kind::TurnEnded).turn, Some(turn));
}
