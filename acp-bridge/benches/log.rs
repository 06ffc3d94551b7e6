//! The SQLite log through its interface: appends acknowledged one after the other, and a replay from the start.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

#[allow(dead_code, unreachable_pub, reason = "the tests use more of it")]
#[path = "../tests/log/support/tail.rs"]
mod tail;

use std::sync::Arc;
use std::time::{Duration, Instant};

use acp_bridge::log::{
    Durability, Filter, LogView, LogWriter, Member, ReadLimit, Role, SessionLog, Signals, SqliteLog,
};
use acp_types::record::{Kind, Origin, Record, Seq};
use acp_types::{RawBuf, SessionId};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tail::tail;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const REPLAYED: Seq = 100_000;
const READERS: usize = 8;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A record with a body of 250 bytes, as an update of 50 characters has.
fn records(seqs: std::ops::RangeInclusive<Seq>) -> Vec<Arc<Record>> {
    let body = RawBuf::encode(&"x".repeat(248)).unwrap();
    let lane: Arc<str> = Record::MAIN_LANE.into();
    let record = |seq| {
        let (lane, body) = (Arc::clone(&lane), RawBuf::parse(body.as_str()).unwrap());
        Arc::new(Record {
            seq,
            at: seq,
            epoch: 1,
            lane,
            origin: Origin::Agent,
            kind: Kind::Update,
            turn: Some(1),
            position: None,
            body,
        })
    };
    seqs.map(record).collect()
}

async fn open(durability: Durability) -> (TempDir, Arc<SqliteLog>, SessionId) {
    let directory = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(directory.path().join("log.db"), durability).await.unwrap();
    let session = SessionId::from("s");
    let host = Member { id: "host".into(), role: Role::Host };
    log.renew(&host, Duration::from_secs(3600)).await.unwrap();
    log.create(&session, &host.id, Vec::new()).await.unwrap();
    (directory, Arc::new(log), session)
}

/// Time of `rounds` appends of `batch` records each, every one waiting for the one before.
async fn append(log: &SqliteLog, session: &SessionId, head: &mut Seq, batch: u64, rounds: u64) -> Duration {
    let mut time = Duration::ZERO;
    for _ in 0..rounds {
        let records = records(*head + 1..=*head + batch);
        *head += batch;
        let start = Instant::now();
        log.append(session, records).await.unwrap();
        time += start.elapsed();
    }
    time
}

fn appends(c: &mut Criterion) {
    let runtime = runtime();
    for (name, durability) in [("fsync", Durability::Fsync), ("os", Durability::Os)] {
        let mut group = c.benchmark_group(format!("append/{name}"));
        for batch in [1, 16, 256] {
            // One log for all samples: a new one would show what a file costs that grows.
            let (_directory, log, session) = runtime.block_on(open(durability));
            let mut head = 0;
            group.throughput(Throughput::Elements(batch));
            group.bench_function(BenchmarkId::from_parameter(batch), |b| {
                b.iter_custom(|rounds| runtime.block_on(append(&log, &session, &mut head, batch, rounds)));
            });
            runtime.block_on(log.shutdown());
        }
        group.finish();
    }
}

fn replays(c: &mut Criterion) {
    let runtime = runtime();
    let (_directory, log, session) = runtime.block_on(open(Durability::Os));
    for first in (1..=REPLAYED).step_by(1000) {
        runtime.block_on(log.append(&session, records(first..=first + 999))).unwrap();
    }
    let mut group = c.benchmark_group("replay");
    group.sample_size(20).throughput(Throughput::Elements(REPLAYED));
    group.bench_function("read 100k", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let mut after = 0;
                while after < REPLAYED {
                    let some = log.read(&session, after, ReadLimit::default(), Filter::All).await.unwrap();
                    after = some.last().unwrap().seq;
                }
            });
        });
    });
    group.finish();
    runtime.block_on(log.shutdown());
}

/// Records written once and followed by several tails at the same time.
async fn live(rounds: u64) -> Duration {
    const BATCH: u64 = 256;
    let (_directory, log, session) = open(Durability::Fsync).await;
    let last = rounds * BATCH;
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..READERS {
        let mut tail = tail(Arc::clone(&log) as Arc<dyn SessionLog>, session.clone(), 0).await.unwrap();
        readers.spawn(async move {
            while tail.cursor() < last {
                tail.next(ReadLimit::default()).await.unwrap();
            }
        });
    }
    let start = Instant::now();
    for round in 0..rounds {
        log.append(&session, records(round * BATCH + 1..=(round + 1) * BATCH)).await.unwrap();
    }
    while let Some(ended) = readers.join_next().await {
        ended.unwrap();
    }
    let time = start.elapsed();
    log.shutdown().await;
    time
}

fn tails(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("live");
    group.throughput(Throughput::Elements(256 * READERS as u64));
    group.bench_function("8 tails of a session written in batches of 256", |b| {
        b.iter_custom(|rounds| runtime.block_on(live(rounds)));
    });
    group.finish();
}

criterion_group!(benches, appends, replays, tails);
criterion_main!(benches);
