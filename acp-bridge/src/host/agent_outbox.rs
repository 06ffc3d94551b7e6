//! Outbox of an agent: messages on their way to it, in order. Whoever sends one does not wait for the agent to read.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use acp_server::Closed;
use acp_server::proto::RequestKey;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// Time that a message waits for an agent that has not read what was sent before.
const AGENT_READS: Duration = Duration::from_secs(1);

/// Messages that wait beside those that the connection holds, and their bytes. More are refused at once: as much is
/// what all clients together may ask of an agent in the time that it has, and it is held for no longer than that.
const MAX_WAITING: usize = 1024;
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Messages that wait because the agent does not read, in order.
#[derive(Default)]
pub(super) struct AgentOutbox {
    waiting: VecDeque<QueuedMessage>,
    bytes: usize,
}

/// Sending of one message, with its time limit.
type Sending = Pin<Box<dyn Future<Output = Result<Result<(), Closed>, Elapsed>> + Send>>;

/// A message on its way, which began when it was made.
pub(super) struct QueuedMessage {
    what: String,
    /// The key of a request.
    key: Option<RequestKey>,
    bytes: usize,
    sending: Sending,
}

/// A message that the agent did not read in time, or that there is no room for. It will not be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dropped {
    /// The key of a request.
    pub(super) key: Option<RequestKey>,
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
    pub(super) fn send(&mut self, mut message: QueuedMessage) -> Result<(), Dropped> {
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

impl QueuedMessage {
    /// A message with its sending. Its time begins here, not when it comes to be the first.
    pub(super) fn new(
        what: String,
        key: Option<RequestKey>,
        bytes: usize,
        sending: impl Future<Output = Result<(), Closed>> + Send + 'static,
    ) -> Self {
        Self { what, key, bytes, sending: Box::pin(timeout(AGENT_READS, sending)) }
    }

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

#[cfg(test)]
mod tests;
