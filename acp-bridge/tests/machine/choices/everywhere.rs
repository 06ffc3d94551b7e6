//! One who sets, an agent that forgets and refuses, and a death at every step.

use acp_bridge::session::{CallId, Command, CommandId, Effect};
use acp_types::record::Kind;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::started;
use crate::support::{Session, prompt, raw, starts, update, value};

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
