//! What every session log does, whatever it stores its records in.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../split_support/protocol.rs"]
mod protocol;
#[path = "../../split_support/client.rs"]
mod remote;
#[path = "../../split_support/server.rs"]
mod server;

use std::sync::Arc;

use crate::support::{DEADLINE, Dice, read_all, updates};
use acp_bridge::log::{Filter, SessionLog};
use acp_types::SessionId;
use acp_types::record::Seq;

type Log = Arc<dyn SessionLog>;

/// Runs each test for every kind of log.
macro_rules! suite {
    ($($test:ident,)*) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::suite::run(std::sync::Arc::new(acp_bridge::log::MemoryLog::new()), super::$test).await;
            })*
        }
        /// The log in memory, from another process as far as the caller can tell.
        mod behind_a_socket {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let directory = tempfile::tempdir().unwrap();
                let path = directory.path().join("socket");
                let server = crate::suite::server::LogServer::start(&path);
                let log = crate::suite::remote::RemoteLog::connect(path).await.unwrap();
                crate::suite::run(std::sync::Arc::new(log), super::$test).await;
                drop(server);
            })*
        }
        suite!(@sqlite sqlite_fsync Fsync $($test,)*);
        suite!(@sqlite sqlite_os Os $($test,)*);
    };
    (@sqlite $module:ident $durability:ident $($test:ident,)*) => {
        mod $module {
            use acp_bridge::log::{Durability, SqliteLog};

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let directory = tempfile::tempdir().unwrap();
                let path = directory.path().join("log.db");
                let log = SqliteLog::open(&path, Durability::$durability).await.unwrap();
                crate::suite::run(std::sync::Arc::new(log), super::$test).await;
                SqliteLog::check(&path).unwrap();
            })*
        }
    };
}

mod export;
mod follow;
mod leases;
mod listing;
mod queue;
mod reader;
mod retention;
mod writer;

async fn run<F: Future<Output = ()>>(log: Log, test: impl FnOnce(Log) -> F) {
    tokio::time::timeout(DEADLINE, test(Arc::clone(&log))).await.expect("the test ends in time");
    log.shutdown().await;
}

/// Appends updates in batches of changing size, up to a seq.
async fn write(log: &Log, id: &SessionId, from: Seq, through: Seq) {
    let mut dice = Dice(7);
    let mut first = from;
    while first <= through {
        let last = through.min(first + dice.roll(60));
        log.append(id, updates(first..=last)).await.unwrap();
        first = last + 1;
    }
}

/// What the updates and extensions weigh that can be read.
async fn weight(log: &Log, id: &SessionId) -> u64 {
    let oldest = log.get(id).await.unwrap().unwrap().oldest;
    let kept = read_all(&**log, id, oldest, Filter::All).await.unwrap();
    kept.iter().filter(|record| !record.kind.is_control()).map(|record| record.weight() as u64).sum()
}
