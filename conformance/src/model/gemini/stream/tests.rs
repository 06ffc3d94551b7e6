use proptest::prelude::*;

use super::*;
use crate::model::script::Script;
use crate::model::steps::sorted;

const PATH: &str = "/v1beta/models/m:streamGenerateContent";

fn answer(parts: &str) -> ModelAnswer {
    let script = Script::parse(&format!("[[prompt]]\nmatch = \"*\"\nreplies = [[{parts}]]")).unwrap();
    let body = json!({
        "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }],
        "systemInstruction": { "parts": [{ "text": "- **Workspace Directories:**\n  - /w\n" }] },
        "tools": [{ "functionDeclarations": [{ "name": "run_shell_command" }, { "name": "mcp_demo_ping" }] }],
    });
    let request = Request::read(PATH, &body).unwrap();
    let usage = Usage { input: 25, output: 9, cached: 5 };
    render(&script.prompts[0].replies[0], &request, usage, &mut Ids::default())
}

fn lines(parts: &str) -> Vec<String> {
    let ModelAnswer::Reply { steps, .. } = answer(parts) else { panic!("no reply") };
    let line = |step: &ResponseStep| match step {
        ResponseStep::Send(event) => {
            assert_eq!((event.name, &event.data["responseId"]), (None, &json!("resp_1")));
            let tokens = event.data.get("usageMetadata").map(|_| " with tokens").unwrap_or_default();
            format!("{}{tokens}", sorted(&event.data["candidates"][0]))
        }
        other => format!("[{other:?}]"),
    };
    steps.iter().map(line).collect()
}

/// The arguments of the tools that are used, by name.
fn uses(parts: &str) -> Vec<(String, Value)> {
    let ModelAnswer::Reply { whole, .. } = answer(parts) else { panic!("no reply") };
    let parts = whole["candidates"][0]["content"]["parts"].as_array().unwrap().iter();
    let calls = parts.map(|part| &part["functionCall"]);
    calls.map(|call| (call["name"].as_str().unwrap().to_owned(), call["args"].clone())).collect()
}

#[test]
fn a_text_is_a_chunk_for_each_delta_and_the_last_has_the_end() {
    assert_eq!(
        lines(r#"{ think = "hm" }, { say = ["Hel", "lo"] }"#),
        [
            r#"{"content":{"parts":[{"text":"hm","thought":true}],"role":"model"},"index":0}"#,
            r#"{"content":{"parts":[{"text":"Hel"}],"role":"model"},"index":0}"#,
            r#"{"content":{"parts":[{"text":"lo"}],"role":"model"},"finishReason":"STOP","index":0} with tokens"#,
        ]
    );
}

#[test]
fn an_end_after_a_pause_comes_by_itself() {
    let lines = lines(r#"{ say = "x" }, { pause_ms = 5 }"#);
    assert_eq!(lines[2], r#"{"finishReason":"STOP","index":0} with tokens"#);
}

#[test]
fn calls_have_ids_and_the_names_that_the_harness_offers() {
    let called = lines(r#"{ mcp = "demo.ping", arguments = { n = 1 } }"#);
    let call = r#"{"functionCall":{"args":{"n":1},"id":"call_1","name":"mcp_demo_ping"}}"#;
    let expected =
        format!(r#"{{"content":{{"parts":[{call}],"role":"model"}},"finishReason":"STOP","index":0}} with tokens"#);
    assert_eq!(called, [expected]);
    let written = uses(r#"{ write = "a", text = "t" }, { read = "/b" }, { shell = "c" }"#);
    assert_eq!(written[0], ("write_file".to_owned(), json!({ "file_path": "/w/a", "content": "t" })));
    assert_eq!(written[1], ("read_file".to_owned(), json!({ "file_path": "/b" })));
    assert_eq!((written[2].0.as_str(), &written[2].1["command"]), ("run_shell_command", &json!("c")));
}

#[test]
fn what_the_api_has_no_words_for_is_refused() {
    for part in [r#"{ patch = "*** Begin Patch\n*** End Patch" }"#, r#"{ code = "1" }"#, r#"{ exit_plan = "x" }"#] {
        assert!(matches!(answer(part), ModelAnswer::Refusal { status: 400, .. }), "{part}");
    }
}

#[test]
fn failures_are_statuses_before_and_errors_after_the_first_words() {
    let ModelAnswer::Refusal { status, body, .. } = answer("{ status = 429 }") else { panic!("no refusal") };
    assert_eq!((status, &body["error"]["status"]), (429, &json!("RESOURCE_EXHAUSTED")));
    let ModelAnswer::Reply { steps, .. } = answer(r#"{ say = "x" }, { failed = "rate_limit_exceeded" }"#) else {
        panic!("no reply")
    };
    assert!(matches!(&steps[1], ResponseStep::Send(event) if event.data["error"]["code"] == 429), "{steps:?}");
    for (part, reason) in
        [(r#"{ refuse = "no" }"#, "SAFETY"), (r#"{ say = "x" }, { incomplete = "max_output_tokens" }"#, "MAX_TOKENS")]
    {
        let ModelAnswer::Reply { whole, .. } = answer(part) else { panic!("no reply") };
        assert_eq!(whole["candidates"][0]["finishReason"], reason);
    }
}

proptest! {
    #[test]
    fn the_chunks_put_together_are_the_whole(deltas in proptest::collection::vec("[a-z \"\\\\]{0,8}", 1..6)) {
        let parts = format!("{{ say = {} }}", serde_json::to_string(&deltas).unwrap());
        let ModelAnswer::Reply { steps, whole } = answer(&parts) else { panic!("no reply") };
        let text = |candidate: &Value| -> String {
            let parts = candidate["content"]["parts"].as_array().unwrap().iter();
            parts.map(|part| part["text"].as_str().unwrap()).collect()
        };
        let streamed: String = steps.iter().map(|step| match step {
            ResponseStep::Send(event) => text(&event.data["candidates"][0]),
            other => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(&streamed, &deltas.concat());
        prop_assert_eq!(text(&whole["candidates"][0]), streamed);
    }
}
