//! Messages of the bridge, but for its answers.

use acp_server::proto::{Event, Incoming, IncomingNotification};
use acp_types::meta::{CAUGHT_UP, DETACHED, TURN_ENDED, reserved};
use acp_types::method::{Notification as _, v1};
use acp_types::{Raw, RawBuf, RawError, SessionId};

use super::{Relay, editor, internal};
use crate::attach::asks::{Asked, Identity};
use crate::attach::place::{self, LogPlace};
use crate::attach::sessions::Phase;
use crate::attach::{Item, RawAnswer};

impl Relay {
    /// Takes what the bridge did.
    pub(crate) fn bridge(&mut self, event: Event) {
        match event {
            Event::Request(request) => self.asked(&request),
            Event::Notification(notification) => self.told(&notification),
            Event::Response { key, outcome, .. } => self.answered(key, outcome),
            Event::Cancelled { id, .. } => {
                if let Some(key) = self.asks.cancelled(&id) {
                    self.to_editor.push(Item::Cancel(key));
                }
            }
            Event::Rejected { reason } => tracing::warn!(%reason, "the bridge sent what is no message"),
            Event::Stray { error: Some(error), .. } => tracing::warn!(%error, "the bridge could not read something"),
            // An answer to what an earlier link asked; that it closed is seen by whoever owns the link.
            _ => {}
        }
    }

    /// The agent asks the editor.
    fn asked(&mut self, request: &Incoming) {
        let params = request.params().unwrap_or(Raw::EMPTY_OBJECT);
        let method: Box<str> = request.method().into();
        let identity = match (place::session(params), LogPlace::read(params).seq) {
            (Some(session), Some(seq)) => {
                let session = self.sessions.of_log(session);
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.advance(seq);
                }
                Identity::Record { session, seq }
            }
            _ => Identity::Content { method: method.clone(), params: params.to_owned() },
        };
        match self.asks.ask(identity, request.id().clone(), self.link) {
            Asked::New(key) => self.to_editor.push(Item::Request { key, method, params: params.to_owned() }),
            Asked::Known => {}
            Asked::Answered(answer) => self.to_bridge.push(Item::Respond { id: request.id().clone(), answer }),
        }
    }

    fn told(&mut self, notification: &IncomingNotification) {
        let params = notification.params().unwrap_or(Raw::EMPTY_OBJECT);
        if reserved::is_method(notification.method()) {
            self.told_of_ours(notification.method(), params);
            return;
        }
        let place = LogPlace::read(params);
        let named = place::session(params);
        let id = named.clone().map(|named| self.sessions.of_log(named));
        if let Some(id) = &id
            && let Some(session) = self.sessions.get_mut(id)
        {
            if place.seq.is_some_and(|seq| !session.show(seq)) {
                return;
            }
            session.in_turn(place.turn);
            if notification.method() == v1::SessionUpdate::METHOD.name
                && session.load.is_none()
                && named.as_ref() == Some(id)
                && let (Some(turn), Some(update)) = (place.turn, params.member("update"))
                && self.requests.is_echo(id, &mut session.foreign, turn, update)
            {
                return;
            }
        }
        self.to_editor.push(editor::forward(notification));
    }

    /// Takes in a message that moves cursors, and is nothing for an editor that does not know the bridge.
    fn told_of_ours(&mut self, method: &str, params: Raw<'_>) {
        let Some(id) = place::session(params) else { return };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match method {
            CAUGHT_UP => {
                if let Some(seq) = params.member("seq").and_then(Raw::as_u64) {
                    session.advance(seq);
                }
                if session.phase == Phase::CatchingUp {
                    session.phase = Phase::Live;
                }
                let result = session.load.as_mut().and_then(|load| load.result.take());
                if let Some(result) = result {
                    self.loaded(&id, Ok(result));
                }
                self.stop_running(&id);
                self.settle();
            }
            TURN_ENDED => {
                if let Some(seq) = LogPlace::read(params).seq {
                    session.advance(seq);
                }
                if let Some(turn) = params.member("turn").and_then(Raw::as_u64) {
                    session.ended(turn);
                }
            }
            DETACHED => {
                session.phase = Phase::Detached;
                if session.load.as_ref().is_some_and(|load| load.begun) {
                    let error = params.member("error").map(Raw::to_owned).and_then(|error| RawError::new(error).ok());
                    let error = error.unwrap_or_else(|| internal(format!("session {id} can be followed no longer")));
                    self.loaded(&id, Err(error));
                }
                self.settle();
            }
            _ => {}
        }
    }

    /// Ends a load that went on as a resume. One that the bridge answers itself is answered by then.
    pub(super) fn loaded(&mut self, id: &SessionId, answer: RawAnswer) {
        let Some(load) = self.sessions.get_mut(id).and_then(|session| session.load.take()) else { return };
        if let Some(request) = self.requests.remove(load.request) {
            self.respond(request.id, answer);
        }
    }

    /// The session that a load's resume has attached, or why there is none.
    pub(super) fn resumed(&mut self, id: &SessionId, answer: Result<RawBuf, RawError>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        match answer {
            Ok(result) => {
                session.phase = Phase::CatchingUp;
                if let Some(load) = session.load.as_mut().filter(|load| load.begun) {
                    load.result = Some(result);
                }
            }
            Err(error) => {
                if let Some(offered) = place::offered(&error).filter(|offered| *offered != session.cursor) {
                    tracing::warn!(session = %id, from = session.cursor, to = offered, "the log has lost records: going on elsewhere");
                    session.cursor = offered;
                    self.resume(id);
                    return;
                }
                tracing::warn!(session = %id, %error, "a session cannot be resumed");
                session.phase = Phase::Detached;
                self.loaded(id, Err(error));
                self.release(id);
                self.settle();
            }
        }
        self.pump();
    }
}
