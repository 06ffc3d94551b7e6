//! A thread that was opened, and its release.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::app_server::Connection;
use crate::adapter::Channel;
use crate::codex::wire::Thread;
use crate::failure::Failure;

/// Limit of messages that wait for one session. A full queue stops all sessions, so it holds what comes while a session is
/// shown to a client that loads it.
const QUEUE: usize = 256;
/// Time limit of the release.
const RELEASE: Duration = Duration::from_secs(3);

/// A thread that was opened. Dropping it releases the thread, but waits for nothing.
pub(crate) struct Lease {
    connection: Arc<Connection>,
    thread: String,
    /// The thread's file, if Codex stores it.
    file: Option<PathBuf>,
    held: bool,
}

impl Lease {
    /// Holds a thread.
    pub(crate) fn new(connection: &Arc<Connection>, thread: &Thread) -> Self {
        let Thread { id, path, .. } = thread;
        connection.router().stored(id, path.as_ref());
        Self { connection: Arc::clone(connection), thread: id.clone(), file: path.clone(), held: true }
    }

    /// The channel to and from the thread, and the beginning of the ids of the session's calls. It holds the messages that
    /// came before, and somebody has to read it, or all sessions stop.
    pub(crate) fn attach(self) -> Result<(Channel, String), Failure> {
        let (to_session, from) = mpsc::channel(QUEUE);
        let prefix = self.connection.route(&self.thread, &to_session)?;
        let (to, kill, own) = (self.connection.outbox(), self.connection.killer(), prefix.clone());
        let channel = Channel {
            to,
            from,
            kill: Box::new(move || kill()),
            shutdown: Box::new(move || async move { self.release(&own).await }.boxed()),
        };
        Ok((channel, prefix))
    }

    /// Releases the thread and those that it started. Waits until Codex has ended what belongs to them, above all its MCP
    /// servers.
    async fn release(mut self, prefix: &str) {
        self.held = false;
        let children = self.connection.router().detach(&self.thread, prefix);
        let release = async {
            self.store().await;
            join_all(std::iter::once(&self.thread).chain(&children).map(|thread| self.unload(thread))).await;
        };
        if timeout(RELEASE, release).await.is_err() {
            tracing::debug!("a thread was not let go of in time");
        }
    }

    async fn unload(&self, thread: &str) {
        let unloaded = self.connection.router().unloading(thread);
        let params = json!({ "threadId": thread });
        match self.connection.call::<Value>("thread/unsubscribe", &params).await {
            // Nobody is there to say so any more when the process is gone.
            Ok(answer) if answer["status"] == "unsubscribed" => drop(unloaded.await),
            Ok(_) => {}
            Err(error) => tracing::debug!(?error, "a thread was not let go of in order"),
        }
    }

    /// Makes Codex store a thread before its first turn, or it could not be opened again. A move to another section, here to
    /// none, stores it.
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
            self.connection.router().stored(&self.thread, None);
            self.connection.tell("thread/unsubscribe", &json!({ "threadId": self.thread }));
        }
    }
}
