//! One client's connection: what it asks for, what it is attached to, what it is told. Pure: no I/O, clock or channels.
//!
//! What the client and the log do goes in; what to write ([`Connection::take_output`]) and what to do
//! ([`Connection::take_effects`]) comes out.

mod attach;
mod effect;
mod requests;
mod results;

use std::collections::HashMap;
use std::sync::Arc;

use acp_server::proto::{Event, IncomingNotification, Payload, Rejection, RequestKey, ResponseError};
use acp_types::{RequestId, SessionId};

pub(super) use self::effect::{Coming, Effect, EffectOutcome, Opened, Then};
use super::attachment::{Attachment, AttachmentId};
use super::config::Limits;
use super::outgoing::{Asked, Item, Outgoing};
use super::presence::{Notifier, Presence};
use super::prompts::{GivenUp, PendingPrompts};
use crate::log::LogError;
use crate::service::command::{self, Stop};
use crate::service::follower::Batch;
use crate::service::{Caller, Operation};
use crate::session::Command;
use crate::view::{ClientAnswer, News, Notification, RequestError};

/// Bytes of answers that may wait to be written before the client is no longer listened to.
const MAX_UNWRITTEN: usize = 256 * 1024;

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
    /// The client has: nothing is attached any more.
    gone: bool,
    phase: Phase,
    /// Boxed, because a table has room for more than it holds.
    attachments: HashMap<SessionId, Box<Attachment>>,
    sessions: HashMap<AttachmentId, SessionId>,
    next_attachment: u64,
    /// Sessions that are being created, loaded or resumed.
    opening: usize,
    prompts: PendingPrompts,
    /// Effects whose result is awaited.
    in_flight: usize,
    effects: Vec<Effect>,
    out: Outgoing,
}

impl Connection {
    /// A connection of a caller that has not been initialized. `notifier` is notified when [`Self::presence_changed`] is due.
    pub(super) fn new(caller: Caller, limits: Limits, presence: Arc<Presence>, notifier: Notifier) -> Self {
        let out = Outgoing::new(Arc::clone(caller.client()));
        Self {
            caller,
            limits,
            presence,
            notifier,
            gone: false,
            phase: Phase::New,
            attachments: HashMap::new(),
            sessions: HashMap::new(),
            next_attachment: 0,
            opening: 0,
            prompts: PendingPrompts::default(),
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

    /// Nothing to do for what has been answered already. JSON-RPC answers no notification, whatever its params are.
    fn rejected(&self, reason: &Rejection) {
        if let Rejection::Frame(error) = reason
            && !error.wants_answer()
            && !error.is_response_like()
        {
            tracing::warn!(client = %self.out.client, %reason, "a client's notification cannot be read");
        } else {
            tracing::debug!(client = %self.out.client, %reason, "a client was told that its message is none");
        }
    }

    /// Takes the next records of an attachment. Those of one that is no more are ignored.
    pub(super) fn records(&mut self, attachment: AttachmentId, batch: impl Into<Batch>) {
        let Some(session) = self.sessions.get(&attachment) else { return };
        let Some(attached) = self.attachments.get_mut(session) else { return };
        attached.records(&batch.into(), &mut self.prompts, &mut self.out);
        let session = session.clone();
        self.detach_if_closed(&session);
    }

    /// Takes what went wrong with following an attachment's log; whether the attachment goes on.
    pub(super) fn tail_failed(&mut self, attachment: AttachmentId, failure: LogError) -> bool {
        let Some(session) = self.sessions.get(&attachment).cloned() else { return false };
        if let LogError::Unwritable { reason } = failure {
            if let Some(attached) = self.attachments.get_mut(&session) {
                attached.unwritable(&reason, &mut self.prompts, &mut self.out);
            }
            return true;
        }
        let deleted = matches!(failure, LogError::NotFound { .. });
        self.lose(&session, &RequestError::log(&session, failure), !deleted);
        false
    }

    /// Ends an attachment against the client's will, and says why. `hosted`: the session has a host to be told.
    fn lose(&mut self, session: &SessionId, why: &RequestError, hosted: bool) {
        let Some(attached) = self.attachments.remove(session) else { return };
        self.sessions.remove(&attached.id);
        if hosted {
            self.prompts.detach(session);
            self.attend(session, attached.membership().role.is_controller(), false);
        }
        attached.end(why, &mut self.prompts, &mut self.out);
        self.out.tell(session, &News::Detached { why });
    }

    /// Returns whether more of what the client sends can be taken: its answers are written, its commands get through.
    pub(super) fn listens(&self) -> bool {
        self.in_flight < self.limits.in_flight * 2 && self.has_room()
    }

    /// Returns whether there is room for more to be written.
    pub(super) fn has_room(&self) -> bool {
        self.out.bytes() < MAX_UNWRITTEN
    }

    /// Takes what is to be written, in order.
    pub(super) fn take_output(&mut self) -> Vec<Item> {
        self.out.take()
    }

    /// Takes what is to be done, in order.
    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Every attachment with its session and cursor.
    pub(super) fn attached(&self) -> impl Iterator<Item = (AttachmentId, &SessionId, u64)> {
        self.attachments.iter().map(|(session, attached)| (attached.id, session, attached.cursor()))
    }

    fn notification(&mut self, notification: &IncomingNotification) {
        let name = notification.method();
        if self.phase != Phase::Ready {
            tracing::warn!(client = %self.out.client, name, "a notification came before initialize and is ignored");
            return;
        }
        let attached = |session: &SessionId| self.attachments.contains_key(session);
        match self.out.view.notification(notification, &attached) {
            Some(Notification::Cancel { session, command }) => self.cancel(session, command),
            Some(Notification::Pass { session, command }) => {
                if session.as_ref().is_some_and(|session| self.may(Operation::Notify, Some(session)).is_err()) {
                    tracing::warn!(client = %self.out.client, name, "an observer's notification is ignored");
                    return;
                }
                self.submit(session, command, Then::Nothing);
            }
            None => {}
        }
    }

    fn cancel(&mut self, session: SessionId, command: Command) {
        if self.may(Operation::Cancel, Some(&session)).is_err() {
            tracing::warn!(client = %self.out.client, %session, "an observer's stop is ignored");
            return;
        }
        self.submit(Some(session), command, Then::Nothing);
    }

    /// The client's answer to a request of an agent.
    fn response(&mut self, key: RequestKey, outcome: Result<Payload, ResponseError>) {
        let Some(Asked { session, request, withdrawn }) = self.out.answered(key) else { return };
        let answer = match self.out.view.answer(outcome) {
            ClientAnswer::Result(result) => Ok(result),
            _ if withdrawn => return,
            ClientAnswer::Error(error) => Err(error),
            // Whoever else is here can still answer; when nobody can, this is the answer.
            ClientAnswer::Unable(error) if self.declines(&session, request, &error) => Err(error),
            ClientAnswer::Unable(_) | ClientAnswer::Nothing => return,
        };
        self.submit(Some(session), command::answer(request, answer), Then::Nothing);
    }

    /// The client gave up on a request of its own. Only a prompt can be stopped; the answer comes as for any stop.
    fn cancelled(&mut self, id: &RequestId) {
        if let Some(GivenUp::Running { session, turn }) = self.prompts.give_up(id) {
            self.cancel(session, command::cancel(Stop { turn: Some(turn), ..Stop::default() }));
        }
    }

    fn submit(&mut self, session: Option<SessionId>, command: Command, then: Then) {
        self.effect(Effect::Submit { session, command, then });
    }

    fn effect(&mut self, effect: Effect) {
        self.in_flight += usize::from(effect.has_result());
        self.effects.push(effect);
    }

    fn detach_if_closed(&mut self, session: &SessionId) {
        if self.attachments.get(session).is_some_and(|attached| attached.is_closed(&self.prompts))
            && let Some(attached) = self.attachments.remove(session)
        {
            self.sessions.remove(&attached.id);
            self.effects.push(Effect::Untail { attachment: attached.id });
            self.attend(session, attached.membership().role.is_controller(), false);
            let why = RequestError::NotAttached { session: session.clone() };
            attached.end(&why, &mut self.prompts, &mut self.out);
        }
    }
}

#[cfg(test)]
mod tests;
