//! Who dials in, to which session, and who is sent away.

use serde_json::json;

use super::{prompt, stage};
use crate::support::dialler::Dialler;
use crate::support::log::{records, wait_for_records};
use crate::support::proxy::Proxy;
use crate::support::{Bridge, Client, Options};

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
fn files_are_served_where_the_agent_is() {
    let mut stage = stage();
    let turn = prompt(&mut stage.client, &stage.session, "file");
    let (answer, chunks) = stage.client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    // The session's directory is `/`, and there is no `/x`.
    assert!(crate::support::client::text(&chunks).contains("there is no /x"), "{chunks:?}");
    assert!(records(&stage.bridge, &stage.session, "request").is_empty());
}
