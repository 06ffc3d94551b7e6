use proptest::prelude::*;

use super::*;
use crate::model::script::Script;
use crate::model::steps::sorted;

fn answer(parts: &str) -> ModelAnswer {
    let script = Script::parse(&format!("[[prompt]]\nmatch = \"*\"\nreplies = [[{parts}]]")).unwrap();
    let request = json!({
        "model": "m", "tools": [{ "name": "Bash" }],
        "messages": [{ "role": "user", "content": "hi" }, { "role": "system", "content": "working directory: /w" }],
    });
    let request = Request::read(&request).unwrap();
    let usage = Usage { input: 25, output: 9, cached: 5 };
    render(&script.prompts[0].replies[0], &request, usage, &mut Ids::default())
}

fn lines(parts: &str) -> Vec<String> {
    let ModelAnswer::Reply { steps, .. } = answer(parts) else { panic!("no reply") };
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
    steps.iter().map(line).collect()
}

/// The inputs of the tools that are used, by name.
fn uses(parts: &str) -> Vec<(String, Value)> {
    let ModelAnswer::Reply { whole, .. } = answer(parts) else { panic!("no reply") };
    let blocks = whole["content"].as_array().unwrap().iter();
    blocks.map(|block| (block["name"].as_str().unwrap().to_owned(), block["input"].clone())).collect()
}

fn refusal(parts: &str) -> (u16, Value) {
    let ModelAnswer::Refusal { status, body, .. } = answer(parts) else { panic!("no refusal") };
    (status, body)
}

#[test]
fn a_text_is_a_block_with_its_deltas() {
    assert_eq!(
        lines(r#"{ say = ["Hel", "lo"] }"#),
        [
            r#"message_start {"message":{"content":[],"id":"msg_1","model":"m","role":"assistant","stop_reason":null,"stop_sequence":null,"type":"message","usage":{"cache_creation_input_tokens":0,"cache_read_input_tokens":5,"input_tokens":20,"output_tokens":1}}}"#,
            r#"content_block_start {"content_block":{"text":"","type":"text"},"index":0}"#,
            r#"content_block_delta {"delta":{"text":"Hel","type":"text_delta"},"index":0}"#,
            r#"content_block_delta {"delta":{"text":"lo","type":"text_delta"},"index":0}"#,
            r#"content_block_stop {"index":0}"#,
            r#"message_delta {"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9}}"#,
            r#"message_stop {}"#,
        ]
    );
}

#[test]
fn thinking_is_signed_and_a_tool_s_input_comes_as_json() {
    assert_eq!(
        lines(r#"{ think = "Hm" }, { mcp = "demo.ping", arguments = { n = 1 } }"#)[1..],
        [
            r#"content_block_start {"content_block":{"signature":"","thinking":"","type":"thinking"},"index":0}"#,
            r#"content_block_delta {"delta":{"thinking":"Hm","type":"thinking_delta"},"index":0}"#,
            r#"content_block_delta {"delta":{"signature":"scripted-msg_1-0","type":"signature_delta"},"index":0}"#,
            r#"content_block_stop {"index":0}"#,
            r#"content_block_start {"content_block":{"id":"toolu_1","input":{},"name":"mcp__demo__ping","type":"tool_use"},"index":1}"#,
            r#"content_block_delta {"delta":{"partial_json":"{\"n\":1}","type":"input_json_delta"},"index":1}"#,
            r#"content_block_stop {"index":1}"#,
            r#"message_delta {"delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":9}}"#,
            r#"message_stop {}"#,
        ]
    );
}

#[test]
fn a_file_is_read_before_it_is_edited() {
    assert_eq!(
        uses(r#"{ edit = "a", old = "x", new = "y" }"#),
        [
            ("Read".to_owned(), json!({ "file_path": "/w/a" })),
            ("Edit".to_owned(), json!({ "file_path": "/w/a", "old_string": "x", "new_string": "y" })),
        ]
    );
}

#[test]
fn a_command_has_a_description_and_its_options() {
    let input = json!({
        "command": "x", "description": "Run the scripted command", "timeout": 5, "run_in_background": true
    });
    let part = r#"{ shell = "x", ask = true, timeout_ms = 5, background = true }"#;
    assert_eq!(uses(part), [("Bash".to_owned(), input)]);
}

#[test]
fn waiting_for_agents_does_nothing_but_takes_a_call() {
    let input = json!({ "command": "true", "description": "Run the scripted command" });
    assert_eq!(uses("{ wait_agents = 10000 }"), [("Bash".to_owned(), input)]);
}

#[test]
fn what_only_the_other_api_knows_is_refused_with_a_reason() {
    let (status, body) = refusal(r#"{ patch = "x" }"#);
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("use `edit`"), "{body}");
    assert_eq!(refusal(r#"{ code = "x" }"#).0, 400);
}

#[test]
fn failures_have_the_status_and_type_of_the_api() {
    let (status, body) = refusal(r#"{ status = 529 }"#);
    assert_eq!((status, &body["error"]["type"]), (529, &json!("overloaded_error")));
    let (status, body) = refusal(r#"{ failed = "context_length_exceeded" }"#);
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().starts_with("prompt is too long: "), "{body}");
    assert_eq!(refusal(r#"{ failed = "rate_limit_exceeded" }"#).0, 429);
}

#[test]
fn a_failure_after_words_is_an_event_and_the_end() {
    let lines = lines(r#"{ say = "x" }, { failed = "rate_limit_exceeded" }"#);
    assert!(lines.last().unwrap().starts_with(r#"error {"error":{"message":"#), "{lines:?}");
    let last = self::lines(r#"{ say = "x" }, { sse_error = "overloaded_error" }"#).pop().unwrap();
    assert!(last.starts_with("error ") && last.contains("overloaded_error"), "{last}");
}

#[test]
fn stop_reasons_say_why() {
    let reason = |parts: &str| {
        let ModelAnswer::Reply { whole, .. } = answer(parts) else { panic!("no reply") };
        whole["stop_reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(reason(r#"{ say = "x" }, { incomplete = "max_output_tokens" }"#), "max_tokens");
    assert_eq!(reason(r#"{ refuse = "no" }"#), "refusal");
    assert_eq!(reason(r#"{ shell = "x" }"#), "tool_use");
}

#[test]
fn an_endless_text_goes_on_in_the_open_block() {
    let ModelAnswer::Reply { steps, .. } = answer(r#"{ say = "a" }, { endless = "tick " }"#) else {
        panic!("no reply")
    };
    let Some(ResponseStep::Endless { event, every }) = steps.last() else { panic!("{steps:?}") };
    assert_eq!((every.as_millis(), &event.data["index"]), (20, &json!(0)));
}

proptest! {
    #[test]
    fn any_json_is_a_request_or_an_error(text in r#"[{}\[\]":,a-z0-9 ]{0,80}"#, kind in "tool_use|tool_result|text") {
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            let _ = Request::read(&value);
            let block = json!({ "type": kind, "id": value, "tool_use_id": value, "content": value, "text": value });
            let message = json!({ "role": "user", "content": [block, value] });
            let _ = Request::read(&json!({ "model": "m", "messages": [message, value], "system": value }));
        }
    }
}
