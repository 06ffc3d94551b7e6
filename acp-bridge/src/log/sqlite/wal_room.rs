//! Room in the write-ahead log ahead of what is written to it.
//!
//! A commit that makes the file longer has the file system write its own journal before fdatasync returns; one that
//! overwrites what is there has not. So there are zeros where the next commits go. SQLite stops reading at the first frame
//! whose checksum is wrong, which zeros always are (SQLite file format, section 4.1).

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// Zeros ahead of the newest commit, in bytes. There are at least half as many while commits are small.
pub(super) const ROOM: u64 = 1 << 20;

/// Written at a time.
static ZEROS: [u8; 32 << 10] = [0; 32 << 10];

/// Makes the file at least [`ROOM`] longer than `used`, and returns how long it is. There may be none yet, which is made
/// with the first commit.
///
/// Each write appends, so it never reaches what a commit writes at the same time: that is either before the end or will
/// overwrite the zeros.
pub(super) fn make(wal: &Path, used: u64) -> io::Result<u64> {
    let mut file = match OpenOptions::new().append(true).open(wal) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut length = file.metadata()?.len();
    while length < used + ROOM {
        file.write_all(&ZEROS)?;
        length += ZEROS.len() as u64;
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{ROOM, make};
    use crate::log::sqlite::connection;
    use crate::log::sqlite::connection::Durability;
    use crate::log::sqlite::place::wal_path;

    #[test]
    fn no_write_ahead_log_is_made_where_there_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let wal = directory.path().join("log.db-wal");
        assert_eq!(make(&wal, 0).unwrap(), 0);
        assert!(!wal.exists());
    }

    #[test]
    fn commits_before_and_after_room_was_made_are_read_after_a_crash() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log.db");
        let writer = connection::writer(&path, Durability::Os).unwrap();
        writer.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        let wal = wal_path(&path);
        let used = std::fs::metadata(&wal).unwrap().len();
        assert!(make(&wal, used).unwrap() >= used + ROOM);
        for number in 2..=20 {
            writer.execute("INSERT INTO t VALUES (?1)", [number]).unwrap();
        }
        let length = std::fs::metadata(&wal).unwrap().len();
        assert!(length >= used + ROOM && length < used + 2 * ROOM, "the commits went into the room");

        // What a crash leaves: the files as they are.
        let copy = directory.path().join("copy.db");
        std::fs::copy(&path, &copy).unwrap();
        std::fs::copy(&wal, wal_path(&copy)).unwrap();
        let reader = Connection::open(&copy).unwrap();
        let sum: i64 = reader.query_row("SELECT sum(x) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(sum, (1..=20).sum::<i64>());
    }

    #[test]
    fn a_write_ahead_log_that_is_all_room_is_an_empty_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log.db");
        let writer = connection::writer(&path, Durability::Fsync).unwrap();
        writer.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        let wal = wal_path(&path);
        assert!(make(&wal, 0).unwrap() >= ROOM);
        let copy = directory.path().join("copy.db");
        std::fs::copy(&path, &copy).unwrap();
        std::fs::copy(&wal, wal_path(&copy)).unwrap();
        for file in [&path, &copy] {
            let other = Connection::open(file).unwrap();
            other.execute("INSERT INTO t VALUES (2)", []).unwrap();
            assert_eq!(other.query_row("SELECT sum(x) FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), 3);
        }
    }
}
