//! Process of a subject.

use acp_server::transport::child::{ChildHandle, ChildOutput, ChildSpec, Deadlines, SpawnError};
use tokio::sync::mpsc;

/// Lines of stderr that wait to be recorded; more are dropped.
pub(super) const STDERR: usize = 1024;
/// Read at a time of what a client prints, in bytes.
const PRINTED: usize = 4096;

/// A subject's process.
pub(crate) struct Process {
    pub(crate) handle: ChildHandle,
    pub(crate) stderr: mpsc::Receiver<String>,
}

impl Process {
    /// Starts a program that has nothing to read on its stdin. What it prints is kept as its stderr is.
    pub(crate) async fn start(spec: &ChildSpec) -> Result<Self, SpawnError> {
        let (sender, stderr) = mpsc::channel(STDERR);
        let (output, handle) = spec.spawn_captured().await?;
        tokio::spawn(printed(output, sender));
        Ok(Self { handle, stderr })
    }

    /// Its output so far, for an error that says why it did not start.
    pub(crate) fn said(&mut self) -> String {
        std::iter::from_fn(|| self.stderr.try_recv().ok()).collect()
    }
    /// Ends it: politely, then not.
    pub(crate) async fn end(&mut self) {
        let quick = std::time::Duration::from_millis(300);
        let deadlines = Deadlines { stdin_close: quick, term: quick, ..Deadlines::default() };
        self.handle.shutdown(deadlines).await;
    }
}

/// Passes on what a program prints until nobody can print any more.
async fn printed(mut output: ChildOutput, to: mpsc::Sender<String>) {
    let mut block = vec![0; PRINTED];
    while let Ok(read @ 1..) = output.read(&mut block).await {
        // What is dropped at the limit is only missing in the transcript.
        drop(to.try_send(String::from_utf8_lossy(&block[..read]).into_owned()));
    }
}
