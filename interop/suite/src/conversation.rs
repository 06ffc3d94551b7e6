//! One conversation that every pair of client and agent has to be able to hold.

use serde_json::{Value, json};

use crate::driver::Driver;

/// What is known of the two that talk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conversation {
    /// There is a bridge between them: updates carry its cursor, and its own methods work.
    pub through_bridge: bool,
}

/// Holds it: initialize, new, mode, prompt, permission both ways, tool call, error, cancel, load.
pub fn hold(client: &mut Driver, how: Conversation) {
    let agent = client.result("initialize", json!({ "protocolVersion": 1, "clientCapabilities": {} }));
    assert_eq!(agent["protocolVersion"], 1);
    assert_eq!(agent["agentCapabilities"]["loadSession"], true);
    let made = client.result("session/new", place(json!({})));
    let session = made["sessionId"].as_str().expect("session/new gives an id").to_owned();
    assert_eq!(made["modes"]["currentModeId"], "ask");

    client.result("session/set_mode", json!({ "sessionId": session, "modeId": "auto" }));
    says(client, &session, "mode", &["auto"], how);
    says(client, &session, "echo Grüße, 世界 \"\\ \u{1f600}", &["Grüße, 世界 \"\\ \u{1f600}"], how);
    says(client, &session, "count 5 1", &["1 ", "2 ", "3 ", "4 ", "5 "], how);
    says(client, &session, "ask", &["chosen: yes"], how);
    client.step(&json!({ "permission": "no" }));
    says(client, &session, "ask 2", &["chosen: no", "chosen: no"], how);
    client.step(&json!({ "permission": "yes" }));
    tool_call(client, &session);
    let (_, failed) = client.request("session/prompt", prompt(&session, "fail"));
    let error = failed.expect_err("the agent was told to fail");
    assert_eq!((&error["code"], &error["message"]), (&json!(4711), &json!("told to fail")));

    cancel(client, &session);
    says(client, &session, "echo after the cancel", &["after the cancel"], how);
    let (history, loaded) = client.request("session/load", place(json!({ "sessionId": session })));
    loaded.expect("session/load");
    let told: String = history.iter().filter_map(chunk).collect();
    assert!(told.contains("1 2 3 4 5 "), "session/load told {told:?}");
    assert!(told.ends_with("after the cancel"), "session/load told {told:?}");
    says(client, &session, "mode", &["auto"], how);
    if how.through_bridge {
        bridge_methods(client, &session);
    }
}

fn place(mut params: Value) -> Value {
    params["cwd"] = json!("/");
    params["mcpServers"] = json!([]);
    params
}

fn prompt(session: &str, text: &str) -> Value {
    json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }] })
}

fn chunk(line: &Value) -> Option<&str> {
    let update = &line["update"]["update"];
    (update["sessionUpdate"] == "agent_message_chunk").then(|| update["content"]["text"].as_str())?
}

/// A prompt whose answer is exactly these chunks, all before the end of the turn.
fn says(client: &mut Driver, session: &str, text: &str, chunks: &[&str], how: Conversation) {
    let (before, outcome) = client.request("session/prompt", prompt(session, text));
    let said: Vec<&str> = before.iter().filter_map(chunk).collect();
    assert_eq!(said, chunks, "answer to {text:?}");
    let result = outcome.unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(result["stopReason"], "end_turn", "answer to {text:?}");
    if how.through_bridge {
        let seqs: Vec<u64> = before
            .iter()
            .filter(|line| chunk(line).is_some())
            .map(|line| line["update"]["_meta"]["acp-bridge"]["seq"].as_u64().expect("every update carries its seq"))
            .collect();
        assert!(seqs.is_sorted_by(|a, b| a < b), "cursors {seqs:?}");
    }
}

fn tool_call(client: &mut Driver, session: &str) {
    let (before, outcome) = client.request("session/prompt", prompt(session, "tool"));
    outcome.expect("a tool call ends well");
    // Beside updates there may be a bridge's own notifications.
    let updates: Vec<&Value> = before.iter().map(|line| &line["update"]["update"]).filter(|it| !it.is_null()).collect();
    let [call, done] = updates[..] else { panic!("a tool call and an update of it, not {before:?}") };
    assert_eq!((&call["sessionUpdate"], &call["toolCallId"]), (&json!("tool_call"), &json!("edit-1")));
    assert_eq!((&done["sessionUpdate"], &done["status"]), (&json!("tool_call_update"), &json!("completed")));
}

fn cancel(client: &mut Driver, session: &str) {
    client.start_request("session/prompt", prompt(session, "count 1000 20"));
    while chunk(&client.line()).is_none() {}
    client.step(&json!({ "notify": "session/cancel", "params": { "sessionId": session } }));
    let (_, outcome) = client.answer("session/prompt");
    let result = outcome.expect("a cancelled turn is no error");
    assert_eq!(result["stopReason"], "cancelled");
}

fn bridge_methods(client: &mut Driver, session: &str) {
    let listed = client.result("session/list", json!({}));
    let ids: Vec<&Value> = listed["sessions"].as_array().into_iter().flatten().map(|info| &info["sessionId"]).collect();
    assert!(ids.contains(&&json!(session)), "session/list gave {listed}");
    client.result("session/resume", place(json!({ "sessionId": session })));
    client.result("session/close", json!({ "sessionId": session }));
    client.result("session/delete", json!({ "sessionId": session }));
    let (_, gone) = client.request("session/load", place(json!({ "sessionId": session })));
    assert_eq!(gone.expect_err("a deleted session cannot be loaded")["code"], -32002);
}
