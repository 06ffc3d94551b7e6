//! What the model server answers to whom.

mod support;

use serde_json::{Value, json};
use support::http::{head, send};
use support::{Model, any};

fn openai(text: &str) -> Value {
    json!({ "model": "m", "stream": true, "input": text })
}

fn anthropic(text: &str) -> Value {
    json!({
        "model": "m", "stream": true, "tools": [{ "name": "Bash" }],
        "messages": [{ "role": "user", "content": text }],
    })
}

#[test]
fn both_apis_stream_under_both_paths() {
    let model = Model::start(&any(r#"[{ say = ["Hel", "lo"] }]"#));
    for (path, body) in [
        ("/responses", openai("a")),
        ("/v1/responses", openai("b")),
        ("/messages?beta=true", anthropic("c")),
        ("/v1/messages?beta=true", anthropic("d")),
    ] {
        let response = model.post(path, &body);
        assert_eq!((response.status, response.whole), (200, true), "{path}");
        assert!(response.head.contains("content-type: text/event-stream"), "{}", response.head);
        assert_eq!(response.said(), "Hello", "{path}");
    }
}

#[test]
fn a_client_that_does_not_stream_gets_one_object() {
    let model = Model::start(&any(r#"[{ say = "Hello" }]"#));
    let response = model.post("/v1/responses", &json!({ "model": "m", "input": "a" })).json();
    assert_eq!(
        (&response["status"], &response["output"][0]["content"][0]["text"]),
        (&json!("completed"), &json!("Hello"))
    );
    let mut request = anthropic("b");
    request["stream"] = false.into();
    let response = model.post("/v1/messages", &request).json();
    assert_eq!((&response["stop_reason"], &response["content"][0]["text"]), (&json!("end_turn"), &json!("Hello")));
}

#[test]
fn gemini_has_the_model_and_the_way_of_answering_in_its_path() {
    let model = Model::start(&any(r#"[{ say = ["Hel", "lo"] }]"#));
    let body = |text: &str| {
        json!({
            "contents": [{ "role": "user", "parts": [{ "text": text }] }],
            "tools": [{ "functionDeclarations": [{ "name": "read_file" }] }],
        })
    };
    let response = model.post("/v1beta/models/m:streamGenerateContent?alt=sse", &body("a"));
    assert!(response.head.contains("content-type: text/event-stream"), "{}", response.head);
    let chunks: Vec<Value> = response
        .text()
        .split_terminator("\n\n")
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    assert_eq!(chunks.len(), 2);
    assert_eq!(
        (&chunks[0]["modelVersion"], &chunks[1]["candidates"][0]["finishReason"]),
        (&json!("m"), &json!("STOP"))
    );
    let whole = model.post("/v1beta/models/m:generateContent", &body("b")).json();
    assert_eq!(whole["candidates"][0]["content"]["parts"].as_array().unwrap().len(), 2);
    let tokens = model.post("/v1beta/models/m:countTokens", &body("c")).json();
    assert_eq!(tokens, json!({ "totalTokens": 10 }));
    let refused = model.post("/v1beta/models/m:streamGenerateContent", &json!({}));
    assert_eq!((refused.status, &refused.json()["error"]["status"]), (400, &json!("INVALID_ARGUMENT")));
}

#[test]
fn without_a_script_every_prompt_is_answered() {
    let model = Model::with(None, &[]);
    for _ in 0..3 {
        assert_eq!(model.post("/v1/responses", &openai("x")).said(), "Hello from the scripted model.");
    }
}

#[test]
fn the_small_questions_of_harnesses_are_answered() {
    let model = Model::with(None, &[]);
    let models = model.get("/v1/models").json();
    assert_eq!((&models["data"], &models["models"]), (&json!([]), &json!([])));
    assert_eq!(model.post("/v1/messages/count_tokens?beta=true", &json!({})).json(), json!({ "input_tokens": 10 }));
    assert_eq!(model.get("/control/health").text(), "ok\n");
}

#[test]
fn side_calls_get_their_answers_and_do_not_count() {
    let script = format!("[side]\ntitle = \"T\"\nreview = \"deny\"\ntext = \"short\"\n{}", any("[{ say = \"one\" }]"));
    let model = Model::start(&script);
    let schema = |field: &str| json!({ "format": { "schema": { "properties": { field: {} } } } });
    let title = json!({ "model": "m", "stream": true, "input": "x", "text": schema("title") });
    assert_eq!(model.post("/v1/responses", &title).said(), r#"{"title":"T"}"#);
    let review = json!({ "model": "m", "stream": true, "input": "x", "text": schema("outcome") });
    let said: Value = serde_json::from_str(&model.post("/v1/responses", &review).said()).unwrap();
    assert_eq!(said["outcome"], "deny");
    let mut text = anthropic("x");
    text["tools"] = json!([]);
    assert_eq!(model.post("/v1/messages", &text).said(), "short");
    assert_eq!(model.post("/v1/responses", &openai("x")).said(), "one");
    assert_eq!(model.calls(), [(Some(0), Some(1))]);
    let sides: Vec<_> = model.requests().iter().map(|request| request["side"].clone()).collect();
    assert_eq!(sides, [json!("title"), json!("review"), json!("text"), Value::Null]);
}

#[test]
fn a_prompt_without_an_entry_is_a_clear_error() {
    let model = Model::start("[[prompt]]\nmatch = \"hello\"\nreplies = [[{ say = \"x\" }]]");
    for (path, body) in [("/v1/responses", openai("bye")), ("/v1/messages", anthropic("bye"))] {
        let response = model.post(path, &body);
        assert_eq!(response.status, 400);
        assert!(response.text().contains(r#"no [[prompt]] of the script matches \"bye\""#), "{}", response.text());
    }
}

#[test]
fn a_request_that_is_none_is_refused_with_a_reason() {
    let model = Model::with(None, &[]);
    let raw = |body: &[u8], extra: &str| {
        let head = head("POST", "/v1/responses", model.address(), Some(body.len())).replacen(
            "\r\n",
            &format!("\r\n{extra}"),
            1,
        );
        send(model.address(), &head, body)
    };
    for (body, extra, status, why) in [
        (&b"{"[..], "", 400, "the request is no JSON"),
        (b"[]", "", 400, "`model` is missing"),
        (br#"{"model":"m"}"#, "", 400, "`input` is missing"),
        (b"x", "content-encoding: zstd\r\n", 415, "switch compression off"),
    ] {
        let response = raw(body, extra);
        assert_eq!(response.status, status, "{}", response.text());
        assert!(response.json()["error"]["message"].as_str().unwrap().contains(why), "{}", response.text());
    }
    assert_eq!(model.get("/nowhere").status, 404);
    assert_eq!(model.get("/v1/responses").status, 405);
}

#[test]
fn a_body_beyond_the_limit_is_not_read() {
    let model = Model::with(None, &[]);
    let head = head("POST", "/v1/responses", model.address(), Some(64 * 1024 * 1024 + 1));
    assert_eq!(send(model.address(), &head, b"{}").status, 413);
}

#[test]
fn a_page_of_another_site_gets_nothing() {
    let model = Model::with(None, &[]);
    assert_eq!(send(model.address(), &head("GET", "/control/requests", "evil.example", None), b"").status, 403);
    let foreign = head("GET", "/control/requests", model.address(), None).replacen(
        "\r\n",
        "\r\norigin: http://evil.example\r\n",
        1,
    );
    assert_eq!(send(model.address(), &foreign, b"").status, 403);
}
