//! A session from a cursor: history, a mark, then live.

use acp_types::SessionId;
use acp_types::api::jsonrpsee::core::server::{PendingSubscriptionSink, SubscriptionSink};
use acp_types::api::{CaughtUp, Closed, Event, Fault};
use acp_types::record::Seq;

use super::call::Peer;
use super::fault;
use crate::log::{LogError, ReadLimit};
use crate::service::follower::FollowerReader;
use crate::service::{SessionService, shown};
use crate::view::door;

/// Read from the log and rendered at a time. At most three of them are on their way from one subscription to its
/// connection, so this times the number of subscriptions is what a client that stops reading costs.
const BATCH: ReadLimit = ReadLimit { records: 256, bytes: 32 * 1024 };

/// Delivers a session until the client, the session or the gateway goes.
pub(super) async fn deliver(
    service: &SessionService,
    peer: &Peer,
    pending: PendingSubscriptionSink,
    session: SessionId,
    after: Seq,
) {
    let reader = match service.follow(&peer.caller, &session, after).await {
        Ok(reader) => reader,
        Err(error) => return pending.reject(fault::refused(error)).await,
    };
    if let Ok(sink) = pending.accept().await {
        let last = run(&sink, peer, reader, &session).await;
        if let Some(closed) = last {
            // Whether the client still takes it is its own affair.
            send(&sink, &Event::Closed(closed)).await;
        }
    }
}

/// Why it ended; `None` when the client is gone or wants no more.
async fn run(sink: &SubscriptionSink, peer: &Peer, mut reader: FollowerReader, session: &SessionId) -> Option<Closed> {
    // Where history ends.
    let history = reader.head();
    let mut caught_up = false;
    loop {
        if !caught_up && reader.cursor() >= history {
            caught_up = true;
            if !send(sink, &Event::CaughtUp(CaughtUp { seq: reader.cursor() })).await {
                return None;
            }
        }
        // At shutdown the client gets what is committed first.
        let at_head = reader.cursor() >= reader.head();
        let read = tokio::select! {
            biased;
            () = sink.closed() => return None,
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
        if !send(sink, &event).await {
            return None;
        }
    }
}

fn stopping() -> Closed {
    Closed { stopping: true, ..Closed::because(&fault::stopping()) }
}

/// Whether it was taken.
async fn send(sink: &SubscriptionSink, event: &Event) -> bool {
    match serde_json::value::to_raw_value(event) {
        Ok(event) => sink.send(event).await.is_ok(),
        Err(error) => {
            tracing::error!(%error, "an event cannot be encoded");
            false
        }
    }
}
