//! Clients that ask for much and take none of it.

use std::time::Instant;

use serde_json::json;

use crate::report::held;
use crate::support::{Bridge, Client, DEADLINE, Options};

const PROMPT: usize = 8 * 1024 * 1024;
const CLIENTS: usize = 24;
/// What all of them may cost, in bytes: a copy for each would be more than twice as much.
const BOUND: u64 = 96 * 1024 * 1024;

#[test]
fn clients_that_load_a_long_prompt_and_stop_reading_share_it() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut owner = bridge.client();
    let session = owner.new_session();
    let turn = owner.prompt(&session, &format!("none {}", "p".repeat(PROMPT)));
    assert_eq!(owner.answer(turn)["result"]["stopReason"], "end_turn");
    drop(owner);
    // What is measured is what clients cost, not what the first load does.
    bridge.client().load(&session);
    let before = bridge.memory();

    let mut clients: Vec<(Client, u64)> = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = bridge.client();
        let id = client.request("session/load", &json!({ "sessionId": session, "cwd": "/", "mcpServers": [] }));
        client.await_unread();
        clients.push((client, id));
    }
    let stalled = bridge.memory().saturating_sub(before);
    assert!(stalled < BOUND, "{CLIENTS} clients cost {stalled} bytes");

    let (mut last, id) = clients.pop().expect("a client");
    drop(clients);
    last.answer(id);
    let shown = last.kept().filter_map(|message| message["params"]["update"]["content"]["text"].as_str());
    assert!(shown.map(str::len).any(|length| length >= PROMPT), "whoever reads on gets all of it");
    drop(last);
    let deadline = Instant::now() + DEADLINE;
    while bridge.memory().saturating_sub(before) > BOUND {
        assert!(Instant::now() < deadline, "{} bytes stay", bridge.memory().saturating_sub(before));
        std::thread::yield_now();
    }
    held("a prompt of 8 MiB that 24 clients load and do not read", "they share one copy, and it goes with them");
}
