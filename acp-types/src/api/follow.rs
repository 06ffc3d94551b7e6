//! A subscription that keeps its cursor.

use std::sync::Arc;

use jsonrpsee::core::client::{Client, Error, Subscription, SubscriptionCloseReason};

use super::{Closed, Event, SessionApiClient};
use crate::SessionId;
use crate::record::Seq;

/// Follows a session on one connection, each record once and in order. When its reader is slower than the session for
/// long, the client library gives a subscription up; this one subscribes again from the cursor.
#[derive(Debug)]
pub struct Follow {
    client: Arc<Client>,
    session: SessionId,
    cursor: Seq,
    attend: bool,
    subscription: Option<Subscription<Event>>,
    caught_up: bool,
}

/// Reason why a session can be followed no longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FollowError {
    /// The subscription was refused, or could not be asked for.
    #[error(transparent)]
    Client(#[from] Error),
    /// The connection is gone.
    #[error("the bridge closed the connection; connect again and follow from cursor {cursor}")]
    Disconnected {
        /// See [`Follow::cursor`].
        cursor: Seq,
    },
    /// The server ended it.
    #[error("{}", .0.message)]
    Closed(Box<Closed>),
    /// The server sent what is not the next record.
    #[error("record {got} came where {expected} follows; report this as a defect of the bridge")]
    Gap {
        /// The seq that follows on the cursor.
        expected: Seq,
        /// The seq that came.
        got: Seq,
    },
}

impl Follow {
    /// Starts after a cursor: `0` for everything. Subscribes when it is first asked for an event.
    #[must_use]
    pub fn new(client: impl Into<Arc<Client>>, session: SessionId, after: Seq) -> Self {
        Self { client: client.into(), session, cursor: after, attend: false, subscription: None, caught_up: false }
    }

    /// Counts as somebody who answers what the agent asks, see `attend` of `session_subscribe`.
    #[must_use]
    pub fn attending(mut self) -> Self {
        self.attend = true;
        self
    }

    /// Seq of the last record that was returned.
    #[must_use]
    pub fn cursor(&self) -> Seq {
        self.cursor
    }

    /// The client, for other calls.
    #[must_use]
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The next event: records, the mark between history and live (once), or a fault. Cancel-safe.
    ///
    /// # Errors
    /// See [`FollowError`].
    pub async fn next(&mut self) -> Result<Event, FollowError> {
        loop {
            let subscription = match &mut self.subscription {
                Some(subscription) => subscription,
                none => {
                    let (session, after) = (self.session.clone(), Some(self.cursor));
                    none.insert(self.client.session_subscribe(session, after, Some(self.attend)).await?)
                }
            };
            match subscription.next().await {
                Some(Ok(Event::Closed(closed))) => return Err(FollowError::Closed(closed.into())),
                Some(Ok(Event::CaughtUp(_))) if self.caught_up => {}
                Some(Ok(event)) => {
                    self.take(&event)?;
                    return Ok(event);
                }
                Some(Err(error)) => return Err(Error::ParseError(error).into()),
                None if matches!(subscription.close_reason(), Some(SubscriptionCloseReason::Lagged)) => {
                    self.subscription = None;
                }
                None => return Err(FollowError::Disconnected { cursor: self.cursor }),
            }
        }
    }

    fn take(&mut self, event: &Event) -> Result<(), FollowError> {
        match event {
            Event::Records(records) => {
                for record in records {
                    if record.seq != self.cursor + 1 {
                        return Err(FollowError::Gap { expected: self.cursor + 1, got: record.seq });
                    }
                    self.cursor = record.seq;
                }
            }
            Event::CaughtUp(_) => self.caught_up = true,
            _ => {}
        }
        Ok(())
    }
}
