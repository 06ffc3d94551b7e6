//! Logs whose records are not what they seem.

use std::path::Path;

use acp_bridge::archive;
use rusqlite::Connection;

use crate::report::held;
use crate::support::{Bridge, Options};

/// A log with two sessions and a turn in each; the second session.
fn log(directory: &Path) -> String {
    let mut bridge = Bridge::on(&directory.join("log.db"), Options::fault_agent(&[]));
    let mut client = bridge.client();
    let mut last = String::new();
    for _ in 0..2 {
        last = client.new_session();
        let turn = client.prompt(&last, "count 5 0");
        client.turn(turn);
    }
    assert!(bridge.terminate().success());
    last
}

#[test]
fn doctor_reads_every_record_that_it_vouches_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let session = log(directory.path());
    let original = directory.path().join("log.db");
    let checked = archive::check(&original).expect("a sound log");
    assert_eq!(checked.sessions, 2);
    assert!(checked.records > 20 && checked.definitions == 0, "{checked:?}");

    let number: i64 = Connection::open(&original)
        .and_then(|log| log.query_row("select number from session where id = ?1", [&session], |row| row.get(0)))
        .expect("its number");
    // The session's record of that kind, the second of them where there are more.
    let seq_of = |kind: &str| -> i64 {
        let sql = "select max(key) & 0xFFFFFFFFF from (select key from record where key >> 36 = ?1 and kind = ?2
                   order by key limit 2)";
        let found = Connection::open(&original).and_then(|log| log.query_row(sql, (number, kind), |row| row.get(0)));
        found.unwrap_or_else(|error| panic!("{kind}: {error}"))
    };
    let damages = [
        ("update", "update record set body = 'no json'", "not JSON"),
        ("update", "update record set body = '[1]'", "no object"),
        ("update", "update record set epoch = 99", "epoch"),
        ("update", "delete from record", "missing"),
        ("session_created", "update record set body = '{}'", "session_created"),
        ("prompt_queued", "update record set body = '[1]'", "prompt_queued"),
        ("turn_started", "update record set turn = 4711", "turn"),
        ("agent_started", "update record set kind = 'turn_ended'", "turn_ended"),
    ];
    for (kind, damage, words) in damages {
        let seq = seq_of(kind);
        let damage = format!("{damage} where key = {}", (number << 36) + seq);
        let path = directory.path().join("damaged.db");
        std::fs::copy(&original, &path).expect("copy it");
        let changed = Connection::open(&path).and_then(|log| log.execute(&damage, [])).expect("damage it");
        assert_eq!(changed, 1, "{damage}");
        let error = archive::check(&path).expect_err("it is not sound").to_string();
        let at = if words == "missing" { seq + 1 } else { seq };
        assert!(error.contains(&session) && error.contains(&format!("record {at}")), "{damage}: {error}");
        assert!(error.contains(words), "{damage}: {error}");
    }
    let path = directory.path().join("damaged.db");
    std::fs::copy(&original, &path).expect("copy it");
    let longer = Connection::open(&path).and_then(|log| log.execute("update session set head = head + 1", []));
    assert_eq!(longer.expect("damage it"), 2);
    assert!(archive::check(&path).expect_err("it is not sound").to_string().contains("lacks"));
    held(
        "doctor on logs with bodies that are no JSON, no body of their kind, out of order or missing",
        "it fails and names session and record",
    );
}
