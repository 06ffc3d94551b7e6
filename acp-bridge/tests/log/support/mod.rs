//! Records to append, and what was appended to compare with.
#![allow(dead_code, unreachable_pub, unused_imports, clippy::unwrap_used, reason = "each test file uses its part")]

mod tail;

use std::sync::Arc;
use std::time::Duration;

use acp_bridge::log::{Filter, LogError, Member, MemberId, ReadLimit, Role, SessionInfo, SessionLog};
use acp_types::record::{Epoch, Kind, Origin, Record, Seq};
use acp_types::{RawBuf, SessionId};

pub use tail::{Tail, tail};

/// How long anything here may take.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A record whose body says which one it is.
pub fn record(seq: Seq, epoch: Epoch, kind: Kind) -> Arc<Record> {
    let body = RawBuf::parse(format!(r#"{{"sessionId":"s","n":{seq}}}"#)).unwrap();
    with_body(seq, epoch, kind, body)
}

pub fn with_body(seq: Seq, epoch: Epoch, kind: Kind, body: RawBuf) -> Arc<Record> {
    let at = 1_700_000_000_000_000_u64.saturating_add(seq);
    Arc::new(Record {
        seq,
        at,
        epoch,
        lane: Record::MAIN_LANE.into(),
        origin: Origin::Agent,
        kind,
        turn: None,
        position: None,
        body,
    })
}

pub fn updates(seqs: std::ops::RangeInclusive<Seq>) -> Vec<Arc<Record>> {
    seqs.map(|seq| record(seq, 1, Kind::Update)).collect()
}

/// The first record of a session.
pub fn created(cwd: &str) -> Arc<Record> {
    let body = serde_json::json!({ "cwd": cwd, "params": {}, "initialize": {} });
    with_body(1, 1, Kind::SessionCreated, RawBuf::encode(&body).unwrap())
}

/// Makes a session whose head is `head`: its creation, then updates.
pub async fn session(log: &dyn SessionLog, id: &str, head: Seq) -> SessionId {
    let id = SessionId::from(id);
    let mut records = vec![created("/work")];
    records.extend(updates(2..=head));
    create(log, &id, records).await.unwrap();
    id
}

/// The lease of every member here. No test takes as long.
pub const TERM: Duration = Duration::from_secs(600);

/// A host of a log.
pub async fn host(log: &dyn SessionLog, name: &str) -> MemberId {
    let member = Member { id: name.into(), role: Role::Host };
    log.renew(&member, TERM).await.unwrap();
    member.id
}

/// Makes a session, as the host that all tests have.
pub async fn create(log: &dyn SessionLog, session: &SessionId, records: Vec<Arc<Record>>) -> Result<(), LogError> {
    log.create(session, &host(log, "host").await, records).await
}

/// Claims a session, as the same host.
pub async fn claim(log: &dyn SessionLog, session: &SessionId) -> Result<SessionInfo, LogError> {
    log.claim(session, &host(log, "host").await).await
}

pub fn seqs(records: &[Arc<Record>]) -> Vec<Seq> {
    records.iter().map(|record| record.seq).collect()
}

/// Everything after a cursor, in as many reads as it takes.
pub async fn read_all(
    log: &dyn SessionLog,
    session: &SessionId,
    mut after: Seq,
    filter: Filter,
) -> Result<Vec<Arc<Record>>, LogError> {
    let mut all = Vec::new();
    loop {
        let some = log.read(session, after, ReadLimit { records: 100, bytes: usize::MAX }, filter).await?;
        let Some(last) = some.last() else { return Ok(all) };
        after = last.seq;
        all.extend(some);
    }
}

/// What a tail gives next.
pub async fn next(tail: &mut Tail) -> Result<Vec<Arc<Record>>, LogError> {
    tokio::time::timeout(DEADLINE, tail.next(ReadLimit::default())).await.expect("the tail gives something in time")
}

/// Follows a tail up to a seq, and checks that it skips and doubles nothing.
pub async fn follow(tail: &mut Tail, through: Seq) -> Vec<Arc<Record>> {
    let mut all = Vec::new();
    while tail.cursor() < through {
        let expected = tail.cursor() + 1;
        let some = next(tail).await.unwrap();
        assert_eq!(seqs(&some), (expected..expected + some.len() as Seq).collect::<Vec<_>>());
        all.extend(some);
    }
    all
}

/// Numbers that look random and are the same in every run.
pub struct Dice(pub u64);

impl Dice {
    /// At least `0`, less than `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}
