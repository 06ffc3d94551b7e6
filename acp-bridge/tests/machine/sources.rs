//! Where the agent of a lane comes from: a session can be there before the agent of its first lane.

use crate::support::{Session, agent_started, call, linked_agent_started, plan, raw, replies, starts};
use acp_bridge::session::{AgentSource, Command, FromAgent, Refusal, Reply};
use acp_types::record::Kind;
use acp_types::record::body::{Outcome, SessionCreated, Start};

fn dial() -> Command {
    Command::Dial { lane: "main".into(), agent: "far".into() }
}

fn not_started() -> Refusal {
    Refusal::NotStarted { why: "no such program".into() }
}

#[test]
fn a_session_can_be_there_before_its_agent_and_a_prompt_waits_for_it() {
    let mut session = Session::without_agent();
    assert_eq!(session.kinds(0), ["session_created"]);
    let created: SessionCreated = session.only(0, &Kind::SessionCreated).decode().unwrap();
    assert!(created.dialled);
    assert!(!session.machine.state().main().agent_alive());

    let (turn, effects) = session.prompt("a");
    let start = plan(&effects);
    assert_eq!((&start.source, start.first), (&AgentSource::DialsIn(None), true));
    assert_eq!((start.agent_session.as_deref(), start.params.as_str()), (None, r#"{"cwd":"/w","mcpServers":[]}"#));
    assert_eq!(start.initialize, raw(r#"{"protocolVersion":1}"#));

    let (reply, effects) = session.command("far", dial());
    assert_eq!((reply, effects.len()), (Ok(Reply::Done), 0), "it is waited for already");
    let effects = session.agent(FromAgent::Started(linked_agent_started(Start::New)));
    session.answered(call(&effects).0, Ok(r#"{"stopReason":"end_turn"}"#));
    assert!(matches!(session.outcome(turn), Some(Outcome::Completed { .. })));
    assert!(session.log.iter().all(|record| record.kind != Kind::LaneJoined), "`main` was there from the start");
}

#[test]
fn the_first_agent_that_dials_in_is_started_at_once_and_a_later_one_when_it_is_needed() {
    let mut session = Session::without_agent();
    let (command, effects) = session.open_command("far", dial());
    assert!(plan(&effects).first);
    let effects = session.agent(FromAgent::Started(linked_agent_started(Start::New)));
    assert_eq!(replies(&effects), [(command, Ok(Reply::State(raw(r#"{"modes":{"currentModeId":"ask"}}"#))))]);
    assert_eq!(session.kinds(0), ["session_created", "agent_started", "update"]);
    let told = session.only(0, &Kind::Update).body.as_str();
    assert!(told.contains(r#""sessionUpdate":"current_mode_update""#) && told.contains(r#""ask""#), "{told}");

    session.exits();
    let (reply, effects) = session.command("far", dial());
    assert_eq!((reply, effects.len()), (Ok(Reply::Done), 0));
    let (_, effects) = session.prompt("a");
    let start = plan(&effects);
    assert_eq!((start.first, start.agent_session.as_deref()), (false, Some("agent-1")));
    assert_eq!(start.source, AgentSource::DialsIn(None));
}

#[test]
fn a_first_agent_that_does_not_start_is_told_why_as_is_what_waits_and_the_next_one_may_try() {
    let mut session = Session::without_agent();
    let (command, _) = session.open_command("far", dial());
    let (turn, effects) = session.prompt("a");
    assert!(effects.is_empty(), "it waits for the agent that is on its way: {effects:?}");
    let effects = session.agent(FromAgent::StartFailed { error: not_started() });
    assert_eq!(replies(&effects), [(command, Err(not_started()))]);
    assert!(matches!(session.outcome(turn), Some(Outcome::Failed { .. })));
    let (_, effects) = session.open_command("far", dial());
    assert!(plan(&effects).first);
}

#[test]
fn a_session_that_never_had_an_agent_survives_a_crash_with_what_waits() {
    let mut session = Session::without_agent();
    let (turn, _) = session.prompt("a");
    let head = session.head();
    let effects = session.crash();
    assert_eq!((effects.len(), session.head()), (0, head));
    let (_, effects) = session.command("c1", Command::Attach { params: raw("{}") });
    let start = plan(&effects);
    assert_eq!((start.first, &start.source), (true, &AgentSource::DialsIn(None)));
    session.agent(FromAgent::Started(linked_agent_started(Start::New)));
    assert_eq!(session.machine.state().main().running(), Some(turn));
}

#[test]
fn a_closed_session_is_not_opened_by_who_dials_in() {
    let mut session = Session::without_agent();
    let (command, _) = session.open_command("far", dial());
    let (reply, effects) = session.command("c1", Command::Close);
    assert_eq!(reply, Ok(Reply::Done));
    assert_eq!(replies(&effects), [(command, Err(Refusal::SessionClosed))]);
    let (reply, effects) = session.command("far", dial());
    assert_eq!((reply, starts(&effects)), (Ok(Reply::Done), false));
    assert!(plan(&session.prompt("a").1).first);
}

#[test]
fn the_agent_of_a_lane_comes_from_where_its_first_one_came() {
    let mut session = Session::new();
    assert_eq!(session.machine.state().main().source(), &AgentSource::Command);
    assert_eq!(session.command("far", dial()).0, Err(Refusal::LaneNotDialled { lane: "main".into() }));
    let sources = [
        (Command::LaneAdd { lane: "a".into(), agent: "profile".into() }, AgentSource::Profile("profile".into())),
        (Command::Dial { lane: "b".into(), agent: "far".into() }, AgentSource::DialsIn(Some("far".into()))),
    ];
    for (command, source) in sources {
        let lane = if source.dials_in() { "b" } else { "a" };
        let (_, effects) = session.open_command("c1", command);
        assert_eq!((&plan(&effects).source, plan(&effects).first), (&source, true));
        session.agent_of(lane, FromAgent::Started(agent_started(Start::New)));
        assert_eq!(session.machine.state().lane(lane).unwrap().source(), &source);
    }
    session.crash();
    let names: Vec<_> = session.machine.state().lanes().map(|lane| lane.source().name().map(str::to_owned)).collect();
    assert_eq!(names, [None, Some("profile".into()), Some("far".into())]);
}

#[test]
fn the_agent_of_main_that_dialled_in_elsewhere_is_that_of_the_host_until_the_session_is_trusted() {
    for had_agent in [true, false] {
        let mut session = Session::without_agent();
        if had_agent {
            session.prompt("a");
            session.agent(FromAgent::Started(linked_agent_started(Start::New)));
        }
        session.write(Kind::SessionDisarmed, None, &serde_json::json!({ "reason": "a test" }));
        session.lose_what_was_kept();
        session.crash();
        assert_eq!(session.machine.state().main().source(), &AgentSource::Command);
        assert_eq!(session.command("far", dial()).0, Err(Refusal::LaneNotDialled { lane: "main".into() }));
        let (_, effects) = session.prompt("b");
        assert_eq!((&plan(&effects).source, plan(&effects).first), (&AgentSource::Command, !had_agent));
        // Whoever trusts it has it as it was written.
        assert_eq!(session.command("c1", Command::Trust).0, Ok(Reply::Done));
        assert_eq!(session.machine.state().main().source(), &AgentSource::DialsIn(None));
    }
}
