//! Logs of every version that there has been, each as the file that its program wrote: `fixtures/log-vN.db`.
//!
//! When the schema gets a new version, `UPDATE_GOLDEN=1 cargo test -p acp-bridge --test log_versions` adds the file of
//! that version. Files of earlier versions are never written again.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::support::{claim, create, created, read_all, record, session, updates, with_body};
use acp_bridge::log::{Durability, Filter, LogError, LogView, LogWriter, SessionInfo, SessionLog, SqliteLog};
use acp_types::record::{Kind, Origin, Record, Seq};
use acp_types::{RawBuf, SessionId};
use rusqlite::Connection;

fn fixture(version: i64) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/log-v{version}.db"))
}

async fn open(path: &Path) -> SqliteLog {
    SqliteLog::open(path, Durability::Fsync).await.unwrap()
}

fn version_of(path: &Path) -> i64 {
    Connection::open(path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// What every fixture holds: a session of each shape that a log can have.
async fn fill(log: &SqliteLog) {
    let plain = session(log, "plain", 40).await;
    let title = with_body(41, 1, Kind::SessionUpdated, RawBuf::parse(r#"{"title":"Tidy ü"}"#).unwrap());
    log.append(&plain, vec![title]).await.unwrap();

    // A turn that is open, in a second epoch, and a body that any rewriting would show.
    let open = session(log, "open", 3).await;
    claim(log, &open).await.unwrap();
    let body = r#"{ "key":"k" ,"params":{"n":1e2,"sessionId":"s","t":"\u00e9\ud83d\ude00"}}"#;
    let prompt = Record {
        origin: Origin::Client("one".into()),
        ..Record::clone(&with_body(4, 2, Kind::PromptQueued, RawBuf::parse(body).unwrap()))
    };
    let started =
        Record { turn: Some(4), ..Record::clone(&with_body(5, 2, Kind::TurnStarted, RawBuf::parse("{}").unwrap())) };
    let later = record(6, 2, Kind::from("of_a_later_version"));
    log.append(&open, vec![Arc::new(prompt), Arc::new(started), later]).await.unwrap();

    // Trimmed, with control records on both sides of the trim.
    let trimmed = SessionId::from("trimmed");
    create(log, &trimmed, vec![created("/elsewhere")]).await.unwrap();
    log.append(&trimmed, updates(2..=20)).await.unwrap();
    log.append(&trimmed, vec![record(21, 1, Kind::AgentExited)]).await.unwrap();
    log.append(&trimmed, updates(22..=30)).await.unwrap();
    log.trim(&trimmed, 25).await.unwrap();

    let deleted = session(log, "deleted", 10).await;
    log.delete(&deleted).await.unwrap();
}

/// All that a log says: its sessions, and of each the records that can be read.
async fn contents(log: &SqliteLog) -> Vec<(SessionInfo, Vec<Arc<Record>>, Vec<Arc<Record>>)> {
    let mut all = Vec::new();
    for info in log.list(Default::default()).await.unwrap() {
        let records = read_all(log, &info.id, info.oldest, Filter::All).await.unwrap();
        let control = read_all(log, &info.id, 0, Filter::Control).await.unwrap();
        all.push((info, records, control));
    }
    all
}

#[tokio::test]
async fn logs_of_all_versions_open_say_the_same_and_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let fresh = directory.path().join("fresh.db");
    let log = open(&fresh).await;
    fill(&log).await;
    let expected = contents(&log).await;
    log.shutdown().await;
    let newest = version_of(&fresh);
    if std::env::var_os("UPDATE_GOLDEN").is_some() && !fixture(newest).exists() {
        std::fs::create_dir_all(fixture(newest).parent().unwrap()).unwrap();
        std::fs::copy(&fresh, fixture(newest)).unwrap();
    }

    for version in 1..=newest {
        let path = directory.path().join(format!("log-v{version}.db"));
        let original = fixture(version);
        std::fs::copy(&original, &path)
            .unwrap_or_else(|e| panic!("{}: {e}; see the top of this file", original.display()));
        assert_eq!(version_of(&path), version, "{} was written again", original.display());
        let log = open(&path).await;
        assert_eq!(contents(&log).await, expected, "version {version}");
        let (plain, trimmed) = (SessionId::from("plain"), SessionId::from("trimmed"));
        log.append(&plain, updates(42..=49)).await.unwrap();
        let numbered = Arc::new(Record { position: Some(7), ..Record::clone(&record(50, 1, Kind::Update)) });
        log.append(&plain, vec![Arc::clone(&numbered)]).await.unwrap();
        assert_eq!(log.get(&plain).await.unwrap().unwrap().head, 50);
        assert_eq!(read_all(&log, &plain, 49, Filter::All).await.unwrap(), [numbered]);
        let early = log.read(&trimmed, 24, Default::default(), Filter::All).await;
        assert_eq!(early, Err(LogError::Trimmed { after: 24, oldest: 25 as Seq }));
        assert_eq!(claim(&log, &"open".into()).await.unwrap().epoch, 3);
        log.shutdown().await;
        SqliteLog::check(&path).unwrap();
        assert_eq!(version_of(&path), newest);
        let shown = "SELECT position FROM records WHERE session = 'plain' AND seq = 50";
        let shown = Connection::open(&path).unwrap().query_row(shown, [], |row| row.get::<_, i64>(0));
        assert_eq!(shown.unwrap(), 7, "people who look into the file see it");
    }
}
