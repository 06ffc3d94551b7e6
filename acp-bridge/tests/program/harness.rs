//! The real Codex and the real Claude Code behind the bridge, by their names.

use crate::support::client::text;
use crate::support::harness::{Stage, eventually};
use crate::support::process::Held;
use serde_json::json;

/// Text in pieces, with a stop in the middle.
const GATED: &str = r#"
[[prompt]]
match = "count"
replies = [[{ say = ["1 ", "2 ", "3 "] }, { wait = "go" }, { say = ["4 ", "5 ", "6 "] }]]
[[prompt]]
match = "again"
replies = [[{ say = "here" }]]
"#;

const ASKS: &str = r#"
[[prompt]]
match = "ask"
replies = [[{ shell = "touch permitted.txt", ask = true }], [{ say = "done" }]]
"#;

const LOOPS: &str = r#"
[[prompt]]
match = "loop"
replies = [[{ shell = "exec 9>alive; while true; do echo tick >> ticks.txt; sleep 0.05; done", ask = true, timeout_ms = 600000 }]]
[[prompt]]
match = "again"
replies = [[{ say = "here" }]]
"#;

fn resume_in_mid_turn(name: &str) {
    let stage = Stage::set(name, GATED);
    let mut first = stage.bridge.client();
    let session = stage.new_session(&mut first);
    first.prompt(&session, "count");
    let mut seen = Vec::new();
    while !text(&seen).contains("3 ") {
        seen.push(first.chunk());
    }
    let cursor = seen.last().expect("a chunk").0;
    drop(first);
    let mut second = stage.bridge.client();
    second.resume(&session, Some(cursor));
    stage.model.release("go");
    let ended = second.turn_ended();
    assert_eq!(ended["outcome"], "completed", "{ended}");
    seen.extend(second.chunks());
    assert_eq!(text(&seen), "1 2 3 4 5 6 ");
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0), "{seen:?}");
}

fn killed_in_mid_turn(name: &str) {
    let stage = Stage::set(name, GATED);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    // A turn that is over, so that there is something to go on with.
    let turn = client.prompt(&session, "again");
    assert_eq!(client.turn(turn).0["result"]["stopReason"], "end_turn");
    let turn = client.prompt(&session, "count");
    let mut seen = Vec::new();
    while !text(&seen).contains("3 ") {
        seen.push(client.chunk());
    }
    stage.kill_harness(name);
    let answer = client.answer(turn);
    let message = answer["error"]["message"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert!(message.contains("signal 9"), "{answer}");
    // The session goes on where it was.
    let turn = client.prompt(&session, "once again");
    let (answer, chunks) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    assert_eq!(text(&chunks), "here");
    let conversation = stage.model.requests().pop().expect("a request").to_string();
    assert!(conversation.contains("again") && conversation.contains("count"), "the conversation is lost");
}

fn permission_from_another_client(name: &str) {
    let stage = Stage::set(name, ASKS);
    let mut first = stage.bridge.client();
    let session = stage.new_session(&mut first);
    first.prompt(&session, "ask");
    first.wait_for("request for permission", |m| m["method"] == "session/request_permission");
    drop(first);
    let mut second = stage.bridge.client();
    second.load(&session);
    let asked = second.wait_for("request for permission", |m| m["method"] == "session/request_permission");
    let options = asked["params"]["options"].as_array().expect("options");
    let once = options.iter().find(|option| option["kind"] == "allow_once").expect("once");
    assert!(!stage.workspace().join("permitted.txt").exists());
    second.respond(&asked["id"], &json!({ "outcome": { "outcome": "selected", "optionId": once["optionId"] } }));
    let ended = second.turn_ended();
    assert_eq!(ended["outcome"], "completed", "{ended}");
    assert!(stage.workspace().join("permitted.txt").exists());
}

fn stop_from_another_client(name: &str) {
    let stage = Stage::set(name, LOOPS);
    let mut first = stage.bridge.client();
    let session = stage.new_session(&mut first);
    let command = Held::new(&stage.workspace().join("alive"));
    let turn = first.prompt(&session, "loop");
    let asked = first.wait_for("request for permission", |m| m["method"] == "session/request_permission");
    let options = asked["params"]["options"].as_array().expect("options");
    let once = options.iter().find(|option| option["kind"] == "allow_once").expect("once");
    first.respond(&asked["id"], &json!({ "outcome": { "outcome": "selected", "optionId": once["optionId"] } }));
    let ticks = stage.workspace().join("ticks.txt");
    let size = || std::fs::metadata(&ticks).map_or(0, |meta| meta.len());
    eventually("a running command", || size() > 20);

    let mut second = stage.bridge.client();
    second.resume(&session, None);
    second.cancel(&session);
    assert_eq!(first.answer(turn)["result"]["stopReason"], "cancelled");
    assert_eq!(second.turn_ended()["outcome"], "cancelled");
    // By itself it would end only after the deadline.
    command.wait_until_released();
    let turn = second.prompt(&session, "again");
    let (answer, chunks) = second.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    assert_eq!(text(&chunks), "here");
}

macro_rules! through_the_bridge {
    ($($name:ident),*) => {$(
        mod $name {
            #[test]
            fn a_client_that_is_cut_in_mid_turn_goes_on_at_its_cursor() {
                super::resume_in_mid_turn(stringify!($name));
            }

            #[test]
            fn a_harness_killed_in_mid_turn_fails_the_turn_and_the_session_goes_on() {
                super::killed_in_mid_turn(stringify!($name));
            }

            #[test]
            fn a_permission_is_answered_by_another_client_than_the_one_that_was_asked() {
                super::permission_from_another_client(stringify!($name));
            }

            #[test]
            fn a_stop_from_another_client_ends_turn_and_command() {
                super::stop_from_another_client(stringify!($name));
            }
        }
    )*};
}

through_the_bridge!(codex, claude);
