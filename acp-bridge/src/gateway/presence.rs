//! Presence in the sessions of this gateway: who is attached, and who has declined to answer which request of an agent.
//!
//! In memory only: nobody's coming and going is in a log. It holds one member for each attachment, so connections times
//! sessions per connection at most. Changes are not queued: a connection is notified, and it compares the roster that it
//! last told its client with the one of now. A client that does not read costs one old roster.

mod members;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acp_types::SessionId;
use acp_types::record::Seq;

use self::members::SessionMembers;
pub(super) use self::members::{NewMember, Notifier};
use crate::view::{Member, Role, Roster};

/// Members of every session of this gateway.
#[derive(Debug, Default)]
pub(super) struct Presence {
    sessions: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    by_session: HashMap<SessionId, SessionMembers>,
    next: u64,
}

/// Membership of a client in a session; dropping it leaves.
#[derive(Debug)]
pub(super) struct Membership {
    presence: Arc<Presence>,
    session: SessionId,
    id: u64,
    taken: u64,
    pub(super) client: Arc<str>,
    pub(super) role: Role,
}

impl Presence {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Makes a client a member of a session. The same connection comes anew, which the others see only if something
    /// of it is different; another member with the same `clientId` is out.
    pub(super) fn enter(self: &Arc<Self>, session: &SessionId, who: NewMember) -> Membership {
        let mut sessions = self.lock();
        sessions.next += 1;
        let next = sessions.next;
        let members = sessions.by_session.entry(session.clone()).or_default();
        let (client, role) = (Arc::clone(&who.client), who.role);
        let id = members.enter(next, who);
        drop(sessions);
        Membership { presence: Arc::clone(self), session: session.clone(), id, taken: next, client, role }
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        // No change below can panic half-way.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Membership {
    /// Name of the session.
    pub(super) fn session(&self) -> &SessionId {
        &self.session
    }

    fn with<T>(&self, look: impl FnOnce(&mut SessionMembers) -> T) -> Option<T> {
        self.presence.lock().by_session.get_mut(&self.session).map(look)
    }

    /// Returns whether another connection has taken it, with the same `clientId`.
    pub(super) fn is_lost(&self) -> bool {
        !self.with(|members| members.has(self.id)).unwrap_or(false)
    }

    /// Has it notified from now on when somebody comes or goes.
    pub(super) fn watch(&self) {
        self.with(|members| members.watch(self.id));
    }

    /// Roster of the session, this client included.
    pub(super) fn roster(&self) -> Roster {
        self.with(|members| Arc::clone(members.roster())).unwrap_or_default()
    }

    /// Members who have gone and come since a roster, this client left out.
    pub(super) fn changes(&self, since: &Roster, now: &Roster) -> (Vec<Arc<Member>>, Vec<Arc<Member>>) {
        if Arc::ptr_eq(since, now) {
            return (Vec::new(), Vec::new());
        }
        let not_in = |roster: &Roster, member: &Member| {
            member.id != self.id && roster.binary_search_by_key(&member.id, |other| other.id).is_err()
        };
        let gone = since.iter().filter(|member| not_in(now, member)).cloned().collect();
        let come = now.iter().filter(|member| not_in(since, member)).cloned().collect();
        (gone, come)
    }

    /// Member whose connection has this id in logs.
    pub(super) fn member(&self, connection: &str) -> Option<Arc<Member>> {
        self.with(|members| members.roster().iter().find(|member| *member.connection == *connection).cloned()).flatten()
    }

    /// Takes in that this client cannot answer a request; whether nobody else who is here can.
    pub(super) fn decline(&self, request: Seq) -> bool {
        self.with(|members| members.decline(self.id, request)).unwrap_or(true)
    }

    /// Returns whether everybody who is here has declined a request that this client has declined.
    pub(super) fn is_declined_by_all(&self, request: Seq) -> bool {
        self.with(|members| members.is_declined_by_all(request)).unwrap_or(false)
    }

    /// Forgets who has declined a request: it has its answer.
    pub(super) fn settled(&self, request: Seq) {
        self.with(|members| members.settled(request));
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut sessions = self.presence.lock();
        let Some(members) = sessions.by_session.get_mut(&self.session) else { return };
        members.leave(self.id, self.taken);
        if members.is_empty() {
            sessions.by_session.remove(&self.session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(connection: &str, client: &str, role: Role) -> NewMember {
        let (connection, client) = (connection.into(), client.into());
        NewMember { connection, client, role, info: None, watches: true, notifier: Notifier::default() }
    }

    fn names(members: &[Arc<Member>]) -> Vec<&str> {
        members.iter().map(|member| &*member.client).collect()
    }

    /// Takes the notification; returns whether there was one since the last look.
    fn was_notified(notifier: &Notifier) -> bool {
        let mut notified = std::pin::pin!(notifier.notified());
        notified.as_mut().enable()
    }

    #[test]
    fn those_who_watch_learn_who_came_and_went_and_a_short_visit_leaves_no_trace() {
        let presence = Presence::new();
        let me = who("1", "me", Role::Observer);
        let notifier = Arc::clone(&me.notifier);
        let membership = presence.enter(&"s".into(), me);
        let before = membership.roster();
        assert!(!was_notified(&notifier), "nobody else is there");
        let two = presence.enter(&"s".into(), who("2", "two", Role::Controller));
        drop(presence.enter(&"s".into(), who("3", "three", Role::Controller)));
        let elsewhere = presence.enter(&"other".into(), who("4", "four", Role::Controller));
        assert!(was_notified(&notifier) && !was_notified(&notifier), "one notification for all of it");
        let now = membership.roster();
        let (gone, come) = membership.changes(&before, &now);
        assert_eq!((names(&gone), names(&come)), (vec![], vec!["two"]));
        drop((two, elsewhere));
        let (gone, come) = membership.changes(&now, &membership.roster());
        assert_eq!((names(&gone), names(&come)), (vec!["two"], vec![]));
    }

    #[test]
    fn coming_again_on_the_same_connection_is_seen_only_if_something_is_different() {
        let presence = Presence::new();
        let membership = presence.enter(&"s".into(), who("1", "me", Role::Controller));
        let two = presence.enter(&"s".into(), who("2", "two", Role::Controller));
        let before = membership.roster();
        let again = presence.enter(&"s".into(), who("2", "two", Role::Controller));
        drop(two);
        assert!(Arc::ptr_eq(&before, &membership.roster()), "the earlier membership leaves nothing");
        let observer = presence.enter(&"s".into(), who("2", "two", Role::Observer));
        drop(again);
        let (gone, come) = membership.changes(&before, &membership.roster());
        assert_eq!((names(&gone), names(&come)), (vec!["two"], vec!["two"]));
        assert!(!observer.is_lost());
    }

    #[test]
    fn the_later_of_two_with_one_client_id_has_the_place() {
        let presence = Presence::new();
        let first = who("1", "me", Role::Controller);
        let notifier = Arc::clone(&first.notifier);
        let first = presence.enter(&"s".into(), first);
        let second = presence.enter(&"s".into(), who("2", "me", Role::Controller));
        assert!(was_notified(&notifier) && first.is_lost() && !second.is_lost());
        drop(first);
        assert_eq!(names(&second.roster()), ["me"]);
    }

    #[test]
    fn a_request_is_declined_when_every_controller_has_declined_it() {
        let presence = Presence::new();
        let one = who("1", "one", Role::Controller);
        let notifier = Arc::clone(&one.notifier);
        let one = presence.enter(&"s".into(), NewMember { watches: false, ..one });
        let two = presence.enter(&"s".into(), who("2", "two", Role::Controller));
        let _observer = presence.enter(&"s".into(), who("3", "three", Role::Observer));
        assert!(!one.decline(7));
        assert!(!was_notified(&notifier));
        drop(two);
        assert!(was_notified(&notifier) && one.is_declined_by_all(7), "the last that might have answered has gone");
        one.settled(7);
        assert!(!one.is_declined_by_all(7));
    }

    #[test]
    fn an_empty_session_takes_no_room() {
        let presence = Presence::new();
        drop(presence.enter(&"s".into(), who("1", "one", Role::Controller)));
        assert!(presence.lock().by_session.is_empty());
    }
}
