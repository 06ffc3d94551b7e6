//! Messages on their way to one agent, in order. Whoever sends one does not wait for the agent to read.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use acp_server::proto::RequestKey;
use acp_server::{Closed, Outbox};
use acp_types::{RawBuf, RawError, RequestId};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// Time that a message waits for an agent that has not read what was sent before.
const AGENT_READS: Duration = Duration::from_secs(1);

/// Messages that wait beside those that the connection holds, and their bytes. More are refused at once: as much is
/// what all clients together may ask of an agent in the time that it has, and it is held for no longer than that.
const MAX_WAITING: usize = 1024;
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Message to an agent.
#[derive(Debug)]
pub(super) enum Message {
    /// A request, under a key of [`Outbox::reserve_key`].
    Request {
        key: RequestKey,
        method: String,
        params: RawBuf,
    },
    Notification {
        method: String,
        params: RawBuf,
    },
    Answer {
        id: RequestId,
        answer: Result<RawBuf, RawError>,
    },
}

/// A message that the agent did not read in time, or that there is no room for. It will not be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dropped {
    /// The key of a request.
    pub(super) key: Option<RequestKey>,
}

/// The sending of one message, with its time limit.
type Sending = Pin<Box<dyn Future<Output = Result<Result<(), Closed>, Elapsed>> + Send>>;

struct QueuedMessage {
    what: String,
    key: Option<RequestKey>,
    bytes: usize,
    sending: Sending,
}

impl QueuedMessage {
    /// Result of a message, once it is known. A closed connection counts as taken: the agent's exit follows and says
    /// what is open.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Dropped>> {
        self.sending.as_mut().poll(context).map(|outcome| match outcome {
            Ok(_) => Ok(()),
            Err(_) => Err(self.dropped()),
        })
    }

    fn dropped(&self) -> Dropped {
        tracing::warn!(what = self.what, "the agent does not read its input; a message to it was dropped");
        Dropped { key: self.key }
    }
}

/// Messages that wait because the agent does not read.
#[derive(Default)]
pub(super) struct AgentOutbox {
    waiting: VecDeque<QueuedMessage>,
    bytes: usize,
}

impl std::fmt::Debug for AgentOutbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentOutbox").field("waiting", &self.waiting.len()).field("bytes", &self.bytes).finish()
    }
}

impl AgentOutbox {
    /// Sends a message behind all others. It is on its way when this returns, or waits to be.
    ///
    /// # Errors
    /// When as much waits as may.
    pub(super) fn send(&mut self, outbox: &Outbox, message: Message) -> Result<(), Dropped> {
        let mut message = queued(outbox.clone(), message);
        if self.waiting.is_empty() {
            // Nobody is to be woken: what is not taken here is polled again.
            if let Poll::Ready(taken) = message.poll(&mut Context::from_waker(Waker::noop())) {
                return taken;
            }
        } else if self.waiting.len() >= MAX_WAITING || self.bytes + message.bytes > MAX_BYTES {
            return Err(message.dropped());
        }
        self.bytes += message.bytes;
        self.waiting.push_back(message);
        Ok(())
    }

    /// Sends what waits; ready with each message that the agent did not read in time.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Dropped> {
        while let Some(message) = self.waiting.front_mut() {
            let Poll::Ready(taken) = message.poll(context) else { break };
            self.bytes -= message.bytes;
            self.waiting.pop_front();
            if let Err(dropped) = taken {
                return Poll::Ready(dropped);
            }
        }
        Poll::Pending
    }
}

fn queued(outbox: Outbox, message: Message) -> QueuedMessage {
    match message {
        Message::Request { key, method, params } => {
            let (what, bytes) = (method.clone(), params.as_str().len());
            let sending = async move { outbox.request_as(key, &method, params).await };
            QueuedMessage { what, key: Some(key), bytes, sending: in_time(sending) }
        }
        Message::Notification { method, params } => {
            let (what, bytes) = (method.clone(), params.as_str().len());
            let sending = async move { outbox.notify(&method, params).await };
            QueuedMessage { what, key: None, bytes, sending: in_time(sending) }
        }
        Message::Answer { id, answer } => {
            let bytes = match &answer {
                Ok(result) => result.as_str().len(),
                Err(error) => error.as_raw().as_str().len(),
            };
            let sending = async move { outbox.respond_raw(id, answer).await };
            QueuedMessage { what: "answer".to_owned(), key: None, bytes, sending: in_time(sending) }
        }
    }
}

/// The time begins here, not when the message comes to be the first.
fn in_time(sending: impl Future<Output = Result<(), Closed>> + Send + 'static) -> Sending {
    Box::pin(timeout(AGENT_READS, sending))
}

#[cfg(test)]
mod tests;
