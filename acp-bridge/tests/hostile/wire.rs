//! Messages that are odd, broken or too long, of clients and of agents.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::report::held;
use crate::support::client::text;
use crate::support::editor::Editor;
use crate::support::{Bridge, Client, Options};

fn bridge() -> Bridge {
    Bridge::start(Options::fault_agent(&[]))
}

fn permission(client: &mut Client) -> Value {
    client.wait_for("permission request", |message| message["method"] == "session/request_permission")["id"].clone()
}

#[test]
fn half_a_surrogate_pair_is_text_in_both_directions() {
    let bridge = bridge();
    let mut client = bridge.client();
    let session = client.new_session();
    // The agent behind it reads JSON as strictly as most libraries do.
    client.send_text(&format!(
        r#"{{"jsonrpc":"2.0","id":900,"method":"session/prompt","params":{{"sessionId":"{session}","prompt":[{{"type":"text","text":"echo \ud83d!"}}],"_meta":{{"acp-bridge":{{"key":"\ude00"}}}}}}}}"#
    ));
    let (answer, chunks) = client.turn(900);
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    assert_eq!(text(&chunks), "\u{fffd}!");
    let turn = client.prompt(&session, "half");
    let update = client.wait_for("chunk", |message| message["params"]["update"]["content"]["text"] == "half \u{fffd}");
    assert_eq!(update["method"], "session/update");
    assert!(
        client.wire.last_raw.contains(r"half \ud83d"),
        "what the agent wrote arrives as it is: {}",
        client.wire.last_raw
    );
    client.answer(turn);
    // The session API reads the same, in every param.
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"session_prompt","params":{{"session":"{session}","key":"api \udc00","prompt":[{{"type":"text","text":"echo \ud800"}}]}}}}"#
    );
    let answer = post(&bridge, &body);
    assert!(answer.contains(r#""result""#) && !answer.contains(r#""error""#), "{answer}");
    assert_eq!(client.chunk().1, "\u{fffd}");
    held("a lone \\ud83d in prompts, keys and updates", "read as U+FFFD, passed on to clients as it was written");
}

/// The whole answer to a POST.
fn post(bridge: &Bridge, body: &str) -> String {
    let mut stream = TcpStream::connect(&bridge.address).expect("connect");
    let (host, length) = (&bridge.address, body.len());
    let head = format!("POST /rpc HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n");
    write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}").expect("send");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_request_whose_id_is_in_flight_is_refused_and_the_first_goes_on() {
    let bridge = bridge();
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "wait");
    client.chunk();
    client.send_text(&format!(r#"{{"jsonrpc":"2.0","id":{turn},"method":"session/list","params":{{}}}}"#));
    let refused = client.answer(turn);
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    assert!(refused["error"]["message"].as_str().is_some_and(|why| why.contains("still waits")), "{refused}");
    client.cancel(&session);
    assert_eq!(client.answer(turn)["result"]["stopReason"], "cancelled");

    let mut api = Client::connect_to(&bridge.address, "/rpc");
    let next = client.prompt(&session, "wait");
    let chunk = client.wait_for("chunk", |message| message["params"]["update"]["content"]["text"] == "waiting");
    let running = &chunk["params"]["_meta"]["acp-bridge"]["turn"];
    let wait = api.request("session_wait", &json!({ "session": session, "turn": running, "timeoutMs": 60_000 }));
    api.send_text(&format!(r#"{{"jsonrpc":"2.0","id":{wait},"method":"session_list","params":{{}}}}"#));
    assert_eq!(api.answer(wait)["error"]["code"], -32600);
    client.cancel(&session);
    assert_eq!(client.answer(next)["result"]["stopReason"], "cancelled");
    assert!(api.answer(wait)["result"].is_object(), "the first is answered");
    held("a second request with the id of one in flight, at /acp and /rpc", "-32600 that says so; the first goes on");
}

#[test]
fn an_editor_behind_attach_is_refused_the_same() {
    let bridge = bridge();
    let state = tempfile::tempdir().expect("a temporary directory");
    let mut editor = Editor::start(state.path(), &["--url", &format!("http://{}", bridge.address)]);
    editor.initialize();
    let session = editor.new_session();
    let prompt = json!({ "sessionId": session, "prompt": [{ "type": "text", "text": "wait" }] });
    let turn = editor.request("session/prompt", &prompt);
    editor.wait_for("chunk", |message| message["params"]["update"]["content"]["text"] == "waiting");
    editor.send_text(&format!(r#"{{"jsonrpc":"2.0","id":{turn},"method":"session/list","params":{{}}}}"#));
    let refused = editor.answer(turn);
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    editor.notify("session/cancel", &json!({ "sessionId": session }));
    assert_eq!(editor.answer(turn)["result"]["stopReason"], "cancelled");
    held("the same from an editor behind `attach`", "-32600 that says so; the first goes on");
}

#[test]
fn null_beside_a_value_is_absent_in_the_answers_of_both_sides() {
    let bridge = bridge();
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "ask");
    let id = permission(&mut client);
    client.send_text(&format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":null,"result":{{"outcome":{{"outcome":"selected","optionId":"yes"}}}},"error":null}}"#
    ));
    let (_, chunks) = client.turn(turn);
    assert!(text(&chunks).contains(r#""optionId":"yes""#), "{chunks:?}");
    let turn = client.prompt(&session, "nulls");
    assert_eq!(client.answer(turn)["result"]["stopReason"], "refusal");
    held(r#"an answer with "error":null beside its result, of a client and of an agent"#, "the result counts");
}

#[test]
fn an_answer_that_cannot_be_read_ends_its_request_and_its_sender_is_told() {
    let bridge = bridge();
    let mut client = bridge.client();
    let session = client.new_session();
    for broken in [
        r#"{"jsonrpc":"2.0","id":ID,"result":{"outcome":{"outcome":"cancelled"}},"error":{"code":1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":ID,"error":{"code":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":ID,"result":{"outcome":tru}}"#,
        r#"{"jsonrpc":"2.0","result":{"outcome":tru},"id":ID}"#,
    ] {
        let turn = client.prompt(&session, "ask");
        let id = permission(&mut client);
        client.send_text(&broken.replace("ID", &id.to_string()));
        let told = client.wait_for("word of it", |message| message["id"].is_null() && !message["error"].is_null());
        assert!(told["error"]["message"].as_str().is_some_and(|why| why.contains("cannot be read")), "{told}");
        let (answer, chunks) = client.turn(turn);
        assert_eq!(answer["result"]["stopReason"], "end_turn", "{broken}");
        assert!(text(&chunks).contains("cannot be read"), "the agent is told: {chunks:?}");
    }
    // An agent's answer to its prompt.
    let turn = client.prompt(&session, "both");
    let answer = client.answer(turn);
    assert!(answer["error"]["message"].as_str().is_some_and(|why| why.contains("answer is lost")), "{answer}");
    let turn = client.prompt(&session, "echo still there");
    assert_eq!(text(&client.turn(turn).1), "still there");
    held("answers with result and error, torn or without a code", "the request ends as an error, the sender is told");
}

#[test]
fn somebody_else_can_still_answer_what_one_client_answered_badly() {
    let bridge = bridge();
    let (mut broken, mut other) = (bridge.client(), bridge.client());
    let session = broken.new_session();
    other.resume(&session, None);
    let turn = broken.prompt(&session, "ask");
    let (first, second) = (permission(&mut broken), permission(&mut other));
    broken.send_text(&format!(r#"{{"jsonrpc":"2.0","id":{first},"result":1,"error":{{"code":1,"message":"x"}}}}"#));
    broken.wait_for("word of it", |message| message["id"].is_null() && !message["error"].is_null());
    other.respond(&second, &json!({ "outcome": { "outcome": "selected", "optionId": "yes" } }));
    let (_, chunks) = broken.turn(turn);
    assert!(text(&chunks).contains(r#""optionId":"yes""#), "{chunks:?}");
    held("one of two clients answers what cannot be read", "the other's answer counts");
}

#[test]
fn a_frame_over_every_limit_is_answered_and_closed_with_its_code() {
    let bridge = bridge();
    for path in ["/acp", "/rpc"] {
        let mut client = Client::connect_to(&bridge.address, path);
        let big = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":["{}"]}}"#, "x".repeat(20 * 1024 * 1024));
        client.send_text(&big);
        let answer = client.answer(1);
        assert_eq!(answer["error"]["code"], -32600, "{answer}");
        client.send_text(&"x".repeat(33 * 1024 * 1024));
        let (messages, code, reason) = client.closed();
        assert!(messages.iter().any(|message| message["error"]["code"] == -32600), "{messages:?}");
        assert_eq!(code, 1009);
        assert!(reason.contains("16777216"), "{reason}");
    }
    held("text frames of 20 and 33 MiB", "both answered; the second ends with close code 1009 and the limit");
}

#[test]
fn what_an_agent_says_over_the_limit_is_told_and_hangs_nothing() {
    let bridge = bridge();
    let mut client = bridge.client();
    let mut notified = Client::connect(&bridge.address);
    let capabilities = json!({ "session": { "notices": {} } });
    notified.call("initialize", &json!({ "protocolVersion": 1, "clientCapabilities": capabilities }));
    let session = client.new_session();
    notified.resume(&session, None);

    let turn = client.prompt(&session, "huge-chunk");
    let (_, chunks) = client.turn(turn);
    assert!(text(&chunks).ends_with("after it"), "{chunks:?}");
    let notice = notified.wait_for("notice", |message| message["params"]["update"]["sessionUpdate"] == "notice");
    let text_of = |key: &str| notice["params"]["update"][key].as_str().unwrap_or_default().to_owned();
    assert!(text_of("title").contains("lost") && text_of("description").contains("16777216"), "{notice}");
    let told =
        client.wait_for("word of it", |message| message["params"]["update"]["sessionUpdate"] == "agent_thought_chunk");
    assert!(told["params"]["update"]["content"]["text"].as_str().is_some_and(|text| text.contains("lost")), "{told}");

    let turn = client.prompt(&session, "huge-ask");
    assert!(text(&client.turn(turn).1).contains("16777216"), "the agent is told");
    let turn = client.prompt(&session, "huge-end");
    let answer = client.answer(turn);
    assert!(answer["error"]["message"].as_str().is_some_and(|why| why.contains("16777216")), "{answer}");
    let turn = client.prompt(&session, "echo still there");
    assert_eq!(text(&client.turn(turn).1), "still there");
    assert!(client.read(Duration::ZERO).is_none_or(|message| message["error"].is_null()));
    held("an agent's update, request and answer of 17 MiB", "all clients are told, the agent is, the turn ends");
}
