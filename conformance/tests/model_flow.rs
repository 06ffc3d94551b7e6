//! Streams that stop, go on for ever, or break; and what a test learns of the requests.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::Read as _;

use serde_json::{Value, json};
use support::http::{head, open, read_until};
use support::{Model, any};

fn prompt(text: &str) -> Value {
    json!({ "model": "m", "stream": true, "input": text })
}

fn begin(model: &Model, text: &str) -> std::net::TcpStream {
    let body = prompt(text).to_string();
    open(model.address(), &head("POST", "/v1/responses", model.address(), Some(body.len())), body.as_bytes())
}

#[test]
fn a_stream_stops_at_a_gate_until_it_is_released() {
    let model = Model::start(&any(r#"[{ say = "before" }, { wait = "go" }, { say = " after" }]"#));
    let mut stream = begin(&model, "x");
    let start = read_until(&mut stream, "before");
    assert!(!start.contains("after"));
    assert_eq!(model.post("/control/release/go", &json!({})).status, 204);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.contains(" after") && rest.contains("response.completed"), "{rest}");
}

#[test]
fn a_gate_that_was_released_stays_open() {
    let model = Model::start(&any(r#"[{ wait = "go" }, { say = "through" }]"#));
    assert_eq!(model.post("/control/release/go", &json!({})).status, 204);
    assert_eq!(model.post("/v1/responses", &prompt("a")).said(), "through");
    assert_eq!(model.post("/v1/responses", &prompt("b")).said(), "through");
}

#[test]
fn a_gate_that_the_script_does_not_have_is_an_error_with_those_it_has() {
    let model = Model::start(&any(r#"[{ wait = "go" }, { say = "through" }]"#));
    let response = model.post("/control/release/gone", &json!({}));
    assert_eq!(response.status, 404);
    assert!(response.text().contains(r#"{\"go\"}"#), "{}", response.text());
}

#[test]
fn a_drop_cuts_the_body_after_what_was_said() {
    let model = Model::start(&any(r#"[{ say = ["par", "tial"] }, { drop = true }], [{ say = "whole" }]"#));
    let cut = model.post("/v1/responses", &prompt("x"));
    assert_eq!((cut.status, cut.whole, cut.said().as_str()), (200, false, "partial"));
    let retried = model.post("/v1/responses", &prompt("x"));
    assert_eq!((retried.whole, retried.said().as_str()), (true, "whole"));
}

#[test]
fn a_drop_cuts_a_client_that_does_not_stream_too() {
    let model = Model::start(&any(r#"[{ say = "partial" }, { drop = true }]"#));
    let cut = model.post("/v1/responses", &json!({ "model": "m", "input": "x" }));
    assert!(!cut.whole);
}

#[test]
fn endless_streams_end_with_their_clients() {
    let model = Model::start(&format!("{}repeat = true\n", any(r#"[{ endless = "tick ", every_ms = 1 }]"#)));
    // More than may be open at once: those that were left have made room.
    for _ in 0..300 {
        read_until(&mut begin(&model, "x"), "tick ");
    }
    assert_eq!(model.get("/control/health").status, 200);
}

#[test]
fn a_stop_cuts_endless_streams_and_open_gates() {
    let script = format!(
        "{}[[prompt]]\nmatch = \"gate\"\nreplies = [[{{ say = \"at\" }}, {{ wait = \"go\" }}]]\n",
        "[[prompt]]\nmatch = \"endless\"\nreplies = [[{ endless = \"tick \" }]]\n"
    );
    let model = Model::start(&script);
    let mut streams = [begin(&model, "endless"), begin(&model, "gate")];
    read_until(&mut streams[0], "tick ");
    read_until(&mut streams[1], "\"at\"");
    assert!(model.terminate().success());
}

#[test]
fn a_status_may_wait_and_says_when_to_come_back() {
    let model = Model::start(&any(
        r#"[{ pause_ms = 1 }, { status = 429, retry_after = 3, error_type = "usage_limit_reached" }]"#,
    ));
    let response = model.post("/v1/responses", &prompt("x"));
    assert_eq!(response.status, 429);
    assert!(response.head.contains("retry-after: 3"), "{}", response.head);
    assert_eq!(response.json()["error"]["type"], "usage_limit_reached");
}

#[test]
fn requests_are_kept_and_written_with_what_they_matched() {
    let model = Model::start(&any(r#"[{ say = "one" }], [{ say = "two" }]"#));
    // A body over several lines is one line in the file.
    let body = serde_json::to_string_pretty(&prompt("hello")).unwrap();
    let head = head("POST", "/v1/responses", model.address(), Some(body.len()));
    assert_eq!(support::http::send(model.address(), &head, body.as_bytes()).said(), "one");
    model.post("/v1/responses", &prompt("hello"));
    let kept = model.requests();
    assert_eq!(kept.len(), 2);
    assert_eq!((&kept[0]["api"], &kept[0]["model"]), (&json!("openai"), &json!("m")));
    assert_eq!((&kept[1]["prompt"], &kept[1]["call"]), (&json!(0), &json!(2)));
    assert_eq!(kept[0]["body"], prompt("hello"));
    let file = std::fs::read_to_string(model.requests_file()).unwrap();
    let lines: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, kept);
}

#[test]
fn only_the_last_requests_are_kept() {
    let model = Model::start(&format!("{}repeat = true\n", any(r#"[{ say = "x" }]"#)));
    for n in 0..205 {
        model.post("/v1/responses", &prompt(&n.to_string()));
    }
    let kept = model.requests();
    assert_eq!(kept.len(), 200);
    assert_eq!((&kept[0]["body"]["input"], &kept[199]["body"]["input"]), (&json!("5"), &json!("204")));
}

#[test]
fn ids_are_the_same_in_every_run() {
    let run = || {
        let model = Model::start(&any(r#"[{ think = "a" }, { shell = "b" }, { shell = "c" }], [{ say = "d" }]"#));
        [model.post("/v1/responses", &prompt("x")).body, model.post("/v1/responses", &prompt("x")).body]
    };
    assert_eq!(run(), run());
}
