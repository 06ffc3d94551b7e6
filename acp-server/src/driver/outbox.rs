//! Messages that this side sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use acp_types::{ErrorObjectOwned, RawBuf, RawError, RequestId, frame};
use bytes::Bytes;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::Config;
use crate::proto::RequestKey;

/// The connection no longer takes messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection is closed: open a new one")]
#[non_exhaustive]
pub struct Closed;

/// Reason why a message was not taken at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryError {
    /// As much waits to be written as the bounds allow: wait, or drop the peer.
    #[error("the peer reads too slowly: as much waits to be written as the limits allow")]
    Full,
    /// The connection no longer takes messages.
    #[error(transparent)]
    Closed(#[from] Closed),
}

#[derive(Debug)]
pub(super) enum Command {
    Frame(Bytes),
    Frames(Vec<Bytes>),
    Request { key: RequestKey, method: Box<str>, params: RawBuf },
    Respond { id: RequestId, outcome: Result<RawBuf, RawError> },
    Cancel(RequestKey),
    Flush(oneshot::Sender<()>),
}

impl Command {
    fn weight(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.len(),
            Self::Frames(frames) => frames.iter().map(Bytes::len).sum(),
            Self::Request { method, params, .. } => method.len() + params.as_str().len(),
            Self::Respond { outcome: Ok(result), .. } => result.as_str().len(),
            Self::Respond { outcome: Err(error), .. } => error.as_raw().as_str().len(),
            Self::Cancel(_) | Self::Flush(_) => 0,
        }
    }
}

#[derive(Debug)]
pub(super) struct Queued {
    pub(super) command: Command,
    /// Given back once it is written.
    pub(super) credit: u32,
}

/// Sends to the peer. Clones share one queue; what one clone sends arrives in the order in which it was sent.
///
/// The queue is bounded in messages and bytes. While it is full the plain methods wait, which is the back-pressure of
/// a slow peer; dropping the future of one that waits sends nothing. The `try_` forms return at once.
#[derive(Debug, Clone)]
pub struct Outbox {
    commands: mpsc::Sender<Queued>,
    bytes: Arc<Semaphore>,
    /// All permits of `bytes`: what a bigger message takes.
    most: u32,
    next_key: Arc<AtomicU64>,
    closing: CancellationToken,
    #[expect(dead_code, reason = "acts when the last clone is dropped")]
    released: Arc<DropGuard>,
    finished: CancellationToken,
}

impl Outbox {
    pub(super) fn new(
        commands: mpsc::Sender<Queued>,
        config: &Config,
        closing: CancellationToken,
        released: CancellationToken,
        finished: CancellationToken,
    ) -> Self {
        let most = u32::try_from(config.outbox_bytes.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        let bytes = Arc::new(Semaphore::new(most as usize));
        let released = Arc::new(released.drop_guard());
        let next_key = Arc::new(AtomicU64::new(config.first_request));
        Self { commands, bytes, most, next_key, closing, released, finished }
    }

    pub(super) fn credit(&self) -> Arc<Semaphore> {
        Arc::clone(&self.bytes)
    }

    /// Sends a request; `params` must be an object or array. Its outcome comes through the inbox as
    /// [`Event::Response`](crate::proto::Event::Response) with the returned key, in order with everything else.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn request(&self, method: &str, params: RawBuf) -> Result<RequestKey, Closed> {
        let key = self.reserve_key();
        self.request_as(key, method, params).await?;
        Ok(key)
    }

    /// [`Outbox::request`] without waiting.
    ///
    /// # Errors
    /// When the queue is full or the connection closed.
    pub fn try_request(&self, method: &str, params: RawBuf) -> Result<RequestKey, TryError> {
        let key = self.reserve_key();
        self.try_send(Command::Request { key, method: method.into(), params }).map_err(|(error, _)| error)?;
        Ok(key)
    }

    /// A key for [`Outbox::request_as`], for callers that must know it before the answer can possibly arrive.
    #[must_use]
    pub fn reserve_key(&self) -> RequestKey {
        RequestKey(self.next_key.fetch_add(1, Ordering::Relaxed))
    }

    /// [`Outbox::request`] under a key of [`Outbox::reserve_key`], which is used up by it.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn request_as(&self, key: RequestKey, method: &str, params: RawBuf) -> Result<(), Closed> {
        self.send(Command::Request { key, method: method.into(), params }).await
    }

    /// Sends a notification; `params` must be an object or array.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn notify(&self, method: &str, params: RawBuf) -> Result<(), Closed> {
        self.send(notification(method, &params)).await
    }

    /// [`Outbox::notify`] without waiting.
    ///
    /// # Errors
    /// When the queue is full or the connection closed.
    pub fn try_notify(&self, method: &str, params: RawBuf) -> Result<(), TryError> {
        self.try_send(notification(method, &params)).map_err(|(error, _)| error)
    }

    /// Answers a request of the peer. An answer to a request that is not open is dropped.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn respond(&self, id: RequestId, outcome: Result<RawBuf, ErrorObjectOwned>) -> Result<(), Closed> {
        self.respond_raw(id, outcome.map_err(|error| RawError::from(&error))).await
    }

    /// [`Outbox::respond`] without waiting.
    ///
    /// # Errors
    /// When the queue is full or the connection closed.
    pub fn try_respond(&self, id: RequestId, outcome: Result<RawBuf, ErrorObjectOwned>) -> Result<(), TryError> {
        let outcome = outcome.map_err(|error| RawError::from(&error));
        self.try_send(Command::Respond { id, outcome }).map_err(|(error, _)| error)
    }

    /// [`Outbox::respond`] with an error as some other peer sent it.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn respond_raw(&self, id: RequestId, outcome: Result<RawBuf, RawError>) -> Result<(), Closed> {
        self.send(Command::Respond { id, outcome }).await
    }

    /// Asks the peer to give up on a request of ours (`$/cancel_request`); its outcome still comes.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn cancel(&self, key: RequestKey) -> Result<(), Closed> {
        self.send(Command::Cancel(key)).await
    }

    /// [`Outbox::cancel`] without waiting.
    ///
    /// # Errors
    /// When the queue is full or the connection closed.
    pub fn try_cancel(&self, key: RequestKey) -> Result<(), TryError> {
        self.try_send(Command::Cancel(key)).map_err(|(error, _)| error)
    }

    /// [`Outbox::frames`] with one frame.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn frame(&self, frame: Bytes) -> Result<(), Closed> {
        self.send(Command::Frame(frame)).await
    }

    /// Sends prebuilt frames as they are, each one message without line end. They must not be requests, whose answers
    /// nobody would know, nor answers to requests that are still open here.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn frames(&self, frames: Vec<Bytes>) -> Result<(), Closed> {
        self.send(Command::Frames(frames)).await
    }

    /// [`Outbox::frames`] without waiting.
    ///
    /// # Errors
    /// When the queue is full or the connection closed; the frames come back.
    pub fn try_frames(&self, frames: Vec<Bytes>) -> Result<(), (TryError, Vec<Bytes>)> {
        self.try_send(Command::Frames(frames)).map_err(|(error, command)| match command {
            Command::Frames(frames) => (error, frames),
            _ => (error, Vec::new()),
        })
    }

    /// Waits until everything sent so far through this outbox has been handed to the operating system or the other end.
    ///
    /// # Errors
    /// When the connection closed before that.
    pub async fn flushed(&self) -> Result<(), Closed> {
        let (done, wait) = oneshot::channel();
        self.send(Command::Flush(done)).await?;
        wait.await.map_err(|_| Closed)
    }

    /// Closes the connection for all clones: nothing more is taken, what was sent so far is still written, but for no
    /// longer than [`Config::close_timeout`](crate::Config::close_timeout), and the inbox gets its last events. It does
    /// not queue up behind a peer that reads nothing. A connection that is closed already stays so.
    ///
    /// Returns as soon as nothing more is taken; [`Outbox::finished`] waits for the rest.
    pub async fn close(&self) {
        self.closing.cancel();
        self.commands.closed().await;
    }

    /// Waits until the connection's task has let go of the transport.
    pub async fn finished(&self) {
        self.finished.cancelled().await;
    }

    /// Returns whether messages are not taken any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.commands.is_closed()
    }

    async fn send(&self, command: Command) -> Result<(), Closed> {
        // The way without waiting does not touch the scheduler: a sender runs until the queue is full, so that the
        // task that writes finds a long queue.
        let command = match self.try_send(command) {
            Ok(()) => return Ok(()),
            Err((TryError::Closed(closed), _)) => return Err(closed),
            Err((TryError::Full, command)) => command,
        };
        let credit = self.cost(&command);
        let permit = self.bytes.acquire_many(credit).await.map_err(|_| Closed)?;
        let slot = self.commands.reserve().await.map_err(|_| Closed)?;
        permit.forget();
        slot.send(Queued { command, credit });
        Ok(())
    }

    fn try_send(&self, command: Command) -> Result<(), (TryError, Command)> {
        let credit = self.cost(&command);
        let Ok(permit) = self.bytes.try_acquire_many(credit) else {
            let error = if self.commands.is_closed() { TryError::Closed(Closed) } else { TryError::Full };
            return Err((error, command));
        };
        match self.commands.try_send(Queued { command, credit }) {
            Ok(()) => {
                permit.forget();
                Ok(())
            }
            Err(TrySendError::Full(queued)) => Err((TryError::Full, queued.command)),
            Err(TrySendError::Closed(queued)) => Err((TryError::Closed(Closed), queued.command)),
        }
    }

    fn cost(&self, command: &Command) -> u32 {
        u32::try_from(command.weight()).unwrap_or(u32::MAX).min(self.most)
    }
}

fn notification(method: &str, params: &RawBuf) -> Command {
    Command::Frame(Bytes::from(frame::notification(method, Some(params.as_raw()))))
}
