//! With `--client-fs`, what the client serves and not the bridge.

use serde_json::json;

use super::{Stage, message, read, steps, terminal, write};
use crate::support::{Bridge, Client};

/// A client with files and terminals of its own.
fn editor(bridge: &Bridge) -> Client {
    let mut client = Client::connect(&bridge.address);
    let can = json!({ "fs": { "readTextFile": true }, "terminal": true });
    client.call("initialize", &json!({ "protocolVersion": 1, "clientCapabilities": can }));
    client
}

#[test]
fn with_client_fs_a_request_waits_for_a_client_that_can() {
    let stage = Stage::set(&["--client-fs"]);
    let mut first = editor(&stage.bridge);
    let session = stage.new_session(&mut first);
    first.prompt(&session, &json!([{ "told": 1 }, read(&stage.path("unsaved"))]).to_string());
    let told = first.chunk().1;
    assert_eq!(told, r#"{"fs":{"readTextFile":true},"terminal":true,"_meta":{"terminal_output":true}}"#);
    first.wait_for("a read", |m| m["method"] == "fs/read_text_file");
    drop(first);

    let mut viewer = stage.bridge.client();
    viewer.resume(&session, Some(0));
    viewer.caught_up();
    let mut second = editor(&stage.bridge);
    second.resume(&session, None);
    let asked = second.wait_for("a read", |m| m["method"] == "fs/read_text_file");
    assert_eq!(asked["params"]["path"], json!(stage.path("unsaved")));
    assert_eq!(asked["params"]["sessionId"], json!(session));
    second.respond(&asked["id"], &json!({ "content": "from the editor" }));
    let wanted = r#"{"content":"from the editor"}"#;
    assert_eq!(second.chunk().1, wanted);
    let seen = viewer.wait_for("the answer", |m| {
        assert!(m["method"] != "fs/read_text_file", "a client without files was asked");
        m["params"]["update"]["content"]["text"] == wanted
    });
    assert!(seen.is_object());
}

#[test]
fn with_client_fs_a_terminal_is_with_the_client_that_made_it() {
    let stage = Stage::set(&["--client-fs"]);
    let (mut first, mut second) = (editor(&stage.bridge), editor(&stage.bridge));
    let session = stage.new_session(&mut first);
    second.resume(&session, None);
    let create = json!({ "do": "terminal/create", "with": { "command": "x" } });
    first.prompt(&session, &json!([create, terminal("output"), terminal("wait_for_exit")]).to_string());
    first.wait_for("a terminal", |m| m["method"] == "terminal/create");
    let asked = second.wait_for("a terminal", |m| m["method"] == "terminal/create");
    second.respond(&asked["id"], &json!({ "terminalId": "of the second" }));
    let asked = second.wait_for("its output", |m| m["method"] == "terminal/output");
    assert_eq!(asked["params"]["terminalId"], "of the second");
    second.respond(&asked["id"], &json!({ "output": "seen", "truncated": false }));
    second.wait_for("its end", |m| m["method"] == "terminal/wait_for_exit");
    drop(second);
    // Nobody has it any more: whoever is there may say so.
    let asked = first.wait_for("its end", |m| {
        assert!(m["method"] != "terminal/output", "the first has no such terminal");
        m["method"] == "terminal/wait_for_exit"
    });
    first.respond(&asked["id"], &json!({ "exitCode": 1 }));
    assert_eq!(
        [first.chunk().1, first.chunk().1, first.chunk().1].map(|text| text.contains("seen")),
        [false, true, false]
    );
}

#[test]
fn with_client_fs_what_the_client_does_not_offer_is_refused_and_so_is_an_environment() {
    let stage = Stage::set(&["--client-fs"]);
    let mut client = editor(&stage.bridge);
    let session = stage.new_session(&mut client);
    let create =
        json!({ "do": "terminal/create", "with": { "command": "x", "env": [{ "name": "KEY", "value": "$SECRET" }] } });
    let said = steps(&mut client, &session, &json!([write(&stage.path("x"), "x"), create]));
    assert_eq!(said[0]["code"], -32601, "{said:?}");
    assert_eq!(said[1]["code"], -32602, "{said:?}");
    assert!(message(&said[1]).contains("--client-fs"));
}
