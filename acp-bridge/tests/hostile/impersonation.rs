//! Agents that speak in the bridge's name, and clients that do so towards agents.
//!
//! Everything that is forged has the word `forged` in it, so that a client that sees it has been misled.

use serde_json::{Value, json};

use crate::report::held;
use crate::support::client::kind;
use crate::support::dialler::Dialler;
use crate::support::log::wait_for_records;
use crate::support::{Bridge, Client, Options};

/// A session with a client that prompts and one that attached to hear of everything.
fn stage(flags: &[&str]) -> (Bridge, Client, Client, String) {
    let bridge = Bridge::start(Options::fault_agent(flags));
    let mut client = bridge.client();
    let session = client.new_session();
    let mut watcher = bridge.client();
    watcher.call("session/attach", &json!({ "sessionId": session, "clientId": "watcher" }));
    (bridge, client, watcher, session)
}

/// Runs a prompt to its end for both clients; the answer, and what the two were sent.
fn turn(client: &mut Client, watcher: &mut Client, session: &str, text: &str) -> (Value, Vec<Value>) {
    let id = client.prompt(session, text);
    let answer = client.answer(id);
    let mut seen: Vec<Value> = client.kept().cloned().collect();
    let ended = watcher.turn_ended();
    assert_ne!(ended["turn"], json!(999), "it is the bridge that says so");
    seen.extend(watcher.kept().cloned());
    seen.push(ended);
    (answer, seen)
}

/// The prompt, which says what is to be forged, comes back as what the user said.
fn assert_not_misled(what: &str, value: &Value) {
    if kind(value) == Some("user_message_chunk") {
        return;
    }
    assert!(!value.to_string().contains("forged"), "{what}: {value}");
}

#[test]
fn notifications_and_updates_of_the_bridge_are_not_taken_from_an_agent() {
    let (_bridge, mut client, mut watcher, session) = stage(&[]);
    let notifications = ["turn_ended", "caught_up", "detached", "queue_changed", "lanes", "anything"].map(|name| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"_acp-bridge/{name}","params":{{"sessionId":SESSION,"turn":999,"outcome":"forged"}}}}"#
        )
    });
    let updates = [
        r#"{"sessionUpdate":"permission_resolved","requestId":1,"x":"forged"}"#,
        r#"{"sessionUpdate":"client_connected","client":{"clientId":"forged"}}"#,
        r#"{"sessionUpdate":"client_disconnected","client":{"clientId":"forged"}}"#,
        r#"{"sessionUpdate":"client\u005fconnected","client":{"clientId":"forged"}}"#,
        r#"{"sessionUpdate":"plan","\u0073essionUpdate":"client_connected","client":{"clientId":"forged"}}"#,
    ]
    .map(|update| {
        format!(r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"sessionId":SESSION,"update":{update}}}}}"#)
    });
    let twice = r#"{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":SESSION,"update":{"sessionUpdate":"client_connected","x":"forged"},"update":{"sessionUpdate":"plan","entries":[]}}}"#;
    let lines = [&notifications[..], &updates[..], &[twice.to_owned()]].concat().join("\n");
    let (answer, seen) = turn(&mut client, &mut watcher, &session, &format!("raw {lines}"));
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    seen.iter().for_each(|message| assert_not_misled("live", message));
    let mut later = Client::connect(&_bridge.address);
    later.initialize();
    later.load(&session);
    later.kept().for_each(|message| assert_not_misled("loaded", message));
    held("an agent sends the bridge's notifications and updates", "none is taken; the turn and the session go on");
}

#[test]
fn requests_in_the_name_of_the_bridge_are_answered_with_an_error() {
    let (_bridge, mut client, _watcher, session) = stage(&[]);
    for method in ["_acp-bridge/lane_add", "_acp-bridge/queue", "_acp-bridge/anything"] {
        let id = client.prompt(&session, &format!(r#"request {method} {{"sessionId":SESSION,"x":"forged"}}"#));
        let (_, chunks) = client.turn(id);
        assert!(chunks[0].1.contains("-32601"), "{chunks:?}");
        assert!(client.kept().all(|message| message["method"] != method), "no client is asked");
    }
    held("an agent asks clients with methods of the bridge", "it gets -32601 and no client is asked");
}

#[test]
fn our_key_in_what_an_agent_sends_reaches_nobody() {
    let (bridge, mut client, mut watcher, session) = stage(&["--forge"]);
    let told = Client::connect(&bridge.address).initialize();
    assert_not_misled("initialize", &told);
    assert_eq!(told["_meta"]["acp-bridge"]["version"], env!("CARGO_PKG_VERSION"));
    let made = client.call("session/new", &json!({ "cwd": "/", "mcpServers": [] }));
    assert_not_misled("session/new", &made);
    let mode = client.call("session/set_mode", &json!({ "sessionId": session, "modeId": "auto" }));
    assert_not_misled("session/set_mode", &mode);

    let ours = r#""_meta":{"acp-bridge":{"seq":999,"turn":999,"lane":"forged"},"acp\u002dbridge":"forged"}"#;
    let lines = [
        format!(
            r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"sessionId":SESSION,{ours},"update":{{"sessionUpdate":"tool_call","toolCallId":"t","title":"x",{ours},"content":[{{"type":"content",{ours}}}]}}}}}}"#
        ),
        format!(r#"{{"jsonrpc":"2.0","method":"_news","params":{{"sessionId":SESSION,{ours}}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","method":"_news","params":{{{ours}}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":PROMPT,"result":{{"stopReason":"end_turn",{ours}}}}}"#),
    ];
    let (answer, seen) = turn(&mut client, &mut watcher, &session, &format!("raw {}", lines.join("\n")));
    assert_eq!(answer["result"]["_meta"]["acp-bridge"]["outcome"], "completed");
    assert_not_misled("the prompt's answer", &answer);
    assert!(seen.iter().any(|message| message["method"] == "_news"), "what else it says arrives");
    seen.iter().for_each(|message| assert_not_misled("live", message));

    let asks = [
        format!(
            r#"session/request_permission {{"sessionId":SESSION,{ours},"toolCall":{{"toolCallId":"c",{ours}}},"options":[{{"optionId":"yes","name":"Yes","kind":"allow_once",{ours}}}]}}"#
        ),
        format!(r#"_ask {{{ours},"x":1}}"#),
    ];
    for ask in asks {
        let id = client.prompt(&session, &format!("request {ask}"));
        let asked = client.wait_for("a request", |message| {
            message["id"].is_string() || message["id"].is_number() && message["method"].is_string()
        });
        assert_not_misled("a request", &asked);
        client.respond(&asked["id"], &json!({ "outcome": { "outcome": "selected", "optionId": "yes" }, "_meta": { "acp-bridge": "forged", "theirs": 1 } }));
        let (_, chunks) = client.turn(id);
        assert!(
            chunks[0].1.contains("theirs") && !chunks[0].1.contains("forged"),
            "the agent gets the answer: {chunks:?}"
        );
    }

    let error = r#"{"code":4711,"message":"m","data":{"acp-bridge":{"outcome":"interrupted","turn":999,"x":"forged"},"theirs":1}}"#;
    let id = client.prompt(&session, &format!("error {error}"));
    let answer = client.answer(id);
    assert_eq!(answer["error"]["data"], json!({ "theirs": 1 }));
    let mut later = bridge.client();
    let loaded = later.load(&session);
    assert_not_misled("session/load", &loaded);
    later.kept().for_each(|message| assert_not_misled("loaded", message));
    held("an agent puts `_meta[\"acp-bridge\"]` into everything that it sends", "clients get the bridge's own or none");
}

#[test]
fn what_a_client_says_to_the_bridge_does_not_reach_an_agent() {
    let (_bridge, mut client, _watcher, session) = stage(&["--forge"]);
    let ours = json!({ "acp-bridge": { "lane": "main", "x": "forged" }, "theirs": 1 });
    let params = json!({ "sessionId": session, "n": 1, "_meta": ours, "deep": [{ "_meta": ours }] });
    let echo = client.call("_echo", &params);
    assert_not_misled("a request in a session", &echo);
    assert_eq!(echo["echo"]["deep"][0]["_meta"], json!({ "theirs": 1 }));
    let echo = client.call("_echo", &json!({ "_meta": ours }));
    assert_not_misled("a request in no session", &echo);
    let made = client.call(
        "session/new",
        &json!({ "cwd": "/", "mcpServers": [], "_meta": { "acp-bridge": { "unattended": "reject", "x": "forged" } } }),
    );
    assert_not_misled("session/new", &made);
    let refused = client.refused("_acp-bridge/forged", &json!({ "sessionId": session }));
    assert_eq!(refused["code"], -32601);
    client.notify("_acp-bridge/forged", &json!({ "sessionId": session }));

    let capabilities = json!({ "_meta": { "acp-bridge": "forged", "theirs": 1 } });
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut first = Client::connect(&bridge.address);
    first.call("initialize", &json!({ "protocolVersion": 1, "clientCapabilities": capabilities }));
    let session = first.new_session();
    let id = first.prompt(&session, "told");
    let (_, chunks) = first.turn(id);
    assert!(chunks[0].1.contains("theirs") && !chunks[0].1.contains("forged"), "{chunks:?}");
    held("a client's `_meta[\"acp-bridge\"]` and `_acp-bridge/` methods", "no agent is given them");
}

#[test]
fn an_agent_behind_a_dialler_forges_neither_frames_of_the_link_nor_the_bridge() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let url = format!("http://{}", bridge.address);
    let _dialler = Dialler::start(&url, &session, "far", &["--name", "helper"], &[]);
    wait_for_records(&bridge, &session, "agent_started", 2);
    let instance = wait_for_records(&bridge, &session, "agent_started", 2)[1]["link"]["instance"].clone();
    let instance = instance.as_str().expect("an instance").to_owned();
    let lines = [
        format!(r#"exited {{"instance":"{instance}","report":"forged","stderr":"forged"}}"#),
        format!(r#"gone {{"instance":"{instance}"}}"#),
        r#"refused {"why":"forged","final":true}"#.to_owned(),
        "ack 999999".to_owned(),
        "beat".to_owned(),
        r#"m 1 {"jsonrpc":"2.0","method":"_acp-bridge/turn_ended","params":{"outcome":"forged"}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","method":"_acp-bridge/detached","params":{"sessionId":SESSION,"error":"forged"}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":SESSION,"_meta":{"acp-bridge":{"lane":"main","seq":"forged"}},"update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"still here"}}}}"#.to_owned(),
    ];
    let prompt = |client: &mut Client, text: &str| {
        let content = [json!({ "type": "text", "text": text })];
        let params = json!({ "sessionId": session, "prompt": content, "_meta": { "acp-bridge": { "lane": "far" } } });
        client.request("session/prompt", &params)
    };
    let id = prompt(&mut client, &format!("raw {}", lines.join("\n")));
    let answer = client.answer(id);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    client.kept().for_each(|message| assert_not_misled("live", message));
    let chunk = client.wait_for("chunk", |message| kind(message) == Some("agent_message_chunk"));
    assert_eq!(chunk["params"]["_meta"]["acp-bridge"]["lane"], "far");
    let id = prompt(&mut client, "echo on");
    assert_eq!(client.answer(id)["result"]["stopReason"], "end_turn");
    held("an agent behind a dialler writes frames of the link", "they are lines that are no messages; it serves on");
}
