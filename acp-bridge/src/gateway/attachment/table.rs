//! Table of the attachments of one connection: one for each session at most, each with a name that is never used twice.

use std::collections::HashMap;

use acp_types::SessionId;

/// Name of one attachment of one connection; never used twice in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::gateway) struct AttachmentId(pub(in crate::gateway) u64);

/// Attachments by session, and their sessions by name.
#[derive(Debug)]
pub(in crate::gateway) struct Table<A> {
    attached: HashMap<SessionId, (AttachmentId, A)>,
    sessions: HashMap<AttachmentId, SessionId>,
    last: u64,
}

impl<A> Default for Table<A> {
    fn default() -> Self {
        Self { attached: HashMap::new(), sessions: HashMap::new(), last: 0 }
    }
}

impl<A> Table<A> {
    /// Number of attachments.
    pub(in crate::gateway) fn len(&self) -> usize {
        self.attached.len()
    }

    /// Returns whether the client is attached to a session.
    pub(in crate::gateway) fn contains(&self, session: &SessionId) -> bool {
        self.attached.contains_key(session)
    }

    /// Attachment to a session.
    pub(in crate::gateway) fn get(&self, session: &SessionId) -> Option<&A> {
        self.attached.get(session).map(|(_, attached)| attached)
    }

    /// Name of the attachment to a session.
    pub(in crate::gateway) fn id(&self, session: &SessionId) -> Option<AttachmentId> {
        self.attached.get(session).map(|&(id, _)| id)
    }

    /// Attachment to a session, to be changed.
    pub(in crate::gateway) fn get_mut(&mut self, session: &SessionId) -> Option<&mut A> {
        self.attached.get_mut(session).map(|(_, attached)| attached)
    }

    /// Attachment of this name, to be changed; `None` for one that is no more.
    pub(in crate::gateway) fn by_id(&mut self, id: AttachmentId) -> Option<&mut A> {
        self.attached.get_mut(self.sessions.get(&id)?).map(|(_, attached)| attached)
    }

    /// Session of the attachment of this name.
    pub(in crate::gateway) fn session(&self, id: AttachmentId) -> Option<&SessionId> {
        self.sessions.get(&id)
    }

    /// Every attachment with its session.
    pub(in crate::gateway) fn iter(&self) -> impl Iterator<Item = (&SessionId, &A)> {
        self.attached.iter().map(|(session, (_, attached))| (session, attached))
    }

    /// Every attachment with its session, to be changed.
    pub(in crate::gateway) fn iter_mut(&mut self) -> impl Iterator<Item = (&SessionId, &mut A)> {
        self.attached.iter_mut().map(|(session, (_, attached))| (session, attached))
    }

    /// Adds an attachment to a session that has none; its name.
    pub(in crate::gateway) fn insert(&mut self, session: SessionId, attached: A) -> AttachmentId {
        self.last += 1;
        let id = AttachmentId(self.last);
        self.sessions.insert(id, session.clone());
        self.attached.insert(session, (id, attached));
        id
    }

    /// Removes the attachment to a session.
    pub(in crate::gateway) fn remove(&mut self, session: &SessionId) -> Option<(AttachmentId, A)> {
        let removed = self.attached.remove(session)?;
        self.sessions.remove(&removed.0);
        Some(removed)
    }

    /// Removes every attachment.
    pub(in crate::gateway) fn take_all(&mut self) -> impl Iterator<Item = (SessionId, (AttachmentId, A))> + use<A> {
        self.sessions.clear();
        std::mem::take(&mut self.attached).into_iter()
    }
}
