//! Permission requests while nobody is there: the policy decides, and the log says so (P8).

use crate::support::{SECOND, Session, raw, responses, value};
use acp_bridge::session::{Command, Config, Effect, FromAgent, Input, Reply};
use acp_types::RequestId;
use acp_types::record::body::Resolved;
use acp_types::record::{Kind, Origin, Seq};
use serde_json::{Value, json};

const OPTIONS: &str = r#"[{"optionId":"ever","kind":"allow_always"},{"optionId":"yes","kind":"allow_once"},{"optionId":"never","kind":"reject_always"},{"optionId":"no","kind":"reject_once"}]"#;

fn with_policy(policy: &str) -> Session {
    let mut config = Config::default();
    config.unattended = policy.parse().expect("a policy");
    let mut session = Session::with(config, r#"{"cwd":"/w"}"#, vec![]);
    session.running("a");
    session
}

fn ask_for(session: &mut Session, id: u64, kind: &str, options: &str) -> (Seq, Vec<Effect>) {
    let params = Some(raw(&format!(r#"{{"sessionId":"agent-1","toolCall":{{"kind":"{kind}"}},"options":{options}}}"#)));
    let method = "session/request_permission".to_owned();
    let seq = session.head() + 1;
    (seq, session.agent(FromAgent::Request { id: RequestId::from(id), method, params }))
}

fn attend(session: &mut Session, client: &str, present: bool) -> Vec<Effect> {
    let (reply, effects) = session.command(client, Command::SetPresence { present });
    assert_eq!(reply, Ok(Reply::Done));
    effects
}

fn set(session: &mut Session, policy: Option<&str>) -> Vec<Effect> {
    let unattended = policy.map(|policy| policy.parse().expect("a policy"));
    let (reply, effects) = session.command("c9", Command::SetPolicy { unattended });
    assert_eq!(reply, Ok(Reply::Done));
    effects
}

/// What the agent was told.
fn told(effects: &[Effect]) -> Option<Value> {
    let answers = responses(effects);
    assert!(answers.len() <= 1, "one answer");
    answers.into_iter().next().map(|(_, answer)| answer.expect("a result")["outcome"].clone())
}

fn chosen(option: &str) -> Option<Value> {
    Some(json!({ "outcome": "selected", "optionId": option }))
}

#[test]
fn the_policy_chooses_the_option_that_holds_once_and_is_recorded_as_the_one_who_decided() {
    let mut session = with_policy("allow:read,search:reject");
    let (seq, effects) = ask_for(&mut session, 1, "read", OPTIONS);
    assert_eq!(told(&effects), chosen("yes"));
    let record = session.record(seq + 1);
    assert_eq!((&record.kind, &record.origin), (&Kind::PermissionResolved, &Origin::Host));
    let resolved: Resolved = record.decode().unwrap();
    assert_eq!(resolved.cause.as_deref(), Some("policy"));
    assert_eq!(resolved.policy.as_deref(), Some("allow:read,search:reject"));
    let (_, effects) = ask_for(&mut session, 2, "execute", OPTIONS);
    assert_eq!(told(&effects), chosen("no"));
}

#[test]
fn without_a_fitting_option_a_rejection_is_a_cancellation_and_an_allowance_waits() {
    let mut session = with_policy("allow:read:reject");
    let always = r#"[{"optionId":"ever","kind":"allow_always"},{"optionId":"never","kind":"reject_always"}]"#;
    let (_, effects) = ask_for(&mut session, 1, "edit", always);
    assert_eq!(told(&effects), Some(json!({ "outcome": "cancelled" })));
    let (seq, effects) = ask_for(&mut session, 2, "read", always);
    assert_eq!(told(&effects), None);
    assert!(session.machine.state().pending_request(seq).is_some());
}

#[test]
fn while_a_controller_is_there_nothing_is_decided_for_it() {
    let mut session = with_policy("reject");
    attend(&mut session, "c1", true);
    let (seq, effects) = ask_for(&mut session, 1, "edit", OPTIONS);
    assert!(effects.is_empty() && session.machine.deadline().is_none());
    let answer = Command::Answer { request: seq, answer: Ok(raw("{}")) };
    let (reply, _) = session.command("c1", answer);
    assert_eq!(reply, Ok(Reply::Answered(true)));
    let record = session.record(seq + 1);
    assert_eq!((&record.origin, value(&record.body).get("cause")), (&Origin::Client("c1".into()), None));
}

#[test]
fn what_is_pending_when_the_last_controller_goes_is_decided_then() {
    let mut session = with_policy("reject");
    attend(&mut session, "c1", true);
    attend(&mut session, "c2", true);
    attend(&mut session, "c2", true);
    ask_for(&mut session, 1, "edit", OPTIONS);
    assert!(attend(&mut session, "c1", false).is_empty(), "another is there");
    assert!(attend(&mut session, "c1", false).is_empty(), "it has gone before");
    assert_eq!(told(&attend(&mut session, "c2", false)), chosen("no"));
}

#[test]
fn the_time_to_wait_counts_from_the_going_of_the_last_controller_and_stops_when_one_comes() {
    let mut session = with_policy("wait:300s");
    attend(&mut session, "c1", true);
    ask_for(&mut session, 1, "edit", OPTIONS);
    session.now += 500 * SECOND;
    attend(&mut session, "c1", false);
    assert_eq!(session.machine.deadline(), Some(session.now + 300 * SECOND));
    session.now += 299 * SECOND;
    assert!(session.input(Input::Tick).is_empty());
    attend(&mut session, "c2", true);
    assert_eq!(session.machine.deadline(), None);
    session.now += 500 * SECOND;
    assert!(session.input(Input::Tick).is_empty());
    attend(&mut session, "c2", false);
    session.now += 300 * SECOND;
    assert_eq!(told(&session.input(Input::Tick)), chosen("no"));
    assert_eq!(session.machine.deadline(), None);
}

#[test]
fn an_answer_before_the_time_is_over_takes_the_deadline_away() {
    let mut session = with_policy("wait:300s");
    let (seq, _) = ask_for(&mut session, 1, "edit", OPTIONS);
    assert!(session.machine.deadline().is_some());
    let (reply, _) = session.command("c1", Command::Answer { request: seq, answer: Ok(raw("{}")) });
    assert_eq!(reply, Ok(Reply::Answered(true)));
    assert_eq!(session.machine.deadline(), None);
    let (_, effects) = ask_for(&mut session, 2, "edit", OPTIONS);
    assert!(effects.is_empty());
    session.cancel(None);
    let deadline = session.machine.deadline().unwrap();
    assert_eq!(deadline, session.now + 10 * SECOND, "only that of the cancel");
}

#[test]
fn a_session_has_a_policy_of_its_own_from_its_making_and_keeps_it_over_a_restart() {
    let params = r#"{"cwd":"/w","_meta":{"acp-bridge":{"unattended":"allow:read"}}}"#;
    let mut session = Session::with(Config::default(), params, vec![]);
    assert_eq!(value(&session.record(1).body)["unattended"], "allow:read");
    session.crash();
    assert_eq!(session.machine.state().unattended().unwrap().to_string(), "allow:read");
    set(&mut session, Some("reject"));
    let record = session.record(session.head());
    assert_eq!((&record.kind, &record.origin), (&Kind::SessionUpdated, &Origin::Client("c9".into())));
    let head = session.head();
    set(&mut session, Some("reject"));
    assert_eq!(session.head(), head, "no news");
    session.crash();
    assert_eq!(session.machine.state().unattended().unwrap().to_string(), "reject");
    set(&mut session, None);
    assert_eq!(session.machine.state().unattended(), None);
}

#[test]
fn a_new_policy_decides_what_is_pending_while_nobody_is_there() {
    let mut session = with_policy("wait");
    ask_for(&mut session, 1, "read", OPTIONS);
    assert!(set(&mut session, Some("wait:5s")).is_empty());
    assert_eq!(session.machine.deadline(), Some(session.now + 5 * SECOND));
    assert_eq!(told(&set(&mut session, Some("allow:read"))), chosen("yes"));
    assert_eq!(session.machine.deadline(), None);
}

#[test]
fn a_policy_that_changes_while_a_controller_is_there_waits_until_it_has_gone() {
    let mut session = with_policy("wait");
    attend(&mut session, "c1", true);
    ask_for(&mut session, 1, "read", OPTIONS);
    assert!(set(&mut session, Some("reject")).is_empty());
    assert_eq!(told(&attend(&mut session, "c1", false)), chosen("no"));
}

#[test]
fn only_permissions_are_decided_by_the_policy() {
    let mut session = with_policy("reject");
    let seq = session.asks(1, "elicitation/create", "{}");
    assert!(session.machine.state().pending_request(seq).is_some());
}
