//! A bridge's log, looked at without being a client.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Bridge, DEADLINE};

/// Waits until a session has so many records of a kind, and returns their bodies.
pub fn wait_for_records(bridge: &Bridge, session: &str, kind: &str, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let bodies = records(bridge, session, kind);
        if bodies.len() >= count {
            return bodies;
        }
        assert!(Instant::now() < deadline, "{} of {count} {kind} before the deadline", bodies.len());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The bodies of a session's records of a kind.
pub fn records(bridge: &Bridge, session: &str, kind: &str) -> Vec<Value> {
    let log = rusqlite::Connection::open(&bridge.log).expect("open the log");
    let mut query =
        log.prepare("select body from records where session = ? and kind = ? order by seq").expect("a query");
    let bodies = query.query_map([session, kind], |row| row.get::<_, String>(0)).expect("records");
    bodies.map(|body| serde_json::from_str(&body.expect("a body")).expect("JSON")).collect()
}
