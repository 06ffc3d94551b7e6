//! What any program takes that keeps a log in SQLite: it reads from stdin, commits what it has read with the row of its
//! session, and passes it on to one reader over TCP. It knows no protocol and has one thread.
//!
//! ```text
//! bare_relay none|os|fsync FILE
//! ```
//!
//! Prints the port that it listens on, and ends with its input. `cargo xtask bench bridge` measures it beside the bridge.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use rusqlite::{Connection, params};

/// Bytes of zeros behind the write-ahead log, so that no commit makes it grow.
const ROOM: usize = 8 << 20;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [durability, file] = &arguments[..] else { bail!("usage: bare_relay none|os|fsync FILE") };
    let log = match durability.as_str() {
        "none" => None,
        "os" => Some(Log::open(file.as_ref(), "NORMAL")?),
        "fsync" => Some(Log::open(file.as_ref(), "FULL")?),
        other => bail!("{other:?} is none of none, os and fsync"),
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    let (mut reader, _) = listener.accept()?;
    reader.set_nodelay(true)?;
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut buffer = vec![0; 64 << 10];
    let mut seq = 0;
    loop {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        if let Some(log) = &log {
            seq += 1;
            log.append(seq, &buffer[..read])?;
        }
        reader.write_all(&buffer[..read])?;
    }
}

struct Log(Connection);

impl Log {
    fn open(path: &Path, synchronous: &str) -> anyhow::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.execute_batch(
            "CREATE TABLE session (number INTEGER PRIMARY KEY, updated_at INTEGER, head INTEGER);
             CREATE TABLE record (key INTEGER PRIMARY KEY, at INTEGER, body TEXT);
             INSERT INTO session VALUES (1, 0, 0);",
        )?;
        let mut wal = path.as_os_str().to_owned();
        wal.push("-wal");
        let mut wal = File::options().append(true).open(wal).context("the write-ahead log")?;
        wal.write_all(&vec![0; ROOM])?;
        wal.sync_all()?;
        Ok(Self(connection))
    }

    fn append(&self, seq: i64, body: &[u8]) -> anyhow::Result<()> {
        let at = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
        let body = String::from_utf8_lossy(body);
        self.0.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.0.prepare_cached("INSERT INTO record VALUES (?1, ?2, ?3)")?.execute(params![seq, at, body])?;
        let update = "UPDATE session SET updated_at = ?1, head = ?2 WHERE number = 1";
        self.0.prepare_cached(update)?.execute([at, seq])?;
        self.0.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}
