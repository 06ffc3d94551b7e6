//! Permission requests of sessions that nobody attends, on a running bridge.

mod support;

use serde_json::{Value, json};
use support::log::wait_for_records;
use support::{Bridge, Options};

/// Asks for a tool of that kind and leaves: how it was decided, as the log says. Nobody comes back meanwhile.
fn ask_alone(bridge: &Bridge, kind: &str, policy: Option<&str>) -> Value {
    let mut client = bridge.client();
    let session = client.new_session();
    if let Some(policy) = policy {
        client.call("_acp-bridge/set_policy", &json!({ "sessionId": session, "unattended": policy }));
    }
    client.prompt(&session, &format!("ask {kind}"));
    drop(client);
    let resolved = wait_for_records(bridge, &session, "permission_resolved", 1).remove(0);
    assert_eq!(resolved["cause"], "policy");
    let ended = wait_for_records(bridge, &session, "turn_ended", 1).remove(0);
    assert_eq!(ended["outcome"], "completed", "the agent was told");
    json!([resolved["result"]["outcome"]["optionId"], resolved["policy"]])
}

#[test]
fn the_servers_policy_decides_and_a_sessions_own_goes_before_it() {
    let bridge = Bridge::start(Options::fault_agent(&[]).arg("--unattended").arg("allow:read:reject"));
    assert_eq!(ask_alone(&bridge, "read", None), json!(["yes", "allow:read:reject"]));
    assert_eq!(ask_alone(&bridge, "execute", None), json!(["no", "allow:read:reject"]));
    assert_eq!(ask_alone(&bridge, "execute", Some("allow:execute")), json!(["yes", "allow:execute"]));
}

#[test]
fn a_request_that_waits_long_enough_is_rejected() {
    let bridge = Bridge::start(Options::fault_agent(&[]).arg("--unattended").arg("wait:100ms"));
    assert_eq!(ask_alone(&bridge, "execute", None), json!(["no", "wait:100ms"]));
}

#[test]
fn a_policy_that_cannot_be_read_is_refused_with_what_can_be() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let set = |policy| json!({ "sessionId": session, "unattended": policy });
    let error = client.refused("_acp-bridge/set_policy", &set("allow:everything"));
    assert_eq!(error["code"], -32602);
    assert!(error["message"].as_str().unwrap().contains("switch_mode"), "{error}");
    client.call("_acp-bridge/set_policy", &json!({ "sessionId": session, "unattended": null }));
    let meta = json!({ "acp-bridge": { "unattended": "later" } });
    let error = client.refused("session/new", &json!({ "cwd": "/", "mcpServers": [], "_meta": meta }));
    assert_eq!(error["code"], -32602);
    let serve = ["serve", "--unattended", "later", "--", "true"];
    let refused = std::process::Command::new(env!("CARGO_BIN_EXE_acp-bridge")).args(serve).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("wait:300s"));
}
