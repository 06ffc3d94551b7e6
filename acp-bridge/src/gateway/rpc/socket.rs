//! The API over WebSocket: the task of one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use acp_server::proto::{Event, Incoming};
use acp_server::{Inbox, Link, Outbox};
use acp_types::api::jsonrpsee::core::server::{BoundedSubscriptions, ConnectionId};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::call::{Called, MAX_SUBSCRIPTIONS, Notifications, Peer, Rpc};
use crate::gateway::driver::Context;
use crate::service::{Caller, Principal};

/// Requests of one connection that wait for an answer. One more is answered with an error.
const MAX_CALLS: usize = 256;

/// Time beyond the drain time, to close a connection that takes nothing.
const GOODBYE: Duration = Duration::from_millis(500);

/// Bounds of a connection that speaks the API.
pub(in crate::gateway) fn bounds(mut config: acp_server::Config) -> acp_server::Config {
    config.limits.max_incoming = MAX_CALLS;
    config
}

/// Serves one client until it or the gateway goes.
pub(in crate::gateway) async fn serve(
    link: Link,
    rpc: Rpc,
    context: Context,
    principal: Arc<Principal>,
    tasks: TaskTracker,
) {
    static CONNECTIONS: AtomicUsize = AtomicUsize::new(1);
    let peer = Peer {
        caller: Caller::new(principal, uuid::Uuid::now_v7().to_string().into()),
        connection: ConnectionId(CONNECTIONS.fetch_add(1, Ordering::Relaxed)),
        subscriptions: Some(BoundedSubscriptions::new(MAX_SUBSCRIPTIONS)),
        ids: Arc::default(),
        shutdown: context.shutdown.clone(),
        gone: CancellationToken::new(),
        tasks,
    };
    let socket = Socket {
        rpc,
        peer: Arc::new(peer),
        outbox: link.outbox,
        calls: FuturesUnordered::new(),
        streams: FuturesUnordered::new(),
    };
    socket.run(link.inbox, &context).await;
}

struct Socket {
    rpc: Rpc,
    peer: Arc<Peer>,
    outbox: Outbox,
    /// Requests that are not answered yet: at most [`MAX_CALLS`], see [`bounds`].
    calls: FuturesUnordered<BoxFuture<'static, Option<Notifications>>>,
    /// Subscriptions.
    streams: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl Socket {
    async fn run(mut self, mut inbox: Inbox, context: &Context) {
        loop {
            tokio::select! {
                biased;
                () = context.shutdown.cancelled() => {
                    return self.drain(inbox, Instant::now() + context.config.drain).await;
                }
                events = inbox.next_batch() => {
                    if !events.is_some_and(|events| self.events(events)) {
                        break;
                    }
                }
                () = self.step() => {}
            }
        }
        // What the client asked for before it left is done, as far as it does not wait for anything itself.
        self.streams.clear();
        self.peer.gone.cancel();
        let finish = async { while self.calls.next().await.is_some() {} };
        let _ = timeout_at(Instant::now() + context.config.drain, finish).await;
    }

    /// Polls what is under way; pending while nothing is. Cancel-safe.
    async fn step(&mut self) {
        tokio::select! {
            Some(notifications) = self.calls.next() => {
                if let Some(notifications) = notifications {
                    self.streams.push(forward(notifications, self.outbox.clone()).boxed());
                }
            }
            Some(()) = self.streams.next() => {}
            else => std::future::pending().await,
        }
    }

    /// Takes in events; returns whether the client is still there.
    fn events(&mut self, events: Vec<Event>) -> bool {
        for event in events {
            match event {
                Event::Request(request) => {
                    let (rpc, peer, outbox) = (self.rpc.clone(), Arc::clone(&self.peer), self.outbox.clone());
                    self.calls.push(answer(request, rpc, peer, outbox).boxed());
                }
                Event::Closed(reason) => {
                    tracing::debug!(client = %self.peer.caller.client(), %reason, "a client of the session API has gone");
                    return false;
                }
                // Notifications ask for nothing: the API has none. What was no message has been answered.
                _ => {}
            }
        }
        true
    }

    /// Writes what is committed, then says goodbye.
    async fn drain(mut self, mut inbox: Inbox, deadline: Instant) {
        self.peer.gone.cancel();
        let complete = async {
            while !self.calls.is_empty() || !self.streams.is_empty() {
                self.step().await;
            }
        };
        if timeout_at(deadline, complete).await.is_err() {
            tracing::debug!(client = %self.peer.caller.client(), "a client did not get everything before the shutdown");
        }
        let goodbye = async {
            self.outbox.close().await;
            while inbox.next_batch().await.is_some() {}
            self.outbox.finished().await;
        };
        // The connection's own task has its own deadline; past this one it is on its own.
        let _ = timeout_at(deadline + GOODBYE, goodbye).await;
    }
}

/// Answers a request; a subscription goes on with its notifications.
async fn answer(request: Incoming, rpc: Rpc, peer: Arc<Peer>, outbox: Outbox) -> Option<Notifications> {
    let Called { outcome, notifications } = rpc.call(request.method(), request.params(), &peer).await;
    // A client that has gone needs no answer.
    outbox.respond_raw(request.id().clone(), outcome).await.ok()?;
    notifications
}

async fn forward(mut notifications: Notifications, outbox: Outbox) {
    while let Some(message) = notifications.next().await {
        if outbox.frame(message).await.is_err() {
            return;
        }
    }
}
