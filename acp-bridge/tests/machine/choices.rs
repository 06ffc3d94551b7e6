//! What clients chose is in force again when an agent is started again, or every client is told that it is not (P14).
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use crate::support::{SECOND, Session, agent_started, call, prompt, raw, replies, starts, update, value};
use acp_bridge::session::{CallId, Command, CommandId, Effect, FromAgent, Refusal};
use acp_types::record::body::{AgentStarted, ChoicesRestored, Start};
use acp_types::record::{Kind, Origin, Seq};
use serde_json::{Value, json};

const ANNOUNCED_AFTER: u64 = SECOND / 2;
const RESTORED_WITHIN: u64 = 60 * SECOND;

/// An agent that comes back and says this of itself.
fn started(state: &str) -> FromAgent {
    FromAgent::Started(AgentStarted { state: raw(state), ..agent_started(Start::Load) })
}

fn set(session: &mut Session, method: &str, params: &Value, answer: Result<&str, &str>) -> Vec<Effect> {
    let command = Command::Call { lane: None, method: method.into(), params: Some(raw(&params.to_string())) };
    let (_, effects) = session.open_command("c1", command);
    session.answered(call(&effects).0, answer)
}

fn set_mode(session: &mut Session, mode: &str, answer: Result<&str, &str>) -> Vec<Effect> {
    set(session, "session/set_mode", &json!({ "sessionId": "s", "modeId": mode }), answer)
}

fn set_option(session: &mut Session, option: &str, to: &str, answer: Result<&str, &str>) -> Vec<Effect> {
    let params = json!({ "sessionId": "s", "configId": option, "type": "select", "value": to, "_meta": { "x": 1 } });
    set(session, "session/set_config_option", &params, answer)
}

/// The one call among effects as method and value.
fn given(effects: &[Effect]) -> (CallId, String) {
    let (id, method, params) = call(effects);
    let params = params.unwrap();
    assert_eq!(params["sessionId"], "agent-1");
    assert!(params["_meta"].is_null());
    let what = params["configId"].as_str().unwrap_or_default().to_owned();
    let to = params["modeId"].as_str().or(params["value"].as_str()).unwrap_or_default();
    (id, format!("{} {what} {to}", method.trim_start_matches("session/")))
}

/// What clients are told after a record, by ours alone.
fn told(session: &Session, after: Seq) -> Vec<Value> {
    let ours = session.log.iter().filter(|record| record.seq > after && record.origin == Origin::Host);
    ours.filter(|record| record.kind == Kind::Update).map(|record| value(&record.body)["update"].clone()).collect()
}

fn restored(session: &Session, after: Seq) -> ChoicesRestored {
    session.only(after, &Kind::ChoicesRestored).decode().unwrap()
}

const OPTIONS: &str =
    r#"{"configOptions":[{"id":"model","currentValue":"big"},{"id":"effort","currentValue":"high"}]}"#;

/// A session in which a client has chosen a model, a mode and an effort, in this order.
fn chosen() -> Session {
    let mut session = Session::new();
    let model = r#"{"configOptions":[{"id":"model","currentValue":"big"},{"id":"effort","currentValue":"low"}]}"#;
    set_option(&mut session, "model", "big", Ok(model));
    set_mode(&mut session, "plan", Ok("{}"));
    set_option(&mut session, "effort", "high", Ok(OPTIONS));
    session.now += SECOND;
    session.input(acp_bridge::session::Input::Tick);
    session
}

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
fn an_agent_that_does_not_answer_goes_on_without_after_a_time_and_what_it_takes_later_is_told() {
    let mut session = chosen();
    session.exits();
    session.prompt("go on");
    let head = session.head();
    let (model, _) = given(&session.agent(started("{}")));
    session.now += RESTORED_WITHIN;
    assert_eq!(session.machine.deadline(), Some(session.now));
    let effects = session.input(acp_bridge::session::Input::Tick);
    assert_eq!(given(&effects).1, "prompt  ");
    assert_eq!(restored(&session, head).lost.len(), 3);
    assert_eq!(session.machine.state().main().choices().len(), 0);
    let head = session.head();
    session.answered(model, Ok(OPTIONS));
    session.now += ANNOUNCED_AFTER;
    session.input(acp_bridge::session::Input::Tick);
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
fn everybody_is_told_what_one_client_has_set_when_the_agent_does_not_say_so() {
    let mut session = Session::new();
    let head = session.head();
    set_mode(&mut session, "plan", Ok("{}"));
    set_option(&mut session, "effort", "high", Ok(OPTIONS));
    assert!(told(&session, head).is_empty(), "the agent has its time");
    session.now += ANNOUNCED_AFTER;
    assert_eq!(session.machine.deadline(), Some(session.now));
    session.input(acp_bridge::session::Input::Tick);
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

#[test]
fn a_log_that_does_not_say_what_was_set_again_is_read_as_it_was_meant() {
    let mut session = Session::new();
    set_mode(&mut session, "plan", Ok("{}"));
    session.exits();
    session.prompt("go on");
    let (mode, _) = given(&session.agent(started(r#"{"modes":{"currentModeId":"ask"}}"#)));
    session.answered(mode, Ok("{}"));
    // As a bridge wrote it that set the mode without a word, and knew of no choices.
    let mut state = acp_bridge::session::State::default();
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

/// One who sets, an agent that forgets and refuses, and a death at every step.
mod everywhere {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Mode(u8),
        Option(u8, u8),
        /// What the agent changes by itself.
        AgentMode(u8),
        Turn,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0..4u8).prop_map(Step::Mode),
            4 => (0..3u8, 0..4u8).prop_map(|(option, to)| Step::Option(option, to)),
            1 => (0..3u8).prop_map(Step::AgentMode),
            2 => Just(Step::Turn),
        ]
    }

    /// What an agent process has in force. It starts with 0 everywhere and takes no 3 the second time it runs.
    #[derive(Debug, Clone)]
    struct Agent {
        mode: u8,
        options: [u8; 3],
        refuses: bool,
        silent: bool,
        open: Vec<(CallId, String, Value)>,
    }

    impl Agent {
        fn new(refuses: bool, silent: bool) -> Self {
            Self { mode: 0, options: [0; 3], refuses, silent, open: vec![] }
        }

        fn state(&self) -> String {
            let modes = json!({ "currentModeId": self.mode.to_string() });
            json!({ "modes": modes, "configOptions": self.list() }).to_string()
        }

        fn list(&self) -> Value {
            let each = self.options.iter().enumerate();
            each.map(|(id, to)| json!({ "id": id.to_string(), "currentValue": to.to_string() })).collect()
        }

        fn take(&mut self, effects: &[Effect]) {
            for effect in effects {
                if let Effect::Call { call, method, params, .. } = effect {
                    self.open.push((*call, method.clone(), value(params.as_ref().unwrap())));
                }
            }
        }

        /// Its next answer.
        fn answer(&mut self) -> Option<(CallId, Result<String, String>)> {
            if self.open.is_empty() {
                return None;
            }
            let (id, method, params) = self.open.remove(0);
            let to = params["modeId"].as_str().or(params["value"].as_str()).map_or(0, |to| to.parse().unwrap_or(0));
            if self.refuses && to == 3 {
                return Some((id, Err(r#"{"code":1,"message":"not 3"}"#.to_owned())));
            }
            Some((
                id,
                Ok(match method.as_str() {
                    "session/set_mode" => {
                        self.mode = to;
                        "{}".to_owned()
                    }
                    "session/set_config_option" => {
                        let option: usize = params["configId"].as_str().unwrap().parse().unwrap();
                        self.options[option] = to;
                        if self.silent { "{}".to_owned() } else { json!({ "configOptions": self.list() }).to_string() }
                    }
                    _ => r#"{"stopReason":"end_turn"}"#.to_owned(),
                }),
            ))
        }
    }

    struct World {
        session: Session,
        agent: Option<Agent>,
        silent: bool,
        /// Steps until the death.
        left: usize,
        crash: bool,
        died: bool,
    }

    impl World {
        /// Whether it happens, or the death does in its place.
        fn dies(&mut self) -> bool {
            if self.left > 0 {
                self.left -= 1;
                return false;
            }
            if std::mem::replace(&mut self.died, true) {
                return false;
            }
            let there = self.agent.take().is_some();
            if self.crash {
                self.session.crash();
            } else if there {
                let effects = self.session.exits();
                self.begin(&effects);
            }
            true
        }

        fn begin(&mut self, effects: &[Effect]) {
            if starts(effects) {
                let mut agent = Agent::new(true, self.silent);
                let state = if self.silent { "{}".to_owned() } else { agent.state() };
                let effects = self.session.agent(started(&state));
                agent.take(&effects);
                self.agent = Some(agent);
            } else if let Some(agent) = &mut self.agent {
                agent.take(effects);
            }
        }

        /// Everything is answered that can be.
        fn settle(&mut self) {
            loop {
                if self.dies() {
                    continue;
                }
                let Some((id, outcome)) = self.agent.as_mut().and_then(Agent::answer) else { return };
                let outcome = outcome.as_deref().map_err(String::as_str);
                let effects = self.session.answered(id, outcome);
                self.begin(&effects);
            }
        }

        fn command(&mut self, command: Command) -> CommandId {
            let (id, effects) = self.session.open_command("c1", command);
            self.begin(&effects);
            self.settle();
            id
        }

        fn step(&mut self, step: Step) {
            let call = |method: &str, params: Value| Command::Call {
                lane: None,
                method: method.into(),
                params: Some(raw(&params.to_string())),
            };
            match step {
                Step::Mode(to) => {
                    self.command(call("session/set_mode", json!({ "sessionId": "s", "modeId": to.to_string() })));
                }
                Step::Option(option, to) => {
                    let params = json!({ "sessionId": "s", "configId": option.to_string(), "value": to.to_string() });
                    self.command(call("session/set_config_option", params));
                }
                Step::AgentMode(to) => {
                    if let Some(agent) = &mut self.agent {
                        agent.mode = to;
                        let said = json!({ "sessionUpdate": "current_mode_update", "currentModeId": to.to_string() });
                        self.session.agent(update(&json!({ "update": said }).to_string()));
                    }
                }
                Step::Turn => {
                    self.command(prompt("t", None));
                }
            }
        }
    }

    fn run(steps: &[Step], cut: usize, crash: bool, silent: bool) -> bool {
        let session = Session::new();
        let mut agent = Agent::new(false, silent);
        // `Session::new` has an agent in the mode `ask`, which is this one's 0.
        agent.mode = 0;
        let mut world = World { session, agent: Some(agent), silent, left: cut, crash, died: false };
        for &step in steps {
            world.step(step);
        }
        // The next prompt finds what was chosen, or everybody knows that it does not.
        let claimed = world.session.machine.state().main().clone();
        world.left = usize::MAX;
        world.command(prompt("the end", None));
        let agent = world.agent.as_ref().unwrap();
        let main = world.session.machine.state().main();
        for made in claimed.choices() {
            let params = value(&made.params);
            let to = params["modeId"].as_str().or(params["value"].as_str()).unwrap();
            let is = match params["configId"].as_str() {
                Some(option) => agent.options[option.parse::<usize>().unwrap()].to_string(),
                None => agent.mode.to_string(),
            };
            let lost = world.session.log.iter().any(|record| {
                record.kind == Kind::Update
                    && value(&record.body)["update"]["_meta"]["acp-bridge"]["lost"]
                        .as_array()
                        .is_some_and(|lost| lost.iter().any(|lost| lost["choice"]["params"] == params))
            });
            assert!(is == to || lost, "{made:?} is not in force at {agent:?} and nobody was told");
            assert!(is == to || !main.choices().any(|still| still == made), "and it is claimed no more");
        }
        if let Some(mode) = main.mode().filter(|mode| *mode != "ask") {
            assert_eq!(mode, agent.mode.to_string(), "what clients are told is so");
        }
        world.died
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whenever_agent_or_bridge_die_what_was_chosen_is_in_force_or_all_are_told(
            steps in prop::collection::vec(step(), 0..12), crash: bool, silent: bool,
        ) {
            for cut in 0.. {
                if !run(&steps, cut, crash, silent) {
                    break;
                }
            }
        }
    }
}
