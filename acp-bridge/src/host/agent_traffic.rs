//! Traffic with a connected agent: what it says goes to the machine, and what it is sent waits until it reads.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::vec::IntoIter;

use acp_server::HOP;
use acp_server::proto::{Event, Rejection, RequestKey, ResponseError};
use acp_types::method::v1;
use acp_types::{Raw, RawBuf, RawError, RequestId};

use super::agent::Agent;
use super::agent_outbox::{AgentOutbox, QueuedMessage};
use super::context::SessionLogic;
use super::door::{self, Undone};
use crate::session::{CallId, FromAgent, Input};

/// Events that are taken at once, and bytes of them unless one event has more. They become one commit, and a command
/// waits for the commits that run: this bounds how long a cancel takes to reach an agent that writes as fast as it can.
/// Fewer would cost throughput, since each commit has its price.
const EVENTS: usize = 384;
const BYTES: usize = 192 * 1024;

/// A connected agent, with what is on its way from it and to it.
#[derive(Debug)]
pub(super) struct Traffic {
    agent: Agent,
    /// Events that the machine has not heard: one batch of its inbox, taken in portions.
    left: IntoIter<Event>,
    receipt: Receipt,
    /// Messages that it has not read yet.
    outbox: AgentOutbox,
    /// Requests to it that it has not answered.
    calls: HashMap<RequestKey, CallId>,
}

/// News for the machine, which has heard them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// The agent has said something.
    Said,
    /// The agent will say no more.
    Closed,
    /// The agent did not read a call, which is answered in its place.
    Unread,
}

impl Traffic {
    /// Traffic with an agent that serves its session since its message `opened`, and has these calls to answer.
    pub(super) fn new(agent: Agent, opened: u64, calls: HashMap<RequestKey, CallId>) -> Self {
        let receipt = Receipt { heard: opened, settled: 0 };
        Self { agent, left: IntoIter::default(), receipt, outbox: AgentOutbox::default(), calls }
    }

    /// The agent, with which there is no more traffic.
    pub(super) fn into_agent(self) -> Agent {
        self.agent
    }

    /// The last message that a remote agent has said and does not know to be safe, by ordinal.
    pub(super) fn unsettled(&self) -> Option<u64> {
        self.receipt.unsettled().filter(|_| self.agent.process.runs_on())
    }

    /// Tells the agent that its messages up to this one are in the log: it need not keep them any longer.
    pub(super) fn settle(&mut self, ordinal: u64) {
        if self.receipt.settle(ordinal) {
            self.agent.process.settle(ordinal);
        }
    }
}

/// Messages from the agent.
impl Traffic {
    /// Lets traffic flow. Ready when the machine has heard something.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, lane: &Arc<str>, logic: &mut SessionLogic) -> Poll<Heard> {
        while let Poll::Ready(dropped) = self.outbox.poll(context) {
            if let Some(call) = dropped.key.and_then(|key| self.calls.remove(&key)) {
                logic.hear(lane, None, unread(call));
                return Poll::Ready(Heard::Unread);
            }
        }
        if let Some(prints) = &mut self.agent.prints
            && let Poll::Ready(Some(params)) = prints.poll_recv(context)
        {
            logic.hear(lane, None, FromAgent::Update(params.into()));
            return Poll::Ready(Heard::Said);
        }
        loop {
            let portion = portion(self.left.as_slice());
            if portion > 0 {
                return Poll::Ready(self.hear_portion(portion, lane, logic));
            }
            match ready!(self.agent.inbox.poll_next_batch(context)) {
                Some(batch) => self.left = batch.into_iter(),
                None => return Poll::Ready(Heard::Closed),
            }
        }
    }

    fn hear_portion(&mut self, portion: usize, lane: &Arc<str>, logic: &mut SessionLogic) -> Heard {
        tracing::trace!(name: "heard", target: HOP, "");
        let mut heard = Heard::Said;
        for _ in 0..portion {
            let Some(event) = self.left.next() else { break };
            if matches!(event, Event::Closed(_)) {
                heard = Heard::Closed;
            }
            self.hear(event, lane, logic);
        }
        heard
    }

    /// Takes in what the agent said before there was traffic.
    pub(super) fn hear_early(&mut self, lane: &Arc<str>, logic: &mut SessionLogic) {
        for event in std::mem::take(&mut self.agent.early) {
            self.hear(event, lane, logic);
        }
    }

    /// Takes in one thing that the agent said: an answer finds its call, and its services learn of what it shows.
    fn hear(&mut self, event: Event, lane: &Arc<str>, logic: &mut SessionLogic) {
        let ordinal = event.ordinal();
        self.receipt.hear(ordinal.unwrap_or(0));
        let position = self.agent.position(ordinal);
        let Some(event) = from_agent(event, |key| self.calls.remove(&key)) else { return };
        if let (FromAgent::Update(params), Some(services)) = (&event, &self.agent.services) {
            services.said(params.raw());
        }
        logic.hear(lane, position, event);
    }
}

impl SessionLogic {
    /// Tells the machine what the agent of a lane did.
    pub(super) fn hear(&mut self, lane: &Arc<str>, position: Option<u64>, event: FromAgent) {
        let input = Input::Agent { lane: Arc::clone(lane), position, event };
        self.machine.handle(self.clock.now(), input, &mut self.out);
    }
}

/// Number of the next events that are taken at once.
fn portion(events: &[Event]) -> usize {
    let mut bytes = 0;
    let fit = events.iter().take(EVENTS).take_while(|event| {
        let first = bytes == 0;
        bytes += event.weight();
        first || bytes <= BYTES
    });
    fit.count()
}

/// An event of the connection, as the machine takes it. `call` tells which call of the machine a response answers.
pub(super) fn from_agent(event: Event, call: impl FnOnce(RequestKey) -> Option<CallId>) -> Option<FromAgent> {
    match event {
        Event::Notification(notification) if notification.method() == v1::SessionUpdate::NAME => {
            Some(FromAgent::Update(notification.into_payload()?))
        }
        Event::Notification(notification) => Some(FromAgent::Notification {
            method: notification.method().to_owned(),
            params: notification.params().map(Raw::to_owned),
        }),
        Event::Request(request) => Some(FromAgent::Request {
            id: request.id().clone(),
            method: request.method().to_owned(),
            params: request.params().map(Raw::to_owned),
        }),
        Event::Cancelled { id, .. } => Some(FromAgent::Withdrew(id)),
        Event::Response { key, outcome, .. } => {
            let call = call(key)?;
            let outcome = match outcome {
                Ok(payload) => Ok(payload.raw().to_owned()),
                Err(ResponseError::Peer(error)) => Err(error.into_raw()),
                // The exit that follows says so.
                Err(ResponseError::Closed) => return None,
                Err(other) => Err(door::unanswered(&other)),
            };
            Some(FromAgent::Answered { call, outcome })
        }
        Event::Rejected { reason: Rejection::Frame(error) } => {
            tracing::warn!(reason = %error, "the agent sent something that cannot be read");
            // Whoever waits for an answer has been told.
            let told = error.is_response_like() || error.is_request_like();
            (!told).then(|| FromAgent::Unreadable { reason: error.to_string() })
        }
        Event::Rejected { reason } => {
            tracing::warn!(%reason, "the agent sent something that is refused");
            None
        }
        Event::Stray { error: Some(error), .. } => {
            tracing::warn!(%error, "the agent refused something that it was sent");
            None
        }
        Event::Stray { id, .. } => {
            tracing::warn!(%id, "the agent answered a request that is not open");
            None
        }
        _ => None,
    }
}

/// Answer to a call that the agent did not read.
pub(super) fn unread(call: CallId) -> FromAgent {
    FromAgent::Answered { call, outcome: Err(RawError::from(Undone::Unread).into_raw()) }
}

/// Messages to the agent. Whoever sends one does not wait for the agent to read.
impl Traffic {
    /// Sends a request; `false` if there is no room for it.
    pub(super) fn call(&mut self, call: CallId, method: String, params: Option<RawBuf>) -> bool {
        let params = for_agent(params);
        let (outbox, what, bytes) = (self.agent.outbox.clone(), method.clone(), params.as_str().len());
        let key = outbox.reserve_key();
        // Known before that: the answer may be there before the sending returns.
        self.calls.insert(key, call);
        let sending = async move { outbox.request_as(key, &method, params).await };
        let sent = self.outbox.send(QueuedMessage::new(what, Some(key), bytes, sending)).is_ok();
        if !sent {
            self.calls.remove(&key);
        }
        sent
    }

    /// Sends a notification.
    pub(super) fn notify(&mut self, method: String, params: Option<RawBuf>) {
        let params = for_agent(params);
        let (outbox, what, bytes) = (self.agent.outbox.clone(), method.clone(), params.as_str().len());
        let sending = async move { outbox.notify(&method, params).await };
        // The log of the bridge says what is dropped; nobody waits for it.
        let _ = self.outbox.send(QueuedMessage::new(what, None, bytes, sending));
    }

    /// Answers a request of the agent.
    pub(super) fn respond(&mut self, id: RequestId, answer: Result<RawBuf, RawError>) {
        let bytes = answer.as_ref().map_or_else(|error| error.as_raw().as_str().len(), |result| result.as_str().len());
        let outbox = self.agent.outbox.clone();
        let sending = async move { outbox.respond_raw(id, answer).await };
        // As above.
        let _ = self.outbox.send(QueuedMessage::new("answer".to_owned(), None, bytes, sending));
    }

    /// Serves a request for files or commands.
    pub(super) fn serve(&mut self, id: RequestId, method: String, params: Option<RawBuf>) {
        if let Err((id, why)) = self.agent.serve(id, method, params) {
            self.respond(id, Err(why.into()));
        }
    }

    /// Serves a request no longer that may be one of those.
    pub(super) fn withdraw(&self, id: RequestId) {
        if let Some(services) = &self.agent.services {
            services.withdraw(id);
        }
    }
}

/// Params of a client, as an agent can read them: many refuse half a surrogate pair, and with it the whole message.
fn for_agent(params: Option<RawBuf>) -> RawBuf {
    params.map_or_else(|| RawBuf::from(Raw::EMPTY_OBJECT), RawBuf::into_well_formed)
}

/// Receipt for what an agent said, by ordinals: the last message that was heard, and the last that it knows to be safe.
#[derive(Debug, Clone, Copy)]
struct Receipt {
    heard: u64,
    settled: u64,
}

impl Receipt {
    fn hear(&mut self, ordinal: u64) {
        self.heard = self.heard.max(ordinal);
    }

    fn unsettled(self) -> Option<u64> {
        (self.heard > self.settled).then_some(self.heard)
    }

    /// Marks the messages up to this one as safe; returns whether that is news.
    fn settle(&mut self, ordinal: u64) -> bool {
        let is_news = ordinal > self.settled;
        self.settled = self.settled.max(ordinal);
        is_news
    }
}

#[cfg(test)]
mod tests;
