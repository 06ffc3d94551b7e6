//! What one client has set is told to the others.

use acp_bridge::session::Input;
use acp_types::record::{Kind, Origin};
use serde_json::json;

use super::{ANNOUNCED_AFTER, OPTIONS, set_mode, set_option, told};
use crate::support::{Session, update};

#[test]
fn everybody_is_told_what_one_client_has_set_when_the_agent_does_not_say_so() {
    let mut session = Session::new();
    let head = session.head();
    set_mode(&mut session, "plan", Ok("{}"));
    set_option(&mut session, "effort", "high", Ok(OPTIONS));
    assert!(told(&session, head).is_empty(), "the agent has its time");
    session.now += ANNOUNCED_AFTER;
    assert_eq!(session.machine.deadline(), Some(session.now));
    session.input(Input::Tick);
    let ours = told(&session, head);
    assert_eq!(ours.len(), 2);
    assert_eq!((&ours[0]["sessionUpdate"], &ours[0]["currentModeId"]), (&json!("current_mode_update"), &json!("plan")));
    assert_eq!(ours[1]["configOptions"][1]["currentValue"], "high");
    assert_eq!(session.machine.deadline(), None);
}

#[test]
fn nobody_is_told_twice_whenever_the_agent_says_it() {
    for before in [true, false] {
        let mut session = Session::new();
        let said = r#"{"update":{"sessionUpdate":"current_mode_update","currentModeId":"plan"}}"#;
        if before {
            session.agent(update(said));
        }
        set_mode(&mut session, "plan", Ok("{}"));
        if !before {
            session.agent(update(said));
        }
        assert_eq!(session.machine.deadline(), None);
        let updates = session.log.iter().filter(|record| record.kind == Kind::Update);
        assert_eq!(updates.map(|record| &record.origin).collect::<Vec<_>>(), [&Origin::Agent]);
    }
}

#[test]
fn what_was_set_is_told_before_the_next_turn_and_before_the_agent_goes() {
    let mut session = Session::new();
    set_mode(&mut session, "plan", Ok("{}"));
    let head = session.head();
    session.running("a");
    assert_eq!(session.kinds(head), ["prompt_queued", "update", "turn_started", "update"]);
    set_mode(&mut session, "ask", Ok("{}"));
    let head = session.head();
    session.exits();
    assert_eq!(session.kinds(head), ["update", "agent_exited", "turn_ended"]);
}
