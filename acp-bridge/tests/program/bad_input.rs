//! What clients may get wrong, and what they get for it: a clear error, and a connection that lives on (P12).

use crate::support::malformed::{each_is_answered, error_for, still_works};
use crate::support::{Bridge, Client, Options};
use serde_json::json;

fn bridge() -> Bridge {
    Bridge::start(Options::fault_agent(&[]))
}

#[test]
fn what_is_no_json_rpc_is_answered_and_the_connection_survives() {
    let bridge = bridge();
    let mut client = bridge.client();
    each_is_answered(&mut client);
}

#[test]
fn a_request_that_can_be_named_is_answered_under_its_id() {
    let bridge = bridge();
    let mut client = bridge.client();
    let answer = error_for(&mut client, r#"{"jsonrpc":"2.0","id":"seven","method":"session/nonesuch"}"#);
    assert_eq!((answer["id"].clone(), answer["error"]["code"].clone()), (json!("seven"), json!(-32601)));
    let answer = error_for(&mut client, r#"{"jsonrpc":"2.0","id":-9007199254740993,"method":"session/nonesuch"}"#);
    assert_eq!(answer["id"].to_string(), "-9007199254740993");
}

#[test]
fn a_bad_answer_is_never_answered() {
    let bridge = bridge();
    let mut client = bridge.client();
    client.send_text(r#"{"jsonrpc":"2.0","id":77,"result":1,"error":{"code":1,"message":"x"}}"#);
    client.send_text(r#"{"jsonrpc":"2.0","id":78,"result":{}}"#);
    let id = client.request("session/list", &json!({}));
    assert_eq!(client.next()["id"], json!(id), "nothing came before the next answer");
}

#[test]
fn a_binary_frame_is_ignored_and_the_connection_survives() {
    let bridge = bridge();
    let mut client = bridge.client();
    client.send_binary(br#"{"jsonrpc":"2.0","id":1,"method":"session/list"}"#);
    let id = client.request("session/list", &json!({}));
    assert_eq!(client.next()["id"], json!(id), "nothing came before the next answer");
    still_works(&mut client);
}

#[test]
fn calls_before_initialize_and_a_second_initialize_are_refused() {
    let bridge = bridge();
    let mut client = Client::connect(&bridge.address);
    let early = client.refused("session/new", &json!({ "cwd": "/", "mcpServers": [] }));
    assert_eq!(early["code"], -32600);
    client.initialize();
    let second = client.refused("initialize", &json!({ "protocolVersion": 1 }));
    assert_eq!(second["code"], -32600);
    client.new_session();
}

#[test]
fn an_unsupported_protocol_version_is_answered_with_ours() {
    let bridge = bridge();
    let mut client = Client::connect(&bridge.address);
    let result = client.call("initialize", &json!({ "protocolVersion": 65535 }));
    assert_eq!(result["protocolVersion"], 1);
}

#[test]
fn an_unknown_session_is_named_in_the_error() {
    let bridge = bridge();
    let mut client = bridge.client();
    let params = json!({ "sessionId": "nonesuch", "cwd": "/", "mcpServers": [] });
    for method in ["session/load", "session/resume"] {
        let error = client.refused(method, &params);
        assert_eq!(
            (error["code"].clone(), error["data"]["sessionId"].clone()),
            (json!(-32002), json!("nonesuch")),
            "{method}"
        );
    }
    let error = client.refused("session/prompt", &json!({ "sessionId": "nonesuch", "prompt": [] }));
    assert_eq!(error["code"], -32002);
    let error = client.refused("session/set_mode", &json!({ "sessionId": "nonesuch", "modeId": "ask" }));
    assert_eq!(error["code"], -32002);
    client.cancel("nonesuch");
    client.notify("_unknown", &json!({}));
    client.notify("$/unknown", &json!({}));
    still_works(&mut client);
}

#[test]
fn malformed_params_are_refused_as_such() {
    let bridge = bridge();
    let mut client = bridge.client();
    for params in [json!({}), json!({ "cwd": 7, "mcpServers": [] }), json!({ "cwd": "relative", "mcpServers": [] })] {
        assert_eq!(client.refused("session/new", &params)["code"], -32602, "{params}");
    }
    let session = client.new_session();
    for params in [json!({ "sessionId": session }), json!({ "sessionId": session, "prompt": "x" })] {
        assert_eq!(client.refused("session/prompt", &params)["code"], -32602, "{params}");
    }
    assert_eq!(client.refused("session/list", &json!({ "cursor": "garbage" }))["code"], -32602);
}

#[test]
fn a_page_of_another_site_is_refused() {
    use std::io::{Read, Write};
    let bridge = bridge();
    let port = bridge.address.rsplit(':').next().unwrap();
    for header in ["Host: evil.example".to_owned(), format!("Host: 127.0.0.1:{port}\r\nOrigin: http://evil.example")] {
        let mut stream = std::net::TcpStream::connect(&bridge.address).unwrap();
        write!(
            stream,
            "GET /acp HTTP/1.1\r\n{header}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 403", "{header}");
    }
}
