//! The end of an agent, of its dialler and of its lane.

use serde_json::json;

use super::{Stage, prompt, stage};
use crate::support::dialler::Dialler;
use crate::support::harness::eventually;
use crate::support::log::{records, wait_for_records};
use crate::support::process::{is_alive, kill_9};
use crate::support::{Bridge, Options};

#[test]
fn an_agent_that_dies_interrupts_its_turn_and_comes_again_with_the_next_prompt() {
    let mut stage = stage();
    for end in ["crash", "wait"] {
        let turn = prompt(&mut stage.client, &stage.session, end);
        stage.client.chunk();
        if end == "wait" {
            kill_9(stage.pid_file());
        }
        let error = stage.client.answer(turn)["error"].clone();
        assert_eq!(error["data"]["acp-bridge"]["outcome"], "interrupted", "{error}");
        let turn = prompt(&mut stage.client, &stage.session, "echo back");
        assert_eq!(stage.client.answer(turn)["result"]["stopReason"], "end_turn");
    }
    let exits = records(&stage.bridge, &stage.session, "agent_exited");
    assert!(exits[0]["reason"].as_str().unwrap().contains("the reason is on stderr"), "{exits:?}");
    let started = records(&stage.bridge, &stage.session, "agent_started");
    assert_eq!((started.len(), &started[3]["start"]), (4, &json!("load")));
}

#[test]
fn a_dialler_that_is_killed_and_started_again_brings_the_lane_back() {
    let mut stage = stage();
    let turn = prompt(&mut stage.client, &stage.session, "wait");
    stage.client.chunk();
    let agent = std::fs::read_to_string(stage.pid_file()).unwrap();
    stage.dialler.kill();
    eventually("the end of its agent", || !is_alive(&agent));
    let again = stage.dial();
    let error = stage.client.answer(turn)["error"].clone();
    assert_eq!(error["data"]["acp-bridge"]["outcome"], "interrupted", "{error}");
    let turn = prompt(&mut stage.client, &stage.session, "echo back");
    let (answer, chunks) = stage.client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert!(crate::support::client::text(&chunks).ends_with("back"));
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started")[2]["start"], "load");
    assert_eq!(records(&stage.bridge, &stage.session, "lane_joined").len(), 1);
    again.terminate();
    assert!(again.exit().0.success());
}

#[test]
fn a_dialler_that_is_told_to_stop_ends_its_turn_at_once_and_leaves_the_lane() {
    let mut stage = stage();
    let turn = prompt(&mut stage.client, &stage.session, "wait");
    stage.client.chunk();
    stage.dialler.terminate();
    let error = stage.client.answer(turn)["error"].clone();
    assert_eq!(error["data"]["acp-bridge"]["outcome"], "interrupted", "{error}");
    let again = stage.dial();
    let Stage { mut client, session, dialler, .. } = stage;
    assert!(dialler.exit().0.success());
    let turn = prompt(&mut client, &session, "echo back");
    assert_eq!(client.answer(turn)["result"]["stopReason"], "end_turn");
    drop(again);
}

#[test]
fn a_lane_that_is_removed_ends_its_agent_and_its_dialler() {
    let Stage { bridge, session, dialler, directory, .. } = stage();
    let agent = std::fs::read_to_string(directory.path().join("pid")).unwrap();
    let (_, status) = bridge.cli(&["lanes", &session, "remove", "far"]);
    assert!(status.success());
    let (status, said) = dialler.exit();
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("the lane was removed"), "{said}");
    assert!(!is_alive(&agent));
}

#[test]
fn without_a_bridge_the_agent_is_stopped_in_the_end() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let session = bridge.client().new_session();
    let directory = tempfile::tempdir().unwrap();
    let pid = directory.path().join("pid");
    let flags = ["--pid", pid.to_str().unwrap()];
    let url = format!("http://{}", bridge.address);
    let dialler = Dialler::start(&url, &session, "far", &["--give-up", "500ms"], &flags);
    wait_for_records(&bridge, &session, "agent_started", 2);
    let agent = std::fs::read_to_string(&pid).unwrap();
    bridge.kill();
    let (status, said) = dialler.exit();
    assert_eq!(status.code(), Some(3));
    assert!(said.contains("the agent was stopped"), "{said}");
    assert!(!is_alive(&agent));
}
