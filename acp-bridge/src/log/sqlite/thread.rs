//! The writer's thread: commits what its callers do not commit themselves, all that has queued in one go.

use std::sync::Arc;
use std::{io, thread};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

use super::job::{Done, Job, Work};
use super::writer::{Shared, Writer};

/// Jobs in one commit.
const MAX_JOBS: usize = 256;
/// Bytes in one commit, roughly: what is written while others wait. One larger job is a commit of its own.
const MAX_BYTES: usize = 4 << 20;

/// The thread: it takes what its callers do not do themselves, and all that takes long.
struct Thread {
    shared: Arc<Shared>,
    jobs: mpsc::Receiver<Job>,
}

/// Starts it. It ends when nobody can hand in anything any more, or on [`Work::Shutdown`], and closes the file then.
pub(super) fn start(shared: Arc<Shared>, jobs: mpsc::Receiver<Job>) -> io::Result<()> {
    let thread = Thread { shared, jobs };
    thread::Builder::new().name("log-writer".to_owned()).spawn(move || thread.run()).map(drop)
}

impl Thread {
    fn run(mut self) {
        let mut batch = Vec::new();
        let asked = loop {
            let Some(first) = self.next() else { break None };
            let bytes = self.gather(first, &mut batch);
            let jobs = batch.len();
            let asked = self.shared.with(|writer| writer.write(&mut batch, bytes));
            self.shared.done(jobs);
            if let Some(asked) = asked.flatten() {
                break Some(asked);
            }
        };
        if let Some(writer) = self.shared.take() {
            writer.close();
        }
        if let Some(asked) = asked {
            // Whoever asked may have gone.
            let _ = asked.send(Ok(Done::Nothing));
        }
    }

    /// The next job. Deleted records are removed while there is none, and now and then when there always is one.
    fn next(&mut self) -> Option<Job> {
        while self.shared.with(|writer| writer.is_untidy()).unwrap_or(false) {
            if self.shared.with(Writer::tidy_if_overdue).unwrap_or(false) {
                continue;
            }
            match self.jobs.try_recv() {
                Ok(job) => return Some(job),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {
                    self.shared.with(Writer::tidy);
                }
            }
        }
        self.jobs.blocking_recv()
    }

    /// What has queued while the last commit ran goes into the next one. Returns the bytes that it writes, roughly.
    fn gather(&mut self, first: Job, batch: &mut Vec<Job>) -> usize {
        let mut bytes = first.work.weight();
        let mut last = matches!(first.work, Work::Shutdown);
        batch.push(first);
        while !last
            && batch.len() < MAX_JOBS
            && bytes < MAX_BYTES
            && let Ok(job) = self.jobs.try_recv()
        {
            bytes += job.work.weight();
            last = matches!(job.work, Work::Shutdown);
            batch.push(job);
        }
        bytes
    }
}
