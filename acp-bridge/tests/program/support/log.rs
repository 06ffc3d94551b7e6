//! A bridge's log, looked at without being a client.

use std::time::{Duration, Instant};

use acp_types::record::Origin;
use serde_json::Value;

use super::{Bridge, DEADLINE, split};

/// What stands in one record.
pub struct Row {
    pub seq: u64,
    pub origin: String,
    pub kind: String,
    pub turn: Option<u64>,
    pub body: String,
}

/// All records of a session, in order.
pub fn rows(bridge: &Bridge, session: &str) -> Vec<Row> {
    if let Some(server) = &bridge.server {
        let origin = |origin: &Origin| serde_json::to_value(origin).expect("JSON").as_str().expect("text").to_owned();
        let row = |record: std::sync::Arc<acp_types::record::Record>| Row {
            seq: record.seq,
            origin: origin(&record.origin),
            kind: record.kind.as_str().to_owned(),
            turn: record.turn,
            body: record.body.as_str().to_owned(),
        };
        return split::records(server, session).into_iter().map(row).collect();
    }
    let log = rusqlite::Connection::open(&bridge.log).expect("open the log");
    let mut query = log
        .prepare("select seq, origin, kind, turn, body from records where session = ? order by seq")
        .expect("a query");
    let rows = query.query_map([session], |row| {
        Ok(Row {
            seq: row.get::<_, i64>(0)?.cast_unsigned(),
            origin: row.get(1)?,
            kind: row.get(2)?,
            turn: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
            body: row.get(4)?,
        })
    });
    rows.expect("records").map(|row| row.expect("a record")).collect()
}

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
    let rows = rows(bridge, session).into_iter().filter(|row| row.kind == kind);
    rows.map(|row| serde_json::from_str(&row.body).expect("JSON")).collect()
}
