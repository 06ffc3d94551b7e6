//! Coming to a session and leaving it, and who else is there.

use std::sync::Arc;

use acp_types::record::Seq;
use acp_types::{ErrorObjectOwned, Raw, RawBuf, RequestId, SessionId};

use super::{Connection, Effect, EntryKind, Phase, Then};
use crate::gateway::attachment::{Attachment, AttachmentId, Entry, Seen};
use crate::gateway::presence::Who;
use crate::service::follower::SessionFollower;
use crate::service::{Denied, Operation, command};
use crate::view::role::Role;
use crate::view::v1::attach::{Attach, DETACH, fits};
use crate::view::v1::operation;
use crate::view::v1::params::Params;
use crate::view::{refusal, refused};

impl Connection {
    /// `session/attach`.
    pub(super) fn attach_session(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = params.session()?;
        let attach = params.attach()?;
        self.open_session(id, session, params, EntryKind::Attach(Box::new(attach)))
    }

    /// `session/detach`.
    pub(super) fn detach_session(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = params.session()?;
        let Some(attached) = self.attachments.remove(&session) else { return Err(refusal::not_attached(&session)) };
        self.sessions.remove(&attached.id);
        self.effects.push(Effect::Untail { attachment: attached.id });
        self.attend(&session, attached.place().role.is_controller(), false);
        self.abandon_prompts(&session);
        attached.detach(&mut self.out);
        let result = serde_json::json!({ "sessionId": session, "status": "detached" });
        let result = RawBuf::encode(&result).unwrap_or_else(|_| Raw::EMPTY_OBJECT.to_owned());
        tracing::debug!(client = %self.out.client, %session, method = DETACH, "a client has detached");
        self.out.respond(id.clone(), Ok(result));
        Ok(())
    }

    /// Prompts that have no turn yet will not be answered with how it ends.
    pub(super) fn abandon_prompts(&mut self, session: &SessionId) {
        for unsettled in self.unsettled.values_mut().filter(|unsettled| unsettled.session == *session) {
            unsettled.detached = true;
        }
    }

    /// Puts an attachment in place of the one that there may be.
    pub(super) fn attach(
        &mut self,
        session: SessionId,
        seen: Seen,
        (after, follower): (Seq, Option<Arc<SessionFollower>>),
        entry: Entry,
        who: Who,
    ) {
        if self.gone {
            return;
        }
        self.next_attachment += 1;
        let id = AttachmentId(self.next_attachment);
        let earlier = self.attachments.remove(&session);
        let attended = earlier.as_ref().is_some_and(|earlier| earlier.place().role.is_controller());
        if earlier.is_some() {
            if who.role.is_controller() {
                self.out.withdraw_session(&session);
            } else {
                self.out.drop_session(&session);
            }
        }
        let present = who.role.is_controller();
        let place = self.presence.enter(&session, who);
        let mut attached = Attachment::new(id, session.clone(), seen, after, entry, place, &mut self.out);
        if let Some(earlier) = earlier {
            self.sessions.remove(&earlier.id);
            self.effects.push(Effect::Untail { attachment: earlier.id });
            attached.succeed(*earlier, &mut self.out);
        }
        self.effects.push(Effect::Tail { attachment: id, session: session.clone(), after, follower });
        self.sessions.insert(id, session.clone());
        self.attachments.insert(session.clone(), Box::new(attached));
        self.attend(&session, attended, present);
        self.detach_if_closed(&session);
    }

    /// This client, as it comes by `session/new`, `load` or `resume`: a controller that asks for nobody's presence.
    pub(super) fn plainly(&self) -> Who {
        let info = match &self.phase {
            Phase::Ready { initialize } => initialize.as_raw().member("clientInfo"),
            _ => None,
        };
        Who {
            connection: Arc::clone(&self.out.client),
            client: Arc::clone(&self.out.client),
            role: Role::Controller,
            info: info.filter(|info| fits(*info)).map(Raw::to_owned),
            watches: false,
            bell: Arc::clone(&self.bell),
        }
    }

    /// This client, as it attaches.
    pub(super) fn attaching(&self, attach: Attach) -> Who {
        let plainly = self.plainly();
        Who {
            client: attach.client.unwrap_or(plainly.client),
            role: attach.role,
            info: attach.info.or(plainly.info),
            watches: true,
            ..plainly
        }
    }

    /// Tells the host if whether a controller is here has changed.
    pub(super) fn attend(&mut self, session: &SessionId, before: bool, present: bool) {
        if before != present {
            self.submit(Some(session.clone()), command::attend(present), Then::Attend);
        }
    }

    /// Whether the client is attached to a session to look on.
    pub(super) fn observes(&self, session: &SessionId) -> bool {
        self.attachments.get(session).is_some_and(|attached| !attached.place().role.is_controller())
    }

    /// Whether the client may have an operation done: as who it is, and in a session as what it has attached to it. That
    /// the session is one of its own is for the service to say.
    pub(super) fn may(&self, operation: Operation, session: Option<&SessionId>) -> Result<(), Denied> {
        let attached = session.and_then(|session| self.attachments.get(session));
        self.caller.may(operation, attached.map(|attached| attached.place().role.into()))
    }

    /// Refuses a request that the client may not send.
    pub(super) fn check_access(&self, method: &str, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = params.session().ok();
        let observed = session.as_ref().filter(|session| self.observes(session));
        let attached = session.as_ref().is_some_and(|session| self.attachments.contains_key(session));
        let denied = match (operation::of(method, attached), observed) {
            (Some(operation), _) => self.may(operation, session.as_ref()).err(),
            // Not even what nobody serves.
            (None, Some(_)) => Some(Denied::Observing { operation: Operation::Call }),
            (None, None) => None,
        };
        match (denied, observed) {
            (None, _) => Ok(()),
            (Some(Denied::Observing { .. }), Some(session)) => Err(refusal::observer(session, method)),
            (Some(denied), _) => Err(refused::denied(&denied)),
        }
    }

    /// The client knows no such method; whether that is the answer, because nobody else could give one.
    pub(super) fn declines(&mut self, session: &SessionId, request: Seq, error: &RawBuf) -> bool {
        self.attachments.get_mut(session).is_none_or(|attached| attached.declines(request, error))
    }

    /// Somebody has come to or left one of the sessions, or has taken this client's place in one.
    pub(in crate::gateway) fn presence_changed(&mut self) {
        let mut lost = Vec::new();
        let mut answers = Vec::new();
        for (session, attached) in &mut self.attachments {
            if attached.place().is_lost() {
                lost.push((session.clone(), refusal::place_taken(session, &attached.place().client)));
                continue;
            }
            attached.tell_presence(&mut self.out);
            attached.ask_withheld(&mut self.out);
            let declined = attached.declined_by_all();
            answers.extend(declined.map(|(request, error)| (session.clone(), request, error.clone())));
        }
        for (session, request, error) in answers {
            self.submit(Some(session), command::answer(request, Err(error)), Then::Nothing);
        }
        for (session, error) in lost {
            if let Some(attached) = self.attachments.get(&session) {
                self.effects.push(Effect::Untail { attachment: attached.id });
            }
            self.lose(&session, &error, true);
        }
    }

    /// The client has gone, and with it every attachment. What it asked for before is still done.
    pub(in crate::gateway) fn leave(&mut self) {
        self.gone = true;
        self.sessions.clear();
        for (session, attached) in std::mem::take(&mut self.attachments) {
            self.effects.push(Effect::Untail { attachment: attached.id });
            self.attend(&session, attached.place().role.is_controller(), false);
        }
    }
}
