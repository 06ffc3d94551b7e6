//! The examples are small, and they work.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use support::{example, output};

fn lines(name: &str) -> usize {
    std::fs::read_to_string(format!("{}/examples/{name}.rs", env!("CARGO_MANIFEST_DIR"))).unwrap().lines().count()
}

#[test]
fn a_client_of_forty_lines_asks_an_agent_of_thirty() {
    assert!(lines("minimal_agent") <= 30, "{} lines", lines("minimal_agent"));
    assert!(lines("one_shot_client") <= 40, "{} lines", lines("one_shot_client"));
    let asked = output(Command::new(example("one_shot_client")).arg("Hello?").arg(example("minimal_agent")));
    assert!(asked.status.success(), "{asked:?}");
    assert_eq!(String::from_utf8(asked.stdout).unwrap(), "You said: Hello?");
}

#[test]
fn a_client_without_arguments_says_how_to_use_it() {
    let asked = output(Command::new(example("one_shot_client")).stdin(Stdio::null()));
    assert!(!asked.status.success());
    assert!(String::from_utf8(asked.stderr).unwrap().contains("usage: "));
}

#[test]
fn the_flood_arrives_complete() {
    let flooded = output(Command::new(example("flood_client")).arg("flood 20000").arg(example("flood_agent")));
    assert!(flooded.status.success(), "{flooded:?}");
    let result: serde_json::Value = serde_json::from_slice(&flooded.stdout).unwrap();
    assert_eq!((&result["updates"], &result["stop_reason"]), (&20000.into(), &"end_turn".into()));
}

#[test]
fn round_trips_are_measured() {
    let asked = output(Command::new(example("flood_client")).arg("ask 100").arg(example("flood_agent")));
    assert!(asked.status.success(), "{asked:?}");
    let result: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    let report: serde_json::Value = serde_json::from_str(result["last_text"].as_str().unwrap()).unwrap();
    assert_eq!(report["asked"], 100);
}

/// What the agent with a child says to a conversation, up to the answer to its last request; `stop` once the child speaks.
fn of_the_agent_with_a_child(capabilities: &str, prompt: &str, stop: bool) -> Vec<serde_json::Value> {
    let mut agent = Command::new(example("child_agent")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = agent.stdin.take().unwrap();
    let session = r#""sessionId":"the only session""#;
    writeln!(
        input,
        r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":1,"clientCapabilities":{capabilities}}}}}
{{"jsonrpc":"2.0","id":2,"method":"session/new","params":{{"cwd":"/","mcpServers":[]}}}}
{{"jsonrpc":"2.0","id":3,"method":"session/prompt","params":{{{session},"prompt":[{{"type":"text","text":"{prompt}"}}]}}}}"#
    )
    .unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(agent.stdout.take().unwrap()).lines() {
        let message: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        if stop && message["params"]["sessionId"] == "the only child" {
            let cancel = r#"{"jsonrpc":"2.0","method":"session/cancel","params":{"sessionId":"the only child"}}"#;
            writeln!(input, "{cancel}").unwrap();
        }
        let ends = message["id"] == 3;
        said.push(message);
        if ends {
            break;
        }
    }
    drop(input);
    assert!(agent.wait().unwrap().success());
    said
}

#[test]
fn an_agent_with_a_child_announces_it_and_stops_it_alone_for_clients_that_take_children() {
    let said = of_the_agent_with_a_child(r#"{"subagents":{}}"#, "wait", true);
    let updates: Vec<_> = said.iter().filter_map(|message| message.get("params")).collect();
    let kinds: Vec<_> = updates.iter().map(|params| params["update"]["sessionUpdate"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["subagent_update", "agent_message_chunk", "subagent_update", "agent_message_chunk"]);
    assert_eq!(
        (&updates[0]["sessionId"], &updates[1]["sessionId"]),
        (&"the only session".into(), &"the only child".into())
    );
    assert_eq!(updates[2]["update"]["state"]["stopReason"], "cancelled", "{}", updates[2]);
    assert_eq!(said.last().unwrap()["result"]["stopReason"], "end_turn", "the parent goes on");

    let said = of_the_agent_with_a_child("{}", "hi", false);
    let updates = said.iter().filter(|message| message["method"] == "session/update");
    let kinds: Vec<_> = updates.map(|message| message["params"]["update"]["sessionUpdate"].clone()).collect();
    assert_eq!(kinds, ["agent_message_chunk"]);
}
