//! Handles for calls to the other side.

mod agent;
mod client;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acp_types::method::{Notification, Request};
use acp_types::{RawBuf, frame};
use bytes::Bytes;
use serde::Serialize;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use agent::AgentPeer;
pub use client::ClientPeer;

use crate::driver::{Closed, Outbox};
use crate::error::CallError;
use crate::proto::{Payload, RequestKey, ResponseError};

type Outcome = Result<Payload, ResponseError>;

/// Calls of any method to the other side. Clones share the connection, which closes when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Peer(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    outbox: Outbox,
    /// Callers that wait. Not state of the protocol, which the driver's task owns: only where outcomes go.
    waiting: Mutex<Waiting>,
    #[expect(dead_code, reason = "acts when dropped")]
    abandoned: DropGuard,
}

#[derive(Debug, Default)]
struct Waiting {
    calls: HashMap<RequestKey, oneshot::Sender<Outcome>>,
    closed: bool,
}

impl Peer {
    /// `abandoned` is cancelled when the last handle is dropped.
    pub(crate) fn new(outbox: Outbox, abandoned: CancellationToken) -> Self {
        Self(Arc::new(Shared { outbox, waiting: Mutex::default(), abandoned: abandoned.drop_guard() }))
    }

    pub(crate) fn downgrade(&self) -> std::sync::Weak<Shared> {
        Arc::downgrade(&self.0)
    }

    pub(crate) fn upgrade(weak: &std::sync::Weak<Shared>) -> Option<Self> {
        weak.upgrade().map(Self)
    }

    /// The outbox that sends its messages.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    /// Calls a method and waits for its typed result. There is no time limit; dropping the future sends
    /// `$/cancel_request`.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call<R: Request>(&self, params: &R::Params) -> Result<R::Output, CallError> {
        let method = R::METHOD.name;
        let params =
            RawBuf::encode(params).map_err(|source| CallError::Encode { method: method.to_owned(), source })?;
        let payload = self.call_raw(method, params).await?;
        R::decode_output(payload.raw()).map_err(|source| CallError::Decode { method: method.to_owned(), source })
    }

    /// Calls a method by name. `params` must be an object or array. Otherwise like [`Peer::call`].
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call_raw(&self, method: &str, params: RawBuf) -> Result<Payload, CallError> {
        let closed = || CallError::Closed { method: method.to_owned() };
        let key = self.0.outbox.reserve_key();
        let answer = self.0.register(key).ok_or_else(closed)?;
        let mut call = OpenCall { shared: &self.0, key, sent: false };
        self.0.outbox.request_as(key, method, params).await.map_err(|Closed| closed())?;
        call.sent = true;
        let outcome = answer.await.unwrap_or(Err(ResponseError::Closed));
        let method = method.to_owned();
        outcome.map_err(|failed| match failed {
            ResponseError::Peer(error) => CallError::Refused { method, error },
            ResponseError::Invalid(error) => CallError::Invalid { method, error },
            ResponseError::TooMany { limit } => CallError::TooMany { method, limit },
            ResponseError::Closed => CallError::Closed { method },
        })
    }

    /// Sends a typed notification; waits only while the queue is full.
    ///
    /// # Errors
    /// When the params cannot be written, or the connection is closed.
    pub async fn notify<N: Notification>(&self, params: &N::Params) -> Result<(), CallError> {
        let method = N::METHOD.name;
        let frame =
            notification(method, params).map_err(|source| CallError::Encode { method: method.to_owned(), source })?;
        self.0.outbox.frame(frame).await.map_err(|Closed| CallError::Closed { method: method.to_owned() })
    }

    /// Sends a notification by name. `params` must be an object or array.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn notify_raw(&self, method: &str, params: RawBuf) -> Result<(), Closed> {
        self.0.outbox.notify(method, params).await
    }

    /// Closes the connection after everything sent so far, and waits until its transport is free.
    pub async fn close(&self) {
        self.0.outbox.close().await;
        self.0.outbox.finished().await;
    }

    pub(crate) fn settle(&self, key: RequestKey, outcome: Outcome) {
        if let Some(call) = self.0.waiting().calls.remove(&key) {
            // The caller may have lost interest this very moment.
            let _ = call.send(outcome);
        }
    }

    /// The connection is closed: nobody who waits or calls from now on gets a result.
    pub(crate) fn fail_all(&self) {
        let mut waiting = self.0.waiting();
        waiting.closed = true;
        waiting.calls.clear();
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, key: RequestKey) -> Option<oneshot::Receiver<Outcome>> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        waiting.calls.insert(key, sender);
        Some(receiver)
    }
}

/// Cancels a call whose caller goes away before the answer.
struct OpenCall<'a> {
    shared: &'a Shared,
    key: RequestKey,
    sent: bool,
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        if self.shared.waiting().calls.remove(&self.key).is_some() && self.sent {
            // With a full queue the peer does the work for nothing; its answer is dropped.
            let _ = self.shared.outbox.try_cancel(self.key);
        }
    }
}

/// The frame in one go: updates are what agents send most.
fn notification<T: Serialize>(method: &str, params: &T) -> serde_json::Result<Bytes> {
    let mut frame = frame::notification(method, None).into_bytes();
    frame.pop();
    frame.reserve(256);
    frame.extend_from_slice(br#","params":"#);
    serde_json::to_writer(&mut frame, params)?;
    frame.push(b'}');
    Ok(Bytes::from(frame))
}
