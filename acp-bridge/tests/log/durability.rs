//! P2 on the log alone: what was acknowledged is there after `kill -9`, and was given to the disk before.
//!
//! The tests start themselves again as a child that appends and says what was acknowledged.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{read_all, session, updates};
use acp_bridge::log::{Durability, Filter, LogWriter, SessionLog, SqliteLog};
use acp_types::record::Seq;

/// Tells the child which log to write, and how.
const LOG: &str = "LOG_DURABILITY_TEST_LOG";
const DURABILITY: &str = "LOG_DURABILITY_TEST_DURABILITY";
/// How many batches the child appends.
const BATCHES: &str = "LOG_DURABILITY_TEST_BATCHES";

/// Records in a batch of the child.
const BATCH: Seq = 3;

/// Ends a child when the test ends, however that is.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This test program as a child that runs `child_that_appends` and nothing else.
fn child(log: &Path, durability: &str, batches: Seq) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["durability::child_that_appends", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(LOG, log).env(DURABILITY, durability).env(BATCHES, batches.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Nothing unless it is the child.
#[test]
fn child_that_appends() {
    let Some(path) = std::env::var_os(LOG) else { return };
    let durability = if std::env::var(DURABILITY).unwrap() == "os" { Durability::Os } else { Durability::Fsync };
    let batches: Seq = std::env::var(BATCHES).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let log = SqliteLog::open(path, durability).await.unwrap();
        let id = session(&log, "s", 1).await;
        let mut head = 1;
        for _ in 0..batches {
            log.append(&id, updates(head + 1..=head + BATCH)).await.unwrap();
            head += BATCH;
            let mut out = std::io::stdout().lock();
            out.write_all(format!("acked {head}\n").as_bytes()).unwrap();
            out.flush().unwrap();
        }
    });
}

/// The seq in an acknowledgement; the test harness writes to the same place.
fn acked(line: &str) -> Option<Seq> {
    line.rsplit_once("acked ")?.1.trim().parse().ok()
}

#[tokio::test]
async fn every_acknowledged_record_is_there_after_kill_9() {
    for durability in ["fsync", "os"] {
        for batches_before_the_kill in [1, 7, 40, 150] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("log.db");
            let mut child = Reaped(child(&path, durability, 1_000_000).spawn().unwrap());
            let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
            let mut last = 0;
            for _ in 0..batches_before_the_kill {
                last = lines.find_map(|line| acked(&line.unwrap())).expect("the child goes on");
            }
            child.0.kill().unwrap();
            // What it said before it died counts as well.
            for seq in lines.map_while(Result::ok).filter_map(|line| acked(&line)) {
                last = seq;
            }
            child.0.wait().unwrap();

            let log = SqliteLog::open(&path, Durability::Fsync).await.unwrap();
            let all = read_all(&log, &"s".into(), 0, Filter::All).await.unwrap();
            let head = all.len() as Seq;
            assert!(head >= last, "{durability}: {last} was acknowledged, {head} is there");
            assert_eq!((head - 1) % BATCH, 0, "a batch is there whole or not at all");
            assert_eq!(all[1..], updates(2..=head));
            log.append(&"s".into(), updates(head + 1..=head + 1)).await.unwrap();
            log.shutdown().await;
            SqliteLog::check(&path).unwrap();
        }
    }
}

/// Counts what the disk is asked for with a library that stands before libc's.
#[cfg(target_os = "linux")]
#[test]
fn no_append_is_acknowledged_before_the_disk_has_it() {
    const BATCHES: Seq = 50;
    let directory = tempfile::tempdir().unwrap();
    let library = directory.path().join("libfsync.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/log/support/fsync.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).args([source, "-ldl"]).status();
    assert!(built.expect("the C compiler `cc` is needed").success());

    let run = |durability: &str| {
        let path = directory.path().join(durability);
        let mut command = child(&path, durability, BATCHES);
        // Both kinds of lines go to one pipe, so their order is that in which things happened.
        command.env("LD_PRELOAD", &library).env("FSYNC_FD", "1");
        let mut child = Reaped(command.spawn().unwrap());
        let lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
        let events: Vec<bool> = lines
            .map_while(Result::ok)
            .filter_map(|line| if line.ends_with("fsync") { Some(true) } else { acked(&line).map(|_| false) })
            .collect();
        assert!(child.0.wait().unwrap().success());
        assert_eq!(events.iter().filter(|fsync| !**fsync).count() as Seq, BATCHES);
        events
    };
    // Between two acknowledgements there is at least one fsync.
    let events = run("fsync");
    assert!(events[0]);
    assert!(events.windows(2).all(|two| two[0] || two[1]), "an acknowledgement without an fsync before it");
    // And with `os` there is none for each commit, or the test above would show nothing.
    let fsyncs = run("os").iter().filter(|fsync| **fsync).count();
    assert!(fsyncs < 30, "{fsyncs}");
}
