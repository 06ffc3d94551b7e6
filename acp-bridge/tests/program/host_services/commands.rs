//! Commands in terminals: what they get, print and come to.

use serde_json::json;

use super::{Stage, message, sh, steps, terminal};
use crate::support::Client;

#[test]
fn a_command_gets_its_arguments_environment_and_directory_and_gives_its_output_and_exit() {
    let stage = Stage::set(&["--cancel-grace", "10s"]);
    std::fs::create_dir(stage.path("sub")).expect("a directory");
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let script = "pwd; echo \"$1 $VALUE $ACP_BRIDGE_CANCEL_GRACE.\"; echo err >&2; echo out; exit 3";
    let create = json!({ "do": "terminal/create", "with": {
        "command": "sh", "args": ["-c", script, "sh", "one argument"], "cwd": stage.path("sub"),
        "env": [{ "name": "VALUE", "value": "two" }] } });
    let said = steps(&mut client, &session, &json!([create, terminal("wait_for_exit"), terminal("output")]));
    let sub = stage.path("sub").canonicalize().expect("a path");
    assert_eq!(said[1], json!({ "exitCode": 3 }));
    assert_eq!(said[2]["output"], json!(format!("{}\none argument two .\nerr\nout\n", sub.display())));
    assert_eq!(said[2]["truncated"], false);
    assert_eq!(said[2]["exitStatus"], json!({ "exitCode": 3 }));
}

#[test]
fn output_is_cut_at_the_beginning_and_between_characters() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let create = json!({ "do": "terminal/create", "with": {
        "command": "sh", "args": ["-c", "for i in 1 2 3 4 5 6 7 8 9; do printf '€%s' $i; done"], "outputByteLimit": 10 } });
    let said = steps(&mut client, &session, &json!([create, terminal("wait_for_exit"), terminal("output")]));
    assert_eq!(said[2]["output"], "7€8€9");
    assert_eq!(said[2]["truncated"], true);
}

#[test]
fn a_killed_command_can_still_be_asked_and_a_released_one_cannot() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let said = steps(
        &mut client,
        &session,
        &json!([sh("echo begun; echo > begun; sleep 600"), terminal("output"), sh("until [ -e begun ]; do sleep 0.01; done"),
            terminal("wait_for_exit"), { "do": "terminal/kill", "with": { "terminalId": "acp-bridge-terminal-1" } },
            { "do": "terminal/wait_for_exit", "with": { "terminalId": "acp-bridge-terminal-1" } },
            { "do": "terminal/output", "with": { "terminalId": "acp-bridge-terminal-1" } },
            { "do": "terminal/release", "with": { "terminalId": "acp-bridge-terminal-1" } },
            { "do": "terminal/output", "with": { "terminalId": "acp-bridge-terminal-1" } },
            { "do": "terminal/create", "with": { "command": "no-such-program-anywhere" } }]),
    );
    assert_eq!(said[1]["exitStatus"], json!(null), "it does not wait");
    assert_eq!(said[4], json!({}));
    assert_eq!(said[5], json!({ "signal": "SIGKILL" }));
    assert_eq!(said[6]["output"], "begun\n");
    assert_eq!(said[7], json!({}));
    assert_eq!(said[8]["code"], -32002, "{}", said[8]);
    assert_eq!(said[9]["code"], -32002, "{}", said[9]);
    assert!(message(&said[9]).contains("no-such-program-anywhere"));
}

/// The text that a client has of a tool call in the end.
fn text_of_call(client: &mut Client) -> String {
    let told = client.kept().filter_map(|m| m["params"]["update"]["content"].as_array());
    let last = told.last().expect("content").clone();
    last.iter().map(|item| item["content"]["text"].as_str().unwrap_or_else(|| panic!("{item}"))).collect()
}

#[test]
fn what_a_terminal_prints_that_a_tool_call_shows_is_told_to_every_client_and_nothing_else_is() {
    for args in [&[][..], &["--keep-agents", "1m"]] {
        let stage = Stage::set(args);
        let mut client = stage.bridge.client();
        let session = stage.new_session(&mut client);
        let shown = json!([{ "type": "terminal", "terminalId": "acp-bridge-terminal-2" }]);
        let prompt = json!([
            sh("echo not shown"),
            terminal("wait_for_exit"),
            sh("echo one; until [ -e go ]; do sleep 0.01; done; echo two"),
            { "say": { "sessionUpdate": "tool_call", "toolCallId": "c", "title": "Run it", "content": shown } },
            terminal("wait_for_exit"),
            terminal("release"),
            { "say": { "sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "completed" } },
        ]);
        let turn = client.prompt(&session, &prompt.to_string());
        client.wait_for("the first line", |m| m["params"]["update"]["content"][0]["content"]["text"] == "one\n");
        std::fs::write(stage.path("go"), "").expect("write");
        client.turn(turn);
        let mut later = stage.bridge.client();
        later.load(&session);
        for client in [&mut client, &mut later] {
            assert_eq!(text_of_call(client), "one\ntwo\n", "{args:?}");
            assert!(client.kept().all(|m| !m["params"].to_string().contains("\"terminal\"")));
        }
        let log = std::fs::read(&stage.bridge.log).expect("the log");
        let wal = std::fs::read(format!("{}-wal", stage.bridge.log.display())).unwrap_or_default();
        let has = |text: &str| [&log, &wal].iter().any(|bytes| memchr::memmem::find(bytes, text.as_bytes()).is_some());
        assert!(has("one\\n") && !has("not shown\\n"), "{args:?}");
    }
}

#[test]
fn an_agent_has_so_many_terminals_and_no_more() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let mut all = vec![json!({ "do": "terminal/create", "with": { "command": "true" } }); 33];
    all.push(terminal("release"));
    all.push(sh("true"));
    let said = steps(&mut client, &session, &json!(all));
    assert!(said[..32].iter().all(|answer| answer["terminalId"].is_string()), "{said:?}");
    assert!(message(&said[32]).contains("32 terminals are open already; release one"), "{said:?}");
    assert!(said[34]["terminalId"].is_string(), "{said:?}");
}

#[test]
fn a_wait_that_is_withdrawn_is_answered_and_the_command_goes_on() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let begin = json!({ "begin": "terminal/wait_for_exit", "with": {} });
    let said = steps(
        &mut client,
        &session,
        &json!([sh("sleep 600"), begin, { "withdraw": 1 }, { "end": 1 }, terminal("output")]),
    );
    assert_eq!(said[1]["code"], -32800, "{said:?}");
    assert_eq!(said[2]["exitStatus"], json!(null));
}
