//! The end of commands: nothing that they started is left.

use serde_json::json;

use super::{Stage, lives, sh, sleeper, steps, terminal};
use crate::support::harness::eventually;

#[test]
fn nothing_of_a_released_command_is_left_when_the_agent_hears_of_it() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let both = sh("until [ -s parent ] && [ -s child ]; do sleep 0.01; done");
    let release = json!({ "do": "terminal/release", "with": { "terminalId": "acp-bridge-terminal-1" } });
    steps(&mut client, &session, &json!([sleeper(), both, terminal("wait_for_exit"), release]));
    for name in ["parent", "child"] {
        assert!(!lives(stage.pid_in(name)), "{name} lives on");
    }
}

#[test]
fn a_cancelled_turn_leaves_the_commands_to_the_session_and_closing_it_ends_them() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let turn = client.prompt(&session, &json!([sleeper(), { "rest": 1 }]).to_string());
    let (parent, child) = (stage.pid_in("parent"), stage.pid_in("child"));
    client.cancel(&session);
    assert_eq!(client.turn(turn).0["result"]["stopReason"], "cancelled");
    let said = steps(&mut client, &session, &json!([terminal("output")]));
    assert_eq!(said[0]["exitStatus"], json!(null), "{said:?}");
    assert!(lives(parent) && lives(child));
    client.call("session/close", &json!({ "sessionId": session }));
    eventually("the end of the commands", || !lives(parent) && !lives(child));
}

#[test]
fn no_command_outlives_its_agent() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let both = sh("until [ -s parent ] && [ -s child ]; do sleep 0.01; done");
    let turn = client.prompt(&session, &json!([sleeper(), both, terminal("wait_for_exit"), { "exit": 3 }]).to_string());
    client.turn(turn);
    let (parent, child) = (stage.pid_in("parent"), stage.pid_in("child"));
    eventually("the end of the commands", || !lives(parent) && !lives(child));
    let said = steps(
        &mut client,
        &session,
        &json!([{ "do": "terminal/output", "with": { "terminalId": "acp-bridge-terminal-1" } }]),
    );
    assert_eq!(said[0]["code"], -32002, "the next agent has terminals of its own: {said:?}");
}

#[test]
fn no_command_outlives_the_bridge_however_it_ends() {
    for gently in [false, true] {
        let mut stage = Stage::set(&[]);
        let mut client = stage.bridge.client();
        let session = stage.new_session(&mut client);
        client.prompt(&session, &json!([sleeper(), { "rest": 1 }]).to_string());
        let (parent, child) = (stage.pid_in("parent"), stage.pid_in("child"));
        assert!(lives(parent) && lives(child));
        if gently {
            stage.bridge.terminate();
            assert!(!lives(parent) && !lives(child), "it does not wait for them");
        } else {
            stage.bridge.kill();
        }
        eventually("the end of the commands", || !lives(parent) && !lives(child));
    }
}
