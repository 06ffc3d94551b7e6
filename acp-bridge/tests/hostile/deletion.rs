//! What was deleted, looked for in the files of a log.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use acp_bridge::log::{Durability, Filter, LogView, LogWriter, Member, Role, SessionLog, Signals, SqliteLog};
use acp_types::record::{Kind, Origin, Record};
use acp_types::{RawBuf, SessionId};
use serde_json::json;

use crate::report::held;
use crate::support::bridge::secrets_beside;
use crate::support::{Bridge, Options};

/// Files in which a text is, of a log and of what is beside it.
fn with_text(log: &Path, text: &str) -> Vec<PathBuf> {
    let directory = log.parent().expect("a directory");
    let files = std::fs::read_dir(directory).expect("the directory").flatten().map(|entry| entry.path());
    let found = files.filter(|path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    });
    found.collect()
}

#[test]
fn a_deleted_session_is_in_no_file_when_the_delete_is_answered() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let params = json!({ "cwd": "/", "mcpServers": [{ "name": "m", "command": "x", "args": ["GONE"], "env": [] }] });
    // Sessions that grow side by side share pages of the file.
    let sessions: Vec<String> =
        (0..3).map(|_| client.call("session/new", &params)["sessionId"].as_str().expect("an id").to_owned()).collect();
    for round in 0..20 {
        for (at, session) in sessions.iter().enumerate() {
            let word = if at == 1 { "GONE" } else { "KEPT" };
            let turn = client.prompt(session, &format!("echo {word}-{round} {}", "x".repeat(700 * (round % 4))));
            client.turn(turn);
        }
    }
    let turn = client.prompt(&sessions[1], "title GONE");
    client.turn(turn);
    assert!(!with_text(&bridge.log, "GONE-").is_empty(), "the test looks at the wrong files");
    client.call("session/delete", &json!({ "sessionId": sessions[1] }));
    for text in ["GONE", &sessions[1]] {
        assert_eq!(with_text(&bridge.log, text), [] as [PathBuf; 0], "{text} right after the answer");
    }
    assert!(!with_text(&bridge.log, "KEPT-19").is_empty());
    let kept = std::fs::read_dir(secrets_beside(&bridge.log).join("logs")).expect("secrets").flatten();
    let kept: usize = kept.map(|log| std::fs::read_dir(log.path()).map_or(0, Iterator::count)).sum();
    assert_eq!(kept, 3, "the log's own file, and one for each session that is left");
    let turn = client.prompt(&sessions[0], "echo on");
    assert_eq!(client.turn(turn).0["result"]["stopReason"], "end_turn");
    assert!(bridge.terminate().success());
    assert_eq!(with_text(&bridge.log, "GONE"), [] as [PathBuf; 0]);
    held("delete a session and look for its text in every file of the log", "it is gone when the delete is answered");
}

fn record(seq: u64, kind: Kind, text: &str) -> Arc<Record> {
    let body = match kind {
        Kind::SessionCreated => json!({ "cwd": "/", "params": {}, "initialize": {} }),
        _ => json!({ "update": { "text": format!("{text}-{}", "y".repeat(600)) } }),
    };
    Arc::new(Record {
        seq,
        at: seq,
        epoch: 1,
        lane: Record::MAIN_LANE.into(),
        origin: Origin::Agent,
        kind,
        turn: None,
        position: None,
        body: RawBuf::encode(&body).expect("JSON"),
    })
}

#[tokio::test]
async fn trimmed_text_is_in_no_file_when_the_trim_is_done() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let log = SqliteLog::open(&path, Durability::Os).await.expect("a log");
    let host = Member { id: "host".into(), role: Role::Host };
    log.renew(&host, Duration::from_secs(60)).await.expect("room for a host");
    let ids = ["a", "b"].map(SessionId::from);
    for id in &ids {
        log.create(id, &host.id, vec![record(1, Kind::SessionCreated, "")]).await.expect("created");
    }
    for seq in 2..600 {
        for id in &ids {
            let text = if seq <= 300 { "TRIMMED" } else { "KEPT" };
            log.append(id, vec![record(seq, Kind::Update, &format!("{text}-{id}"))]).await.expect("appended");
        }
    }
    assert_eq!(log.trim(&ids[0], 300).await.expect("trimmed"), 300);
    assert_eq!(with_text(&path, "TRIMMED-a"), [] as [PathBuf; 0]);
    assert!(!with_text(&path, "TRIMMED-b").is_empty() && !with_text(&path, "KEPT-a").is_empty());
    assert_eq!(log.read(&ids[0], 300, Default::default(), Filter::All).await.expect("read")[0].seq, 301);

    // A program that reads an old state keeps the text in the write-ahead log: that is said, and the session is gone.
    let reader = rusqlite::Connection::open(&path).expect("another program");
    reader.execute_batch("begin; select count(*) from record").expect("a snapshot");
    reader.query_row("select count(*) from record", [], |row| row.get::<_, i64>(0)).expect("a snapshot");
    log.append(&ids[1], vec![record(600, Kind::Update, "LATE-b")]).await.expect("appended");
    let refused = log.delete(&ids[1]).await.expect_err("it cannot be gone");
    assert!(refused.to_string().contains("another program reads the log"), "{refused}");
    assert_eq!(log.get(&ids[1]).await.expect("read"), None);
    drop(reader);
    assert_eq!(log.trim(&ids[0], 400).await.expect("trimmed"), 400);
    for text in ["TRIMMED-b", "LATE-b"] {
        assert_eq!(with_text(&path, text), [] as [PathBuf; 0], "{text}");
    }
    log.shutdown().await;
    held(
        "trim and delete while another program reads an old state of the log",
        "trimmed text is gone when the trim is done; where it cannot be, the answer says so",
    );
}
