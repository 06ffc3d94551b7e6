//! Agents that print to their stdout what is no message.

use serde_json::json;

use crate::report::held;
use crate::support::client::text;
use crate::support::{Bridge, Client, Options};

#[test]
fn an_agent_that_prints_a_line_for_every_line_is_not_answered() {
    let bridge = Bridge::start(Options::fault_agent(&["--echo"]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "garbage");
    assert_eq!(text(&client.turn(turn).1), "after garbage");
    let turn = client.prompt(&session, "lines");
    let (answer, chunks) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    // It was sent initialize, session/new and two prompts, and nothing for all that it printed.
    assert_eq!(text(&chunks), "4");
    held("an agent that prints a line for every line that it gets", "nothing is sent to it for that, turns go on");
}

#[test]
fn a_start_that_fails_quotes_what_was_printed() {
    let agent = vec!["sh".into(), "-c".into(), "echo 'Welcome to my agent'; echo 'no licence' >&2; exit 3".into()];
    let bridge = Bridge::start(Options { agent, args: Vec::new(), wrapper: None, listen: None });
    let mut client = Client::connect(&bridge.address);
    let error = client.refused("initialize", &json!({ "protocolVersion": 1 }));
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains("Welcome to my agent") && message.contains("no licence"), "{message}");
    held("an agent that prints a banner and dies", "the error quotes its stdout and its stderr");
}
