//! `acp-bridge serve --keep-agents`: agents, and what they do, outlive the bridge that has started them.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::support::fault_agent::{numbers, yes};
use crate::support::harness::{beside, eventually};
use crate::support::kept::diallers;
use crate::support::log::{records, wait_for_records};
use crate::support::process::is_alive;
use crate::support::{Bridge, Client, Options, example};
use serde_json::json;

struct Stage {
    client: Client,
    session: String,
    bridge: Bridge,
    directory: tempfile::TempDir,
}

/// A bridge that keeps its agents, with a session. The bridge comes back to the same address.
fn stage(after: &str) -> Stage {
    stage_with(after, None)
}

/// The same with launch profiles.
fn stage_with(after: &str, profiles: Option<&Path>) -> Stage {
    let directory = tempfile::tempdir().unwrap();
    let pid = directory.path().join("pid").display().to_string();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = Options {
        agent: vec![example("fault_agent"), "--pid".into(), pid],
        args: ["--cancel-grace", "60s", "--keep-agents", after].map(str::to_owned).to_vec(),
        wrapper: profiles.map(|file| vec!["env".into(), format!("ACP_HARNESS_PROFILES={}", file.display())]),
        listen: Some(free.to_string()),
    };
    let bridge = Bridge::start(options);
    let mut client = bridge.client();
    let session = client.new_session();
    Stage { client, session, bridge, directory }
}

impl Stage {
    fn pid(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("pid")).unwrap()
    }

    /// Kills the bridge and starts it again, with another client that has resumed the session.
    fn kill_bridge(&mut self) {
        self.bridge.kill();
        self.start_bridge();
    }

    fn start_bridge(&mut self) {
        self.client = self.bridge.restart_with_client(&self.session);
    }
}

#[test]
fn kill_9_of_the_bridge_in_mid_turn_ends_no_turn_and_loses_nothing() {
    let mut stage = stage("30s");
    let pid = stage.pid();
    stage.client.prompt(&stage.session, "count 1500 1");
    for kill in 0..3 {
        for _ in 0..100 * kill + 50 {
            stage.client.chunk();
        }
        stage.kill_bridge();
    }
    let ended = stage.client.turn_ended();
    assert_eq!(ended["outcome"], "completed", "{ended}");
    assert_eq!(crate::support::client::text(&stage.client.chunks()), numbers(1500), "0 lost, 0 doubled, in order");
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started").len(), 1);
    let turn = stage.client.prompt(&stage.session, "pid");
    let (answer, chunks) = stage.client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_eq!(crate::support::client::text(&chunks), pid, "it is the same agent");
}

#[test]
fn a_permission_survives_kill_9_of_the_bridge() {
    let mut stage = stage("30s");
    stage.client.prompt(&stage.session, "ask");
    stage.client.wait_for("request", |m| m["method"] == "session/request_permission");
    stage.kill_bridge();
    let request = stage.client.wait_for("request", |m| m["method"] == "session/request_permission");
    stage.client.respond(&request["id"], &yes());
    assert_eq!(stage.client.turn_ended()["outcome"], "completed");
    assert!(crate::support::client::text(&stage.client.chunks()).contains("yes"));
    assert_eq!(records(&stage.bridge, &stage.session, "permission_requested").len(), 1);
}

#[test]
fn a_bridge_that_is_told_to_stop_leaves_the_turn_to_the_next_one() {
    let mut stage = stage("30s");
    stage.client.prompt(&stage.session, "count 800 1");
    stage.client.chunk();
    assert!(stage.bridge.terminate().success());
    stage.start_bridge();
    assert_eq!(stage.client.turn_ended()["outcome"], "completed");
    assert_eq!(crate::support::client::text(&stage.client.chunks()), numbers(800));
}

#[test]
fn an_agent_that_nobody_takes_up_is_stopped_in_the_end_and_its_turn_is_interrupted() {
    let mut stage = stage("500ms");
    stage.client.prompt(&stage.session, "wait");
    stage.client.chunk();
    let pid = stage.pid();
    stage.bridge.kill();
    eventually("the end of the agent", || !is_alive(&pid));
    eventually("the end of its dialler", || diallers(&stage.bridge.address).is_empty());
    stage.start_bridge();
    assert_eq!(stage.client.turn_ended()["outcome"], "interrupted");
    let turn = stage.client.prompt(&stage.session, "echo back");
    assert_eq!(stage.client.answer(turn)["result"]["stopReason"], "end_turn");
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started")[1]["start"], "load");
}

#[test]
fn an_agent_that_is_killed_is_started_again_for_the_next_prompt() {
    let mut stage = stage("30s");
    let turn = stage.client.prompt(&stage.session, "wait");
    stage.client.chunk();
    assert!(Command::new("kill").args(["-9", &stage.pid()]).status().unwrap().success());
    assert!(stage.client.answer(turn)["error"].is_object());
    let turn = stage.client.prompt(&stage.session, "echo back");
    assert_eq!(stage.client.answer(turn)["result"]["stopReason"], "end_turn");
    eventually("the end of the first dialler", || diallers(&stage.bridge.address).len() == 1);
}

#[test]
fn a_session_that_is_closed_ends_its_agent_and_what_kept_it() {
    let mut stage = stage("30s");
    stage.client.call("session/close", &json!({ "sessionId": stage.session }));
    let pid = stage.pid();
    eventually("the end of the agent", || !is_alive(&pid));
    eventually("the end of its dialler", || diallers(&stage.bridge.address).is_empty());
}

#[test]
fn a_turn_that_is_stopped_while_the_agent_is_away_has_it_ended() {
    let mut stage = stage("30s");
    stage.client.prompt(&stage.session, "wait");
    stage.client.chunk();
    stage.bridge.kill();
    stage.start_bridge();
    stage.client.cancel(&stage.session);
    assert_eq!(stage.client.turn_ended()["outcome"], "cancelled");
    wait_for_records(&stage.bridge, &stage.session, "cancel_requested", 1);
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started").len(), 1);
}

#[test]
fn an_agent_that_cannot_be_started_is_reported() {
    let options = Options {
        agent: vec!["/dev/null/agent".into()],
        args: ["--keep-agents", "30s"].map(str::to_owned).to_vec(),
        wrapper: None,
        listen: None,
    };
    let bridge = Bridge::start(options);
    let mut client = Client::connect(&bridge.address);
    let error = client.refused("initialize", &json!({ "protocolVersion": 1 }));
    assert!(error["message"].as_str().unwrap().contains("/dev/null/agent"), "{error}");
    eventually("the end of the dialler", || diallers(&bridge.address).is_empty());
}

#[test]
fn an_agent_of_another_lane_and_one_that_was_started_again_are_kept_as_well() {
    beside("acp-harness", "cargo build -p harness-adapters --bins");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("profiles.toml");
    let agent = example("fault_agent");
    std::fs::write(&file, format!("[[profile]]\nname = \"helper\"\nprogram = {agent:?}\nargs = [\"--resume\"]\n"))
        .unwrap();
    let mut stage = stage_with("30s", Some(&file));
    stage.client.call("_acp-bridge/lane_add", &json!({ "sessionId": stage.session, "lane": "b", "agent": "helper" }));
    let turn = stage.client.prompt(&stage.session, "die");
    assert!(stage.client.answer(turn)["error"].is_object());
    let turn = stage.client.prompt(&stage.session, "echo again");
    assert_eq!(stage.client.answer(turn)["result"]["stopReason"], "end_turn");
    for lane in ["main", "b"] {
        let meta = json!({ "acp-bridge": { "lane": lane } });
        let prompt = json!([{ "type": "text", "text": "count 500 1" }]);
        let params = json!({ "sessionId": stage.session, "prompt": prompt, "_meta": meta });
        stage.client.request("session/prompt", &params);
    }
    wait_for_records(&stage.bridge, &stage.session, "turn_started", 4);
    stage.kill_bridge();
    let ended = wait_for_records(&stage.bridge, &stage.session, "turn_ended", 4);
    assert!(ended[2..].iter().all(|ended| ended["outcome"] == "completed"), "{ended:?}");
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started").len(), 3);
}
