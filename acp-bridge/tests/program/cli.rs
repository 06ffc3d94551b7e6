//! The command line as a person or a script uses it.

use std::process::Command;

use crate::support::{Bridge, Options};
use serde_json::{Value, json};

#[test]
fn a_session_can_be_started_listed_read_prompted_and_stopped_from_the_shell() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let (made, status) = bridge.cli(&["send", "new", "echo hello", "--json"]);
    assert!(status.success());
    let first: Value = serde_json::from_str(made.lines().next().unwrap()).unwrap();
    let session = first["session"].as_str().unwrap().to_owned();
    assert!(made.lines().last().unwrap().contains("end_turn"), "{made}");

    let (listed, _) = bridge.cli(&["sessions"]);
    assert!(listed.contains(&session));
    let (listed, _) = bridge.cli(&["sessions", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(listed.trim()).unwrap()["sessionId"], session.as_str());

    let (said, status) = bridge.cli(&["send", &session, "echo again"]);
    assert_eq!((said.trim(), status.code()), ("again", Some(0)));

    let (tail, status) = bridge.cli(&["tail", &session, "--json"]);
    assert!(status.success());
    let seqs: Vec<u64> = tail
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|message| message["method"] == "session/update")
        .filter_map(|message| message["params"]["_meta"]["acp-bridge"]["seq"].as_u64())
        .collect();
    assert!(seqs.len() >= 4 && seqs.is_sorted(), "{tail}");
    let (rest, _) = bridge.cli(&["tail", &session, "--json", "--after", &seqs.last().unwrap().to_string()]);
    assert!(!rest.contains("session/update"), "{rest}");
}

#[test]
fn tail_shows_what_was_said_and_how_turns_ended() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    for prompt in ["echo hello", "fail"] {
        let turn = client.prompt(&session, prompt);
        client.turn(turn);
    }
    let (said, status) = bridge.cli(&["tail", &session]);
    assert!(status.success());
    assert_eq!(said, "\n> echo hello\nhello\n[turn completed]\n\n> fail\n\n[turn failed]\n");
    let (said, _) = bridge.cli(&["tail", &session, "--json"]);
    let messages: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = messages.last().unwrap();
    assert_eq!((&last["method"], &last["params"]["outcome"]), (&"_acp-bridge/turn_ended".into(), &"failed".into()));
    assert!(last["params"]["_meta"]["acp-bridge"]["seq"].is_u64(), "{last}");
}

#[test]
fn cancel_stops_a_turn_that_another_process_prompted() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "wait");
    client.chunk();
    let (_, status) = bridge.cli(&["cancel", &session]);
    assert!(status.success());
    assert_eq!(client.answer(turn)["result"]["stopReason"], "cancelled");
}

#[test]
fn exit_codes_tell_a_failed_turn_from_an_unreachable_bridge_and_wrong_usage() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let (_, status) = bridge.cli(&["send", "new", "fail"]);
    assert_eq!(status.code(), Some(4));
    let (_, status) = bridge.cli(&["tail", "nonesuch"]);
    assert_eq!(status.code(), Some(1));
    let run = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_acp-bridge")).args(args).output().unwrap();
    let unreachable = run(&["sessions", "--url", "http://127.0.0.1:9"]);
    assert_eq!(unreachable.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&unreachable.stderr).contains("acp-bridge serve"));
    assert_eq!(run(&["serve"]).status.code(), Some(2));
    assert_eq!(run(&["serve", "--listen", "0.0.0.0:0", "--", "true"]).status.code(), Some(2));
}

#[test]
fn a_command_tells_the_agent_what_it_cannot_answer_and_leaves_what_is_for_a_person() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let (said, status) = bridge.cli(&["send", "new", "ext"]);
    assert!(status.success() && said.contains("-32601"), "{said}");

    let mut person = bridge.client();
    let session = person.new_session();
    let sender = std::thread::scope(|scope| {
        let sends = scope.spawn(|| bridge.cli(&["send", &session, "elicit"]));
        let asked = person.wait_for("the question", |message| message["method"] == "elicitation/create");
        person.respond(&asked["id"], &json!({ "action": "accept", "content": { "name": "me" } }));
        sends.join().unwrap()
    });
    assert!(sender.1.success() && sender.0.contains("accept"), "{}", sender.0);
}

#[test]
fn doctor_says_what_is_wrong() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let agent = crate::support::example("fault_agent");
    let log = format!("sqlite:{}", bridge.log.display());
    let address = format!("http://{}", bridge.address);
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_acp-bridge")).arg("doctor").args(args).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    };
    let (said, code) = run(&["--url", &address, "--log", &log, "--", &agent]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("fault-agent"), "{said}");
    let (said, code) = run(&["--url", "http://127.0.0.1:9", "--json", "--", "/dev/null/agent"]);
    assert_eq!(code, Some(1));
    assert!(said.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["ok"] == false), "{said}");
}
