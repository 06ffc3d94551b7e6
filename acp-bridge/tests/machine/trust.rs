//! Sessions that were written elsewhere: what they say starts nothing until a controller trusts them.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use crate::support::{Session, agent_started, call, plan, prompt, raw, starts, update};
use acp_bridge::session::{Command, Config, Effect, FromAgent, Reply};
use acp_types::record::Kind;
use acp_types::record::body::{Outcome, Start};
use serde_json::json;

/// What an attacker writes, as far as a log can say it.
fn of_elsewhere() -> Session {
    let params =
        r#"{"cwd":"/w","mcpServers":[{"name":"m","command":"/bin/sh"}],"additionalDirectories":["/"],"_meta":{"x":1}}"#;
    let mut session = Session::with(Config::default(), params, vec![]);
    session.agent(update(r#"{"update":{"sessionUpdate":"current_mode_update","currentModeId":"bypass"}}"#));
    let policy = "allow:execute".parse().ok();
    session.command("c", Command::SetPolicy { unattended: policy }).0.unwrap();
    let turn = session.write(
        Kind::PromptQueued,
        None,
        &json!({ "params": { "sessionId": "s", "prompt": [] }, "runsAfterRestart": true }),
    );
    assert!(turn > 0);
    session
}

#[test]
fn what_a_session_says_that_was_written_elsewhere_starts_nothing() {
    let mut session = of_elsewhere();
    let turn = session.head();
    session.write(Kind::SessionDisarmed, None, &json!({ "reason": "a test" }));
    session.lose_what_was_kept();
    let effects = session.crash();
    assert!(!starts(&effects) && !effects.iter().any(|effect| matches!(effect, Effect::Call { .. })), "{effects:?}");
    assert!(matches!(session.outcome(turn), Some(Outcome::Interrupted { .. })));
    let state = session.machine.state();
    assert!(!state.armed() && state.unattended().is_none() && state.main().mode().is_none());

    // A client comes: still nothing. It prompts: the agent gets what people see, and nothing else.
    let (_, effects) = session.command("c1", Command::Attach { params: raw("{}") });
    assert!(!starts(&effects));
    let (_, effects) = session.prompt("hello");
    let plan = plan(&effects);
    assert_eq!(plan.params.as_str(), r#"{"cwd":"/w","mcpServers":[]}"#);
    // The mode that the session was in elsewhere is not put back: what goes to the agent is the prompt.
    let effects = session.agent(FromAgent::Started(agent_started(Start::Load)));
    assert_eq!(call(&effects).1, "session/prompt");
}

#[test]
fn a_controller_that_trusts_the_session_gets_its_lanes_policy_and_directories_back_and_no_server() {
    let mut session = of_elsewhere();
    session.write(Kind::SessionDisarmed, None, &json!({ "reason": "a test" }));
    session.lose_what_was_kept();
    session.crash();
    let before = session.head();
    for _ in 0..2 {
        assert_eq!(session.command("c1", Command::Trust).0, Ok(Reply::Done));
    }
    assert_eq!(session.kinds(before), ["session_trusted"], "once");
    assert_eq!(session.record(before + 1).body.as_str(), r#"{"by":"c1"}"#);
    let state = session.machine.state();
    assert!(state.armed() && state.unattended().is_some());
    let (_, effects) = session.prompt("hello");
    let params = r#"{"cwd":"/w","mcpServers":[],"additionalDirectories":["/"]}"#;
    assert_eq!(plan(&effects).params.as_str(), params);
}

#[test]
fn what_is_done_after_the_import_is_this_users_own() {
    let mut session = of_elsewhere();
    session.write(Kind::SessionDisarmed, None, &json!({ "reason": "a test" }));
    session.lose_what_was_kept();
    session.crash();
    let brought = r#"{"mcpServers":[{"name":"mine","command":"/bin/true"}]}"#;
    session.command("c1", Command::Attach { params: raw(brought) }).0.unwrap();
    let (one, _) = session.prompt("one");
    session.agent(FromAgent::Started(agent_started(Start::Load)));
    session.agent(update(r#"{"update":{"sessionUpdate":"current_mode_update","currentModeId":"plan"}}"#));
    let Command::Prompt { params, key, .. } = prompt("two", None) else { unreachable!() };
    let two = Command::Prompt {
        lane: None,
        params,
        key,
        accept_context_loss: false,
        on_busy: Default::default(),
        after_restart: acp_types::meta::AfterRestart::Run,
    };
    let Ok(Reply::Turn(two)) = session.command("c1", two).0 else { panic!("a turn") };
    let effects = session.crash();
    assert!(matches!(session.outcome(one), Some(Outcome::Interrupted { .. })));
    let plan = plan(&effects);
    assert!(plan.params.as_str().contains("mine"), "{plan:?}");
    let effects = session.agent(FromAgent::Started(agent_started(Start::Load)));
    let (set, method, params) = call(&effects);
    assert_eq!((&*method, &params.unwrap()["modeId"]), ("session/set_mode", &json!("plan")));
    session.answered(set, Ok("{}"));
    assert_eq!(session.machine.state().main().running(), Some(two));
}

#[test]
fn a_lane_that_came_with_the_session_is_not_started_before_it_is_trusted() {
    let mut session = Session::new();
    session.write(Kind::AgentExited, None, &json!({ "reason": "x", "expected": true }));
    session.crash();
    let add = |session: &mut Session| {
        let command = Command::LaneAdd { lane: "b".into(), agent: "profile".into() };
        session.open_command("c", command);
        session.agent_of("b", FromAgent::Started(agent_started(Start::New)));
    };
    add(&mut session);
    session.write(Kind::SessionDisarmed, None, &json!({ "reason": "a test" }));
    session.crash();
    let in_lane = |session: &mut Session| {
        let Command::Prompt { params, .. } = prompt("x", None) else { unreachable!() };
        let mut command = Command::prompt(params, None, false);
        let Command::Prompt { lane, .. } = &mut command else { unreachable!() };
        *lane = Some("b".into());
        session.command("c1", command)
    };
    let (reply, effects) = in_lane(&mut session);
    let Ok(Reply::Turn(turn)) = reply else { panic!("{reply:?}") };
    assert!(!starts(&effects));
    let Some(Outcome::Failed { error }) = session.outcome(turn) else { panic!("it failed") };
    assert!(error.as_str().contains("acp-bridge trust"), "{error:?}");
    session.command("c1", Command::Trust).0.unwrap();
    let (_, effects) = in_lane(&mut session);
    assert_eq!(plan(&effects).source.profile(), Some("profile"));
}

#[test]
fn an_agent_behind_a_link_that_a_log_of_elsewhere_names_is_not_waited_for() {
    let mut session = Session::linked();
    session.running("a");
    session.write(Kind::SessionDisarmed, None, &json!({ "reason": "a test" }));
    let effects = session.crash();
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::AwaitAgent { .. })), "{effects:?}");
}
