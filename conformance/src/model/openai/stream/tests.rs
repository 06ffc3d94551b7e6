use proptest::prelude::*;

use super::*;
use crate::model::script::Script;
use crate::model::steps::sorted;

fn answer(parts: &str) -> ModelAnswer {
    let script = Script::parse(&format!("[[prompt]]\nmatch = \"*\"\nreplies = [[{parts}]]")).unwrap();
    let request = json!({ "model": "m", "input": "hi", "tools": [{ "name": "exec_command" }] });
    let request = Request::read(&request).unwrap();
    let usage = Usage { input: 5, output: 6, cached: 2 };
    render(&script.prompts[0].replies[0], &request, usage, &mut Ids::default())
}

fn steps(parts: &str) -> Vec<ResponseStep> {
    match answer(parts) {
        ModelAnswer::Reply { steps, .. } => steps,
        refusal @ ModelAnswer::Refusal { .. } => panic!("{refusal:?} is no reply"),
    }
}

/// Each event as one line of JSON, and what happens between them in brackets.
fn lines(parts: &str) -> Vec<String> {
    let line = |step: &ResponseStep| match step {
        ResponseStep::Send(event) => {
            let name = event.name.unwrap();
            assert_eq!(event.data["type"], name);
            let mut data = event.data.clone();
            data.as_object_mut().unwrap().remove("type");
            format!("{name} {}", sorted(&data))
        }
        other => format!("[{other:?}]"),
    };
    steps(parts).iter().map(line).collect()
}

fn names(parts: &str) -> Vec<String> {
    lines(parts).iter().map(|line| line.split_once(' ').map_or(line.as_str(), |(name, _)| name).to_owned()).collect()
}

#[test]
fn a_text_is_an_item_with_its_deltas() {
    assert_eq!(
        lines(r#"{ say = ["Hel", "lo"] }"#),
        [
            r#"response.created {"response":{"id":"resp_1","status":"in_progress"}}"#,
            r#"response.output_item.added {"item":{"content":[],"id":"msg_1","role":"assistant","type":"message"},"output_index":0}"#,
            r#"response.output_text.delta {"content_index":0,"delta":"Hel","item_id":"msg_1","output_index":0}"#,
            r#"response.output_text.delta {"content_index":0,"delta":"lo","item_id":"msg_1","output_index":0}"#,
            r#"response.output_item.done {"item":{"content":[{"annotations":[],"text":"Hello","type":"output_text"}],"id":"msg_1","role":"assistant","status":"completed","type":"message"},"output_index":0}"#,
            r#"response.completed {"response":{"id":"resp_1","model":"m","object":"response","output":[{"content":[{"annotations":[],"text":"Hello","type":"output_text"}],"id":"msg_1","role":"assistant","status":"completed","type":"message"}],"status":"completed","usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":2},"output_tokens":6,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":11}}}"#,
        ]
    );
}

#[test]
fn reasoning_comes_as_a_summary() {
    assert_eq!(
        lines(r#"{ think = "Hm" }"#)[1..5],
        [
            r#"response.output_item.added {"item":{"id":"rs_1","summary":[],"type":"reasoning"},"output_index":0}"#,
            r#"response.reasoning_summary_part.added {"item_id":"rs_1","output_index":0,"part":{"text":"","type":"summary_text"},"summary_index":0}"#,
            r#"response.reasoning_summary_text.delta {"delta":"Hm","item_id":"rs_1","output_index":0,"summary_index":0}"#,
            r#"response.output_item.done {"item":{"encrypted_content":"scripted-rs_1","id":"rs_1","summary":[{"text":"Hm","type":"summary_text"}],"type":"reasoning"},"output_index":0}"#,
        ]
    );
}

#[test]
fn parallel_calls_have_ids_and_places_of_their_own() {
    let done: Vec<String> = lines(r#"{ shell = "a" }, { mcp = "demo.ping" }"#)
        .into_iter()
        .filter(|line| line.starts_with("response.output_item.done"))
        .collect();
    assert_eq!(
        done,
        [
            r#"response.output_item.done {"item":{"arguments":"{\"cmd\":\"a\"}","call_id":"call_1","id":"fc_1","name":"exec_command","status":"completed","type":"function_call"},"output_index":0}"#,
            r#"response.output_item.done {"item":{"arguments":"{}","call_id":"call_2","id":"fc_2","name":"ping","namespace":"mcp__demo","status":"completed","type":"function_call"},"output_index":1}"#,
        ]
    );
}

#[test]
fn a_pause_does_not_end_a_text_and_a_second_text_does() {
    let added = |parts: &str| names(parts).iter().filter(|name| *name == "response.output_item.added").count();
    assert_eq!(added(r#"{ say = "a" }, { pause_ms = 1 }, { wait = "go" }, { say = "b" }"#), 1);
    assert_eq!(added(r#"{ say = "a" }, { say = "b" }"#), 2);
    assert_eq!(added(r#"{ think = "a" }, { pause_ms = 1 }, { say = "b" }"#), 2);
}

#[test]
fn a_drop_leaves_the_text_open() {
    let steps = steps(r#"{ say = "par" }, { drop = true }"#);
    assert_eq!(steps.last(), Some(&ResponseStep::Drop));
    assert_eq!(names(r#"{ say = "par" }, { drop = true }"#).len(), 4, "created, added, delta, drop");
}

#[test]
fn an_endless_text_goes_on_in_the_open_item() {
    let steps = steps(r#"{ say = "a" }, { endless = "tick ", every_ms = 7 }"#);
    let Some(ResponseStep::Endless { event, every }) = steps.last() else { panic!("{steps:?}") };
    assert_eq!((every.as_millis(), &event.data["item_id"]), (7, &json!("msg_1")));
}

#[test]
fn failures_end_the_response_with_their_code() {
    assert_eq!(
        lines(r#"{ failed = "insufficient_quota", message = "pay" }"#)[1],
        r#"response.failed {"response":{"error":{"code":"insufficient_quota","message":"pay"},"id":"resp_1","model":"m","object":"response","output":[],"status":"failed"}}"#
    );
    let last = lines(r#"{ say = "cut" }, { incomplete = "max_output_tokens" }"#).pop().unwrap();
    assert!(last.starts_with("response.incomplete ") && last.contains(r#"{"reason":"max_output_tokens"}"#), "{last}");
    assert_eq!(names(r#"{ sse_error = "server_error" }"#), ["response.created", "error"]);
}

#[test]
fn a_status_is_an_http_error_in_the_api_s_words() {
    let ModelAnswer::Refusal { status, retry_after, body, .. } =
        answer(r#"{ status = 429, retry_after = 2, message = "slow" }"#)
    else {
        panic!("no refusal")
    };
    assert_eq!((status, retry_after), (429, Some(2)));
    let error = json!({ "message": "slow", "type": "rate_limit_exceeded", "param": null, "code": null });
    assert_eq!(body, json!({ "error": error }));
}

proptest! {
    #[test]
    fn any_json_is_a_request_or_an_error(text in r#"[{}\[\]":,a-z0-9 ]{0,80}"#, role in "user|system|x") {
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            let _ = Request::read(&value);
            let _ = Request::read(&json!({ "model": "m", "input": [{ "role": role, "content": value }] }));
            let _ = Request::read(&json!({ "model": "m", "tools": [value], "input": [value], "text": value }));
        }
    }
}
