//! What an agent says: from its frames, in portions, to inputs of the machine.

use std::task::{Context, Poll, ready};
use std::vec::IntoIter;

use acp_server::proto::{Event, Rejection, RequestKey, ResponseError};
use acp_types::method::v1;

use super::agent::Agent;
use super::agent_slot::Serving;
use super::door;
use crate::session::{CallId, FromAgent};

/// Events that are taken at once, and bytes of them unless one event has more. They become one commit, and a command
/// waits for the commits that run: this bounds how long a cancel takes to reach an agent that writes as fast as it can.
/// Fewer would cost throughput, since each commit has its price.
const EVENTS: usize = 384;
const BYTES: usize = 192 * 1024;

/// Something that an agent has said, as the machine takes it.
#[derive(Debug)]
pub(super) struct Said {
    /// The number of its message, if it comes over a link.
    pub(super) position: Option<u64>,
    pub(super) event: FromAgent,
}

/// What is taken at once.
#[derive(Debug)]
pub(super) struct Portion {
    pub(super) said: Vec<Said>,
    /// It will say no more.
    pub(super) over: bool,
}

/// What an agent has said and its session has not taken yet: one batch of its inbox, given out in portions.
#[derive(Debug, Default)]
pub(super) struct AgentEvents {
    left: IntoIter<Event>,
}

impl AgentEvents {
    /// What the agent says next.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        agent: &mut Agent,
        serving: &mut Serving,
    ) -> Poll<Portion> {
        loop {
            if let Some(events) = self.next_portion() {
                let over = events.iter().any(|event| matches!(event, Event::Closed(_)));
                return Poll::Ready(Portion { said: take(events, agent, serving), over });
            }
            match ready!(agent.inbox.poll_next_batch(context)) {
                Some(batch) => self.left = batch.into_iter(),
                None => return Poll::Ready(Portion { said: Vec::new(), over: true }),
            }
        }
    }

    /// The next events, oldest first; `None` when all are given out.
    fn next_portion(&mut self) -> Option<Vec<Event>> {
        let mut bytes = 0;
        let fit = self.left.as_slice().iter().take(EVENTS).take_while(|event| {
            let first = bytes == 0;
            bytes += event.weight();
            first || bytes <= BYTES
        });
        let count = fit.count();
        (count > 0).then(|| self.left.by_ref().take(count).collect())
    }
}

/// Takes in what an agent has said: answers find their calls, and its services learn of what it shows.
pub(super) fn take(events: Vec<Event>, agent: &Agent, serving: &mut Serving) -> Vec<Said> {
    let mut said = Vec::with_capacity(events.len());
    for event in events {
        let ordinal = event.ordinal();
        if let Some(ordinal) = ordinal {
            serving.heard(ordinal);
        }
        let position = agent.position(ordinal);
        let Some(event) = from_agent(event, |key| serving.take_call(key)) else { continue };
        if let (FromAgent::Update(params), Some(services)) = (&event, &agent.services) {
            services.said(params.raw());
        }
        said.push(Said { position, event });
    }
    said
}

/// One event of the connection as the machine takes it. `call` tells which call of the machine a response answers.
pub(super) fn from_agent(event: Event, call: impl FnOnce(RequestKey) -> Option<CallId>) -> Option<FromAgent> {
    match event {
        Event::Notification(notification) if notification.method() == v1::SessionUpdate::NAME => {
            Some(FromAgent::Update(notification.into_payload()?))
        }
        Event::Notification(notification) => Some(FromAgent::Notification {
            method: notification.method().to_owned(),
            params: notification.params().map(acp_types::Raw::to_owned),
        }),
        Event::Request(request) => Some(FromAgent::Request {
            id: request.id().clone(),
            method: request.method().to_owned(),
            params: request.params().map(acp_types::Raw::to_owned),
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

#[cfg(test)]
mod tests {
    use acp_server::proto::{Connection, Event, Limits};
    use bytes::Bytes;

    use super::{AgentEvents, BYTES, EVENTS};

    /// Events of notifications whose numbers are `0..count`, each with so many bytes more.
    fn batch(count: usize, more: usize) -> Vec<Event> {
        let mut connection = Connection::new(Limits::default());
        for number in 0..count {
            let frame =
                format!(r#"{{"jsonrpc":"2.0","method":"_n","params":{{"n":{number},"x":"{}"}}}}"#, "x".repeat(more));
            connection.receive(Bytes::from(frame));
        }
        let mut events = Vec::new();
        connection.take_events(&mut events);
        events
    }

    fn number(event: &Event) -> usize {
        let Event::Notification(notification) = event else { panic!("{event:?}") };
        notification.params().and_then(|params| params.member("n")?.decode().ok()).unwrap()
    }

    fn portions(batch: Vec<Event>) -> Vec<Vec<usize>> {
        let mut batch = AgentEvents { left: batch.into_iter() };
        std::iter::from_fn(|| batch.next_portion()).map(|portion| portion.iter().map(number).collect()).collect()
    }

    #[test]
    fn a_long_batch_comes_in_bounded_portions_and_in_order() {
        let portions = portions(batch(3 * EVENTS - 1, 0));
        assert_eq!(portions.iter().map(Vec::len).collect::<Vec<_>>(), [EVENTS, EVENTS, EVENTS - 1]);
        assert!(portions.concat().into_iter().eq(0..3 * EVENTS - 1));
    }

    #[test]
    fn long_messages_come_in_portions_of_bounded_bytes() {
        let portions = portions(batch(8, BYTES / 4));
        assert_eq!(portions.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 2]);
    }

    #[test]
    fn a_message_beyond_the_bound_comes_alone() {
        let portions = portions(batch(2, 2 * BYTES));
        assert_eq!(portions, [[0], [1]]);
    }

    #[test]
    fn nothing_said_is_no_portion() {
        assert!(portions(Vec::new()).is_empty());
    }
}
