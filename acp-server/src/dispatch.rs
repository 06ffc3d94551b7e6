//! The one place where messages meet handlers: decode, call, answer.

mod open;
mod route;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use acp_types::error::error;
use acp_types::method::{Request as _, v1};
use acp_types::{ErrorCode, ErrorObjectOwned, RawBuf, RequestId};
use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::config::Config;
use crate::context::Context;
use crate::driver::{Inbox, Outbox};
use crate::error::Answer;
use crate::peer::{Peer, Shared};
use crate::proto::{CloseReason, Event, Incoming, IncomingNotification};
use crate::telemetry;
use open::OpenCalls;
pub(crate) use route::{answer, notify, params, route};

/// An agent or a client, as the dispatcher sees it.
pub(crate) trait Side: Send + Sync + 'static {
    /// Handle with which its handlers call the peer.
    type Peer: From<Peer> + Send + Sync + 'static;
    /// True if `initialize` has to come first.
    const AGENT: bool;

    fn request(&self, method: &str, context: &Context<Self::Peer>) -> impl Future<Output = Answer<RawBuf>> + Send;
    fn notification(&self, method: &str, context: &Context<Self::Peer>) -> impl Future<Output = ()> + Send;
}

/// Takes what the peer sends and calls the handlers, until the connection is closed.
pub(crate) struct Dispatcher<S> {
    side: Arc<S>,
    /// Weak, so that the connection closes when nobody else can call any more.
    peer: Weak<Shared>,
    outbox: Outbox,
    abandoned: CancellationToken,
    cancel_grace: Duration,
    drain_grace: Duration,
    initialized: bool,
    calls: OpenCalls,
    handlers: JoinSet<RequestId>,
}

impl<S: Side> Dispatcher<S> {
    pub(crate) fn new(side: S, peer: &Peer, abandoned: CancellationToken, config: &Config) -> Self {
        Self {
            side: Arc::new(side),
            peer: peer.downgrade(),
            outbox: peer.outbox().clone(),
            abandoned,
            cancel_grace: config.cancel_grace,
            drain_grace: config.drain_grace,
            initialized: !S::AGENT,
            calls: OpenCalls::default(),
            handlers: JoinSet::new(),
        }
    }

    pub(crate) async fn run(mut self, mut inbox: Inbox) -> CloseReason {
        let abandoned = self.abandoned.clone();
        let mut reason = CloseReason::Local;
        loop {
            tokio::select! {
                batch = inbox.next_batch() => {
                    let Some(batch) = batch else { break };
                    for event in batch {
                        if let Event::Closed(why) = event {
                            reason = why;
                            self.drain().await;
                            self.outbox.close().await;
                        } else {
                            self.event(event).await;
                        }
                    }
                }
                Some(done) = self.handlers.join_next() => self.calls.done(done),
                () = abandoned.cancelled() => break,
            }
        }
        drop(inbox);
        self.drain().await;
        self.outbox.close().await;
        self.outbox.finished().await;
        reason
    }

    async fn event(&mut self, event: Event) {
        let Some(peer) = Peer::upgrade(&self.peer) else { return };
        match event {
            Event::Request(request) => self.request(peer, request).await,
            Event::Notification(notification) => self.notification(peer, notification).await,
            Event::Response { key, outcome, .. } => peer.settle(key, outcome),
            Event::Cancelled { id, .. } => self.calls.cancel(&id),
            Event::Rejected { reason } => tracing::warn!(%reason, "the peer sent something that is no message"),
            Event::Stray { error: Some(error), .. } => tracing::warn!(%error, "the peer refused something of ours"),
            Event::Stray { id, .. } => tracing::warn!(%id, "the peer answered a request that is not open"),
            Event::Closed(_) => {}
        }
    }

    async fn request(&mut self, peer: Peer, request: Incoming) {
        let first = request.method() == v1::Initialize::METHOD.name;
        if S::AGENT && first == self.initialized {
            let message = if first { "initialize was called before" } else { "call initialize first" };
            self.refuse(request.id().clone(), error(ErrorCode::INVALID_REQUEST, message, None)).await;
            return;
        }
        let id = request.id().clone();
        let token = self.calls.open(&request);
        let span = telemetry::request_span(request.method(), &id);
        let context = Context::of_request(peer.clone().into(), request, token);
        let call = Call { side: Arc::clone(&self.side), peer, context, grace: self.cancel_grace };
        if S::AGENT && first {
            // Nothing else may run before it, so nothing waits for it in vain.
            self.initialized = call.run().instrument(span).await;
            self.calls.close(&id);
        } else {
            self.handlers.spawn(
                async move {
                    call.run().await;
                    id
                }
                .instrument(span),
            );
        }
    }

    async fn notification(&mut self, peer: Peer, notification: IncomingNotification) {
        self.calls.session_cancel(&notification);
        let context = Context::of_notification(peer.into(), notification);
        let handled = self.side.notification(context.method(), &context);
        if AssertUnwindSafe(handled).catch_unwind().await.is_err() {
            tracing::error!(method = context.method(), "a handler panicked");
        }
    }

    async fn refuse(&self, id: RequestId, refused: ErrorObjectOwned) {
        // On a closed connection nobody waits for it.
        let _ = self.outbox.respond(id, Err(refused)).await;
    }

    /// The peer is gone or nobody listens: handlers get some time to finish, then some to notice that they are
    /// cancelled, and then none.
    async fn drain(&mut self) {
        if let Some(peer) = Peer::upgrade(&self.peer) {
            peer.fail_all();
        }
        let grace = self.drain_grace;
        for _ in 0..2 {
            let all = async {
                while let Some(done) = self.handlers.join_next().await {
                    self.calls.done(done);
                }
            };
            if timeout(grace, all).await.is_ok() {
                return;
            }
            self.calls.cancel_all();
        }
        self.handlers.shutdown().await;
    }
}

/// One request on its way through a handler.
struct Call<S: Side> {
    side: Arc<S>,
    peer: Peer,
    context: Context<S::Peer>,
    grace: Duration,
}

impl<S: Side> Call<S> {
    /// Answers the request; whether with a result.
    async fn run(self) -> bool {
        let Self { side, peer, context, grace } = self;
        let handled = AssertUnwindSafe(side.request(context.method(), &context)).catch_unwind();
        let abandoned = async {
            context.cancelled().await;
            sleep(grace).await;
        };
        let outcome = tokio::select! {
            outcome = handled => outcome.unwrap_or_else(|_| {
                tracing::error!(method = context.method(), "a handler panicked");
                Err(error(ErrorCode::INTERNAL_ERROR, "the handler of this request failed", None))
            }),
            () = abandoned => Err(error(ErrorCode::REQUEST_CANCELLED, "the request was cancelled", None)),
        };
        let outcome = if context.is_cancelled() { after_cancel(context.method(), outcome) } else { outcome };
        let ok = outcome.is_ok();
        if let Some(id) = context.request_id() {
            // On a closed connection nobody waits for it.
            let _ = peer.outbox().respond(id.clone(), outcome).await;
            context.answered().cancel();
        }
        ok
    }
}

/// A prompt that fails because it was cancelled has been cancelled, not failed (ACP v1, "Cancellation").
fn after_cancel(method: &str, outcome: Answer<RawBuf>) -> Answer<RawBuf> {
    match outcome {
        Err(_) if method == v1::Prompt::METHOD.name => Ok(RawBuf::trusted(r#"{"stopReason":"cancelled"}"#)),
        outcome => outcome,
    }
}
