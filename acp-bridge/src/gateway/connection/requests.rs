//! The client's requests: what each one needs and which effect it becomes.

use acp_server::proto::Incoming;
use acp_types::{RawBuf, RequestId, SessionId};

use super::{Coming, Connection, Effect, Phase, Then};
use crate::service::{Denied, Operation, command};
use crate::session::Command;
use crate::view::{About, Request, RequestError, Response};

impl Connection {
    /// Takes a request; every one is answered once, here or later.
    pub(super) fn request(&mut self, request: &Incoming) {
        if let Err(why) = self.dispatch(request) {
            self.out.refuse(request.id().clone(), &why);
        }
    }

    fn dispatch(&mut self, request: &Incoming) -> Result<(), RequestError> {
        let attached = |session: &SessionId| self.attachments.contains_key(session);
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
                let earlier = self.out.view.earlier();
                self.open(id, session, params, Coming { entry, lanes, earlier })?;
            }
            Request::Prompt { session, command } => self.prompt(id, session, command)?,
            Request::List { query } => self.effect(Effect::List { query, id }),
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
        if !self.attachments.contains_key(&session) {
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
        if self.prompts.len() >= self.limits.prompts {
            return Err(RequestError::TooMany { what: "prompts waiting", limit: self.limits.prompts });
        }
        self.prompts.sent(id.clone(), session.clone());
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
}
