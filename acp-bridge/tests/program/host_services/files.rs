//! Files, and where they may be.

use std::path::Path;

use serde_json::json;

use super::{Stage, message, read, steps, write};

#[test]
fn files_are_written_and_read_and_what_cannot_be_is_said() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let path = stage.path("new/file");
    let lines = json!({ "do": "fs/read_text_file", "with": { "path": path, "line": 2, "limit": 1 } });
    let said = steps(
        &mut client,
        &session,
        &json!([
            write(&path, "1\nzwei €\n3"),
            read(&path),
            lines,
            read(&stage.path("missing")),
            read(Path::new("new/file"))
        ]),
    );
    assert_eq!(said[0], json!({}));
    assert_eq!(said[1], json!({ "content": "1\nzwei €\n3" }));
    assert_eq!(said[2], json!({ "content": "zwei €\n" }));
    assert_eq!(said[3]["code"], -32002, "{}", said[3]);
    assert_eq!(said[4]["code"], -32602, "{}", said[4]);
}

#[test]
fn nothing_outside_of_the_session_is_touched() {
    let stage = Stage::set(&[]);
    let outside = stage.directory.path().join("outside");
    std::os::unix::fs::symlink(&outside, stage.path("link")).expect("a link");
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let started_outside = json!({ "do": "terminal/create", "with": { "command": "pwd", "cwd": outside } });
    let said = steps(
        &mut client,
        &session,
        &json!([
            read(&stage.path("../outside/file")),
            read(&stage.path("link/file")),
            write(&stage.path("link/new"), "x"),
            write(&outside.join("file"), "x"),
            started_outside,
        ]),
    );
    for error in &said {
        assert!(message(error).contains("leads outside of the session's directories"), "{error}");
        assert!(message(error).contains(&stage.path("").display().to_string()), "{error}");
    }
    assert_eq!(std::fs::read_to_string(outside.join("file")).expect("read"), "not yours");
    assert_eq!(std::fs::read_dir(outside).expect("a directory").count(), 1);
}

#[test]
fn additional_directories_count_too() {
    let stage = Stage::set(&[]);
    let outside = stage.directory.path().join("outside");
    let mut client = stage.bridge.client();
    let params = json!({ "cwd": stage.path(""), "mcpServers": [], "additionalDirectories": [outside] });
    let made = client.call("session/new", &params);
    let session = made["sessionId"].as_str().expect("a session id");
    let said = steps(&mut client, session, &json!([read(&outside.join("file"))]));
    assert_eq!(said, [json!({ "content": "not yours" })]);
}
