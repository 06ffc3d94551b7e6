//! Members of one session: who is in it, who wants to know of the others, and who has declined to answer what. Pure.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use acp_types::RawBuf;
use acp_types::record::Seq;
use tokio::sync::Notify;

use crate::view::{Member, Role, Roster};

/// Wake-up of a connection that should look at its sessions' rosters; once for many changes.
pub(in crate::gateway) type Notifier = Arc<Notify>;

/// Client that comes to a session.
#[derive(Debug, Clone)]
pub(in crate::gateway) struct NewMember {
    pub(in crate::gateway) connection: Arc<str>,
    pub(in crate::gateway) client: Arc<str>,
    pub(in crate::gateway) role: Role,
    pub(in crate::gateway) info: Option<RawBuf>,
    /// Flag: it wants to know of the others.
    pub(in crate::gateway) watches: bool,
    pub(in crate::gateway) notifier: Notifier,
}

/// Members of one session, and what each has declined to answer.
#[derive(Debug, Default)]
pub(super) struct SessionMembers {
    roster: Roster,
    slots: HashMap<u64, Slot>,
    /// Members that cannot answer a request, by the seq of its record.
    declined: HashMap<Seq, HashSet<u64>>,
}

/// Slot of one member.
#[derive(Debug)]
struct Slot {
    notifier: Notifier,
    watches: bool,
    /// Number that changes when the same client comes again on the same connection, so that its earlier membership
    /// leaves nothing.
    taken: u64,
}

impl SessionMembers {
    /// Takes a client in, as the member of this number unless it is one already; its number.
    pub(super) fn enter(&mut self, next: u64, who: NewMember) -> u64 {
        let NewMember { connection, client, role, info, watches, notifier } = who;
        let slot = Slot { notifier, watches, taken: next };
        let mine = self.roster.iter().find(|member| member.connection == connection);
        if let Some(mine) = mine {
            let id = mine.id;
            if mine.client == client && mine.role == role && mine.info == info {
                self.slots.insert(id, slot);
                return id;
            }
            self.remove(id);
        }
        if let Some(id) = self.roster.iter().find(|member| member.client == client).map(|member| member.id) {
            let evicted = self.slots.get(&id).map(|slot| Arc::clone(&slot.notifier));
            self.remove(id);
            if let Some(notifier) = evicted {
                notifier.notify_one();
            }
        }
        // Ids grow, so the roster is sorted by them.
        Arc::make_mut(&mut self.roster).push(Arc::new(Member { id: next, connection, client, role, info }));
        self.notify_watchers();
        self.slots.insert(next, slot);
        next
    }

    fn remove(&mut self, id: u64) {
        self.slots.remove(&id);
        Arc::make_mut(&mut self.roster).retain(|member| member.id != id);
        self.declined.retain(|_, members| {
            members.remove(&id);
            !members.is_empty()
        });
        self.notify_watchers();
        // Perhaps it was the last that might have answered.
        for id in self.declined.values().flatten() {
            self.notify(*id);
        }
    }

    fn notify_watchers(&self) {
        for slot in self.slots.values().filter(|slot| slot.watches) {
            slot.notifier.notify_one();
        }
    }

    fn notify(&self, id: u64) {
        if let Some(slot) = self.slots.get(&id) {
            slot.notifier.notify_one();
        }
    }

    /// Returns whether every controller that is here has declined a request.
    pub(super) fn is_declined_by_all(&self, request: Seq) -> bool {
        let Some(declined) = self.declined.get(&request) else { return false };
        self.roster.iter().filter(|member| member.role.is_controller()).all(|member| declined.contains(&member.id))
    }

    /// Returns whether a member is here.
    pub(super) fn has(&self, id: u64) -> bool {
        self.slots.contains_key(&id)
    }

    /// Returns whether nobody is here.
    pub(super) fn is_empty(&self) -> bool {
        self.roster.is_empty()
    }

    /// Roster of everybody who is here.
    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Notifies a member from now on when somebody comes or goes.
    pub(super) fn watch(&mut self, id: u64) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.watches = true;
        }
    }

    /// Takes in that a member cannot answer a request; whether nobody else who is here can. A membership that is lost
    /// declines for nobody.
    pub(super) fn decline(&mut self, id: u64, request: Seq) -> bool {
        if self.has(id) {
            self.declined.entry(request).or_default().insert(id);
        }
        self.is_declined_by_all(request)
    }

    /// Forgets who has declined a request: it has its answer.
    pub(super) fn settled(&mut self, request: Seq) {
        self.declined.remove(&request);
    }

    /// Lets a member go, unless the same client has come again since as `taken` says.
    pub(super) fn leave(&mut self, id: u64, taken: u64) {
        if self.slots.get(&id).is_some_and(|slot| slot.taken == taken) {
            self.remove(id);
        }
    }
}
