//! What clients chose is in force again when an agent is started again, or every client is told that it is not (P14).
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod announced;
mod everywhere;
mod lost;
mod set_again;

use acp_bridge::session::{CallId, Command, Effect, FromAgent, Input};
use acp_types::record::body::{AgentStarted, ChoicesRestored, Start};
use acp_types::record::{Kind, Origin, Seq};
use serde_json::{Value, json};

use crate::support::{SECOND, Session, agent_started, call, raw, value};

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
    session.input(Input::Tick);
    session
}
