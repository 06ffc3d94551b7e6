//! Agents that nobody needs are stopped, and are there again when somebody does.

use crate::support::{SECOND, Session, agent_started, call, plan, raw, starts, stops};
use acp_bridge::session::{Command, Effect, FromAgent, Input};
use acp_types::record::Kind;
use acp_types::record::body::{AgentExited, AgentStarted, Start};

/// An agent that can go back to a session, which is started instead of the one that the session begins with.
fn comes_back(start: Start) -> FromAgent {
    let initialize = raw(r#"{"agentCapabilities":{"loadSession":true}}"#);
    FromAgent::Started(AgentStarted { initialize, ..agent_started(start) })
}

/// A session whose agent can go back, and that nobody uses.
fn idle() -> Session {
    let mut session = Session::new();
    session.exits();
    let (_, effects) = session.prompt("a");
    assert!(starts(&effects));
    let effects = session.agent(comes_back(Start::Load));
    session.answered(call(&effects).0, Ok(r#"{"stopReason":"end_turn"}"#));
    session
}

fn attend(session: &mut Session, present: bool) {
    session.command("c1", Command::SetPresence { present }).0.expect("accepted");
}

#[test]
fn an_agent_that_nobody_needs_is_stopped_and_comes_back_with_the_next_prompt() {
    let mut session = idle();
    assert_eq!(session.machine.idle_since(), Some(session.now));
    let head = session.head();
    session.now += 900 * SECOND;
    let effects = session.input(Input::Rest);
    assert_eq!(stops(&effects), Some(false), "politely");
    let exited: AgentExited = session.only(head, &Kind::AgentExited).decode().unwrap();
    assert!(exited.expected && exited.reason.contains("nobody needed it"));
    assert_eq!(session.machine.idle_since(), None, "there is nothing more to stop");
    assert!(!session.machine.state().closed());
    let (turn, effects) = session.prompt("again");
    assert_eq!(plan(&effects).agent_session.as_deref(), Some("agent-1"));
    session.agent(comes_back(Start::Load));
    assert_eq!(session.machine.state().main().running(), Some(turn));
}

#[test]
fn whoever_needs_an_agent_keeps_it() {
    let is_kept = |session: &mut Session| {
        let head = session.head();
        assert_eq!(session.machine.idle_since(), None);
        let effects = session.input(Input::Rest);
        assert!(effects.is_empty() && session.head() == head, "{effects:?}");
    };
    let mut session = idle();
    attend(&mut session, true);
    is_kept(&mut session);
    attend(&mut session, false);
    assert!(session.machine.idle_since().is_some(), "the last client has left");
    let (_, prompt) = session.running("b");
    is_kept(&mut session);
    let asked = session.asks_permission(1);
    is_kept(&mut session);
    session.answered(prompt, Ok(r#"{"stopReason":"end_turn"}"#));
    assert!(session.machine.state().pending_request(asked).is_none());
    let (_, effects) = session.open_command("c1", Command::Call { lane: None, method: "_x".into(), params: None });
    is_kept(&mut session);
    session.answered(call(&effects).0, Ok("1"));
    session.asks(2, "_x/ask", r#"{"sessionId":"agent-1"}"#);
    is_kept(&mut session);
}

#[test]
fn an_agent_that_could_not_go_back_is_kept() {
    let mut session = Session::new();
    assert_eq!(session.machine.idle_since(), None);
    assert!(session.input(Input::Rest).is_empty());
}

#[test]
fn whatever_happens_begins_the_time_anew_and_the_passing_of_time_does_not() {
    let mut session = idle();
    let begun = session.now;
    session.now += SECOND;
    session.input(Input::Tick);
    assert_eq!(session.machine.idle_since(), Some(begun));
    session.agent(crate::support::update(r#"{"update":{"sessionUpdate":"session_info_update","title":"T"}}"#));
    assert_eq!(session.machine.idle_since(), Some(session.now));
    let effects = session.input(Input::Rest);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::StopAgent { .. })));
}
