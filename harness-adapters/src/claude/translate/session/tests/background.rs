//! Work without a prompt, and modes that are not as asked.

use serde_json::{Value, json};

use super::{Input, Peer, Request, Timer, answers, control, reply, result};

fn speaks(peer: &mut Peer) {
    let event = json!({ "type": "message_start", "message": { "id": "m" } });
    peer.native(&json!({ "type": "stream_event", "event": event }));
}

fn background(peer: &mut Peer) {
    let input = json!({ "command": "make", "run_in_background": true });
    let block = json!({ "type": "tool_use", "id": "t1", "name": "Bash", "input": input });
    peer.native(&json!({ "type": "assistant", "message": { "id": "m", "content": [block] } }));
    peer.native(&json!({
        "type": "system", "subtype": "task_started", "task_id": "b1", "tool_use_id": "t1", "is_backgrounded": true,
        "task_type": "local_bash",
    }));
    let block = json!({ "type": "tool_result", "tool_use_id": "t1", "content": "It runs." });
    peer.native(&json!({
        "type": "user", "message": { "content": [block] },
        "tool_use_result": { "stdout": "", "stderr": "", "backgroundTaskId": "b1" },
    }));
}

fn written(output: &str) -> Value {
    json!({ "output": output, "total_bytes": output.len(), "truncated": false })
}

#[test]
fn a_turn_that_nobody_prompted_for_is_stopped_and_ended_if_it_does_not_stop() {
    let mut peer = Peer::new();
    speaks(&mut peer);
    let effects = peer.step(Input::Stop);
    let interrupt = control(&effects, "interrupt").to_owned();
    let (_, waits) = peer.ask(Request::Prompt(super::v1::PromptRequest::new("s", vec!["hi".into()])));
    assert!(waits.is_empty(), "it would be hit by the stop");
    let effects = peer.native(&reply(&interrupt, &json!({})));
    assert_eq!(effects[0]["send"]["type"], "user", "{effects:?}");
    assert_eq!(peer.step(Input::Fired { timer: Timer(1) }), ["kill"]);
    let mut other = result("another");
    other["origin"] = json!({ "kind": "task-notification" });
    assert!(peer.native(&other).contains(&json!({ "disarm": 1 })));
    assert_eq!(peer.step(Input::Fired { timer: Timer(1) }), Vec::<Value>::new());
}

#[test]
fn a_stop_of_nothing_is_over_at_once() {
    let mut peer = Peer::new();
    let effects = peer.step(Input::Stop);
    let interrupt = control(&effects, "interrupt").to_owned();
    assert_eq!(peer.native(&reply(&interrupt, &json!({}))), [json!({ "disarm": 1 })]);
}

#[test]
fn a_stop_also_ends_work_in_the_background() {
    let mut peer = Peer::new();
    let (_, uuid) = peer.prompt();
    background(&mut peer);
    peer.native(&result(&uuid));
    let effects = peer.step(Input::Stop);
    let stop = effects.iter().find(|effect| effect["send"]["request"]["subtype"] == "stop_task");
    assert_eq!(stop.expect("a stop")["send"]["request"]["task_id"], "b1");
}

#[test]
fn what_a_command_in_the_background_writes_is_shown_as_it_grows() {
    let mut peer = Peer::new();
    peer.prompt();
    background(&mut peer);
    for (output, shown) in [("one\n", true), ("one\n", false), ("one\ntwo\n", true)] {
        let effects = peer.step(Input::Fired { timer: Timer(5) });
        let look = control(&effects, "get_task_output").to_owned();
        let effects = peer.native(&reply(&look, &written(output)));
        assert_eq!(!effects.is_empty(), shown, "{effects:?}");
        if shown {
            assert_eq!(effects[0]["update"]["content"][0]["content"]["text"], output);
        }
    }
    let effects = peer.native(&json!({
        "type": "system", "subtype": "task_notification", "task_id": "b1", "tool_use_id": "t1", "status": "failed",
        "summary": "Background command \"make\" failed with exit code 2",
    }));
    let look = control(&effects, "get_task_output").to_owned();
    let over = effects.iter().find(|effect| effect["update"]["status"] == "failed").expect("an end");
    assert_eq!((&over["update"]["_meta"]["background"], &over["update"]["content"]), (&json!(false), &Value::Null));
    let effects = peer.native(&reply(&look, &written("one\ntwo\nthree\n")));
    assert_eq!(effects[0]["update"]["content"][0]["content"]["text"], "one\ntwo\nthree\n");
    assert_eq!(peer.step(Input::Fired { timer: Timer(5) }), Vec::<Value>::new(), "nothing is left to look at");
}

#[test]
fn a_client_stops_work_by_its_name_or_by_that_of_its_call() {
    let mut peer = Peer::new();
    peer.prompt();
    background(&mut peer);
    for name in ["b1", "t1"] {
        let (id, effects) = peer.ask(Request::StopTask(name.to_owned()));
        let stop = control(&effects, "stop_task").to_owned();
        let effects = peer.native(&reply(&stop, &json!({})));
        assert_eq!(answers(&effects)[0], &json!({ "id": id.0, "answer": { "ok": { "stopped": true } } }));
    }
    let (_, effects) = peer.ask(Request::StopTask("b2".to_owned()));
    assert_eq!(answers(&effects)[0]["answer"]["ok"]["stopped"], false);
}

#[test]
fn the_mode_that_is_really_in_force_is_the_one_that_is_told() {
    let mut peer = Peer::new();
    let (_, effects) = peer.ask(Request::SetMode("plan".into()));
    let sent = control(&effects, "set_permission_mode").to_owned();
    let effects = peer.native(&reply(&sent, &json!({ "mode": "default" })));
    assert_eq!(effects[0]["update"]["currentModeId"], "default", "{effects:?}");
    assert_eq!(answers(&effects)[0]["answer"]["error"]["kind"], "invalid_params");
}

#[test]
fn a_prompt_from_elsewhere_is_told_and_one_of_ours_is_not() {
    let mut peer = Peer::new();
    let (_, uuid) = peer.prompt();
    let prompted = |uuid: &str| json!({ "type": "acp-harness/prompted", "uuid": uuid, "text": "break it" });
    assert_eq!(peer.native(&prompted(&uuid)), Vec::<Value>::new());
    let effects = peer.native(&prompted("11111111-1111-4111-8111-111111111111"));
    let told = effects[0]["update"]["content"]["text"].as_str().expect("a text");
    assert!(told.contains("Another program") && told.contains("break it"), "{told}");
}
