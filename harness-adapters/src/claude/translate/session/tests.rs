mod background;
mod shown;
mod unreadable;

use acp_types::RawBuf;
use acp_types::v1;
use serde_json::{Value, json};

use super::{Session, Setup};
use crate::failure::{Failure, FailureKind};
use crate::translate::{Effects, Input, Request, RequestId, Timer, Translator};

/// A session whose effects are JSON.
struct Peer {
    session: Session,
    next: u64,
}

impl Peer {
    fn new() -> Self {
        let setup = json!({
            "session": "s", "cwd": "/ws", "seed": "00000000-0000-4000-8000-000000000000",
            "options": { "mode": "default", "modes": ["default", "acceptEdits", "plan", "bypassPermissions"], "model": "", "models": [], "effort": null },
            "title": "known",
        });
        let setup: Setup = serde_json::from_value(setup).expect("a setup");
        Self { session: Session::new(setup), next: 0 }
    }

    fn step(&mut self, input: Input) -> Vec<Value> {
        let mut out = Effects::default();
        self.session.step(input, &mut out);
        out.take().map(|effect| serde_json::to_value(effect).expect("JSON")).collect()
    }

    fn ask(&mut self, request: Request) -> (RequestId, Vec<Value>) {
        let id = RequestId(self.next);
        self.next += 1;
        (id, self.step(Input::Request { id, request }))
    }

    /// Sends a prompt; what it is called.
    fn prompt(&mut self) -> (RequestId, String) {
        let request = v1::PromptRequest::new("s", vec!["hi".into()]);
        let (id, effects) = self.ask(Request::Prompt(request));
        (id, effects[0]["send"]["uuid"].as_str().expect("a prompt was sent").to_owned())
    }

    fn native(&mut self, message: &Value) -> Vec<Value> {
        self.step(Input::Native(RawBuf::encode(message).expect("JSON")))
    }
}

fn answers(effects: &[Value]) -> Vec<&Value> {
    effects.iter().filter_map(|effect| effect.get("answer")).collect()
}

fn control<'a>(effects: &'a [Value], subtype: &str) -> &'a str {
    let sent = effects.iter().find(|effect| effect["send"]["request"]["subtype"] == subtype);
    sent.unwrap_or_else(|| panic!("no {subtype} in {effects:?}"))["send"]["request_id"].as_str().expect("an id")
}

fn reply(id: &str, response: &Value) -> Value {
    json!({ "type": "control_response", "response": { "subtype": "success", "request_id": id, "response": response } })
}

fn result(uuid: &str) -> Value {
    json!({ "type": "result", "subtype": "success", "terminal_reason": "completed", "user_message_uuids": [uuid] })
}

#[test]
fn a_program_that_ignores_an_interrupt_is_ended() {
    let mut peer = Peer::new();
    let (id, _) = peer.prompt();
    let effects = peer.step(Input::Cancel { id });
    assert!(effects.iter().any(|effect| effect.get("arm").is_some()), "{effects:?}");
    let effects = peer.step(Input::Fired { timer: Timer(1) });
    assert_eq!(effects, ["kill"]);
    let effects = peer.step(Input::Exited(Failure::new(FailureKind::Harness, "gone")));
    assert_eq!(answers(&effects)[0]["answer"]["ok"]["prompt"]["stopReason"], "cancelled");
}

#[test]
fn a_prompt_that_had_not_begun_when_it_was_stopped_is_taken_back() {
    let mut peer = Peer::new();
    let (id, uuid) = peer.prompt();
    let effects = peer.step(Input::Cancel { id });
    let interrupt = control(&effects, "interrupt").to_owned();
    let effects = peer.native(&reply(&interrupt, &json!({ "still_queued": [uuid] })));
    let back = control(&effects, "cancel_async_message").to_owned();
    let effects = peer.native(&reply(&back, &json!({ "cancelled": false })));
    control(&effects, "interrupt");
    assert!(answers(&effects).is_empty(), "it has begun meanwhile");
    let effects = peer.native(&result(&uuid));
    assert_eq!(answers(&effects)[0]["answer"]["ok"]["prompt"]["stopReason"], "cancelled");
}

#[test]
fn results_of_other_turns_answer_no_prompt() {
    let mut peer = Peer::new();
    let (_, uuid) = peer.prompt();
    let mut other = result("another");
    assert!(answers(&peer.native(&other)).is_empty());
    other["user_message_uuids"] = json!([]);
    other["origin"] = json!({ "kind": "task-notification" });
    assert!(answers(&peer.native(&other)).is_empty());
    assert_eq!(answers(&peer.native(&result(&uuid))).len(), 1);
    assert!(answers(&peer.native(&result(&uuid))).is_empty(), "it is answered already");
}

#[test]
fn a_session_that_is_closed_answers_everything_even_if_its_turn_does_not_end() {
    let mut peer = Peer::new();
    peer.prompt();
    let (_, effects) = peer.ask(Request::Prompt(v1::PromptRequest::new("s", vec!["waits".into()])));
    assert!(effects.is_empty());
    let (close, effects) = peer.ask(Request::Close);
    assert_eq!(answers(&effects).len(), 1, "the one that waited");
    let effects = peer.step(Input::Fired { timer: Timer(3) });
    let ids: Vec<_> = answers(&effects).iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [json!(0), json!(close.0)]);
}

#[test]
fn too_many_prompts_are_refused() {
    let mut peer = Peer::new();
    peer.prompt();
    let request = || Request::Prompt(v1::PromptRequest::new("s", vec!["hi".into()]));
    for _ in 0..32 {
        assert!(peer.ask(request()).1.is_empty());
    }
    let (_, effects) = peer.ask(request());
    assert_eq!(answers(&effects)[0]["answer"]["error"]["kind"], "invalid_params");
}

#[test]
fn requests_of_the_program_that_are_not_known_are_refused_not_ignored() {
    let mut peer = Peer::new();
    let ask = json!({ "type": "control_request", "request_id": "q", "request": { "subtype": "brand_new" } });
    let effects = peer.native(&ask);
    assert_eq!(effects[0]["send"]["response"]["subtype"], "error", "{effects:?}");
    let form = json!({ "subtype": "elicitation", "mcp_server_name": "demo", "message": "Who?" });
    let ask = json!({ "type": "control_request", "request_id": "q", "request": form });
    let effects = peer.native(&ask);
    assert_eq!(effects[0]["send"]["response"]["response"], json!({ "action": "decline" }), "{effects:?}");
}

#[test]
fn an_answer_to_nothing_is_ignored() {
    let mut peer = Peer::new();
    let (id, effects) = peer.ask(Request::SetMode("plan".into()));
    let sent = control(&effects, "set_permission_mode").to_owned();
    assert!(peer.native(&reply("never-used", &json!({}))).is_empty());
    let effects = peer.native(&reply(&sent, &json!({ "mode": "plan" })));
    assert_eq!(answers(&effects)[0], &json!({ "id": id.0, "answer": { "ok": "done" } }));
    assert!(peer.native(&reply(&sent, &json!({}))).is_empty(), "it is answered already");
}

#[test]
fn a_setting_that_is_never_answered_fails() {
    let mut peer = Peer::new();
    peer.ask(Request::SetTitle("x".to_owned()));
    let effects = peer.step(Input::Fired { timer: Timer(2) });
    assert_eq!(answers(&effects)[0]["answer"]["error"]["kind"], "harness");
}

fn refusal(uuid: &str) -> Value {
    let mut result = result(uuid);
    result["stop_reason"] = "refusal".into();
    result
}

#[test]
fn a_refused_prompt_is_forgotten_before_it_is_answered_and_before_the_next_is_sent() {
    let mut peer = Peer::new();
    let (_, uuid) = peer.prompt();
    let (_, waits) = peer.ask(Request::Prompt(v1::PromptRequest::new("s", vec!["next".into()])));
    assert_eq!(waits, Vec::<Value>::new());
    let effects = peer.native(&refusal(&uuid));
    assert_eq!(answers(&effects), Vec::<&Value>::new());
    let sent = &effects[0]["send"]["request"];
    assert_eq!((&sent["subtype"], &sent["target_message_uuid"]), (&json!("rewind_conversation"), &json!(uuid)));
    let id = control(&effects, "rewind_conversation").to_owned();
    let effects = peer.native(&reply(&id, &json!({ "rewound": true })));
    assert_eq!(answers(&effects)[0]["answer"]["ok"]["prompt"]["stopReason"], "refusal");
    assert_eq!(effects.last().expect("effects")["send"]["type"], "user");
}

#[test]
fn a_program_that_does_not_forget_a_refused_prompt_is_not_waited_for() {
    let mut peer = Peer::new();
    let (_, uuid) = peer.prompt();
    let effects = peer.native(&refusal(&uuid));
    let id = control(&effects, "rewind_conversation").to_owned();
    let error =
        json!({ "type": "control_response", "response": { "subtype": "error", "request_id": id, "error": "?" } });
    let effects = peer.native(&error);
    assert_eq!(answers(&effects)[0]["answer"]["ok"]["prompt"]["stopReason"], "refusal");
    let (_, uuid) = peer.prompt();
    peer.native(&refusal(&uuid));
    let effects = peer.step(Input::Fired { timer: Timer(4) });
    assert_eq!(answers(&effects)[0]["answer"]["ok"]["prompt"]["stopReason"], "refusal");
}

#[test]
fn a_refused_prompt_that_is_cancelled_is_cancelled() {
    let mut peer = Peer::new();
    let (id, uuid) = peer.prompt();
    let effects = peer.native(&refusal(&uuid));
    let rewind = control(&effects, "rewind_conversation").to_owned();
    peer.step(Input::Cancel { id });
    let effects = peer.native(&reply(&rewind, &json!({ "rewound": true })));
    assert_eq!(answers(&effects)[0]["answer"]["ok"]["prompt"]["stopReason"], "cancelled");
}

#[test]
fn a_bad_image_is_left_out_alone_and_one_that_the_provider_refuses_is_forgotten() {
    let mut peer = Peer::new();
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let image = |data: &str| v1::ContentBlock::Image(v1::ImageContent::new(data, "image/jpg"));
    let request = v1::PromptRequest::new("s", vec!["look".into(), image("PGh0bWw+"), image(pixel)]);
    let (_, effects) = peer.ask(Request::Prompt(request));
    let told = effects[0]["update"]["content"]["text"].as_str().expect("a text");
    assert!(told.contains("image 2"), "{told}");
    let sent = &effects[1]["send"];
    assert_eq!(sent["message"]["content"].as_array().map(Vec::len), Some(2));
    assert_eq!(sent["message"]["content"][1]["source"]["media_type"], "image/png");
    let mut end = result(sent["uuid"].as_str().expect("a name"));
    (end["is_error"], end["api_error_status"], end["terminal_reason"]) = (true.into(), 400.into(), "api_error".into());
    let effects = peer.native(&end);
    assert!(answers(&effects).is_empty(), "{effects:?}");
    let rewind = control(&effects, "rewind_conversation").to_owned();
    let effects = peer.native(&reply(&rewind, &json!({ "rewound": true })));
    let failure = &answers(&effects)[0]["answer"]["error"];
    assert_eq!((&failure["kind"], &failure["data"]["httpStatus"]), (&json!("model"), &json!(400)));
    let (_, effects) = peer.ask(Request::Prompt(v1::PromptRequest::new("s", vec![image("")])));
    assert_eq!(answers(&effects)[0]["answer"]["error"]["kind"], "invalid_params");
}
