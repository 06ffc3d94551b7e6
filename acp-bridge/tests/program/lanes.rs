//! Several agents in one session of a running bridge: two processes, one log.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use crate::support::harness::beside;
use crate::support::process::kill_9;
use crate::support::{Bridge, Client, Options, example};
use serde_json::{Value, json};

/// A bridge with the fault agent in `main`, and a profile `helper` of another one. Its directory holds the pid file
/// of the helper.
fn bridge() -> (Bridge, tempfile::TempDir) {
    beside("acp-harness", "cargo build -p harness-adapters --bins");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("profiles.toml");
    let (agent, pid) = (example("fault_agent"), directory.path().join("pid"));
    let profile =
        format!("[[profile]]\nname = \"helper\"\nprogram = {agent:?}\nargs = [\"--resume\", \"--pid\", {pid:?}]\n");
    std::fs::write(&file, profile).unwrap();
    let mut options = Options::fault_agent(&["--resume"]);
    options.wrapper = Some(vec!["env".into(), format!("ACP_HARNESS_PROFILES={}", file.display())]);
    (Bridge::start(options), directory)
}

fn add(client: &mut Client, session: &str, lane: &str) {
    client.call("_acp-bridge/lane_add", &json!({ "sessionId": session, "lane": lane, "agent": "helper" }));
}

/// Resumes from the start and sees only some lanes.
fn watch(client: &mut Client, session: &str, lanes: Option<&[&str]>) {
    let meta = json!({ "acp-bridge": { "after": 0, "lanes": lanes } });
    client.call("session/resume", &json!({ "sessionId": session, "cwd": "/", "mcpServers": [], "_meta": meta }));
    client.caught_up();
}

fn ours(message: &Value) -> &Value {
    &message["params"]["_meta"]["acp-bridge"]
}

/// Reads until the agents' texts are all there: lane, seq and text of each.
fn chunks(client: &mut Client, wanted: usize) -> Vec<(String, u64, String)> {
    let is_chunk = |m: &Value| m["params"]["update"]["sessionUpdate"] == "agent_message_chunk";
    let read = |message: Value| {
        let lane = ours(&message)["lane"].as_str().unwrap().to_owned();
        let text = message["params"]["update"]["content"]["text"].as_str().unwrap().to_owned();
        (lane, ours(&message)["seq"].as_u64().unwrap(), text)
    };
    (0..wanted).map(|_| read(client.wait_for("chunk", is_chunk))).collect()
}

fn lanes(bridge: &Bridge, session: &str) -> Vec<Value> {
    let (out, status) = bridge.cli(&["lanes", session, "--json"]);
    assert!(status.success());
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The running turn of a lane, once it runs.
fn runs(client: &mut Client, lane: &str) -> u64 {
    let of_turn = |m: &Value| ours(m)["lane"] == lane && ours(m)["turn"].is_u64();
    let message = client.wait_for("turn", |m| m["method"] == "session/update" && of_turn(m));
    ours(&message)["turn"].as_u64().unwrap()
}

#[test]
fn two_agents_write_to_one_log_and_clients_see_both_or_one_of_them_in_its_order() {
    let (bridge, _directory) = bridge();
    let mut client = bridge.client();
    let session = client.new_session();
    add(&mut client, &session, "b");
    let (mut all, mut only) = (bridge.client(), bridge.client());
    watch(&mut all, &session, None);
    watch(&mut only, &session, Some(&["b"]));
    let turns = [client.prompt_lane(&session, "main", "count 50"), client.prompt_lane(&session, "b", "count 50")];
    for turn in turns {
        assert_eq!(client.answer(turn)["result"]["stopReason"], "end_turn");
    }
    let seen = chunks(&mut all, 100);
    assert!(seen.is_sorted_by_key(|(_, seq, _)| *seq), "one order");
    for lane in ["main", "b"] {
        assert_eq!(seen.iter().filter(|(of, _, _)| of == lane).count(), 50);
    }
    let of_b: Vec<_> = seen.into_iter().filter(|(lane, _, _)| lane == "b").collect();
    assert_eq!(chunks(&mut only, 50), of_b);
    // The end of the turn in `main` is not shown to whoever does not see `main`.
    assert_eq!(ours(&json!({ "params": only.turn_ended() }))["lane"], "b");
    let load = only.load(&session);
    assert!(load.is_object());
}

#[test]
fn a_lane_is_named_in_errors_and_its_agent_can_be_one_with_a_profile_only() {
    let (bridge, _directory) = bridge();
    let mut client = bridge.client();
    let session = client.new_session();
    let id = client.prompt_lane(&session, "b", "echo x");
    let error = client.answer(id)["error"].clone();
    assert_eq!(error["code"], -32602);
    assert!(
        error["message"].as_str().unwrap().contains("\"b\"") && error["message"].as_str().unwrap().contains("main")
    );
    let params = json!({ "sessionId": session, "lane": "b", "agent": "/bin/sh" });
    let error = client.refused("_acp-bridge/lane_add", &params);
    assert!(error["message"].as_str().unwrap().contains("/bin/sh"), "{error}");
    assert_eq!(lanes(&bridge, &session).len(), 1, "no lane is left behind");
}

#[test]
fn a_stop_in_one_lane_leaves_the_other_running() {
    let (bridge, _directory) = bridge();
    let mut client = bridge.client();
    let session = client.new_session();
    add(&mut client, &session, "b");
    let in_main = client.prompt_lane(&session, "main", "wait");
    let in_b = client.prompt_lane(&session, "b", "wait");
    let mut watching = bridge.client();
    watch(&mut watching, &session, None);
    let (main, b) = (runs(&mut watching, "main"), runs(&mut watching, "b"));
    let (_, status) = bridge.cli(&["cancel", &session, "--lane", "b"]);
    assert!(status.success());
    assert_eq!(client.answer(in_b)["result"]["stopReason"], "cancelled");
    let there = lanes(&bridge, &session);
    assert_eq!((&there[0]["turn"], there[0]["lane"].as_str()), (&json!(main), Some("main")));
    assert_ne!(there[1]["turn"], json!(b));
    client.notify("session/cancel", &json!({ "sessionId": session, "_meta": { "acp-bridge": { "turn": main } } }));
    assert_eq!(client.answer(in_main)["result"]["stopReason"], "cancelled");
}

#[test]
fn kill_9_of_one_agent_interrupts_its_turn_only_and_another_comes_with_the_next_prompt() {
    let (bridge, directory) = bridge();
    let mut client = bridge.client();
    let session = client.new_session();
    add(&mut client, &session, "b");
    let in_main = client.prompt_lane(&session, "main", "wait");
    let in_b = client.prompt_lane(&session, "b", "wait");
    let mut watching = bridge.client();
    watch(&mut watching, &session, None);
    let main = runs(&mut watching, "main");
    runs(&mut watching, "b");
    kill_9(directory.path().join("pid"));
    assert!(client.answer(in_b)["error"].is_object());
    let there = lanes(&bridge, &session);
    assert_eq!(there[0]["turn"], json!(main));
    let next = client.prompt_lane(&session, "b", "echo back");
    assert_eq!(client.answer(next)["result"]["stopReason"], "end_turn");
    client.cancel(&session);
    assert_eq!(client.answer(in_main)["result"]["stopReason"], "cancelled");
}

#[test]
fn an_agent_that_reads_no_more_holds_up_no_other_lane() {
    let (bridge, _directory) = bridge();
    let mut client = bridge.client();
    let session = client.new_session();
    add(&mut client, &session, "b");
    client.prompt_lane(&session, "main", "deaf");
    client.chunk();
    let big = "x".repeat(700_000);
    // The pipe and the connection to the agent hold some of it; the rest waits and is refused in the end.
    let calls: Vec<u64> =
        (0..6).map(|_| client.request("_mine/thing", &json!({ "sessionId": session, "big": big }))).collect();
    // One turn that is faster than the bridge's patience with the other agent shows it; on a busy machine not every one is.
    let is_held_up = (0..20).all(|_| {
        let call = client.request("_mine/thing", &json!({ "sessionId": session, "small": true }));
        let in_b = client.prompt_lane(&session, "b", "echo still here");
        assert_eq!(client.answer(in_b)["result"]["stopReason"], "end_turn");
        client.kept().any(|m| m["id"] == json!(call))
    });
    assert!(!is_held_up, "the turns of one lane wait for the agent of the other");
    // Which of them are held depends on the order in which they reach the host.
    for _ in 2..calls.len() {
        let answer = client.wait_for("refusal", |m| m["id"].as_u64().is_some_and(|id| calls.contains(&id)));
        let error = &answer["error"];
        assert!(error["message"].as_str().is_some_and(|m| m.contains("does not read")), "{error}");
    }
}

#[test]
fn lanes_are_there_after_a_restart_of_the_bridge_and_their_agents_come_when_they_are_needed() {
    let (mut bridge, _directory) = bridge();
    let mut client = bridge.client();
    let session = client.new_session();
    add(&mut client, &session, "b");
    bridge.kill();
    bridge.restart();
    let mut client = bridge.client();
    client.resume(&session, None);
    let turn = client.prompt_lane(&session, "b", "echo again");
    let (answer, chunks) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_eq!(crate::support::client::text(&chunks), "again");
    let there = lanes(&bridge, &session);
    assert_eq!(
        (&there[1]["lane"], &there[1]["agent"], &there[1]["alive"]),
        (&json!("b"), &json!("helper"), &json!(true))
    );
    assert_eq!(there[0]["alive"], json!(false), "nobody has needed it");
}

#[test]
fn the_command_line_adds_prompts_and_removes_a_lane() {
    let (bridge, _directory) = bridge();
    let session = bridge.client().new_session();
    let (_, status) = bridge.cli(&["lanes", &session, "add", "b", "--agent", "helper"]);
    assert!(status.success());
    let (_, status) = bridge.cli(&["lanes", &session, "add", "b", "--agent", "helper"]);
    assert!(!status.success(), "the name is in use");
    let (out, status) = bridge.cli(&["send", &session, "echo hello", "--lane", "b"]);
    assert!(status.success() && out.contains("hello"), "{out}");
    let (out, _) = bridge.cli(&["lanes", &session]);
    assert!(out.lines().any(|line| line.starts_with("b  helper  idle")), "{out}");
    let (_, status) = bridge.cli(&["lanes", &session, "remove", "b"]);
    assert!(status.success());
    assert_eq!(lanes(&bridge, &session).len(), 1);
    let (_, status) = bridge.cli(&["lanes", &session, "remove", "main"]);
    assert!(!status.success());
}

#[test]
fn an_agent_joins_works_and_leaves_through_the_session_api() {
    use acp_types::api::{self, SessionApiClient};
    use acp_types::{RawBuf, SessionId};

    let (bridge, _directory) = bridge();
    let session: SessionId = bridge.client().new_session().into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = api::connect(&format!("http://{}", bridge.address)).await.unwrap();
        client.lane_add(session.clone(), "two".into(), "helper".into()).await.unwrap();
        let hello = RawBuf::encode(&json!([{ "type": "text", "text": "say hello" }])).unwrap();
        let accepted = client.session_prompt(session.clone(), hello, None, None, Some("two".into()), None).await;
        let waited = client.session_wait(session.clone(), accepted.unwrap().turn, None).await.unwrap();
        assert_eq!(waited.ended.map(|outcome| outcome.name()), Some("completed"));
        client.lane_remove(session.clone(), "two".into()).await.unwrap();
        assert!(client.lane_remove(session.clone(), "main".into()).await.is_err(), "main stays");
        let nobody = RawBuf::encode(&json!([])).unwrap();
        assert!(client.session_prompt(session.clone(), nobody, None, None, Some("two".into()), None).await.is_err());
    });
}
