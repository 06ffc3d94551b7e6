//! The sending half of a connection, which takes one batch at a time.

use acp_server::{Closed, Outbox};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, timeout_at};

use crate::attach::Item;

pub(super) struct Side {
    outbox: Outbox,
    /// The batch that is being taken.
    writing: Option<BoxFuture<'static, Result<(), Closed>>>,
}

impl Side {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self { outbox, writing: None }
    }

    /// Returns whether another batch can be sent.
    pub(super) fn is_idle(&self) -> bool {
        self.writing.is_none()
    }

    /// Sends a batch.
    pub(super) fn send(&mut self, items: Vec<Item>) {
        if !items.is_empty() {
            self.writing = Some(write(self.outbox.clone(), items).boxed());
        }
    }

    /// Waits until the batch is taken; for ever if there is none. Cancel-safe.
    pub(super) async fn written(&mut self) {
        let Some(writing) = &mut self.writing else { return std::future::pending().await };
        // That it is closed is told by the inbox, behind everything that the peer said before.
        let _ = writing.await;
        self.writing = None;
    }

    /// Sends what is left and waits until the other end has it, or until the deadline.
    pub(super) async fn send_all(&mut self, items: Vec<Item>, deadline: Instant) {
        let all = async {
            if !self.is_idle() {
                self.written().await;
            }
            self.send(items);
            if !self.is_idle() {
                self.written().await;
            }
            self.outbox.flushed().await
        };
        // Whoever reads nothing any more misses it.
        let _ = timeout_at(deadline, all).await;
    }

    /// Closes the connection in good order.
    pub(super) async fn close(self) {
        self.outbox.close().await;
        self.outbox.finished().await;
    }
}

async fn write(outbox: Outbox, items: Vec<Item>) -> Result<(), Closed> {
    for item in items {
        match item {
            Item::Frame(frame) => outbox.frame(frame).await?,
            Item::Notify { method, params } => outbox.notify(&method, params).await?,
            Item::Request { key, method, params } => outbox.request_as(key, &method, params).await?,
            Item::Respond { id, answer } => outbox.respond_raw(id, answer).await?,
            Item::Cancel(key) => outbox.cancel(key).await?,
        }
    }
    Ok(())
}
