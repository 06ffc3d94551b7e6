//! A session from a cursor: history, a mark, then live.

use acp_types::SessionId;
use acp_types::api::jsonrpsee::core::server::{PendingSubscriptionSink, SubscriptionSink};
use acp_types::api::jsonrpsee::types::SubscriptionId;
use acp_types::api::{CaughtUp, Closed, Event, Fault};
use acp_types::record::Seq;
use bytes::Bytes;
use serde::Serialize;

use super::call::{Outlet, Peer};
use super::fault;
use crate::log::{LogError, ReadLimit};
use crate::service::follower::FollowerReader;
use crate::service::{SessionService, shown};
use crate::shared::{self, BIG};
use crate::view::door;

/// Limit of what is read from the log and rendered at a time. At most three of them are on their way from one
/// subscription to its connection, so this times the number of subscriptions is what a client that stops reading costs.
const BATCH: ReadLimit = ReadLimit { records: 256, bytes: 32 * 1024 };

/// Delivers a session until the client, the session or the gateway goes.
pub(super) async fn deliver(
    service: &SessionService,
    peer: &Peer,
    outlet: &Outlet,
    pending: PendingSubscriptionSink,
    session: SessionId,
    after: Seq,
) {
    let reader = match service.follow(&peer.caller, &session, after).await {
        Ok(reader) => reader,
        Err(error) => return pending.reject(fault::refused(error)).await,
    };
    if let Ok(sink) = pending.accept().await {
        let subscriber = Subscriber { sink: &sink, outlet };
        if let Some(closed) = run(&subscriber, peer, reader, &session).await {
            // Whether the client still takes it is its own affair.
            subscriber.send(&Event::Closed(closed)).await;
        }
    }
}

/// Delivers until it ends; why, or `None` when the client is gone or wants no more.
async fn run(
    subscriber: &Subscriber<'_>,
    peer: &Peer,
    mut reader: FollowerReader,
    session: &SessionId,
) -> Option<Closed> {
    // Where history ends.
    let history = reader.head();
    let mut caught_up = false;
    loop {
        if !caught_up && reader.cursor() >= history {
            caught_up = true;
            if !subscriber.send(&Event::CaughtUp(CaughtUp { seq: reader.cursor() })).await {
                return None;
            }
        }
        // At shutdown the client gets what is committed first.
        let at_head = reader.cursor() >= reader.head();
        let read = tokio::select! {
            biased;
            () = subscriber.sink.closed() => return None,
            () = peer.shutdown.cancelled(), if at_head => return Some(stopping()),
            read = reader.next(BATCH) => read,
        };
        let event = match read {
            Ok(batch) => Event::Records(batch.records().iter().cloned().map(shown).collect()),
            Err(LogError::Unwritable { reason }) => Event::Fault(Fault { reason }),
            Err(LogError::Closed) => return Some(stopping()),
            Err(error) => return Some(Closed::because(&door::log_failed(session, &error))),
        };
        // Waits for room: until then nothing more is read for this client.
        if !subscriber.send(&event).await {
            return None;
        }
    }
}

fn stopping() -> Closed {
    Closed { stopping: true, ..Closed::because(&fault::stopping()) }
}

/// Subscriber: whoever gets the events of a subscription.
struct Subscriber<'a> {
    sink: &'a SubscriptionSink,
    outlet: &'a Outlet,
}

/// A notification: an event of a subscription.
#[derive(Serialize)]
struct Notification<'a> {
    jsonrpc: &'static str,
    method: &'a str,
    params: NotificationParams<'a>,
}

#[derive(Serialize)]
struct NotificationParams<'a> {
    subscription: SubscriptionId<'static>,
    result: &'a Event,
}

impl Subscriber<'_> {
    /// Waits for room for an event; returns whether it was taken.
    async fn send(&self, event: &Event) -> bool {
        let params = NotificationParams { subscription: self.sink.subscription_id(), result: event };
        let notification = Notification { jsonrpc: "2.0", method: self.sink.method_name(), params };
        let frame = match serde_json::to_vec(&notification) {
            // Of a big one there is one copy, whoever waits to get it.
            Ok(message) if message.len() >= BIG => shared::frame(b"", &message, b""),
            Ok(message) => Bytes::from(message),
            Err(error) => {
                tracing::error!(%error, "an event cannot be encoded");
                return false;
            }
        };
        tokio::select! {
            biased;
            () = self.sink.closed() => false,
            taken = self.outlet.send(frame) => taken,
        }
    }
}
