//! Coming to a session and leaving it, and who else is there.

use std::sync::Arc;

use acp_types::record::Seq;
use acp_types::{RawBuf, RequestId, SessionId};

use super::{Connection, Effect, Then};
use crate::gateway::attachment::{Attachment, AttachmentId, Entry, Lens, Seen};
use crate::gateway::presence::NewMember;
use crate::service::follower::SessionFollower;
use crate::service::{Denied, Operation, command};
use crate::view::{Attach, Earlier, LaneFilter, RequestError, Response, Role};

/// A client as it comes to a session.
#[derive(Debug)]
pub(super) struct Entrance {
    pub(super) who: NewMember,
    pub(super) entry: Entry,
    /// The session's log as it is now.
    pub(super) seen: Seen,
    /// Start of the client's history.
    pub(super) after: Seq,
    /// Has the session until it is followed; `None` if it is to be looked for.
    pub(super) follower: Option<Arc<SessionFollower>>,
    pub(super) lanes: LaneFilter,
    pub(super) earlier: Earlier,
}

impl Connection {
    /// The client leaves a session.
    pub(super) fn detach(&mut self, id: RequestId, session: &SessionId) -> Result<(), RequestError> {
        let Some(attached) = self.attachments.remove(session) else {
            return Err(RequestError::NotAttached { session: session.clone() });
        };
        self.sessions.remove(&attached.id);
        self.effects.push(Effect::Untail { attachment: attached.id });
        self.attend(session, attached.membership().role.is_controller(), false);
        self.prompts.detach(session);
        attached.detach(&mut self.prompts, &mut self.out);
        tracing::debug!(client = %self.out.client, %session, "a client has detached");
        self.out.respond(id, Response::Detached { session });
        Ok(())
    }

    /// Puts an attachment in place of the one that there may be.
    pub(super) fn attach(&mut self, session: SessionId, entrance: Entrance) {
        if self.gone {
            return;
        }
        let Entrance { who, entry, seen, after, follower, lanes, earlier } = entrance;
        self.next_attachment += 1;
        let id = AttachmentId(self.next_attachment);
        let before = self.attachments.remove(&session);
        let attended = before.as_ref().is_some_and(|before| before.membership().role.is_controller());
        let present = who.role.is_controller();
        if before.is_some() {
            if present {
                self.out.withdraw_session(&session);
            } else {
                self.out.drop_session(&session);
            }
        }
        let membership = self.presence.enter(&session, who);
        let screen = self.out.view.screen(session.clone(), earlier, entry.replay());
        let mut attached = Attachment::new(id, membership, seen, after, Lens { screen, lanes }, entry);
        attached.begin(&mut self.prompts, &mut self.out);
        if let Some(before) = before {
            self.sessions.remove(&before.id);
            self.effects.push(Effect::Untail { attachment: before.id });
            attached.succeed(*before, &mut self.prompts, &mut self.out);
        }
        self.effects.push(Effect::Tail { attachment: id, session: session.clone(), after, follower });
        self.sessions.insert(id, session.clone());
        self.attachments.insert(session.clone(), Box::new(attached));
        self.attend(&session, attended, present);
        self.detach_if_closed(&session);
    }

    /// This client, as it comes without a word on who it is: a controller that asks for nobody's presence.
    pub(super) fn default_member(&self) -> NewMember {
        NewMember {
            connection: Arc::clone(&self.out.client),
            client: Arc::clone(&self.out.client),
            role: Role::Controller,
            info: self.out.view.client_info(),
            watches: false,
            notifier: Arc::clone(&self.notifier),
        }
    }

    /// This client, as it attaches.
    pub(super) fn attaching(&self, attach: Attach) -> NewMember {
        let default_member = self.default_member();
        NewMember {
            client: attach.client.unwrap_or(default_member.client),
            role: attach.role,
            info: attach.info.or(default_member.info),
            watches: true,
            ..default_member
        }
    }

    /// Tells the host if whether a controller is here has changed.
    pub(super) fn attend(&mut self, session: &SessionId, before: bool, present: bool) {
        if before != present {
            self.submit(Some(session.clone()), command::attend(present), Then::Attend);
        }
    }

    /// Returns whether the client is attached to a session to look on.
    pub(super) fn observes(&self, session: &SessionId) -> bool {
        self.attachments.get(session).is_some_and(|attached| !attached.membership().role.is_controller())
    }

    /// Checks that the client may have an operation done: as who it is, and in a session as what it has attached to it.
    /// That the session is one of its own is for the service to say.
    pub(super) fn may(&self, operation: Operation, session: Option<&SessionId>) -> Result<(), Denied> {
        let attached = session.and_then(|session| self.attachments.get(session));
        self.caller.may(operation, attached.map(|attached| attached.membership().role.into()))
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
            if attached.membership().is_lost() {
                let client = Arc::clone(&attached.membership().client);
                lost.push((session.clone(), RequestError::PlaceTaken { session: session.clone(), client }));
                continue;
            }
            attached.presence_changed(&self.prompts, &mut self.out);
            let declined = attached.declined_by_all();
            answers.extend(declined.map(|(request, error)| (session.clone(), request, error.clone())));
        }
        for (session, request, error) in answers {
            self.submit(Some(session), command::answer(request, Err(error)), Then::Nothing);
        }
        for (session, why) in lost {
            if let Some(attached) = self.attachments.get(&session) {
                self.effects.push(Effect::Untail { attachment: attached.id });
            }
            self.lose(&session, &why, true);
        }
    }

    /// The client has gone, and with it every attachment. What it asked for before is still done.
    pub(in crate::gateway) fn leave(&mut self) {
        self.gone = true;
        self.sessions.clear();
        for (session, attached) in std::mem::take(&mut self.attachments) {
            self.effects.push(Effect::Untail { attachment: attached.id });
            self.attend(&session, attached.membership().role.is_controller(), false);
        }
    }
}
