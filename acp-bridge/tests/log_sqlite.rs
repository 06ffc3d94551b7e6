//! What is particular to the log in a SQLite file: whose file it is, what disturbs it, and that it can be looked at.
//! What it has in common with every log is in `log_suite.rs`, what it survives in `log_durability.rs`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod log_support;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use acp_bridge::log::{
    Durability, Filter, LogError, LogReader, LogWriter, OpenError, ReadLimit, SessionLog, Signals, SqliteLog, tail,
};
use acp_types::record::{Kind, Seq};
use acp_types::{RawBuf, SessionId};
use futures_util::FutureExt;
use log_support::{DEADLINE, claim, follow, next, read_all, record, seqs, session, updates, with_body};
use rusqlite::Connection;

/// A directory for a log, and the log's path in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    (directory, path)
}

async fn open(path: &Path) -> SqliteLog {
    SqliteLog::open(path, Durability::Fsync).await.unwrap()
}

async fn refusal(path: &Path) -> OpenError {
    SqliteLog::open(path, Durability::Fsync).await.expect_err("the log is refused")
}

/// Asks the file itself, as another program would.
fn ask<T: rusqlite::types::FromSql>(path: &Path, sql: &str) -> T {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_log_opened_again_has_everything() {
    let (_directory, path) = place();
    let log = open(&path).await;
    let id = session(&log, "s", 500).await;
    session(&log, "empty", 1).await;
    log.append(&id, vec![record(501, 1, Kind::PromptQueued)]).await.unwrap();
    log.trim(&id, 10).await.unwrap();
    claim(&log, &id).await.unwrap();
    let info = log.get(&id).await.unwrap();
    log.shutdown().await;
    assert!(!path.with_file_name("log.db-wal").exists(), "a log that was shut down is one file");

    for durability in [Durability::Os, Durability::Fsync] {
        let log = SqliteLog::open(&path, durability).await.unwrap();
        assert_eq!(log.get(&id).await.unwrap(), info);
        assert_eq!(seqs(&read_all(&log, &id, 10, Filter::All).await.unwrap()), (11..=501).collect::<Vec<_>>());
        assert_eq!(log.list(Default::default()).await.unwrap().len(), 2);
        let stale = log.append(&id, updates(502..=502)).await;
        assert_eq!(stale, Err(LogError::Fenced { epoch: 1, current: 2 }));
        log.shutdown().await;
    }
}

#[tokio::test]
async fn a_log_that_was_dropped_and_not_shut_down_has_everything() {
    let (_directory, path) = place();
    let log = open(&path).await;
    let id = session(&log, "s", 100).await;
    drop(log);
    let deadline = Instant::now() + DEADLINE;
    let log = loop {
        match SqliteLog::open(&path, Durability::Fsync).await {
            Ok(log) => break log,
            Err(OpenError::Locked { .. }) if Instant::now() < deadline => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(read_all(&log, &id, 0, Filter::All).await.unwrap().len(), 100);
}

#[tokio::test]
async fn a_second_bridge_is_refused_at_once_and_told_who_has_the_log() {
    let (_directory, path) = place();
    let log = open(&path).await;
    let before = Instant::now();
    let refused = refusal(&path).await;
    assert!(before.elapsed() < Duration::from_secs(1), "it does not wait for the other to go");
    let pid = std::process::id();
    assert!(matches!(&refused, OpenError::Locked { pid: Some(other), .. } if *other == pid), "{refused:?}");
    assert!(refused.to_string().contains(&pid.to_string()), "{refused}");
    log.shutdown().await;
    open(&path).await.shutdown().await;
}

#[tokio::test]
async fn a_log_of_a_newer_version_is_refused_and_left_as_it_is() {
    let (_directory, path) = place();
    open(&path).await.shutdown().await;
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 4711).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = refusal(&path).await;
    assert!(matches!(refused, OpenError::Newer { found: 4711, known: 4, .. }), "{refused:?}");
    assert!(matches!(SqliteLog::check(&path), Err(OpenError::Newer { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_not_a_log_is_refused_and_left_as_it_is() {
    let (directory, path) = place();
    let table = directory.path().join("table.db");
    Connection::open(&table).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let marked = directory.path().join("marked.db");
    Connection::open(&marked).unwrap().execute_batch("PRAGMA application_id = 7; CREATE TABLE t (x)").unwrap();
    let text = directory.path().join("notes.txt");
    std::fs::write(&text, "not a database\n".repeat(400)).unwrap();
    let short = directory.path().join("short");
    std::fs::write(&short, "x").unwrap();
    for file in [table, marked, text, short] {
        let before = std::fs::read(&file).unwrap();
        let refused = refusal(&file).await;
        assert!(matches!(refused, OpenError::NotALog { .. }), "{refused:?}");
        assert!(matches!(SqliteLog::check(&file), Err(OpenError::NotALog { .. })));
        assert_eq!(std::fs::read(&file).unwrap(), before, "{}", file.display());
    }
    // An empty file is as good as none.
    std::fs::write(&path, "").unwrap();
    open(&path).await.shutdown().await;
}

#[tokio::test]
async fn a_place_where_no_file_can_be_is_refused_with_what_to_do() {
    let (directory, path) = place();
    let refused = refusal(&directory.path().join("no/such/log.db")).await;
    assert!(
        matches!(&refused, OpenError::Io { .. }) && refused.to_string().contains("create its directory"),
        "{refused}"
    );
    let refused = refusal(directory.path()).await;
    assert!(matches!(&refused, OpenError::Io { .. }) && refused.to_string().contains("directory"), "{refused}");
    let refused = SqliteLog::check(&path).unwrap_err();
    assert!(matches!(&refused, OpenError::Io { .. }), "{refused}");
    assert!(!path.exists());
    for url in ["", "sqlite:", "log.db", "postgres://x"] {
        let refused = acp_bridge::log::open(url, Durability::Os).await.unwrap_err();
        assert!(matches!(refused, OpenError::Url { .. }), "{refused}");
    }
}

/// A log of some size, closed.
async fn filled(path: &Path) {
    let log = open(path).await;
    session(&log, "s", 3000).await;
    log.shutdown().await;
    SqliteLog::check(path).unwrap();
}

#[tokio::test]
async fn a_truncated_log_is_refused_as_damaged() {
    let (_directory, path) = place();
    filled(&path).await;
    let whole = std::fs::read(&path).unwrap();
    for length in [whole.len() - 1, whole.len() / 2, 4096, 5000, 150] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let refused = refusal(&path).await;
        assert!(matches!(&refused, OpenError::Corrupt { .. }), "{length}: {refused:?}");
        assert!(refused.to_string().contains("restore a copy"), "{refused}");
        assert!(SqliteLog::check(&path).is_err());
    }
}

#[tokio::test]
async fn garbage_in_the_file_is_an_error_and_never_a_panic_or_a_wrong_record() {
    let (_directory, path) = place();
    filled(&path).await;
    let whole = std::fs::read(&path).unwrap();
    let mut noticed = 0;
    for page in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096 + 8..page * 4096 + 200].fill(0xA5);
        std::fs::write(&path, &damaged).unwrap();
        let log = match SqliteLog::open(&path, Durability::Fsync).await {
            Ok(log) => log,
            Err(OpenError::Corrupt { .. } | OpenError::NotALog { .. } | OpenError::Newer { .. }) => {
                noticed += 1;
                continue;
            }
            Err(other) => panic!("page {page}: {other:?}"),
        };
        match read_all(&log, &"s".into(), 0, Filter::All).await {
            Ok(all) => assert_eq!(all[1..], updates(2..=3000), "page {page}"),
            Err(LogError::Corrupt { .. } | LogError::NotFound { .. }) => noticed += 1,
            Err(other) => panic!("page {page}: {other:?}"),
        }
        log.shutdown().await;
    }
    assert!(noticed > whole.len() / 4096 / 2, "most pages hold records: {noticed}");
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_named_and_the_rest_stays_readable() {
    let (_directory, path) = place();
    for damage in [
        "UPDATE record SET body = '{\"half' WHERE key & 0xFFFFFFFFF = 50",
        "UPDATE record SET body = CAST(x'ff00ff' AS TEXT) WHERE key & 0xFFFFFFFFF = 50",
        "UPDATE record SET origin = CAST(x'c3' AS TEXT) WHERE key & 0xFFFFFFFFF = 50",
        "DELETE FROM record WHERE key & 0xFFFFFFFFF = 50",
        "DELETE FROM record WHERE key & 0xFFFFFFFFF >= 50",
    ] {
        let _ = std::fs::remove_file(&path);
        filled(&path).await;
        Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        let log = open(&path).await;
        let id = "s".into();
        let refused = read_all(&log, &id, 0, Filter::All).await.unwrap_err();
        assert!(matches!(&refused, LogError::Corrupt { reason } if reason.contains("50")), "{damage}: {refused:?}");
        assert!(refused.to_string().contains("doctor"), "{refused}");
        let before = log.read(&id, 0, ReadLimit { records: 49, bytes: usize::MAX }, Filter::All).await.unwrap();
        assert_eq!(before.len(), 49);
        if !damage.contains(">=") {
            assert_eq!(read_all(&log, &id, 50, Filter::All).await.unwrap(), updates(51..=3000));
        }
        log.shutdown().await;
        if damage.starts_with("DELETE") {
            let refused = SqliteLog::check(&path).unwrap_err();
            assert!(matches!(&refused, OpenError::Corrupt { .. }), "{refused}");
        }
    }
}

#[tokio::test]
async fn a_log_locked_by_another_program_cannot_be_written_and_then_can() {
    let (_directory, path) = place();
    let log = open(&path).await;
    let id = session(&log, "s", 3).await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let (first, second) = tokio::join!(log.append(&id, updates(4..=9)), claim(&log, &id));
    for refused in [first.unwrap_err(), second.map(drop).unwrap_err()] {
        assert!(matches!(&refused, LogError::Unwritable { .. }), "{refused:?}");
        assert!(refused.to_string().contains("another program"), "{refused}");
    }
    let all = read_all(&log, &id, 0, Filter::All).await.unwrap();
    assert_eq!(seqs(&all), [1, 2, 3], "reading goes on, and nothing of the refused batch is there");
    other.execute_batch("ROLLBACK").unwrap();
    log.append(&id, updates(4..=5)).await.unwrap();
    assert_eq!(log.get(&id).await.unwrap().unwrap().head, 5);
    log.shutdown().await;
}

#[tokio::test]
async fn a_full_disk_fails_what_does_not_fit_and_loses_nothing() {
    let (_directory, path) = place();
    let log = Arc::new(open(&path).await);
    let id = session(&*log, "s", 3).await;
    let mut tail = tail(Arc::clone(&log) as Arc<dyn SessionLog>, id.clone(), 0).await.unwrap();
    log.limit_size(1 << 20).await.unwrap();
    let mut head = 3;
    let refused = loop {
        let batch = updates(head + 1..=head + 100);
        match log.append(&id, batch).await {
            Ok(()) => head += 100,
            Err(refused) => break refused,
        }
        assert!(head < 100_000, "the limit is never reached");
    };
    assert!(matches!(&refused, LogError::Unwritable { .. }), "{refused:?}");
    assert!(refused.to_string().contains("full"), "{refused}");
    log.fault(&id, "full").await;
    assert_eq!(follow(&mut tail, head).await.len() as u64, head, "every reader gets what was acknowledged");
    assert_eq!(next(&mut tail).await, Err(LogError::Unwritable { reason: "full".to_owned() }));
    assert_eq!(log.get(&id).await.unwrap().unwrap().head, head);

    log.limit_size(1 << 30).await.unwrap();
    log.append(&id, updates(head + 1..=head + 100)).await.unwrap();
    assert_eq!(follow(&mut tail, head + 100).await.len(), 100);
    log.shutdown().await;
    SqliteLog::check(&path).unwrap();
}

#[tokio::test]
async fn the_log_can_be_looked_at_while_it_is_written() {
    let (_directory, path) = place();
    let log = open(&path).await;
    let id = session(&log, "a session", 3).await;
    log.append(&id, vec![record(4, 1, Kind::PromptQueued)]).await.unwrap();
    let row = "SELECT session || ' ' || seq || ' ' || time || ' ' || epoch || ' ' || lane || ' ' || origin || ' ' ||
               kind || ' ' || ifnull(turn, '-') || ' ' || body FROM records WHERE seq = 4";
    let shown: String = ask(&path, row);
    assert_eq!(shown, r#"a session 4 2023-11-14T22:13:20.000Z 1 main agent prompt_queued - {"sessionId":"s","n":4}"#);
    assert_eq!(ask::<i64>(&path, "SELECT count(*) FROM records"), 4);
    assert_eq!(ask::<i64>(&path, "SELECT head FROM session WHERE id = 'a session'"), 4);
    assert_eq!(ask::<i64>(&path, "PRAGMA application_id"), 0x4143_5062);
    log.append(&id, updates(5..=5)).await.unwrap();
    SqliteLog::check(&path).unwrap();
    log.shutdown().await;
}

#[tokio::test]
async fn deleted_and_trimmed_records_leave_the_file() {
    let (_directory, path) = place();
    let log = open(&path).await;
    let deleted = session(&log, "deleted", 9000).await;
    let trimmed = session(&log, "trimmed", 9000).await;
    log.trim(&trimmed, 10).await.unwrap();
    log.trim(&trimmed, 8000).await.unwrap();
    log.trim(&deleted, 5000).await.unwrap();
    log.delete(&deleted).await.unwrap();
    // Another session of that id has nothing to fear.
    session(&log, "deleted", 50).await;
    let deadline = Instant::now() + DEADLINE;
    while ask::<i64>(&path, "SELECT count(*) FROM garbage") > 0 {
        assert!(Instant::now() < deadline, "what is deleted is never removed");
        tokio::task::yield_now().await;
    }
    // The trimmed session keeps its first record, which is a control record, and the last thousand.
    assert_eq!(ask::<i64>(&path, "SELECT count(*) FROM record"), 1001 + 50);
    assert_eq!(read_all(&log, &deleted, 0, Filter::All).await.unwrap().len(), 50);
    log.shutdown().await;
    SqliteLog::check(&path).unwrap();
}

#[tokio::test]
async fn a_write_ahead_log_that_grew_under_a_reader_of_an_old_state_is_started_over_once_that_is_gone() {
    let (_directory, path) = place();
    let log = SqliteLog::open(&path, Durability::Os).await.unwrap();
    let id = session(&log, "s", 1).await;
    let large = RawBuf::encode(&"x".repeat(64 << 10)).unwrap();
    let small = RawBuf::encode("x").unwrap();
    let wal = path.with_file_name("log.db-wal");
    let length = || std::fs::metadata(&wal).unwrap().len();
    // Bytes 12 to 15 of its header count how often it was started over.
    let times_over = || {
        let mut header = [0; 16];
        std::fs::File::open(&wal).unwrap().read_exact(&mut header).unwrap();
        header[12..].to_vec()
    };
    let mut reader = Some(Connection::open(&path).unwrap());
    if let Some(reader) = &reader {
        reader.execute_batch("BEGIN; SELECT count(*) FROM record;").unwrap();
    }
    let first = times_over();
    let mut head = 1;
    while times_over() == first {
        if length() > 70 << 20 {
            reader = None;
        }
        assert!(length() < 300 << 20, "it only grows");
        // Enough for the next attempt. A housekeeping thread that gets no processor is then waited for with little.
        let body = if length() > 120 << 20 { &small } else { &large };
        let batch = (head + 1..=head + 8).map(|seq| with_body(seq, 1, Kind::Update, body.clone()));
        log.append(&id, batch.collect()).await.unwrap();
        head += 8;
    }
    assert!(reader.is_none());
    // It is overwritten from its start, not cut: to make it grow again would slow down every commit.
    let largest = length();
    assert!(largest > 70 << 20, "it was started over under the reader, or cut: {largest}");
    let file = std::fs::metadata(&path).unwrap().len();
    assert!(file > largest / 2, "{file}");
    assert_eq!(log.read(&id, head - 1, ReadLimit::default(), Filter::All).await.unwrap().len(), 1);
    log.shutdown().await;
    SqliteLog::check(&path).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, path) = place();
    let log = open(&path).await;
    session(&log, "s", 1).await;
    let mut seen = Vec::new();
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let file = file.unwrap();
        seen.push(file.file_name());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", file.path().display());
    }
    assert_eq!(seen.len(), 4, "log, lock, write-ahead log and its index: {seen:?}");
    log.shutdown().await;
}

#[tokio::test]
async fn records_that_nobody_may_still_need_do_not_stay_in_memory() {
    let (_directory, path) = place();
    let log = Arc::new(SqliteLog::open(&path, Durability::Os).await.unwrap());
    let id = session(&*log, "s", 1).await;
    // A tail that is far behind holds a cursor, not records.
    let mut slow = tail(Arc::clone(&log) as Arc<dyn SessionLog>, id.clone(), 0).await.unwrap();
    let batch = updates(2..=1001);
    let first = Arc::downgrade(&batch[0]);
    log.append(&id, batch).await.unwrap();
    assert!(first.upgrade().is_some(), "the newest are kept for readers near the head");
    for start in (1002..12_000).step_by(1000) {
        log.append(&id, updates(start..=start + 999)).await.unwrap();
    }
    assert!(first.upgrade().is_none());
    follow(&mut slow, 12_001).await;
    log.shutdown().await;
}

/// Appends one update after the other until one is committed by its caller, and returns the head.
async fn until_committed_by_its_caller(log: &SqliteLog, session: &SessionId, mut head: Seq) -> Seq {
    let began = Instant::now();
    loop {
        head += 1;
        let mut append = pin!(log.append(session, updates(head..=head)));
        if let Some(done) = append.as_mut().now_or_never() {
            done.unwrap();
            return head;
        }
        append.await.unwrap();
        assert!(began.elapsed() < DEADLINE, "every append of {head} went to the writer's thread");
    }
}

#[tokio::test]
async fn a_small_append_to_a_log_at_rest_is_committed_by_its_caller() {
    let (_directory, path) = place();
    for durability in [Durability::Os, Durability::Fsync] {
        let log = SqliteLog::open(&path, durability).await.unwrap();
        let id = session(&log, &format!("{durability:?}"), 1).await;
        let followed = log.head(&id).await.unwrap();
        let head = until_committed_by_its_caller(&log, &id, 1).await;
        let committed: i64 = ask(&path, &format!("SELECT head FROM session WHERE id = '{durability:?}'"));
        assert_eq!(committed, head.cast_signed(), "another program sees it");
        assert_eq!(followed.borrow().last, head, "its readers know");
        log.shutdown().await;
        assert_eq!(log.append(&id, updates(head + 1..=head + 1)).await, Err(LogError::Closed));
    }
}

#[tokio::test]
async fn a_small_append_does_not_overtake_a_big_one() {
    let (_directory, path) = place();
    let log = SqliteLog::open(&path, Durability::Os).await.unwrap();
    let id = session(&log, "s", 1).await;
    let mut head = until_committed_by_its_caller(&log, &id, 1).await;
    for _ in 0..50 {
        let big = RawBuf::parse(format!(r#"{{"text":"{}"}}"#, "x".repeat(64 << 10))).unwrap();
        let mut first = pin!(log.append(&id, vec![with_body(head + 1, 1, Kind::Update, big)]));
        // The thread has it from now on, and may even be done with it.
        let done = first.as_mut().now_or_never();
        log.append(&id, updates(head + 2..=head + 2)).await.unwrap();
        match done {
            Some(done) => done.unwrap(),
            None => first.await.unwrap(),
        }
        head += 2;
    }
    assert_eq!(log.get(&id).await.unwrap().unwrap().head, head);
    log.shutdown().await;
}

#[tokio::test]
async fn a_caller_does_not_wait_itself_while_another_program_writes() {
    let (_directory, path) = place();
    let log = SqliteLog::open(&path, Durability::Os).await.unwrap();
    let id = session(&log, "s", 1).await;
    let head = until_committed_by_its_caller(&log, &id, 1).await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut append = pin!(log.append(&id, updates(head + 1..=head + 1)));
    assert!(append.as_mut().now_or_never().is_none(), "whoever waits for the other program answers later");
    other.execute_batch("COMMIT").unwrap();
    append.await.unwrap();
    log.shutdown().await;
}
