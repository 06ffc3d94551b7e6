//! The client's requests: what each one needs and which command it becomes.

use acp_server::proto::Incoming;
use acp_types::meta::{LANE_ADD, LANE_REMOVE, LANES, reserved};
use acp_types::method::{self, Request as _, Scope, v1};
use acp_types::{ErrorObjectOwned, RequestId, SessionId};

use super::control;
use super::{Connection, Effect, EntryKind, Phase, Then, Unsettled};
use crate::service::command::{self, Prompt};
use crate::view::v1::attach::{ATTACH, DETACH};
use crate::view::v1::operation;
use crate::view::v1::params::Params;
use crate::view::{refusal, refused};

impl Connection {
    /// Takes a request; every one is answered once, here or later.
    pub(super) fn request(&mut self, request: &Incoming) {
        if let Err(error) = self.dispatch(request.id(), request.method(), Params::new(request.params())) {
            self.out.respond(request.id().clone(), Err(error));
        }
    }

    fn dispatch(&mut self, id: &RequestId, name: &str, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        if name == v1::Initialize::METHOD.name {
            return self.initialize(id, params);
        }
        let Phase::Ready { .. } = self.phase else {
            return Err(refusal::invalid_request("the connection is not initialized: call initialize first"));
        };
        if self.in_flight >= self.limits.in_flight {
            return Err(refusal::too_many("requests in flight", self.limits.in_flight));
        }
        let served = [
            (v1::NewSession::METHOD, Self::new_session as fn(&mut Self, &RequestId, Params<'_>) -> _),
            (v1::LoadSession::METHOD, Self::load),
            (v1::ResumeSession::METHOD, Self::resume),
            (v1::Prompt::METHOD, Self::prompt),
            (v1::ListSessions::METHOD, Self::list),
            (v1::CloseSession::METHOD, Self::close),
            (v1::DeleteSession::METHOD, Self::delete),
        ];
        self.check_access(name, params)?;
        match served.iter().find(|(method, _)| method.name == name) {
            Some((_, serve)) => serve(self, id, params),
            None if name == ATTACH => self.attach_session(id, params),
            None if name == DETACH => self.detach_session(id, params),
            None if control::is_ours(name) => self.control(id, name, params),
            None if name == LANE_ADD => self.lane_add(id, params),
            None if name == LANE_REMOVE => self.lane_remove(id, params),
            None if name == LANES => self.lanes(id, params),
            None => self.pass(id, name, params),
        }
    }

    fn initialize(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        if !matches!(self.phase, Phase::New) {
            return Err(refusal::invalid_request("the connection is initialized already: open another one"));
        }
        params.check_initialize()?;
        let initialize = params.object()?;
        self.phase = Phase::Initializing;
        let then = Then::Initialize { id: id.clone(), initialize: initialize.clone() };
        self.submit(None, command::describe(initialize), then);
        Ok(())
    }

    fn new_session(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let Phase::Ready { initialize } = &self.phase else { return Ok(()) };
        let command = command::create(params.raw(), initialize.clone()).map_err(|why| refused::invalid(&why))?;
        params.meta()?;
        self.room_for_session()?;
        self.opening += 1;
        self.submit(None, command, Then::Created { id: id.clone() });
        Ok(())
    }

    fn load(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        self.open(id, params, EntryKind::Load)
    }

    fn resume(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let after = params.meta()?.after;
        self.open(id, params, EntryKind::Resume { after })
    }

    fn open(&mut self, id: &RequestId, params: Params<'_>, entry: EntryKind) -> Result<(), ErrorObjectOwned> {
        let session = params.session()?;
        params.check_workspace()?;
        self.open_session(id, session, params, entry)
    }

    /// Comes to a session that exists.
    pub(super) fn open_session(
        &mut self,
        id: &RequestId,
        session: SessionId,
        params: Params<'_>,
        entry: EntryKind,
    ) -> Result<(), ErrorObjectOwned> {
        if !self.attachments.contains_key(&session) {
            self.room_for_session()?;
        }
        self.opening += 1;
        let terminals = self.out.offer.terminals;
        self.effect(Effect::Open { session, params: params.object()?, entry, id: id.clone(), terminals });
        Ok(())
    }

    fn room_for_session(&self) -> Result<(), ErrorObjectOwned> {
        if self.attachments.len() + self.opening >= self.limits.sessions {
            return Err(refusal::too_many("sessions attached", self.limits.sessions));
        }
        Ok(())
    }

    fn prompt(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = self.attached_session(params)?;
        let meta = params.meta()?;
        let prompt = command::prompt(Prompt {
            params: params.object()?,
            lane: meta.lane,
            key: meta.key,
            on_busy: meta.on_busy.unwrap_or_default(),
            after_restart: meta.after_restart.unwrap_or_default(),
            accept_context_loss: meta.accept_context_loss.unwrap_or(false),
        });
        let command = prompt.map_err(|why| refused::invalid(&why))?;
        let waiting: usize = self.attachments.values().map(|attached| attached.waiting() + attached.unsettled).sum();
        if waiting >= self.limits.prompts {
            return Err(refusal::too_many("prompts waiting", self.limits.prompts));
        }
        if let Some(attached) = self.attachments.get_mut(&session) {
            attached.unsettled += 1;
        }
        let unsettled = Unsettled { session: session.clone(), given_up: false, detached: false };
        self.unsettled.insert(id.clone(), unsettled);
        self.submit(Some(session.clone()), command, Then::Prompt { id: id.clone(), session });
        Ok(())
    }

    fn list(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let query = params.list_query()?;
        self.effect(Effect::List { query, id: id.clone() });
        Ok(())
    }

    fn close(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = params.session()?;
        self.effect(Effect::Close { session, id: id.clone() });
        Ok(())
    }

    fn delete(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = params.session()?;
        self.submit(Some(session), command::delete(), Then::Deleted { id: id.clone() });
        Ok(())
    }

    /// Passes a request on to the agent: of the session if it is about one, else of any.
    fn pass(&mut self, id: &RequestId, name: &str, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        if reserved::is_method(name) {
            return Err(refusal::method_not_found(name));
        }
        let session = if method::is_extension(name) {
            params.session().ok().filter(|session| self.attachments.contains_key(session))
        } else {
            match operation::passed_on(name) {
                None => return Err(refusal::method_not_found(name)),
                Some(method) if method.scope == Scope::Session => Some(self.attached_session(params)?),
                Some(_) => None,
            }
        };
        // What concerns no session has no lanes.
        let lane = if session.is_some() { params.meta()?.lane } else { None };
        let command = command::call(lane, name, params.to_owned());
        self.submit(session, command, Then::Call { id: id.clone() });
        Ok(())
    }

    pub(super) fn attached_session(&self, params: Params<'_>) -> Result<SessionId, ErrorObjectOwned> {
        let session = params.session()?;
        if self.attachments.contains_key(&session) { Ok(session) } else { Err(refusal::not_attached(&session)) }
    }
}
