//! What a command printed, for clients that show the agent's terminals and for those that do not.

use crate::support::{Bridge, Client, Options};
use serde_json::{Value, json};

fn connect(bridge: &Bridge, terminals: bool) -> Client {
    let mut client = Client::connect(&bridge.address);
    let can = if terminals { json!({ "_meta": { "terminal_output": true } }) } else { json!({}) };
    let info = json!({ "name": "test", "version": "1" });
    client.call("initialize", &json!({ "protocolVersion": 1, "clientCapabilities": can, "clientInfo": info }));
    client
}

/// Updates of tool calls that were read and not taken.
fn calls(client: &mut Client) -> Vec<Value> {
    let is_call = |m: &&Value| m["params"]["update"]["toolCallId"].is_string();
    client.kept().filter(is_call).map(|m| m["params"].clone()).collect()
}

/// What is on the screen in the end: the content of the call, which each update of it tells whole.
fn text(updates: &[Value]) -> String {
    let mut told = updates.iter().filter_map(|params| params["update"]["content"].as_array());
    let last = told.next_back().unwrap_or_else(|| panic!("no content in {updates:?}"));
    last.iter().map(|item| item["content"]["text"].as_str().expect("a text")).collect()
}

#[test]
fn what_a_client_with_terminals_saw_is_text_for_one_without_live_on_load_and_from_any_cursor() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut with = connect(&bridge, true);
    let session = with.new_session();
    let mut without = connect(&bridge, false);
    without.resume(&session, None);

    let turn = with.prompt(&session, "run 4 20");
    with.turn(turn);
    let streamed = calls(&mut with);
    assert_eq!(streamed.len(), 6, "{streamed:?}");
    let data = streamed.iter().filter_map(|params| params["update"]["_meta"]["terminal_output"]["data"].as_str());
    let whole: String = data.collect();
    assert_eq!(whole, "line 1\nline 2\nline 3\nline 4\n");

    without.turn_ended();
    let live = calls(&mut without);
    assert_eq!(text(&live), whole, "live");
    for params in &live {
        assert_eq!(params["update"]["_meta"], Value::Null, "nothing of the stream is left: {params}");
    }

    let mut later = connect(&bridge, false);
    later.load(&session);
    let loaded = calls(&mut later);
    assert_eq!(text(&loaded), whole, "on load");
    assert_eq!(loaded.len(), 2, "the call, and its end with all that it printed: {loaded:?}");
    assert_eq!(loaded[1]["update"]["status"], "completed");

    let seq = |params: &Value| params["_meta"]["acp-bridge"]["seq"].as_u64().expect("a seq");
    for cursor in streamed[..5].iter().map(seq) {
        let mut back = connect(&bridge, false);
        back.resume(&session, Some(cursor));
        back.caught_up();
        assert_eq!(text(&calls(&mut back)), whole, "from cursor {cursor}");
    }

    let mut other = connect(&bridge, true);
    other.load(&session);
    assert_eq!(calls(&mut other), streamed, "a client with terminals gets what the agent streamed");
}

#[test]
fn an_agent_streams_whoever_starts_it() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut without = connect(&bridge, false);
    let session = without.new_session();
    let turn = without.prompt(&session, "run 2");
    without.turn(turn);
    assert_eq!(text(&calls(&mut without)), "line 1\nline 2\n");
    let mut with = connect(&bridge, true);
    with.load(&session);
    let streamed = calls(&mut with);
    assert!(streamed.iter().any(|params| params["update"]["_meta"]["terminal_output"]["data"] == "line 2\n"));
}
