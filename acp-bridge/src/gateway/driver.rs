//! The task of one connection: events, records and results in, frames and commands out.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use acp_server::proto::Event;
use acp_server::{Closed, Link, Outbox};
use acp_types::SessionId;
use acp_types::record::Seq;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::attachment::{self, Tails};
use super::config::Config;
use super::connection::{Connection, Effect, EffectOutcome};
use super::opener::Opener;
use super::presence::{Notifier, Presence};
use crate::log::SessionLog;
use crate::service::{Caller, SessionService};

/// Time beyond the drain time, to close a connection that takes nothing.
const GOODBYE: Duration = Duration::from_millis(500);

/// Context of a connection's task: what it needs from its gateway.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) log: Arc<dyn SessionLog>,
    pub(super) service: SessionService,
    pub(super) config: Config,
    pub(super) presence: Arc<Presence>,
    pub(super) shutdown: CancellationToken,
}

/// Serves one client until it or the gateway goes.
pub(super) async fn run(link: Link, caller: Caller, context: Context) {
    let notifier = Notifier::default();
    let (limits, presence) = (context.config.limits, Arc::clone(&context.presence));
    let driver = Driver {
        connection: Connection::new(caller.clone(), limits, presence, Arc::clone(&notifier)),
        opener: Opener { service: context.service.clone(), caller, log: Arc::clone(&context.log) },
        outbox: link.outbox,
        writing: None,
        work: FuturesUnordered::new(),
        tails: Tails::new(),
    };
    driver.run(link.inbox, &notifier, &context).await;
}

struct Driver {
    connection: Connection,
    opener: Opener,
    outbox: Outbox,
    /// Write that the outbox has no room for yet. While there is one, no more records are taken.
    writing: Option<BoxFuture<'static, Result<(), Closed>>>,
    work: FuturesUnordered<BoxFuture<'static, Option<EffectOutcome>>>,
    tails: Tails,
}

/// Cause that woke the task.
enum Step {
    Written(Result<(), Closed>),
    Done(Option<EffectOutcome>),
    Events(Option<Vec<Event>>),
    Shown,
    PresenceChanged,
    Shutdown,
}

impl Driver {
    async fn run(mut self, mut inbox: acp_server::Inbox, notifier: &Notifier, context: &Context) {
        loop {
            self.flush();
            let step = tokio::select! {
                biased;
                () = context.shutdown.cancelled() => Step::Shutdown,
                events = inbox.next_batch(), if self.connection.listens() => Step::Events(events),
                // A client that does not read is told later, of what is different by then.
                () = notifier.notified(), if self.connection.has_room() => Step::PresenceChanged,
                step = self.step() => step,
            };
            match step {
                Step::Events(None) => break,
                // What it sent before it went may not have been taken yet.
                Step::Written(Err(Closed { .. })) => {
                    Box::pin(self.rest(&mut inbox, Instant::now() + context.config.drain)).await;
                    break;
                }
                Step::Events(Some(events)) => {
                    if !self.events(events) {
                        break;
                    }
                }
                Step::PresenceChanged => self.connection.presence_changed(),
                Step::Shutdown => {
                    let deadline = Instant::now() + context.config.drain;
                    Box::pin(self.drain(inbox, deadline)).await;
                    return Box::pin(self.leave(deadline + GOODBYE)).await;
                }
                other => self.take(other),
            }
        }
        // Boxed, so that a connection has no room for its end before that comes.
        Box::pin(self.leave(Instant::now() + context.config.drain)).await;
    }

    /// Waits for what this side does. Cancel-safe.
    async fn step(&mut self) -> Step {
        let idle = self.writing.is_none();
        tokio::select! {
            biased;
            written = poll_optional(&mut self.writing) => {
                self.writing = None;
                Step::Written(written)
            }
            Some(outcome) = self.work.next() => Step::Done(outcome),
            () = self.connection.show_next(&mut self.tails), if idle => Step::Shown,
        }
    }

    /// Takes events; returns whether the client is still there.
    fn events(&mut self, events: Vec<Event>) -> bool {
        for event in events {
            if let Event::Closed(reason) = event {
                tracing::debug!(client = %self.opener.caller.client(), %reason, "a client has gone");
                return false;
            }
            self.connection.handle(event);
        }
        true
    }

    fn take(&mut self, step: Step) {
        if let Step::Done(Some(outcome)) = step {
            self.connection.done(outcome);
        }
    }

    /// Starts what the connection wants done, and gives the outbox what it wants written.
    fn flush(&mut self) {
        for effect in self.connection.take_effects() {
            match effect {
                Effect::Tail { attachment, session, after, follower } => {
                    let follower = follower.unwrap_or_else(|| self.opener.service.followers().of(&session));
                    self.tails.follow(attachment, attachment::open(attachment, follower, after).boxed());
                }
                Effect::Untail { attachment } => self.tails.stop(attachment),
                effect => self.work.push(run_effect(self.opener.clone(), effect).boxed()),
            }
        }
        if self.writing.is_none() {
            self.writing = self.connection.write(&self.outbox);
        }
    }

    /// Takes what a client sent before it went, which ends soon.
    async fn rest(&mut self, inbox: &mut acp_server::Inbox, deadline: Instant) {
        let taken = async {
            while let Some(events) = inbox.next_batch().await {
                if !self.events(events) {
                    break;
                }
                self.flush();
            }
        };
        let _ = timeout_at(deadline, taken).await;
    }

    /// Finishes for a client that has gone: what it asked for is done, nobody is told, and its sessions' hosts know.
    async fn leave(&mut self, deadline: Instant) {
        self.tails.clear();
        self.connection.leave();
        self.flush();
        let finish = async {
            while let Some(outcome) = self.work.next().await {
                // It may lead to more: a stop that waited for its turn to be known.
                self.take(Step::Done(outcome));
                self.flush();
            }
        };
        // Whether the host takes long is its own affair: what it was asked has reached it.
        let _ = timeout_at(deadline, finish).await;
    }

    /// Writes what is committed, then says goodbye.
    async fn drain(&mut self, mut inbox: acp_server::Inbox, deadline: Instant) {
        let complete = async {
            let attached = self.connection.attached().map(|(session, _)| session.clone()).collect();
            let heads = heads(&self.opener.log, attached).await;
            while self.writing.is_some() || !self.work.is_empty() || self.behind(&heads) {
                let step = self.step().await;
                if let Step::Written(Err(Closed { .. })) = step {
                    return;
                }
                self.take(step);
                self.flush();
            }
        };
        if timeout_at(deadline, complete).await.is_err() {
            tracing::debug!(client = %self.opener.caller.client(), "a client did not get everything before the shutdown");
        }
        let goodbye = async {
            self.outbox.close().await;
            while inbox.next_batch().await.is_some() {}
            self.outbox.finished().await;
        };
        // The connection's own task has its own deadline; past this one it is on its own.
        let _ = timeout_at(deadline + GOODBYE, goodbye).await;
    }

    fn behind(&self, heads: &HashMap<SessionId, Seq>) -> bool {
        self.connection.attached().any(|(session, cursor)| heads.get(session).is_some_and(|&head| cursor < head))
    }
}

/// Does what the connection wants done, by way of the service. Tails are followed elsewhere; they have no outcome.
async fn run_effect(opener: Opener, effect: Effect) -> Option<EffectOutcome> {
    let Opener { service, caller, .. } = &opener;
    Some(match effect {
        Effect::Submit { session, command, then } => {
            let answer = service.submit(caller, session, command).await;
            EffectOutcome::Submitted { then, answer }
        }
        Effect::Open { session, params, mut coming, id } => {
            let opened = opener.open(&session, params, &mut coming).await.map(Box::new);
            EffectOutcome::Opened { session, coming, id, opened }
        }
        Effect::Close { session, id } => {
            let head = service.close(caller, &session).await;
            EffectOutcome::Closed { session, id, head }
        }
        Effect::Look { session, id } => {
            let open = service.is_open(caller, &session).await;
            EffectOutcome::Looked { id, open }
        }
        Effect::List { query, id } => {
            let sessions = service.list(caller, query).await;
            EffectOutcome::Listed { id, sessions }
        }
        Effect::Tail { .. } | Effect::Untail { .. } => return None,
    })
}

/// Ends of the sessions' logs.
async fn heads(log: &Arc<dyn SessionLog>, sessions: Vec<SessionId>) -> HashMap<SessionId, Seq> {
    let mut heads = HashMap::new();
    for session in sessions {
        if let Ok(Some(info)) = log.get(&session).await {
            heads.insert(session, info.head);
        }
    }
    heads
}

/// Polls a future that may not be there; pending for ever without one.
async fn poll_optional<T>(future: &mut Option<Pin<Box<dyn Future<Output = T> + Send>>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    fn size_of_run<A, B, C, F: Future>(_: impl FnOnce(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_client_has_no_room_for_what_is_big_and_seldom() {
        let run = size_of_run(super::run);
        assert!(run <= 3 * 1024, "{run} bytes");
    }
}
