//! Permission requests of sessions that nobody attends, on a running bridge.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::support::log::wait_for_records;
use crate::support::{Bridge, Options};
use acp_types::api::jsonrpsee::core::client::Client;
use acp_types::api::{self, Event, Follow, SessionApiClient};
use acp_types::record::{Kind, Record};
use acp_types::{RawBuf, SessionId};
use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(60);

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

/// The next record of a kind.
async fn next(follow: &mut Follow, kind: Kind) -> Arc<Record> {
    loop {
        let event = tokio::time::timeout(DEADLINE, follow.next()).await.unwrap_or_else(|_| panic!("no {kind} in time"));
        let Event::Records(records) = event.expect("the subscription goes on") else { continue };
        if let Some(record) = records.into_iter().find(|record| record.kind == kind) {
            return record;
        }
    }
}

async fn ask(client: &Client, session: &SessionId) {
    let prompt = RawBuf::encode(&json!([{ "type": "text", "text": "ask execute" }])).expect("JSON");
    client.session_prompt(session.clone(), prompt, None, None, None, None).await.expect("accepted");
}

// The client's own task must go on while the log is looked at.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_attends_leaves_nothing_to_the_policy_until_it_goes() {
    let bridge = Bridge::start(Options::fault_agent(&[]).arg("--unattended").arg("reject"));
    let url = format!("http://{}", bridge.address);
    let client = Arc::new(api::connect(&url).await.unwrap());
    let session = client.session_create("/".into(), None, None, None, None).await.unwrap().session;
    let mut follow = Follow::new(Arc::clone(&client), session.clone(), 0).attending();
    next(&mut follow, Kind::AgentStarted).await;
    ask(&client, &session).await;
    let request = next(&mut follow, Kind::PermissionRequested).await.seq;
    let yes = RawBuf::parse(r#"{"outcome":"selected","optionId":"yes"}"#).unwrap();
    let answered = client.session_respond(session.clone(), request, Some(yes), None, None).await.unwrap();
    assert!(answered.counted, "the policy would have been faster");
    next(&mut follow, Kind::TurnEnded).await;
    ask(&client, &session).await;
    next(&mut follow, Kind::PermissionRequested).await;
    drop((follow, client));
    let resolved = wait_for_records(&bridge, session.as_str(), "permission_resolved", 2);
    assert_eq!((&resolved[0]["cause"], &resolved[1]["cause"]), (&Value::Null, &json!("policy")));
}

#[tokio::test]
async fn whoever_only_looks_on_with_tail_or_a_subscription_leaves_a_session_unattended() {
    let bridge = Bridge::start(Options::fault_agent(&[]).arg("--unattended").arg("reject"));
    let url = format!("http://{}", bridge.address);
    let client = Arc::new(api::connect(&url).await.unwrap());
    let session = client.session_create("/".into(), None, None, None, None).await.unwrap().session;
    let mut follow = Follow::new(Arc::clone(&client), session.clone(), 0);
    next(&mut follow, Kind::AgentStarted).await;
    let tail = ["tail", session.as_str(), "--follow", "--json", "--url", &url];
    let mut tail = Command::new(env!("CARGO_BIN_EXE_acp-bridge")).args(tail).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let live = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("_acp-bridge/caught_up")));
    let decided = async {
        ask(&client, &session).await;
        next(&mut follow, Kind::TurnEnded).await;
        wait_for_records(&bridge, session.as_str(), "permission_resolved", 1)
    };
    let decided = decided.await;
    let seen = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("_acp-bridge/turn_ended")));
    let _ = tail.kill();
    tail.wait().unwrap();
    assert!(live.is_some() && seen.is_some(), "tail follows");
    assert_eq!(decided[0]["cause"], "policy");
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
    let refused = Command::new(env!("CARGO_BIN_EXE_acp-bridge")).args(serve).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("wait:300s"));
}
