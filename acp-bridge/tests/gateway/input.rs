//! What clients may get wrong on the wire, and that it costs them an error and not the connection (P12).

use crate::support::malformed::{each_is_answered, error_for, still_works};
use crate::support::{Client, World};
use acp_bridge::gateway;
use serde_json::json;

#[test]
fn what_is_no_message_is_answered_and_the_connection_lives() {
    let world = World::start();
    let mut client = world.client();
    each_is_answered(&mut client);
}

/// RFC 6455 section 8.1: such a connection must be failed. Nobody else is.
#[test]
fn text_that_is_no_utf_8_ends_its_own_connection_only() {
    let world = World::start();
    let mut other = world.client();
    let (mut socket, _) =
        tokio_tungstenite::tungstenite::client(format!("ws://{}/acp", world.address), world.socket()).unwrap();
    // A masked text frame of two bytes that no character begins with.
    std::io::Write::write_all(socket.get_mut(), &[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]).unwrap();
    loop {
        match socket.read() {
            Ok(_) => {}
            Err(tokio_tungstenite::tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("the connection goes on")
            }
            Err(_) => break,
        }
    }
    still_works(&mut other);
}

#[test]
fn ids_come_back_as_they_were_sent() {
    let world = World::start();
    let mut client = world.client();
    for id in ["0", "-1", "\"7\"", "\"\\u0061\"", "9007199254740993", "123456789012345678901234567890"] {
        client.send_text(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"session/nonesuch"}}"#));
        client.wait_for("error", |message| message["error"]["code"] == -32601);
        assert!(client.wire.last_raw.contains(&format!("\"id\":{id},")), "{}", client.wire.last_raw);
    }
}

#[test]
fn answers_are_never_answered() {
    let world = World::start();
    let mut client = world.client();
    client.send_text(r#"{"jsonrpc":"2.0","id":77,"result":1,"error":{"code":1,"message":"x"}}"#);
    client.send_text(r#"{"jsonrpc":"2.0","id":78,"result":{}}"#);
    client.send_text(r#"{"jsonrpc":"2.0","id":"79","error":{"code":1,"message":"x"}}"#);
    let id = client.request("session/list", &json!({}));
    assert_eq!(client.next()["id"], json!(id));
}

#[test]
fn a_binary_frame_is_ignored_one_over_the_limit_refused_and_the_connection_lives() {
    let mut config = gateway::Config::default();
    config.max_message = 4096;
    let world = World::with(config);
    let mut client = world.client();
    client.send_binary(br#"{"jsonrpc":"2.0","id":1,"method":"session/list"}"#);
    let id = client.request("session/list", &json!({}));
    assert_eq!(client.next()["id"], json!(id), "nothing came before the next answer");
    let large = format!(r#"{{"jsonrpc":"2.0","id":99,"method":"_x/y","params":{{"a":"{}"}}}}"#, "x".repeat(5000));
    let answer = error_for(&mut client, &large);
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(99), &json!(-32600)));
    assert!(answer["error"]["message"].as_str().is_some_and(|m| m.contains("4096")), "{answer}");
    still_works(&mut client);
}

#[test]
fn a_request_with_an_id_in_flight_is_refused_and_the_first_one_goes_on() {
    let world = World::start();
    let mut client = world.client();
    let gate = world.runtime.block_on(world.host.gate.lock());
    for _ in 0..2 {
        client.send_text(r#"{"jsonrpc":"2.0","id":"same","method":"authenticate","params":{}}"#);
    }
    let refused = client.wait_for("answer", |message| message["id"] == "same");
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    drop(gate);
    let answer = client.wait_for("answer", |message| message["id"] == "same");
    assert!(answer["error"]["code"] != -32600, "{answer}");
    let id = client.request("session/list", &json!({}));
    assert_eq!(client.next()["id"], json!(id), "no third answer");
}

#[test]
fn calls_before_initialize_and_a_second_initialize_are_refused() {
    let world = World::start();
    let mut client = Client::connect(&world.address);
    assert_eq!(client.refused("session/list", &json!({}))["code"], -32600);
    client.notify("session/cancel", &json!({ "sessionId": "s" }));
    assert_eq!(client.refused("initialize", &json!({}))["code"], -32602);
    client.initialize();
    assert_eq!(client.refused("initialize", &json!({ "protocolVersion": 1 }))["code"], -32600);
    still_works(&mut client);
}

#[test]
fn requests_over_the_limit_are_refused_and_the_others_answered() {
    let mut config = gateway::Config::default();
    config.limits.in_flight = 8;
    let world = World::with(config);
    let mut client = world.client();
    let gate = world.runtime.block_on(world.host.gate.lock());
    let ids: Vec<u64> = (0..10).map(|_| client.request("authenticate", &json!({}))).collect();
    for id in &ids[8..] {
        let error = client.answer(*id)["error"].clone();
        assert!(error["message"].as_str().is_some_and(|m| m.contains("in flight")), "{error}");
    }
    drop(gate);
    for id in &ids[..8] {
        assert!(client.answer(*id)["error"].is_null());
    }
    still_works(&mut client);
}
