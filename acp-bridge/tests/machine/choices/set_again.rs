//! What is set again, in what order, and what waits meanwhile.

use acp_bridge::session::{CallId, Command, Effect, FromAgent, State};
use acp_types::record::body::Start;
use acp_types::record::{Kind, Origin};

use super::{OPTIONS, chosen, given, restored, set_mode, started, told};
use crate::support::{Session, agent_started, raw, replies, starts, update, value};

#[test]
fn what_was_chosen_is_set_again_in_its_order_before_the_next_prompt() {
    let mut session = chosen();
    session.exits();
    let (turn, effects) = session.prompt("go on");
    assert!(starts(&effects));
    let head = session.head();
    let effects = session.agent(started(
        r#"{"modes":{"currentModeId":"ask"},"configOptions":[{"id":"model","currentValue":"small"},{"id":"effort","currentValue":"low"}]}"#,
    ));
    let (one, what) = given(&effects);
    assert_eq!(what, "set_config_option model big");
    let result = session.machine.state().main().session_result();
    assert_eq!(value(&result)["modes"]["currentModeId"], "plan", "whoever comes now sees what is about to be in force");
    assert_eq!(value(&result)["configOptions"][1]["currentValue"], "high");
    let model = r#"{"configOptions":[{"id":"model","currentValue":"big"},{"id":"effort","currentValue":"low"}]}"#;
    let (two, what) = given(&session.answered(one, Ok(model)));
    assert_eq!(what, "set_mode  plan");
    let (three, what) = given(&session.answered(two, Ok("{}")));
    assert_eq!(what, "set_config_option effort high");
    assert_eq!(session.machine.state().main().running(), None, "no prompt before that");
    let (_, what) = given(&session.answered(three, Ok(OPTIONS)));
    assert_eq!(what, "prompt  ");
    assert_eq!(session.machine.state().main().running(), Some(turn));
    let restored = restored(&session, head);
    assert_eq!((restored.set.len(), restored.lost.len()), (3, 0));
    let ours = told(&session, head);
    let ours: Vec<_> = ours.iter().filter(|update| update["sessionUpdate"] != "user_message_chunk").collect();
    assert!(ours.is_empty(), "all is as clients know it: {ours:?}");
}

#[test]
fn what_the_agents_own_answer_shows_in_force_is_not_set_again() {
    let mut session = chosen();
    session.exits();
    session.prompt("go on");
    let head = session.head();
    let options = r#"[{"id":"model","currentValue":"big"},{"id":"effort","currentValue":"high"}]"#;
    let same = format!(r#"{{"modes":{{"currentModeId":"plan"}},"configOptions":{options}}}"#);
    let effects = session.agent(started(&same));
    assert_eq!(given(&effects).1, "prompt  ");
    assert!(!session.kinds(head).contains(&"choices_restored"), "nothing was to be done");
    session.exits();
    session.prompt("again");
    let effects = session.agent(started(&same.replace("plan", "ask")));
    assert_eq!(given(&effects).1, "set_mode  plan");
}

#[test]
fn an_agent_that_does_not_say_what_is_in_force_is_given_everything() {
    let mut session = chosen();
    session.exits();
    session.prompt("go on");
    let mut effects = session.agent(started("{}"));
    for wanted in ["set_config_option model big", "set_mode  plan", "set_config_option effort high"] {
        let (id, what) = given(&effects);
        assert_eq!(what, wanted);
        effects = session.answered(id, Ok("{}"));
    }
    assert_eq!(given(&effects).1, "prompt  ");
    let main = session.machine.state().main();
    assert_eq!((main.mode(), main.config_options().unwrap().as_str().contains("high")), (Some("plan"), true));
}

#[test]
fn what_the_agent_changes_by_itself_is_not_set_back() {
    let mut session = chosen();
    session.agent(update(r#"{"update":{"sessionUpdate":"current_mode_update","currentModeId":"auto"}}"#));
    let options = r#"[{"id":"model","currentValue":"small"}]"#;
    session.agent(update(&format!(
        r#"{{"update":{{"sessionUpdate":"config_option_update","configOptions":{options}}}}}"#
    )));
    session.exits();
    session.prompt("go on");
    let fresh = r#"{"modes":{"currentModeId":"ask"},"configOptions":[{"id":"model","currentValue":"big"},{"id":"effort","currentValue":"low"}]}"#;
    let (one, what) = given(&session.agent(started(fresh)));
    assert_eq!(what, "set_config_option model small");
    let (two, what) = given(&session.answered(one, Ok(r#"{"configOptions":[{"id":"model","currentValue":"small"}]}"#)));
    assert_eq!(what, "set_mode  auto");
    assert_eq!(given(&session.answered(two, Ok("{}"))).1, "prompt  ");
}

#[test]
fn what_a_later_choice_undoes_is_set_once_more_and_no_more_than_that() {
    let mut session = chosen();
    session.exits();
    session.prompt("go on");
    let head = session.head();
    let options = |effort: &str| {
        format!(
            r#"{{"configOptions":[{{"id":"model","currentValue":"big"}},{{"id":"effort","currentValue":"{effort}"}}]}}"#
        )
    };
    let fresh = format!(r#"{{"modes":{{"currentModeId":"ask"}},{}"#, &options("high")[1..]);
    let (mode, what) = given(&session.agent(started(&fresh)));
    assert_eq!(what, "set_mode  plan");
    // In this mode the agent thinks less.
    let less = options("low");
    session.agent(update(&format!(r#"{{"update":{{"sessionUpdate":"config_option_update",{}}}"#, &less[1..])));
    let (effort, what) = given(&session.answered(mode, Ok("{}")));
    assert_eq!(what, "set_config_option effort high");
    let (effort, what) = given(&session.answered(effort, Ok(&less)));
    assert_eq!(what, "set_config_option effort high");
    let effects = session.answered(effort, Ok(&less));
    assert_eq!(given(&effects).1, "prompt  ", "it will not have it");
    let restored = restored(&session, head);
    assert_eq!((restored.set.len(), restored.lost.len()), (3, 1));
}

#[test]
fn requests_of_clients_wait_until_the_agent_has_what_they_chose() {
    let mut session = Session::new();
    set_mode(&mut session, "plan", Ok("{}"));
    session.exits();
    let other = || Command::Call { lane: None, method: "_x".into(), params: None };
    let (waiting, effects) = session.open_command("c1", other());
    assert!(starts(&effects));
    let (mode, _) = given(&session.agent(started(r#"{"modes":{"currentModeId":"ask"}}"#)));
    let (later, effects) = session.open_command("c1", other());
    assert!(effects.is_empty());
    let effects = session.answered(mode, Ok("{}"));
    let calls: Vec<CallId> = effects
        .iter()
        .filter_map(|effect| if let Effect::Call { call, .. } = effect { Some(*call) } else { None })
        .collect();
    assert_eq!(replies(&session.answered(calls[0], Ok("1")))[0].0, waiting);
    assert_eq!(replies(&session.answered(calls[1], Ok("1")))[0].0, later);
}

#[test]
fn choices_outlive_a_crash_of_the_bridge_and_a_close_at_every_step_of_setting_them_again() {
    let fresh = r#"{"modes":{"currentModeId":"ask"},"configOptions":[{"id":"model","currentValue":"small"},{"id":"effort","currentValue":"low"}]}"#;
    for cut in 0..4 {
        for closes in [false, true] {
            let mut session = chosen();
            session.exits();
            session.prompt("go on");
            let mut effects = session.agent(started(fresh));
            for _ in 0..cut {
                let (id, what) = given(&effects);
                effects = session.answered(id, Ok(if what.contains("option") { OPTIONS } else { "{}" }));
            }
            if closes {
                session.command("c1", Command::Close).0.unwrap();
            } else {
                session.crash();
            }
            session.prompt("once more");
            let mut effects = session.agent(started(fresh));
            let mut all = vec![];
            while !given(&effects).1.starts_with("prompt") {
                let (id, what) = given(&effects);
                effects = session.answered(id, Ok(if what.contains("model") { OPTIONS } else { "{}" }));
                all.push(what);
            }
            assert_eq!(
                all,
                ["set_config_option model big", "set_mode  plan"],
                "{cut} {closes}: effort came with model"
            );
        }
    }
}

#[test]
fn a_context_that_is_lost_loses_no_choice() {
    let mut session = Session::new();
    set_mode(&mut session, "plan", Ok("{}"));
    session.exits();
    let lossy = Command::prompt(raw(r#"{"sessionId":"s","prompt":[]}"#), None, true);
    session.command("c1", lossy).0.unwrap();
    let effects = session.agent(FromAgent::Started(agent_started(Start::ContextLost)));
    assert_eq!(given(&effects).1, "set_mode  plan");
}

#[test]
fn a_log_that_does_not_say_what_was_set_again_is_read_as_it_was_meant() {
    let mut session = Session::new();
    set_mode(&mut session, "plan", Ok("{}"));
    session.exits();
    session.prompt("go on");
    let (mode, _) = given(&session.agent(started(r#"{"modes":{"currentModeId":"ask"}}"#)));
    session.answered(mode, Ok("{}"));
    // As a bridge wrote it that set the mode without a word, and knew of no choices.
    let mut state = State::default();
    for record in &session.log {
        let mut record = (**record).clone();
        if record.kind == Kind::ChoicesRestored
            || (record.kind == Kind::SessionUpdated && record.origin == Origin::Host)
        {
            record.kind = Kind::from("unknown");
        }
        state.apply(&record).unwrap();
    }
    assert_eq!(state.main().mode(), Some("plan"));
    assert!(!state.main().is_restoring());
}
