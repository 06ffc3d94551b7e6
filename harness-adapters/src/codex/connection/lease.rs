//! A thread that was opened, and how it is let go of.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Connection;
use crate::codex::wire::Thread;

/// How long letting go of a session may take.
const RELEASE: Duration = Duration::from_secs(3);

/// A thread that was opened. Dropping it lets go of the thread, but waits for nothing.
pub(in crate::codex) struct Lease {
    connection: Arc<Connection>,
    thread: String,
    /// Where Codex stores it, if it does.
    file: Option<PathBuf>,
    held: bool,
}

impl Lease {
    /// Holds a thread.
    pub(in crate::codex) fn new(connection: &Arc<Connection>, thread: &Thread) -> Self {
        let Thread { id, path, .. } = thread;
        connection.router.stored(id, path.as_ref());
        Self { connection: Arc::clone(connection), thread: id.clone(), file: path.clone(), held: true }
    }

    pub(super) fn thread(&self) -> &str {
        &self.thread
    }

    /// Lets go of the thread and of those that it started, and waits until Codex has ended what belongs to them: its MCP
    /// servers above all.
    pub(super) async fn release(mut self, prefix: &str) {
        self.held = false;
        let children = self.connection.router.detach(&self.thread, prefix);
        let release = async {
            self.store().await;
            join_all(std::iter::once(&self.thread).chain(&children).map(|thread| self.unload(thread))).await;
        };
        if timeout(RELEASE, release).await.is_err() {
            tracing::debug!("a thread was not let go of in time");
        }
    }

    async fn unload(&self, thread: &str) {
        let unloaded = self.connection.router.unloading(thread);
        let params = json!({ "threadId": thread });
        match self.connection.call::<Value>("thread/unsubscribe", &params).await {
            // Nobody is there to say so any more when the process is gone.
            Ok(answer) if answer["status"] == "unsubscribed" => drop(unloaded.await),
            Ok(_) => {}
            Err(error) => tracing::debug!(?error, "a thread was not let go of in order"),
        }
    }

    /// Codex stores nothing before the first turn, and what it has not stored could not be opened again. To be moved to no
    /// section, where it is, it has to be stored.
    async fn store(&self) {
        let Some(file) = &self.file else { return };
        if tokio::fs::try_exists(file).await.unwrap_or(true) {
            return;
        }
        let params = json!({ "threadId": self.thread, "sectionId": null });
        if let Err(error) = self.connection.call::<Value>("thread/section/move", &params).await {
            tracing::debug!(?error, "a thread without turns will not be found again");
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.held {
            self.connection.router.stored(&self.thread, None);
            self.connection.tell("thread/unsubscribe", &json!({ "threadId": self.thread }));
        }
    }
}
