//! What agents may get wrong, and how the bridge goes on.

use crate::support::client::text;
use crate::support::{Bridge, Options};
use serde_json::json;

#[test]
fn garbage_on_stdout_changes_no_turn() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "garbage");
    let (answer, chunks) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_eq!(text(&chunks), "after garbage");
}

#[test]
fn a_flood_of_stderr_blocks_nothing() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "stderr 8192");
    assert_eq!(text(&client.turn(turn).1), "after stderr");
}

#[test]
fn a_second_answer_to_a_prompt_ends_no_other_turn() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    for _ in 0..3 {
        let turn = client.prompt(&session, "twice");
        assert_eq!(client.turn(turn).0["result"]["stopReason"], "end_turn");
    }
    let turn = client.prompt(&session, "count 5 1");
    assert_eq!(text(&client.turn(turn).1), "1 2 3 4 5 ");
}

#[test]
fn an_agent_that_cannot_be_started_is_named_in_the_error() {
    let bridge =
        Bridge::start(Options { agent: vec!["/dev/null/agent".into()], args: Vec::new(), wrapper: None, listen: None });
    let mut client = crate::support::Client::connect(&bridge.address);
    let error = client.refused("initialize", &json!({ "protocolVersion": 1 }));
    assert!(error["message"].as_str().is_some_and(|m| m.contains("/dev/null/agent")), "{error}");
}

#[test]
fn an_agent_that_dies_at_the_start_leaves_its_stderr_in_the_error() {
    let bridge = Bridge::start(Options::fault_agent(&["--die-on-start"]));
    let mut client = crate::support::Client::connect(&bridge.address);
    let error = client.refused("initialize", &json!({ "protocolVersion": 1 }));
    assert!(error["message"].as_str().is_some_and(|m| m.contains("told to die at the start")), "{error}");
}

#[test]
fn an_agent_that_never_answers_is_given_up() {
    let bridge = Bridge::start(Options::fault_agent(&["--mute"]).arg("--start-timeout").arg("300ms"));
    let mut client = crate::support::Client::connect(&bridge.address);
    let error = client.refused("initialize", &json!({ "protocolVersion": 1 }));
    assert!(error["message"].as_str().is_some_and(|m| m.contains("did not answer initialize")), "{error}");
}

#[test]
fn an_agent_of_another_version_is_left_and_the_client_told() {
    let bridge = Bridge::start(Options::fault_agent(&["--future"]));
    let mut client = crate::support::Client::connect(&bridge.address);
    let error = client.refused("initialize", &json!({ "protocolVersion": 1 }));
    assert!(error["message"].as_str().is_some_and(|m| m.contains("speaks version 65535")), "{error}");
}

#[test]
fn an_agent_that_can_neither_load_nor_resume_fails_the_next_prompt_unless_the_loss_is_accepted() {
    let bridge = Bridge::start(Options::fault_agent(&["--no-load"]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "die");
    client.turn(turn);
    let turn = client.prompt(&session, "echo x");
    let (answer, _) = client.turn(turn);
    assert!(answer["error"]["message"].as_str().is_some_and(|m| m.contains("acceptContextLoss")), "{answer}");
    let accepted = client.request(
        "session/prompt",
        &json!({ "sessionId": session, "prompt": [{ "type": "text", "text": "echo anew" }],
                 "_meta": { "acp-bridge": { "acceptContextLoss": true } } }),
    );
    assert_eq!(text(&client.turn(accepted).1), "anew");
}

#[test]
fn the_context_loss_can_be_accepted_for_every_session() {
    let bridge = Bridge::start(Options::fault_agent(&["--no-load"]).arg("--accept-context-loss"));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "die");
    client.turn(turn);
    let turn = client.prompt(&session, "echo anew");
    assert_eq!(text(&client.turn(turn).1), "anew");
}

#[test]
fn an_agent_that_resumes_is_resumed() {
    let bridge = Bridge::start(Options::fault_agent(&["--resume"]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "die");
    client.turn(turn);
    let turn = client.prompt(&session, "echo resumed");
    assert_eq!(text(&client.turn(turn).1), "resumed");
}

#[test]
fn files_that_nobody_serves_are_not_offered() {
    let bridge = Bridge::start(Options::fault_agent(&[]).arg("--no-host-fs"));
    let mut client = crate::support::Client::connect(&bridge.address);
    client.call(
        "initialize",
        &json!({ "protocolVersion": 1, "clientCapabilities": { "fs": { "readTextFile": true }, "terminal": true } }),
    );
    let session = client.new_session();
    let turn = client.prompt(&session, "file");
    assert!(text(&client.turn(turn).1).contains("-32601"));
}

#[test]
fn other_requests_of_the_agent_reach_the_client_that_prompted() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    for (word, method) in [("ext", "_ask/colour"), ("elicit", "elicitation/create")] {
        let turn = client.prompt(&session, word);
        let asked = client.wait_for(method, |m| m["method"] == method);
        assert_eq!(asked["params"]["sessionId"], json!(session));
        client.respond(&asked["id"], &json!({ "said": "blue" }));
        assert!(text(&client.turn(turn).1).contains("blue"));
    }
    let turn = client.prompt(&session, "notify");
    client.turn(turn);
    let news = client.wait_for("_news", |m| m["method"] == "_news");
    assert_eq!(news["params"]["sessionId"], json!(session));
}

#[test]
fn an_agent_that_reads_no_more_holds_up_no_cancel() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "deaf");
    client.chunk();
    let big = "x".repeat(700_000);
    let calls: Vec<u64> =
        (0..6).map(|_| client.request("_mine/thing", &json!({ "sessionId": session, "big": big }))).collect();
    client.cancel(&session);
    let (answer, _) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "cancelled");
    for call in calls {
        assert!(!client.answer(call)["error"].is_null(), "every call is answered");
    }
    let turn = client.prompt(&session, "echo reading again");
    assert_eq!(text(&client.turn(turn).1), "reading again");
}
