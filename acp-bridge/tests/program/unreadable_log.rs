//! A log that cannot be written or opened: every client sees it, nothing is lost, and the session goes on afterwards.

use std::process::{Command, Stdio};

use crate::support::client::text;
use crate::support::{Bridge, Options};
use serde_json::json;

/// Runs `serve` on a log that it must refuse; what it says on stderr.
fn refused(log: &std::path::Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_acp-bridge"))
        .args(["serve", "--listen", ":0", "--log", &format!("sqlite:{}", log.display()), "--", "true"])
        .stdin(Stdio::null())
        .output()
        .expect("run serve");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).expect("UTF-8 on stderr")
}

#[test]
fn a_locked_log_stops_the_turn_with_an_error_and_the_session_goes_on_once_it_is_free() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "count 100000 1");
    let mut seen = vec![client.chunk()];
    let locker = rusqlite::Connection::open(&bridge.log).unwrap();
    locker.execute_batch("begin exclusive").unwrap();
    let (answer, chunks) = client.turn(turn);
    seen.extend(chunks);
    assert!(answer["error"]["message"].as_str().is_some_and(|m| m.contains("cannot be written")), "{answer}");
    locker.execute_batch("rollback").unwrap();
    drop(locker);

    let mut other = bridge.client();
    other.resume(&session, Some(0));
    assert_eq!(other.turn_ended()["outcome"], "interrupted");
    let kept = other.chunks();
    assert!(kept.len() >= seen.len(), "what was shown is still there");
    assert_eq!(kept[..seen.len()], seen[..]);
    let turn = other.prompt(&session, "echo on it goes");
    assert!(text(&other.turn(turn).1).ends_with("on it goes"));
}

#[test]
fn a_full_disk_stops_the_turn_with_an_error_and_nothing_shown_is_lost() {
    // A limit on the size of files stands for the disk: writes beyond it fail, and it can be lifted.
    let mut options = Options::fault_agent(&[]);
    let limited = "trap '' XFSZ; ulimit -S -f 2048; exec \"$0\" \"$@\"";
    let bridge = {
        options.wrapper = Some(vec!["sh".into(), "-c".into(), limited.into()]);
        Bridge::start(options)
    };
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "flood 200000");
    let (answer, seen) = client.turn(turn);
    assert!(answer["error"]["message"].as_str().is_some_and(|m| m.contains("cannot be written")), "{answer}");
    let lifted = Command::new("prlimit").arg("--pid").arg(bridge.pid().to_string()).arg("--fsize=unlimited").status();
    assert!(lifted.expect("prlimit of util-linux is needed").success());

    let mut other = bridge.client();
    other.resume(&session, Some(0));
    assert_eq!(other.turn_ended()["outcome"], "interrupted");
    let kept = other.chunks();
    assert!(kept.len() >= seen.len());
    assert_eq!(kept[..seen.len()], seen[..]);
    let turn = other.prompt(&session, "echo room again");
    assert!(text(&other.turn(turn).1).ends_with("room again"));
}

#[test]
fn a_second_bridge_on_the_same_log_is_refused() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let said = refused(&bridge.log);
    assert!(said.contains("another"), "{said}");
    assert_eq!(bridge.client().call("session/list", &json!({}))["sessions"], json!([]));
}

#[test]
fn a_corrupt_log_a_foreign_file_and_a_newer_log_are_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let foreign = directory.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("create table t(x)").unwrap();
    assert!(refused(&foreign).contains("not a session log"), "{}", refused(&foreign));

    let garbage = directory.path().join("garbage.db");
    std::fs::write(&garbage, "this is no database at all, but long enough to be looked at".repeat(100)).unwrap();
    assert!(!refused(&garbage).is_empty());

    let bridge = Bridge::start(Options::fault_agent(&[]));
    let newer = directory.path().join("newer.db");
    {
        let mut client = bridge.client();
        client.new_session();
        let log = rusqlite::Connection::open(&bridge.log).unwrap();
        log.execute("vacuum into ?1", [newer.to_str().unwrap()]).unwrap();
    }
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 4711).unwrap();
    let said = refused(&newer);
    assert!(said.contains("4711") && said.contains("newer"), "{said}");
}

#[test]
fn the_log_is_readable_with_the_sqlite3_tool_while_the_bridge_runs() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "echo plain to see");
    client.turn(turn);
    let output = Command::new("sqlite3")
        .arg(&bridge.log)
        .arg("select group_concat(kind, ' ') from records; select body from records where kind = 'update'")
        .output()
        .expect("the sqlite3 tool is needed: `cargo xtask test` installs it");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("session_created") && said.contains("turn_ended") && said.contains("plain to see"), "{said}");
}
