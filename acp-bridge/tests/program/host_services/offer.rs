//! What is served, to whom, and what nobody else learns of it.

use serde_json::json;

use super::{SECRET, Stage, lives, read, sh, steps, terminal, write};
use crate::support::example;
use crate::support::harness::{beside, eventually};

#[test]
fn an_agent_is_told_what_is_served_whatever_the_client_can() {
    let all = json!({ "fs": { "readTextFile": true, "writeTextFile": true }, "terminal": true });
    for (args, mut wanted) in [
        (&[][..], all),
        (&["--no-host-fs"], json!({ "terminal": true })),
        (&["--no-host-terminal"], json!({ "fs": { "readTextFile": true, "writeTextFile": true } })),
        (&["--client-fs"], json!({})),
    ] {
        wanted["_meta"] = json!({ "terminal_output": true });
        let stage = Stage::set(args);
        let mut client = stage.bridge.client();
        let session = stage.new_session(&mut client);
        assert_eq!(steps(&mut client, &session, &json!([{ "told": 1 }])), [wanted], "{args:?}");
    }
}

#[test]
fn what_is_switched_off_is_refused() {
    let stage = Stage::set(&["--no-host-fs", "--no-host-terminal"]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let said = steps(&mut client, &session, &json!([read(&stage.path("x")), sh("true")]));
    assert!(said.iter().all(|error| error["code"] == -32601), "{said:?}");
}

#[test]
fn everything_works_with_no_client_attached() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let done = stage.path("done");
    client.prompt(
        &session,
        &json!([
            sh("echo > waits; until [ -e go ]; do sleep 0.01; done; echo gone on"),
            terminal("wait_for_exit"),
            terminal("output"),
            write(&done, "done"),
            read(&done)
        ])
        .to_string(),
    );
    eventually("a command", || stage.path("waits").exists());
    drop(client);
    std::fs::write(stage.path("go"), "").expect("write");
    eventually("the file", || done.exists());
    let mut client = stage.bridge.client();
    client.resume(&session, Some(0));
    let chunks = std::iter::from_fn(|| Some(client.chunk().1));
    let last = chunks.into_iter().find(|text| text.contains("content")).expect("the last answer");
    assert_eq!(last, r#"{"content":"done"}"#);
}

#[test]
fn secrets_do_not_reach_the_log() {
    let mut stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    client.call("authenticate", &json!({ "methodId": "key", "_meta": { "token": SECRET } }));
    let servers = json!([
        { "name": "a", "command": "a", "args": [], "env": [{ "name": "KEY", "value": SECRET }] },
        { "type": "http", "name": "b", "url": "http://127.0.0.1:1", "headers": [{ "name": "KEY", "value": SECRET }] },
    ]);
    let made = client.call("session/new", &json!({ "cwd": stage.path(""), "mcpServers": servers }));
    let session = made["sessionId"].as_str().expect("a session id").to_owned();
    let create = json!({ "do": "terminal/create", "with": {
        "command": "sh", "args": ["-c", "printf %s \"$KEY\" > from-env"], "env": [{ "name": "KEY", "value": "$SECRET" }] } });
    let begin = json!({ "begin": "fs/read_text_file", "with": { "path": stage.path("from-env") } });
    let all = json!([create, terminal("wait_for_exit"), write(&stage.path("written"), "$SECRET"), begin]);
    steps(&mut client, &session, &all);
    client.call("session/load", &json!({ "sessionId": session, "cwd": stage.path(""), "mcpServers": servers }));
    for name in ["from-env", "written"] {
        assert_eq!(std::fs::read_to_string(stage.path(name)).expect("read"), SECRET, "the test proves nothing");
    }
    let raw = |name: &str| std::fs::read(stage.directory.path().join(name)).unwrap_or_default();
    let clean = |bytes: &[u8]| !bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
    assert!(clean(&raw("log.db")) && clean(&raw("log.db-wal")), "while it runs");
    stage.bridge.terminate();
    let all = raw("log.db");
    assert!(all.windows(8).any(|window| window == b"from-env"), "the test looks at the wrong file");
    assert!(clean(&all) && clean(&raw("log.db-wal")), "afterwards");
}

#[test]
fn the_agent_of_a_lane_that_joined_is_served_as_well() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("profiles.toml");
    let profile = format!("[[profile]]\nname = \"helper\"\nprogram = {:?}\n", example("service_agent"));
    std::fs::write(&file, profile).expect("write the profiles");
    beside("acp-harness", "cargo build -p harness-adapters --bins");
    let wrapper = Some(vec!["env".into(), format!("ACP_HARNESS_PROFILES={}", file.display())]);
    let stage = Stage::with(&[], wrapper);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    client.call("_acp-bridge/lane_add", &json!({ "sessionId": session, "lane": "b", "agent": "helper" }));
    let work = json!([
        write(&stage.path("of-b"), "from b"),
        read(&stage.path("of-b")),
        sh("cat of-b; echo; echo $$ > parent; exec sleep 600"),
        { "rest": 1 },
    ]);
    let meta = json!({ "acp-bridge": { "lane": "b" } });
    let prompt = json!([{ "type": "text", "text": work.to_string() }]);
    let turn = client.request("session/prompt", &json!({ "sessionId": session, "prompt": prompt, "_meta": meta }));
    let pid = stage.pid_in("parent");
    assert_eq!(std::fs::read_to_string(stage.path("of-b")).expect("b has written it"), "from b");
    // The other agent goes on when this one leaves, and this one's commands end with it.
    client.call("_acp-bridge/lane_remove", &json!({ "sessionId": session, "lane": "b" }));
    assert_eq!(client.answer(turn)["result"]["stopReason"], "cancelled");
    eventually("the end of its command", || !lives(pid));
    let said = steps(&mut client, &session, &json!([read(&stage.path("of-b"))]));
    assert_eq!(said.last().expect("an answer")["content"], "from b");
}
