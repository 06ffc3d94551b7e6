//! The two sides of a bridge as two processes, with the log in the test's own process behind a socket: for the tests that
//! `two_processes.rs` runs a second time.

#[path = "../../split_support/protocol.rs"]
mod protocol;
#[path = "../../split_support/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use acp_bridge::log::{Filter, ReadLimit};
use acp_types::record::Record;
use futures_util::FutureExt;

pub use self::server::LogServer;

/// How long the processes wait for one that was killed.
pub const LEASE: &str = "2s";

/// Logs in use, by the path that a log file would have.
static SERVERS: Mutex<BTreeMap<PathBuf, Weak<LogServer>>> = Mutex::new(BTreeMap::new());

/// Whether this test runs bridges in two processes: the tests of one binary do.
pub fn wanted() -> bool {
    let exe = std::env::current_exe().expect("the test's own path");
    exe.file_stem().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("two_processes"))
}

/// The log of a path: the one that is there, or a new one.
pub fn server(path: &Path) -> Arc<LogServer> {
    let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = servers.get(path).and_then(Weak::upgrade) {
        return server;
    }
    let server = Arc::new(LogServer::start(&socket(path)));
    servers.insert(path.to_owned(), Arc::downgrade(&server));
    server
}

/// Where its socket is.
pub fn socket(path: &Path) -> PathBuf {
    path.with_extension("socket")
}

/// All records of a session.
pub fn records(server: &LogServer, session: &str) -> Vec<Arc<Record>> {
    let limit = ReadLimit { records: usize::MAX, bytes: usize::MAX };
    let session = session.into();
    let read = server.log.read(&session, 0, limit, Filter::All);
    read.now_or_never().expect("memory answers at once").unwrap_or_default()
}
