mod shown;

use std::collections::BTreeMap;

use acp_types::v1;
use serde_json::{Value, json};

use super::*;
use crate::codex::options::Settings;
use crate::translate::{ClientFeatures, Reply};

fn setup() -> Setup {
    let started = json!({
        "thread": { "id": "T1" }, "model": "m", "approvalPolicy": "on-request",
        "sandbox": { "type": "workspaceWrite", "writableRoots": [], "networkAccess": false },
    });
    let started = serde_json::from_value(started).expect("an answer");
    Setup {
        thread: "T1".to_owned(),
        prefix: "T1#0".to_owned(),
        cwd: "/ws".into(),
        features: ClientFeatures::default(),
        settings: Settings::new(&started, Vec::new(), Vec::new()),
        skills: Vec::new(),
        servers: ServerNames(BTreeMap::new()),
        titled: true,
        replay: false,
        give_up_secs: 60,
        untrusted_hooks: Vec::new(),
    }
}

/// A session that a test drives.
struct Driven(Session);

impl Driven {
    fn new() -> Self {
        Self(Session::new(setup()))
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Effects::default();
        self.0.step(input, &mut effects);
        effects.take().collect()
    }

    fn native(&mut self, message: &Value) -> Vec<Effect> {
        self.step(Input::Native(RawBuf::trusted(message.to_string())))
    }

    fn about(&mut self, method: &str, mut params: Value) -> Vec<Effect> {
        params["threadId"] = "T1".into();
        self.native(&json!({ "method": method, "params": params }))
    }

    fn prompt(&mut self, id: u64) -> Vec<Effect> {
        let prompt = v1::PromptRequest::new("T1", vec!["hi".into()]);
        self.step(Input::Request { id: RequestId(id), request: Request::Prompt(prompt) })
    }

    /// A turn that runs.
    fn running() -> Self {
        let mut session = Self::new();
        session.prompt(0);
        session.about("turn/started", json!({ "turn": { "id": "U1" } }));
        session
    }
}

/// The messages to Codex.
fn sent(effects: &[Effect]) -> Vec<Value> {
    let sent =
        effects.iter().filter_map(|effect| if let Effect::Send(message) = effect { Some(message) } else { None });
    sent.map(|message| serde_json::from_str(message.as_str()).expect("JSON")).collect()
}

fn stopped(effects: &[Effect], id: u64) -> bool {
    effects.iter().any(|effect| match effect {
        Effect::Answer { id: of, answer: Ok(Answer::Prompt(response)) } => {
            of.0 == id && response.stop_reason == v1::StopReason::Cancelled
        }
        _ => false,
    })
}

#[test]
fn what_nobody_knows_is_left_out() {
    let mut session = Driven::running();
    for message in [
        json!({ "method": "some/news", "params": { "threadId": "T1" } }),
        json!({ "method": "item/started", "params": { "threadId": "T1", "item": { "type": "somethingNew", "id": "x" } } }),
        json!({ "method": "item/completed", "params": { "threadId": "T1", "item": { "type": "commandExecution" } } }),
        json!({ "method": "item/agentMessage/delta", "params": [] }),
        json!({ "id": "T1#0:99", "result": {} }),
        json!({ "id": "other", "error": {} }),
        json!({ "id": 7, "result": null }),
        json!({}),
        json!([1, 2]),
        json!("text"),
    ] {
        assert_eq!(session.native(&message), [], "{message}");
    }
}

#[test]
fn a_request_that_nobody_knows_is_refused_at_once() {
    let mut session = Driven::running();
    let sent = sent(&session.native(&json!({ "id": 3, "method": "some/question", "params": { "threadId": "T1" } })));
    assert_eq!((&sent[0]["id"], sent[0]["error"]["code"].as_i64()), (&json!(3), Some(-32601)));
}

#[test]
fn a_turn_that_does_not_end_when_it_is_stopped_ends_with_its_process() {
    let mut session = Driven::running();
    let effects = session.step(Input::Cancel { id: RequestId(0) });
    assert_eq!(sent(&effects)[0]["method"], "turn/interrupt");
    assert_eq!(session.step(Input::Fired { timer: STOP }), [Effect::Kill]);
    let gone = Failure::new(crate::FailureKind::Harness, "killed");
    let effects = session.step(Input::Exited(gone));
    assert!(matches!(&effects[..], [.., Effect::Answer { answer: Err(_), .. }]), "{effects:?}");
}

#[test]
fn a_cancel_before_the_turn_began_interrupts_it_when_it_does() {
    let mut session = Driven::new();
    session.prompt(0);
    assert!(sent(&session.step(Input::Cancel { id: RequestId(0) })).is_empty());
    let effects = session.native(&json!({ "id": "T1#0:0", "result": { "turn": { "id": "U1" } } }));
    assert_eq!(sent(&effects)[0]["params"]["turnId"], "U1");
    session.about("turn/completed", json!({ "turn": { "id": "U1", "status": "interrupted" } }));
    let effects = session.native(&json!({ "id": "T1#0:2", "result": {} }));
    assert!(stopped(&effects, 0), "{effects:?}");
}

#[test]
fn a_question_that_comes_while_a_turn_is_stopped_is_answered_for_the_user() {
    let mut session = Driven::running();
    session.step(Input::Cancel { id: RequestId(0) });
    let params = json!({ "threadId": "T1", "itemId": "c1", "command": "ls" });
    let effects =
        session.native(&json!({ "id": 4, "method": "item/commandExecution/requestApproval", "params": params }));
    assert_eq!(sent(&effects)[0]["result"]["decision"], "cancel");
    assert_eq!(effects.len(), 1);
}

#[test]
fn a_question_that_the_client_refuses_is_a_no() {
    let mut session = Driven::running();
    let params = json!({ "threadId": "T1", "itemId": "c1", "permissions": { "network": { "enabled": true } } });
    let effects = session.native(&json!({ "id": 4, "method": "item/permissions/requestApproval", "params": params }));
    let ask = effects.iter().find_map(|effect| if let Effect::Ask { ask, .. } = effect { Some(*ask) } else { None });
    let effects = session.step(Input::Answered { ask: ask.expect("a question"), answer: Reply::Failed });
    assert_eq!(sent(&effects)[0]["result"]["permissions"], json!({}));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Update(v1::SessionUpdate::ToolCallUpdate(update))
        if update.fields.status == Some(v1::ToolCallStatus::Failed))));
}

#[test]
fn the_end_of_an_earlier_turn_answers_nobody() {
    let mut session = Driven::running();
    session.about("turn/completed", json!({ "turn": { "id": "U1", "status": "completed" } }));
    session.prompt(1);
    let again = session.about("turn/completed", json!({ "turn": { "id": "U1", "status": "completed" } }));
    assert_eq!(again, []);
    assert_eq!(session.about("turn/started", json!({ "turn": { "id": "U1" } })), []);
    session.about("turn/started", json!({ "turn": { "id": "U2" } }));
    let late = session.about("item/agentMessage/delta", json!({ "turnId": "U1", "itemId": "m", "delta": "late" }));
    assert_eq!(late, []);
    let effects = session.about("turn/completed", json!({ "turn": { "id": "U2", "status": "completed" } }));
    assert!(matches!(&effects[..], [.., Effect::Answer { id: RequestId(1), answer: Ok(_) }]), "{effects:?}");
}

#[test]
fn only_so_many_prompts_wait() {
    let mut session = Driven::running();
    let refused = (1..=40).filter(|id| !session.prompt(*id).is_empty()).count();
    assert_eq!(refused, 8);
}

/// Codex cannot reach the model and tries again.
fn retry() -> Value {
    json!({ "willRetry": true, "error": {
        "message": "Reconnecting...", "additionalDetails": "Connection failed",
        "codexErrorInfo": { "responseStreamDisconnected": { "httpStatusCode": null } },
    } })
}

#[test]
fn a_model_that_is_reached_again_in_time_is_not_given_up() {
    let mut session = Driven::running();
    let armed = |effects: &[Effect]| {
        effects.iter().any(|effect| matches!(effect, Effect::Arm { timer: contact::UNREACHABLE, .. }))
    };
    assert!(armed(&session.about("error", retry())));
    assert!(!armed(&session.about("error", retry())), "the time runs from the first");
    let effects = session.about("item/agentMessage/delta", json!({ "turnId": "U1", "itemId": "m", "delta": "hi" }));
    assert_eq!(effects[0], Effect::Disarm(contact::UNREACHABLE));
    assert!(armed(&session.about("error", retry())));
    let mut answered = retry();
    answered["error"]["codexErrorInfo"] = json!({ "responseStreamDisconnected": { "httpStatusCode": 429 } });
    let mut session = Driven::running();
    assert!(!armed(&session.about("error", answered)), "a provider that answers may ask to wait");
}

#[test]
fn a_cancel_while_a_turn_is_given_up_is_a_cancel() {
    let mut session = Driven::running();
    session.about("error", retry());
    let effects = session.step(Input::Fired { timer: contact::UNREACHABLE });
    assert_eq!(sent(&effects)[0]["method"], "turn/interrupt");
    session.step(Input::Cancel { id: RequestId(0) });
    session.about("turn/completed", json!({ "turn": { "id": "U1", "status": "interrupted" } }));
    let effects = session.native(&json!({ "id": "T1#0:3", "result": {} }));
    assert!(stopped(&effects, 0), "{effects:?}");
}

#[test]
fn a_turn_whose_end_cannot_be_read_ends_with_an_error() {
    for message in [
        json!({ "method": "turn/completed", "params": { "threadId": "T1", "turn": { "status": "completed" } } }),
        json!({ "method": wire::UNREADABLE, "params": { "ends": true } }),
    ] {
        let mut session = Driven::running();
        let effects = session.native(&message);
        assert!(matches!(&effects[..], [.., Effect::Answer { id: RequestId(0), answer: Err(_) }]), "{effects:?}");
    }
    let mut session = Driven::running();
    let effects = session.native(&json!({ "method": wire::UNREADABLE, "params": { "ends": false } }));
    assert!(matches!(&effects[..], [Effect::Update(v1::SessionUpdate::AgentThoughtChunk(_))]), "{effects:?}");
}

#[test]
fn an_answer_that_cannot_be_read_is_a_refusal() {
    let mut session = Driven::new();
    session.prompt(0);
    let effects = session.native(&json!({ "id": "T1#0:0", "result": {}, "error": { "message": ["odd"] } }));
    assert!(matches!(&effects[..], [.., Effect::Answer { id: RequestId(0), answer: Err(_) }]), "{effects:?}");
}
