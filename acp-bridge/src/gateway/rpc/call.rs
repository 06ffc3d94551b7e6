//! From a message to its method.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use acp_types::api::jsonrpsee::core::server::{
    BoundedSubscriptions, ConnectionId, Extensions, MethodCallback, MethodResponse, MethodSink, Methods,
    SubscriptionState,
};
use acp_types::api::jsonrpsee::core::traits::IdProvider;
use acp_types::api::jsonrpsee::types::{Id, Params, SubscriptionId};
use acp_types::error::RawError;
use acp_types::{ErrorObjectOwned, Raw, RawBuf, json};
use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fault;
use crate::service::Caller;
use crate::view::door;

/// Subscriptions of one connection.
pub(super) const MAX_SUBSCRIPTIONS: u32 = 64;

/// Caller of a method.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// Principal of the caller, and what names it in the log.
    pub(super) caller: Caller,
    /// Name of its connection among those of this gateway.
    pub(super) connection: ConnectionId,
    /// Subscriptions that it may have; `None` where nothing can be pushed.
    pub(super) subscriptions: Option<BoundedSubscriptions>,
    /// Ids for its subscriptions.
    pub(super) ids: Arc<SubscriptionIds>,
    /// Token that is cancelled when the gateway stops.
    pub(super) shutdown: CancellationToken,
    /// Token that is cancelled when the client has gone: what it waits for is of no use any more.
    pub(super) gone: CancellationToken,
    /// Tracker of every task of the gateway.
    pub(super) tasks: TaskTracker,
}

/// Caller of a method, put there by [`Rpc::call`] for every call.
pub(super) fn peer(extensions: &Extensions) -> Result<&Peer, ErrorObjectOwned> {
    extensions.get::<Peer>().ok_or_else(|| door::internal("the call has no caller"))
}

/// Principal of the caller, and what names it in the log.
pub(super) fn caller(extensions: &Extensions) -> Result<&Caller, ErrorObjectOwned> {
    Ok(&peer(extensions)?.caller)
}

/// Numbers of the subscriptions of one connection. They name nothing elsewhere, and clients that follow the same session get
/// the same frames, of which one copy is held.
#[derive(Debug, Default)]
pub(super) struct SubscriptionIds(AtomicU64);

impl IdProvider for SubscriptionIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        SubscriptionId::Num(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Result of a call.
pub(super) struct Called {
    pub(super) outcome: Result<RawBuf, RawError>,
    /// Notifications of a subscription.
    pub(super) notifications: Option<Notifications>,
}

/// Notifications of a subscription, on their way to its connection. The subscription ends when this is dropped.
pub(super) struct Notifications {
    frames: mpsc::Receiver<Bytes>,
    /// Receiver that tells jsonrpsee that somebody is there.
    _open: mpsc::Receiver<Box<RawValue>>,
}

impl Notifications {
    /// Next notification, a whole message; `None` when the subscription has ended. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        self.frames.recv().await
    }
}

/// Outlet where a subscription leaves its notifications, past jsonrpsee, which would copy each for each client.
#[derive(Debug, Clone)]
pub(super) struct Outlet(mpsc::Sender<Bytes>);

impl Outlet {
    /// Waits for room for a message; returns whether it was taken.
    pub(super) async fn send(&self, frame: Bytes) -> bool {
        self.0.send(frame).await.is_ok()
    }
}

/// Methods of the API, for every connection.
#[derive(Debug, Clone)]
pub(in crate::gateway) struct Rpc {
    methods: Methods,
}

impl Rpc {
    pub(super) fn new(methods: Methods) -> Self {
        Self { methods }
    }

    #[cfg(test)]
    pub(super) fn method_names(&self) -> impl Iterator<Item = &'static str> {
        self.methods.method_names()
    }

    /// Calls the method that a request names.
    pub(super) async fn call(&self, method: &str, params: Option<Raw<'_>>, peer: &Peer) -> Called {
        let (outcome, notifications) = match self.run(method, params, peer).await {
            Ok((response, notifications)) => (outcome(&response), notifications),
            Err(refused) => (Err(RawError::from(&refused)), None),
        };
        let outcome = outcome.map_err(|error| fault::explain(method, params, &error));
        let notifications = notifications.filter(|_| outcome.is_ok());
        Called { outcome, notifications }
    }

    async fn run(
        &self,
        method: &str,
        params: Option<Raw<'_>>,
        peer: &Peer,
    ) -> Result<(MethodResponse, Option<Notifications>), ErrorObjectOwned> {
        // The answer gets the request's own id later: jsonrpsee does not know all that JSON-RPC allows.
        let id = Id::Null;
        let callback = self.methods.method(method).ok_or_else(|| fault::unknown_method(method))?;
        // What jsonrpsee decodes must hold no half of a surrogate pair, also in what is only passed on.
        let text = params.map(|params| json::well_formed(params.as_str()));
        let given = Params::new(text.as_deref());
        let mut extensions = Extensions::new();
        extensions.insert(peer.clone());
        Ok(match callback {
            MethodCallback::Sync(call) => (call(id, given, usize::MAX, extensions), None),
            MethodCallback::Async(call) => {
                (call(id, given.into_owned(), peer.connection, usize::MAX, extensions).await, None)
            }
            MethodCallback::Unsubscription(call) => (call(id, given, peer.connection, usize::MAX, extensions), None),
            MethodCallback::Subscription(call) => {
                let bounded = peer.subscriptions.as_ref().ok_or_else(|| fault::needs_web_socket(method))?;
                let limit = bounded.max() as usize;
                let permit = bounded.acquire().ok_or_else(|| fault::too_many("subscriptions", limit))?;
                let state = SubscriptionState {
                    conn_id: peer.connection,
                    id_provider: &*peer.ids,
                    subscription_permit: permit,
                };
                // Room for one, so that a client that does not read is soon not read for.
                let (outlet, frames) = mpsc::channel(1);
                extensions.insert(Outlet(outlet));
                let (sink, mut open) = mpsc::channel(1);
                let subscribe = call(id, given, MethodSink::new(sink), state, extensions);
                // The only message that comes this way is the answer again.
                let (response, _) = tokio::join!(subscribe, open.recv());
                (response, Some(Notifications { frames, _open: open }))
            }
        })
    }
}

/// Result or error of a response.
fn outcome(response: &MethodResponse) -> Result<RawBuf, RawError> {
    let response = Raw::trusted(response.as_json().get());
    if let Some(result) = response.member("result") {
        return Ok(result.to_owned());
    }
    let error = response.member("error").and_then(|error| RawError::new(error.to_owned()).ok());
    Err(error.unwrap_or_else(|| RawError::from(&door::internal("the method gave no answer"))))
}
