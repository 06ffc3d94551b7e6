//! Coming to a session and leaving it, and who else is there.

use std::sync::Arc;

use acp_types::record::Seq;
use acp_types::{RawBuf, RequestId, SessionId};

use super::{Connection, Effect, Then};
use crate::gateway::attachment::{Attachment, AttachmentId, Entry, Lens, Seen, Tails};
use crate::gateway::presence::NewMember;
use crate::log::LogError;
use crate::service::follower::SessionFollower;
use crate::service::{Denied, Operation, command};
use crate::view::{Attach, News, RequestError, Response, Role};

/// Client on its way into a session.
#[derive(Debug)]
pub(super) struct Entrance {
    pub(super) who: NewMember,
    pub(super) entry: Entry,
    /// Log of the session, as it is now.
    pub(super) seen: Seen,
    /// Start of the client's history.
    pub(super) after: Seq,
    /// Follower that has the session until it is followed; `None` if it is to be looked for.
    pub(super) follower: Option<Arc<SessionFollower>>,
    pub(super) lens: Lens,
}

impl Connection {
    /// Detaches the client from a session.
    pub(super) fn detach(&mut self, id: RequestId, session: &SessionId) -> Result<(), RequestError> {
        let Some((attachment, attached)) = self.attachments.remove(session) else {
            return Err(RequestError::NotAttached { session: session.clone() });
        };
        self.effects.push(Effect::Untail { attachment });
        self.attend(session, attached.membership().role.is_controller(), false);
        self.out.prompts.detach(session);
        attached.detach(&mut self.out);
        tracing::debug!(client = %self.out.client, %session, "a client has detached");
        self.out.respond(id, Response::Detached { session });
        Ok(())
    }

    /// Puts an attachment in place of the one that there may be.
    pub(super) fn attach(&mut self, session: SessionId, entrance: Entrance) {
        if self.gone {
            return;
        }
        let Entrance { who, entry, seen, after, follower, lens } = entrance;
        let before = self.attachments.remove(&session);
        let attended = before.as_ref().is_some_and(|(_, before)| before.membership().role.is_controller());
        let present = who.role.is_controller();
        if before.is_some() {
            if present {
                self.out.withdraw_session(&session);
            } else {
                self.out.drop_session(&session);
            }
        }
        let membership = self.presence.enter(&session, who);
        let mut attached = Attachment::new(membership, seen, after, lens, entry);
        attached.begin(&mut self.out);
        if let Some((attachment, before)) = before {
            self.effects.push(Effect::Untail { attachment });
            attached.succeed(*before, &mut self.out);
        }
        let attachment = self.attachments.insert(session.clone(), Box::new(attached));
        self.effects.push(Effect::Tail { attachment, session: session.clone(), after, follower });
        self.attend(&session, attended, present);
        self.detach_if_closed(&session);
    }

    /// Member that this client is without a word on who it is: a controller that asks for nobody's presence.
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

    /// Member that this client wants to be when it attaches.
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

    /// Takes in that the client knows no such method; whether that is the answer, because nobody else could give one.
    pub(super) fn declines(&mut self, session: &SessionId, request: Seq, error: &RawBuf) -> bool {
        self.attachments.get_mut(session).is_none_or(|attached| attached.declines(request, error))
    }

    /// Looks who has come to or left the sessions, or has taken this client's place in one.
    pub(in crate::gateway) fn presence_changed(&mut self) {
        let mut lost = Vec::new();
        let mut answers = Vec::new();
        for (session, attached) in self.attachments.iter_mut() {
            if attached.membership().is_lost() {
                let client = Arc::clone(&attached.membership().client);
                lost.push((session.clone(), RequestError::PlaceTaken { session: session.clone(), client }));
                continue;
            }
            attached.presence_changed(&mut self.out);
            let declined = attached.declined_by_all();
            answers.extend(declined.map(|(request, error)| (session.clone(), request, error.clone())));
        }
        for (session, request, error) in answers {
            self.submit(Some(session), command::answer(request, Err(error)), Then::Nothing);
        }
        for (session, why) in lost {
            if let Some(attachment) = self.attachments.id(&session) {
                self.effects.push(Effect::Untail { attachment });
            }
            self.lose(&session, &why, true);
        }
    }

    /// Drops every attachment: the client has gone. What it asked for before is still done.
    pub(in crate::gateway) fn leave(&mut self) {
        self.gone = true;
        for (session, (attachment, attached)) in self.attachments.take_all() {
            self.effects.push(Effect::Untail { attachment });
            self.attend(&session, attached.membership().role.is_controller(), false);
        }
    }

    /// Waits for the next records of any session that is followed, and shows them. Cancel-safe.
    pub(in crate::gateway) async fn show_next(&mut self, tails: &mut Tails) {
        let (attachment, followed) = self.attachments.show_next(tails, &mut self.out).await;
        self.shown(attachment, followed);
    }

    /// Ends an attachment if that is due after what it has been shown, or if it can be followed no longer.
    pub(super) fn shown(&mut self, attachment: AttachmentId, followed: Result<(), LogError>) {
        let Some(session) = self.attachments.session(attachment).cloned() else { return };
        match followed {
            Ok(()) => self.detach_if_closed(&session),
            Err(failure) => {
                let deleted = matches!(failure, LogError::NotFound { .. });
                self.lose(&session, &RequestError::log(&session, failure), !deleted);
            }
        }
    }

    /// Every session that the client is attached to, with its cursor.
    pub(in crate::gateway) fn attached(&self) -> impl Iterator<Item = (&SessionId, Seq)> {
        self.attachments.iter().map(|(session, attached)| (session, attached.cursor()))
    }

    /// Ends an attachment against the client's will, and says why. `hosted`: the session has a host to be told.
    fn lose(&mut self, session: &SessionId, why: &RequestError, hosted: bool) {
        let Some((_, attached)) = self.attachments.remove(session) else { return };
        if hosted {
            self.out.prompts.detach(session);
            self.attend(session, attached.membership().role.is_controller(), false);
        }
        attached.end(why, &mut self.out);
        self.out.tell(session, &News::Detached { why });
    }

    pub(super) fn detach_if_closed(&mut self, session: &SessionId) {
        if self.attachments.get(session).is_some_and(|attached| attached.is_closed(&self.out))
            && let Some((attachment, attached)) = self.attachments.remove(session)
        {
            self.effects.push(Effect::Untail { attachment });
            self.attend(session, attached.membership().role.is_controller(), false);
            let why = RequestError::NotAttached { session: session.clone() };
            attached.end(&why, &mut self.out);
        }
    }
}
