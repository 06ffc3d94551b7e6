//! Text that is no message of JSON-RPC, and the code of the error that answers it.

use super::client::Client;
use serde_json::{Value, json};

pub const MALFORMED: [(&str, i64); 14] = [
    ("{bad", -32700),
    ("", -32700),
    ("42", -32600),
    ("[]", -32600),
    (r#"[{"jsonrpc":"2.0","id":1,"method":"session/list"}]"#, -32600),
    (r#"{"jsonrpc":"1.0","id":1,"method":"session/list"}"#, -32600),
    (r#"{"id":1,"method":"session/list"}"#, -32600),
    (r#"{"jsonrpc":"2.0","id":null,"method":"session/list"}"#, -32600),
    (r#"{"jsonrpc":"2.0","id":1.5,"method":"session/list"}"#, -32600),
    (r#"{"jsonrpc":"2.0","id":{},"method":"session/list"}"#, -32600),
    (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
    (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"session/list"}"#, -32600),
    (r#"{"jsonrpc":"2.0","id":1,"method":"session/list","params":7}"#, -32602),
    (r#"{"jsonrpc":"2.0","id":1,"method":"session/list"}{}"#, -32700),
];

/// A message that is nested deeper than any may be.
pub fn too_deep() -> String {
    format!(r#"{{"jsonrpc":"2.0","id":5,"method":"session/list","params":{}"#, "[".repeat(10_000))
}

/// Sends a text; the error that comes back.
pub fn error_for(client: &mut Client, text: &str) -> Value {
    client.send_text(text);
    client.wait_for("error", |message| !message["error"].is_null())
}

/// The connection still serves.
pub fn still_works(client: &mut Client) {
    assert!(client.call("session/list", &json!({}))["sessions"].is_array());
}

/// Each is answered with its error, and the connection lives.
pub fn each_is_answered(client: &mut Client) {
    let too_deep = too_deep();
    for (text, code) in MALFORMED.into_iter().chain([(too_deep.as_str(), -32600)]) {
        let answer = error_for(client, text);
        assert_eq!(answer["error"]["code"], code, "{text:.80}: {answer}");
        still_works(client);
    }
}
