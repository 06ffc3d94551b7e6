//! What an agent does not take is told to all, and claimed no more.

use acp_bridge::session::{Command, Input, Refusal};
use serde_json::{Value, json};

use super::{ANNOUNCED_AFTER, OPTIONS, RESTORED_WITHIN, chosen, given, restored, set_mode, set_option, started, told};
use crate::support::{Session, raw, starts, value};

#[test]
fn what_the_agent_refuses_is_told_to_all_and_not_claimed_and_not_tried_again() {
    let mut session = chosen();
    session.exits();
    session.prompt("go on");
    let head = session.head();
    let fresh = r#"{"modes":{"currentModeId":"ask"},"configOptions":[{"id":"model","currentValue":"big"},{"id":"effort","currentValue":"low"}]}"#;
    let (mode, what) = given(&session.agent(started(fresh)));
    assert_eq!(what, "set_mode  plan");
    let no = r#"{"code":-32602,"message":"no mode plan\u001b here"}"#;
    let (effort, what) = given(&session.answered(mode, Err(no)));
    assert_eq!(what, "set_config_option effort high");
    let effects = session.answered(effort, Err(r#"{"code":-32601,"message":"what?"}"#));
    assert_eq!(given(&effects).1, "prompt  ");
    assert_eq!(restored(&session, head).lost.len(), 2);
    let ours = told(&session, head);
    assert_eq!((&ours[0]["sessionUpdate"], &ours[0]["currentModeId"]), (&json!("current_mode_update"), &json!("ask")));
    let lost = &ours[0]["_meta"]["acp-bridge"]["lost"][0];
    assert_eq!(lost["choice"], json!({ "method": "session/set_mode", "params": { "modeId": "plan" } }));
    assert!(lost["reason"].as_str().unwrap().contains("no mode plan"));
    assert_eq!(ours[1]["configOptions"][1]["currentValue"], "low");
    assert_eq!(ours[1]["_meta"]["acp-bridge"]["lost"][0]["choice"]["params"]["configId"], "effort");
    assert_eq!((&ours[2]["sessionUpdate"], &ours[2]["severity"]), (&json!("notice"), &json!("warning")));
    let title = ours[2]["title"].as_str().unwrap();
    assert!(title.contains("the mode \"plan\"") && title.contains("\"effort\" = \"high\""), "{title}");
    let main = session.machine.state().main();
    assert_eq!((main.mode(), main.choices().len()), (Some("ask"), 1));
    assert_eq!(value(&main.session_result())["configOptions"][1]["currentValue"], "low");
    session.exits();
    session.prompt("again");
    assert_eq!(given(&session.agent(started(fresh))).1, "prompt  ");
}

#[test]
fn a_refused_mode_of_an_agent_that_names_none_is_claimed_no_more() {
    let mut session = Session::new();
    set_mode(&mut session, "plan", Ok("{}"));
    session.exits();
    session.prompt("go on");
    let head = session.head();
    let (mode, _) = given(&session.agent(started("{}")));
    session.answered(mode, Err(r#"{"code":-32601,"message":"no modes here"}"#));
    assert_eq!(session.machine.state().main().mode(), None);
    let ours = told(&session, head);
    assert_eq!(ours[0]["sessionUpdate"], "session_info_update", "there is no mode to tell");
    assert_eq!(ours[0]["_meta"]["acp-bridge"]["lost"][0]["choice"]["params"]["modeId"], "plan");
}

#[test]
fn a_set_that_was_refused_never_counts() {
    let mut session = Session::new();
    set_mode(&mut session, "plan", Err(r#"{"code":1,"message":"no"}"#));
    set_option(&mut session, "model", "big", Err(r#"{"code":1,"message":"no"}"#));
    assert_eq!(session.machine.state().main().choices().len(), 0);
    session.exits();
    session.prompt("go on");
    assert_eq!(given(&session.agent(started("{}"))).1, "prompt  ");
}

#[test]
fn an_agent_that_does_not_answer_goes_on_without_after_a_time_and_what_it_takes_later_is_told() {
    let mut session = chosen();
    session.exits();
    session.prompt("go on");
    let head = session.head();
    let (model, _) = given(&session.agent(started("{}")));
    session.now += RESTORED_WITHIN;
    assert_eq!(session.machine.deadline(), Some(session.now));
    let effects = session.input(Input::Tick);
    assert_eq!(given(&effects).1, "prompt  ");
    assert_eq!(restored(&session, head).lost.len(), 3);
    assert_eq!(session.machine.state().main().choices().len(), 0);
    let head = session.head();
    session.answered(model, Ok(OPTIONS));
    session.now += ANNOUNCED_AFTER;
    session.input(Input::Tick);
    let ours = told(&session, head);
    assert_eq!((ours.len(), &ours[0]["sessionUpdate"]), (1, &json!("config_option_update")));
    assert_eq!(session.machine.state().main().choices().len(), 1);
}

#[test]
fn an_agent_that_dies_of_what_was_chosen_is_started_again_and_then_without_it() {
    let mut session = chosen();
    session.exits();
    session.prompt("go on");
    let fresh = r#"{"modes":{"currentModeId":"ask"}}"#;
    let (model, _) = given(&session.agent(started(fresh)));
    session.answered(model, Ok(OPTIONS));
    let effects = session.exits();
    assert!(starts(&effects), "once it may have been chance");
    assert_eq!(session.machine.state().main().choices().len(), 3);
    let (model, what) = given(&session.agent(started(fresh)));
    assert_eq!(what, "set_config_option model big");
    session.answered(model, Ok(OPTIONS));
    let head = session.head();
    let effects = session.exits();
    assert!(starts(&effects));
    let lost = restored(&session, head).lost;
    let lost: Vec<_> = lost.iter().map(|lost| lost.choice.method.as_str()).collect();
    assert_eq!(lost, ["session/set_mode"], "what it died of and what was to follow; what was in force is kept");
    assert!(told(&session, head).iter().any(|update| update["sessionUpdate"] == "notice"));
    let (model, what) = given(&session.agent(started(fresh)));
    assert_eq!(what, "set_config_option model big");
    let effects = session.answered(model, Ok(OPTIONS));
    assert_eq!(given(&effects).1, "prompt  ");
    assert_eq!(session.machine.state().main().mode(), Some("ask"));
}

#[test]
fn what_cannot_be_remembered_is_not_set() {
    let mut session = Session::new();
    for number in 0..64 {
        set_option(&mut session, &number.to_string(), "v", Ok("{}"));
    }
    let more = json!({ "sessionId": "s", "configId": "more", "value": "v" });
    let command = |params: &Value| Command::Call {
        lane: None,
        method: "session/set_config_option".into(),
        params: Some(raw(&params.to_string())),
    };
    let (reply, effects) = session.command("c1", command(&more));
    assert_eq!((reply, effects.len()), (Err(Refusal::ChoicesFull), 0));
    let again = json!({ "sessionId": "s", "configId": "7", "value": "w" });
    assert_eq!(session.open_command("c1", command(&again)).1.len(), 1, "another value needs no room");
}
