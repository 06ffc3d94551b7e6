//! Deleted means gone: whoever deletes or trims is answered once neither the file nor its write-ahead log has the text.

use tokio::sync::oneshot;

use super::job::Done;
use crate::log::LogError;

/// Attempts to cut the write-ahead log while another program reads an old state of it; each waits for a tenth of a second.
const ATTEMPTS: u32 = 10;

type Reply = oneshot::Sender<Result<Done, LogError>>;

/// State of erasing what was deleted and may still be found in the files.
#[derive(Debug, Default)]
pub(super) struct Erasure {
    /// Records were removed from the database since the write-ahead log was cut.
    due: bool,
    attempts: u32,
    /// Callers that are to be told, and what.
    waiting: Vec<(Reply, Done)>,
}

impl Erasure {
    /// Something is to be gone before this is answered.
    pub(super) fn wait(&mut self, reply: Reply, done: Done) {
        self.due = true;
        self.attempts = 0;
        self.waiting.push((reply, done));
    }

    /// Records were removed from the database.
    pub(super) fn removed(&mut self) {
        self.due = true;
    }

    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    pub(super) fn is_awaited(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The files have it no more.
    pub(super) fn done(&mut self) {
        self.due = false;
        self.attempts = 0;
        for (reply, done) in self.waiting.drain(..) {
            // Whoever asked may have gone.
            let _ = reply.send(Ok(done));
        }
    }

    /// A reader is in the way. It is tried again a few times, then said.
    pub(super) fn held_up(&mut self) {
        self.attempts += 1;
        if self.attempts >= ATTEMPTS {
            let reason = "it is deleted, but another program reads the log, and until that ends its text stays in the \
                          write-ahead file: end that program and delete or trim something again, or stop the bridge";
            self.fail(&LogError::Unwritable { reason: reason.to_owned() });
        }
    }

    /// It cannot be done now; it is tried again with the next deletion, or when the log is opened next.
    pub(super) fn fail(&mut self, error: &LogError) {
        self.due = false;
        self.attempts = 0;
        for (reply, _) in self.waiting.drain(..) {
            let _ = reply.send(Err(error.clone()));
        }
    }
}
