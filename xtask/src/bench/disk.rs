//! What the disk takes, with nothing of ours in between.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use super::stats::median;
use crate::run::root;

/// About what the log writes for one record: a page of the write-ahead log with its header.
const WRITE: [u8; 4096 + 24] = [0x61; 4096 + 24];

/// The median time, in microseconds, of a write of that size that reaches the disk, `per_second` times a second.
pub(super) fn sync(writes: u64, per_second: u32) -> anyhow::Result<f64> {
    let directory = tempfile::tempdir_in(root().join("target"))?;
    let mut file = File::create(directory.path().join("log"))?;
    // Room of its own first, as a write-ahead log has that was used before.
    (0..writes).try_for_each(|_| file.write_all(&WRITE))?;
    file.sync_all()?;
    let mut file = File::options().write(true).open(directory.path().join("log"))?;
    let mut took = Vec::new();
    for _ in 0..writes {
        let began = Instant::now();
        file.write_all(&WRITE)?;
        file.sync_data()?;
        took.push(began.elapsed().as_secs_f64() * 1e6);
        std::thread::sleep(Duration::from_secs(1) / per_second);
    }
    Ok(median(took))
}
