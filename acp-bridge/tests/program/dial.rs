//! Agents that dial in from elsewhere: `acp-bridge dial` as a process, with a connection that breaks.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use crate::support::dialler::Dialler;
use crate::support::fault_agent::{numbers, yes};
use crate::support::harness::eventually;
use crate::support::log::{records, wait_for_records};
use crate::support::process::{is_alive, kill_9};
use crate::support::proxy::Proxy;
use crate::support::{Bridge, Client, Options, example};
use serde_json::{Value, json};

/// A session with an agent in the lane `far`, behind a connection that can be cut.
struct Stage {
    client: Client,
    session: String,
    dialler: Dialler,
    proxy: Proxy,
    bridge: Bridge,
    directory: tempfile::TempDir,
}

impl Stage {
    fn url(&self) -> String {
        self.proxy.url()
    }

    fn pid_file(&self) -> String {
        self.directory.path().join("pid").display().to_string()
    }

    /// Kills the bridge and starts it again, on another port, with another client that has resumed the session.
    fn kill_bridge(&mut self) {
        self.bridge.kill();
        self.start_bridge();
    }

    fn start_bridge(&mut self) {
        self.bridge.restart();
        self.proxy.retarget(&self.bridge.address);
        self.client = self.bridge.client_in(&self.session);
    }

    fn dial(&self) -> Dialler {
        Dialler::start(&self.url(), &self.session, "far", &[], &["--pid", &self.pid_file()])
    }
}

fn stage() -> Stage {
    let args = ["--cancel-grace", "60s"].map(str::to_owned).to_vec();
    let bridge = Bridge::start(Options { agent: vec![example("fault_agent")], args, wrapper: None, listen: None });
    let proxy = Proxy::to(&bridge.address);
    let mut client = bridge.client();
    let session = client.new_session();
    let directory = tempfile::tempdir().unwrap();
    let pid = directory.path().join("pid").display().to_string();
    let dialler = Dialler::start(&proxy.url(), &session, "far", &["--name", "helper"], &["--pid", &pid]);
    wait_for_records(&bridge, &session, "agent_started", 2);
    Stage { client, session, dialler, proxy, bridge, directory }
}

fn prompt(client: &mut Client, session: &str, text: &str) -> u64 {
    client.prompt_lane(session, "far", text)
}

#[test]
fn an_agent_dials_in_and_serves_a_lane_of_its_own() {
    let mut stage = stage();
    let joined = records(&stage.bridge, &stage.session, "lane_joined");
    assert_eq!((&joined[0]["agent"], &joined[0]["dialled"]), (&json!("helper"), &json!(true)));
    let turn = prompt(&mut stage.client, &stage.session, "echo from afar");
    let (answer, chunks) = stage.client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_eq!(crate::support::client::text(&chunks), "from afar");
    let (out, _) = stage.bridge.cli(&["lanes", &stage.session]);
    assert!(out.lines().any(|line| line.starts_with("far  helper  idle")), "{out}");
}

/// A session whose `main` has no agent yet.
fn new_session_without_agent(client: &mut Client) -> String {
    let ours = json!({ "acp-bridge": { "agent": "dials_in" } });
    let result = client.call("session/new", &json!({ "cwd": "/", "mcpServers": [], "_meta": ours }));
    let session = result["sessionId"].as_str().expect("a session id").to_owned();
    assert_eq!(result, json!({ "sessionId": session }), "there is no agent that could say more");
    session
}

fn echoes(client: &mut Client, session: &str, word: &str) {
    let turn = client.prompt(session, &format!("echo {word}"));
    let (answer, chunks) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    assert!(crate::support::client::text(&chunks).ends_with(word), "{chunks:?}");
}

#[test]
fn the_agent_of_main_dials_in_to_a_session_that_has_none_and_comes_again() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let proxy = Proxy::to(&bridge.address);
    let mut client = bridge.client();
    let session = new_session_without_agent(&mut client);
    let dial = || Dialler::start(&proxy.url(), &session, "main", &[], &[]);
    let early = client.prompt(&session, "echo early");
    wait_for_records(&bridge, &session, "prompt_queued", 1);
    assert!(records(&bridge, &session, "agent_started").is_empty());

    let mut dialler = dial();
    let (answer, chunks) = client.turn(early);
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    assert_eq!(crate::support::client::text(&chunks), "early");
    echoes(&mut client, &session, "first");

    dialler.kill();
    dialler = dial();
    wait_for_records(&bridge, &session, "agent_exited", 1);
    echoes(&mut client, &session, "second");
    assert_eq!(records(&bridge, &session, "agent_started")[1]["start"], "load");

    bridge.kill();
    bridge.restart();
    proxy.retarget(&bridge.address);
    let mut client = bridge.client();
    client.resume(&session, Some(0));
    client.caught_up();
    echoes(&mut client, &session, "third");
    assert_eq!(records(&bridge, &session, "agent_started").len(), 2, "it is the same agent");
    assert!(records(&bridge, &session, "lane_joined").is_empty());
    dialler.terminate();
    assert!(dialler.exit().0.success());
}

#[test]
fn a_session_that_never_had_an_agent_gets_one_after_a_restart_of_the_bridge() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = new_session_without_agent(&mut client);
    client.prompt(&session, "echo waits");
    wait_for_records(&bridge, &session, "prompt_queued", 1);
    bridge.kill();
    bridge.restart();
    let mut client = bridge.client();
    client.load(&session);
    let url = format!("http://{}", bridge.address);
    let _dialler = Dialler::start(&url, &session, "main", &[], &[]);
    let ended = client.turn_ended();
    assert_eq!(ended["outcome"], "completed", "{ended}");
    assert!(crate::support::client::text(&client.chunks()).ends_with("waits"));
    echoes(&mut client, &session, "and again");
}

#[test]
fn a_first_agent_that_cannot_be_started_is_sent_away_and_the_session_stays() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = new_session_without_agent(&mut client);
    let url = format!("http://{}", bridge.address);
    let (status, said) = Dialler::start(&url, &session, "main", &[], &["--die-on-start"]).exit();
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("told to die at the start"), "{said}");
    let _dialler = Dialler::start(&url, &session, "main", &[], &[]);
    echoes(&mut client, &session, "here");
}

#[test]
fn nothing_is_lost_or_doubled_when_the_connection_is_cut_again_and_again() {
    let mut stage = stage();
    let turn = prompt(&mut stage.client, &stage.session, "count 3000 1");
    for cut in 0..25 {
        for _ in 0..=(cut * 7 % 23) {
            stage.client.chunk();
        }
        let before = stage.proxy.accepted();
        stage.proxy.cut();
        stage.proxy.wait_for_another(before);
    }
    let answer = stage.client.answer(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    let mut reader = stage.bridge.client();
    reader.resume(&stage.session, Some(0));
    reader.caught_up();
    assert_eq!(crate::support::client::text(&reader.chunks()), numbers(3000), "0 lost, 0 doubled, in order");
    assert!(stage.proxy.accepted() > 25, "only {} connections", stage.proxy.accepted());
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started").len(), 2, "it is the same agent");
}

#[test]
fn an_agent_at_full_speed_waits_for_a_connection_and_loses_nothing() {
    let mut stage = stage();
    stage.proxy.cut();
    // More than the link keeps.
    let turn = prompt(&mut stage.client, &stage.session, "numbered 60000");
    for _ in 0..6 {
        stage.client.chunk();
        let before = stage.proxy.accepted();
        stage.proxy.cut();
        stage.proxy.wait_for_another(before);
    }
    assert_eq!(stage.client.answer(turn)["result"]["stopReason"], "end_turn");
    let mut reader = stage.bridge.client();
    reader.resume(&stage.session, Some(0));
    reader.caught_up();
    let text = crate::support::client::text(&reader.chunks());
    assert!(text.split_whitespace().map(|word| word.parse::<u64>().unwrap()).eq(1..=60000));
}

#[test]
fn a_permission_that_is_asked_while_the_connection_is_away_is_asked_once_it_is_back() {
    let mut stage = stage();
    let turn = prompt(&mut stage.client, &stage.session, "late 100");
    stage.client.chunk();
    let before = stage.proxy.accepted();
    stage.proxy.bar();
    stage.proxy.wait_for_another(before);
    stage.proxy.open();
    let request = stage.client.wait_for("request", |m| m["method"] == "session/request_permission");
    let before = stage.proxy.accepted();
    stage.proxy.bar();
    stage.client.respond(&request["id"], &yes());
    stage.proxy.wait_for_another(before);
    stage.proxy.open();
    let (answer, chunks) = stage.client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert!(crate::support::client::text(&chunks).contains("yes"));
    assert_eq!(records(&stage.bridge, &stage.session, "permission_requested").len(), 1);
}

#[test]
fn a_stop_while_the_connection_is_away_reaches_the_agent() {
    let mut stage = stage();
    let turn = prompt(&mut stage.client, &stage.session, "wait");
    stage.client.chunk();
    let before = stage.proxy.accepted();
    stage.proxy.bar();
    let params = json!({ "sessionId": stage.session, "_meta": { "acp-bridge": { "lane": "far" } } });
    stage.client.notify("session/cancel", &params);
    wait_for_records(&stage.bridge, &stage.session, "cancel_requested", 1);
    stage.proxy.wait_for_another(before);
    stage.proxy.open();
    assert_eq!(stage.client.answer(turn)["result"]["stopReason"], "cancelled");
}

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
fn who_is_not_wanted_is_told_why() {
    let stage = stage();
    let refused = |session: &str, lane: &str, args: &[&str], says: &str| {
        let (status, said) = Dialler::start(&stage.url(), session, lane, args, &[]).exit();
        assert!(said.contains(says), "{said:?} does not say {says:?}");
        status.code()
    };
    assert_eq!(refused(&stage.session, "far", &[], "another dialler"), Some(1));
    assert_eq!(refused(&stage.session, "main", &[], "does not dial in"), Some(1));
    assert_eq!(refused(&stage.session, "a b", &[], "letters, digits"), Some(1));
    assert_eq!(refused("no-such-session", "far", &[], "no session"), Some(1));
    let long = "x".repeat(300);
    assert_eq!(refused(&stage.session, "other", &["--name", &long], "1 to 256 bytes"), Some(1));
    let (status, said) = Dialler::start("http://127.0.0.1:9", &stage.session, "far", &[], &[]).exit();
    assert_eq!(status.code(), Some(3));
    assert!(said.contains("no bridge answers"), "{said}");
    let (status, said) = Dialler::start(&stage.url(), &stage.session, "dies", &[], &["--die-on-start"]).exit();
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("told to die at the start"), "{said}");
    let (out, _) = stage.bridge.cli(&["lanes", &stage.session]);
    assert_eq!(out.lines().count(), 2, "no lane is left behind: {out}");
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

#[test]
fn files_are_served_where_the_agent_is() {
    let mut stage = stage();
    let turn = prompt(&mut stage.client, &stage.session, "file");
    let (answer, chunks) = stage.client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    // The session's directory is `/`, and there is no `/x`.
    assert!(crate::support::client::text(&chunks).contains("there is no /x"), "{chunks:?}");
    assert!(records(&stage.bridge, &stage.session, "request").is_empty());
}

#[test]
fn kill_9_of_the_bridge_in_mid_turn_ends_no_turn_and_loses_nothing() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "count 2000 1");
    for kill in 0..4 {
        for _ in 0..100 * kill + 50 {
            stage.client.chunk();
        }
        stage.kill_bridge();
    }
    let ended = stage.client.turn_ended();
    assert_eq!(ended["outcome"], "completed", "{ended}");
    assert_eq!(crate::support::client::text(&stage.client.chunks()), numbers(2000), "0 lost, 0 doubled, in order");
    let started = records(&stage.bridge, &stage.session, "agent_started");
    assert_eq!(started.len(), 2, "it is the same agent: {started:?}");
    assert!(started[1]["link"]["instance"].is_string());
    let turn = prompt(&mut stage.client, &stage.session, "echo and again");
    assert_eq!(stage.client.answer(turn)["result"]["stopReason"], "end_turn");
    assert_eq!(records(&stage.bridge, &stage.session, "turn_ended").len(), 2);
}

#[test]
fn a_turn_at_full_speed_survives_kill_9_of_the_bridge() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "numbered 20000");
    for _ in 0..3 {
        stage.client.chunk();
        stage.kill_bridge();
    }
    assert_eq!(stage.client.turn_ended()["outcome"], "completed");
    let text = crate::support::client::text(&stage.client.chunks());
    assert!(text.split_whitespace().map(|word| word.parse::<u64>().unwrap()).eq(1..=20000));
}

#[test]
fn a_bridge_that_is_told_to_stop_leaves_the_turn_to_the_next_one() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "count 1000 1");
    stage.client.chunk();
    assert!(stage.bridge.terminate().success());
    stage.start_bridge();
    assert_eq!(stage.client.turn_ended()["outcome"], "completed");
    assert_eq!(crate::support::client::text(&stage.client.chunks()), numbers(1000));
}

#[test]
fn a_permission_survives_kill_9_of_the_bridge_and_is_answered_once() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "ask");
    stage.client.wait_for("request", |m| m["method"] == "session/request_permission");
    stage.kill_bridge();
    let request = stage.client.wait_for("request", |m| m["method"] == "session/request_permission");
    stage.client.respond(&request["id"], &yes());
    assert_eq!(stage.client.turn_ended()["outcome"], "completed");
    assert!(crate::support::client::text(&stage.client.chunks()).contains("yes"));
    assert_eq!(records(&stage.bridge, &stage.session, "permission_requested").len(), 1);
}

#[test]
fn a_stop_after_kill_9_of_the_bridge_reaches_the_agent_when_it_is_back() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "wait");
    stage.client.chunk();
    stage.proxy.bar();
    stage.kill_bridge();
    let params = json!({ "sessionId": stage.session, "_meta": { "acp-bridge": { "lane": "far" } } });
    stage.client.notify("session/cancel", &params);
    wait_for_records(&stage.bridge, &stage.session, "cancel_requested", 1);
    stage.proxy.open();
    assert_eq!(stage.client.turn_ended()["outcome"], "cancelled");
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started").len(), 2, "it is the same agent");
}

#[test]
fn an_agent_that_dies_with_the_bridge_has_its_turn_interrupted() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "wait");
    stage.client.chunk();
    stage.dialler.kill();
    stage.kill_bridge();
    let _again = stage.dial();
    assert_eq!(stage.client.turn_ended()["outcome"], "interrupted");
    let turn = prompt(&mut stage.client, &stage.session, "echo back");
    assert_eq!(stage.client.answer(turn)["result"]["stopReason"], "end_turn");
}

#[test]
fn an_idle_agent_is_the_same_one_after_kill_9_of_the_bridge() {
    let mut stage = stage();
    stage.kill_bridge();
    let turn = prompt(&mut stage.client, &stage.session, "pid");
    let (answer, chunks) = stage.client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_eq!(crate::support::client::text(&chunks), std::fs::read_to_string(stage.pid_file()).unwrap());
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started").len(), 2);
}

#[test]
fn a_prompt_that_never_reached_the_agent_is_given_to_it_after_a_restart_of_the_bridge() {
    let mut stage = stage();
    stage.proxy.bar();
    prompt(&mut stage.client, &stage.session, "echo once");
    wait_for_records(&stage.bridge, &stage.session, "turn_started", 1);
    stage.kill_bridge();
    stage.proxy.open();
    assert_eq!(stage.client.turn_ended()["outcome"], "completed");
    assert_eq!(crate::support::client::text(&stage.client.chunks()), "once");
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started").len(), 2, "it is the same agent");
}

#[test]
fn what_was_decided_and_never_reached_the_agent_reaches_it_after_a_restart_of_the_bridge() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "ask");
    let request = stage.client.wait_for("request", |m| m["method"] == "session/request_permission");
    stage.proxy.bar();
    stage.client.respond(&request["id"], &yes());
    wait_for_records(&stage.bridge, &stage.session, "permission_resolved", 1);
    stage.kill_bridge();
    stage.proxy.open();
    assert_eq!(stage.client.turn_ended()["outcome"], "completed");
    assert!(crate::support::client::text(&stage.client.chunks()).contains("yes"));

    prompt(&mut stage.client, &stage.session, "wait");
    stage.client.chunk();
    stage.proxy.bar();
    let params = json!({ "sessionId": stage.session, "_meta": { "acp-bridge": { "lane": "far" } } });
    stage.client.notify("session/cancel", &params);
    wait_for_records(&stage.bridge, &stage.session, "cancel_requested", 1);
    stage.kill_bridge();
    stage.proxy.open();
    let of_the_second = |m: &Value| m["method"] == "_acp-bridge/turn_ended" && m["params"]["outcome"] == "cancelled";
    stage.client.wait_for("the end of the turn", of_the_second);
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started").len(), 2, "it is the same agent");
}
