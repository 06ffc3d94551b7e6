//! One client's connection: what it asks for, what it is attached to, what it is told. Pure: no I/O, clock or channels.
//!
//! What the client and the log do goes in; what to write ([`Connection::write`]) and what to do
//! ([`Connection::take_effects`]) comes out. Each request is taken here.
//!
//! | File | Is |
//! |---|---|
//! | `effect` | what is to be done, and what comes of it |
//! | `results` | what the client is told of that |
//! | `attach` | coming to a session and leaving it, and who else is there |
//! | `messages` | messages of the client that are no requests |

mod attach;
mod effect;
mod messages;
mod results;

use std::sync::Arc;

use acp_server::proto::{Event, Incoming};
use acp_server::{Closed, Outbox};
use acp_types::{RawBuf, RequestId, SessionId};
use futures_util::future::BoxFuture;

pub(super) use self::effect::{Coming, Effect, EffectOutcome, Opened, Then};
use super::attachment::Attachments;
use super::config::Limits;
use super::outgoing::Outgoing;
use super::presence::{Notifier, Presence};
use crate::service::{Caller, Denied, Operation, command};
use crate::session::Command;
use crate::view::{About, Request, RequestError, Response};

/// Phase of the handshake.
///
/// ```text
///        hello               the agent answers
/// New ─────────▶ Initializing ──────────────▶ Ready
///  ▲                  │ refused
///  └──────────────────┘
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    New,
    Initializing,
    Ready,
}

/// One client's connection.
#[derive(Debug)]
pub(super) struct Connection {
    caller: Caller,
    limits: Limits,
    presence: Arc<Presence>,
    notifier: Notifier,
    /// Flag: the client has gone, and nothing is attached any more.
    gone: bool,
    phase: Phase,
    attachments: Attachments,
    /// Sessions that are being created, loaded or resumed.
    opening: usize,
    /// Effects whose result is awaited.
    in_flight: usize,
    effects: Vec<Effect>,
    out: Outgoing,
}

impl Connection {
    /// Creates a connection that is not initialized. `notifier` is notified when [`Self::presence_changed`] is due.
    pub(super) fn new(caller: Caller, limits: Limits, presence: Arc<Presence>, notifier: Notifier) -> Self {
        let out = Outgoing::new(Arc::clone(caller.client()));
        Self {
            caller,
            limits,
            presence,
            notifier,
            gone: false,
            phase: Phase::New,
            attachments: Attachments::default(),
            opening: 0,
            in_flight: 0,
            effects: Vec::new(),
            out,
        }
    }

    /// Takes what the client did.
    pub(super) fn handle(&mut self, event: Event) {
        match event {
            Event::Request(request) => self.request(&request),
            Event::Notification(notification) => self.notification(&notification),
            Event::Response { key, outcome, .. } => self.response(key, outcome),
            Event::Cancelled { id, .. } => self.cancelled(&id),
            Event::Rejected { reason } => self.rejected(&reason),
            Event::Stray { error: Some(error), .. } => {
                tracing::warn!(client = %self.out.client, %error, "a client refused something that it was sent");
            }
            // An answer to a request that was resolved before, or to none: nothing waits for it.
            _ => {}
        }
    }

    /// Takes a request; every one is answered once, here or later.
    fn request(&mut self, request: &Incoming) {
        if let Err(why) = self.dispatch(request) {
            self.out.refuse(request.id().clone(), &why);
        }
    }

    fn dispatch(&mut self, request: &Incoming) -> Result<(), RequestError> {
        let attached = |session: &SessionId| self.attachments.contains(session);
        let about = self.out.view.about(request, &attached);
        match (&self.phase, about.operation) {
            (Phase::New, Some(Operation::Describe)) => {}
            (_, Some(Operation::Describe)) => return Err(RequestError::InitializedAlready),
            (Phase::New | Phase::Initializing, _) => return Err(RequestError::NotInitialized),
            (Phase::Ready, _) if self.in_flight >= self.limits.in_flight => {
                return Err(RequestError::TooMany { what: "requests in flight", limit: self.limits.in_flight });
            }
            (Phase::Ready, _) => self.check_access(request.method(), &about)?,
        }
        let asked = self.out.view.request(request, &attached)?;
        let id = request.id().clone();
        match asked {
            Request::Greet { initialize } => self.greet(id, initialize),
            Request::Create { command } => self.create(id, command)?,
            Request::Open { session, params, lanes, entry } => {
                let screen = self.out.view.screen(session.clone());
                self.open(id, session, params, Coming { entry, lanes, screen })?;
            }
            Request::Prompt { session, command } => self.prompt(id, session, command)?,
            Request::List { query } => self.effect(Effect::List { query, id }),
            Request::Status { session } => self.effect(Effect::Look { session, id }),
            Request::Close { session } => self.effect(Effect::Close { session, id }),
            Request::Delete { session } => self.submit(Some(session), command::delete(), Then::Deleted { id }),
            Request::Detach { session } => self.detach(id, &session)?,
            Request::Lanes { session } => self.lanes(id, session)?,
            Request::Call { session, command } => self.submit(session, command, Then::Call { id }),
        }
        Ok(())
    }

    /// Refuses a request that the client may not send.
    fn check_access(&self, method: &str, about: &About) -> Result<(), RequestError> {
        let observed = about.session.as_ref().filter(|session| self.observes(session));
        let denied = match (about.operation, observed) {
            (Some(operation), _) => self.may(operation, about.session.as_ref()).err(),
            // Not even what nobody serves.
            (None, Some(_)) => Some(Denied::Observing { operation: Operation::Call }),
            (None, None) => None,
        };
        match (denied, observed) {
            (None, _) => Ok(()),
            (Some(Denied::Observing { .. }), Some(session)) => {
                Err(RequestError::Observing { session: session.clone(), method: method.to_owned() })
            }
            (Some(denied), _) => Err(denied.into()),
        }
    }

    fn greet(&mut self, id: RequestId, initialize: RawBuf) {
        self.phase = Phase::Initializing;
        let then = Then::Greet { id, initialize: initialize.clone() };
        self.submit(None, command::describe(initialize), then);
    }

    fn create(&mut self, id: RequestId, command: Command) -> Result<(), RequestError> {
        self.room_for_session()?;
        self.opening += 1;
        self.submit(None, command, Then::Created { id });
        Ok(())
    }

    /// Comes to a session that exists.
    fn open(&mut self, id: RequestId, session: SessionId, params: RawBuf, coming: Coming) -> Result<(), RequestError> {
        if !self.attachments.contains(&session) {
            self.room_for_session()?;
        }
        self.opening += 1;
        self.effect(Effect::Open { session, params, coming: Box::new(coming), id });
        Ok(())
    }

    fn room_for_session(&self) -> Result<(), RequestError> {
        if self.attachments.len() + self.opening >= self.limits.sessions {
            return Err(RequestError::TooMany { what: "sessions attached", limit: self.limits.sessions });
        }
        Ok(())
    }

    fn prompt(&mut self, id: RequestId, session: SessionId, command: Command) -> Result<(), RequestError> {
        if self.out.prompts.len() >= self.limits.prompts {
            return Err(RequestError::TooMany { what: "prompts waiting", limit: self.limits.prompts });
        }
        self.out.prompts.sent(id.clone(), session.clone());
        self.submit(Some(session.clone()), command, Then::Prompt { id, session });
        Ok(())
    }

    fn lanes(&mut self, id: RequestId, session: SessionId) -> Result<(), RequestError> {
        let Some(attached) = self.attachments.get(&session) else {
            return Err(RequestError::NotAttached { session });
        };
        self.out.respond(id, Response::Lanes(attached.state()));
        Ok(())
    }

    fn submit(&mut self, session: Option<SessionId>, command: Command, then: Then) {
        self.effect(Effect::Submit { session, command, then });
    }

    fn effect(&mut self, effect: Effect) {
        self.in_flight += usize::from(effect.has_result());
        self.effects.push(effect);
    }

    /// Returns whether more of what the client sends can be taken: its answers are written, its commands get through.
    pub(super) fn listens(&self) -> bool {
        self.in_flight < self.limits.in_flight * 2 && self.has_room()
    }

    /// Returns whether there is room for more to be written.
    pub(super) fn has_room(&self) -> bool {
        self.out.has_room()
    }

    /// Writes what is to be written, in order; `None` if that is nothing.
    pub(super) fn write(&mut self, outbox: &Outbox) -> Option<BoxFuture<'static, Result<(), Closed>>> {
        self.out.write(outbox)
    }

    /// Takes what is to be done, in order.
    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}

#[cfg(test)]
mod tests;
