//! Clients that ask for much and take none of it.

use std::time::Instant;

use serde_json::{Value, json};

use crate::report::held;
use crate::support::{Bridge, Client, DEADLINE, Options};

const PROMPT: usize = 8 * 1024 * 1024;
const CLIENTS: usize = 16;
/// Bytes that lie unread in a client's socket when the prompt is on its way.
const UNREAD: usize = 64 * 1024;
/// What all of them may cost, in bytes: a copy for each would be more.
const BOUND: u64 = 96 * 1024 * 1024;

/// A client that has asked for the session at a door, and the id of what it asked.
type Asks = fn(&Bridge, &str) -> (Client, u64);

#[test]
fn clients_that_load_a_long_prompt_and_stop_reading_share_it() {
    let doors: [(Asks, &str); 2] = [
        (
            |bridge, session| {
                let mut client = bridge.client();
                let params = json!({ "sessionId": session, "cwd": "/", "mcpServers": [] });
                let id = client.request("session/load", &params);
                (client, id)
            },
            "16 clients load and do not read",
        ),
        (
            |bridge, session| {
                let mut client = Client::connect_to(&bridge.address, "/rpc");
                let id = client.request("session_subscribe", &json!({ "session": session }));
                (client, id)
            },
            "16 programs subscribe to and do not read",
        ),
    ];
    for (asks, what) in doors {
        share(asks);
        held(&format!("a prompt of 8 MiB that {what}"), "they share one copy, and it goes with them");
    }
}

fn share(asks: Asks) {
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
        let (mut client, id) = asks(&bridge, &session);
        client.await_unread(UNREAD);
        clients.push((client, id));
    }
    let stalled = bridge.memory().saturating_sub(before);
    assert!(stalled < BOUND, "{CLIENTS} clients cost {stalled} bytes");

    let (mut last, id) = clients.pop().expect("a client");
    drop(clients);
    last.answer(id);
    last.wait_for("the prompt", |message| longest(message) >= PROMPT);
    drop(last);
    let deadline = Instant::now() + DEADLINE;
    while bridge.memory().saturating_sub(before) > BOUND {
        assert!(Instant::now() < deadline, "{} bytes stay", bridge.memory().saturating_sub(before));
        std::thread::yield_now();
    }
}

/// The length of the longest text in a message.
fn longest(message: &Value) -> usize {
    match message {
        Value::String(text) => text.len(),
        Value::Array(all) => all.iter().map(longest).max().unwrap_or_default(),
        Value::Object(all) => all.values().map(longest).max().unwrap_or_default(),
        _ => 0,
    }
}
