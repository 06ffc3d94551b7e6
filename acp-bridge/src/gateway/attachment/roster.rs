//! Others in the session, as far as one client has been told.

use crate::gateway::outgoing::Outgoing;
use crate::gateway::presence::Membership;
use crate::view::{News, Roster};

/// The roster that the client was last told, if it attached to know it.
#[derive(Debug, Default)]
pub(super) struct RosterNews {
    told: Option<Roster>,
}

impl RosterNews {
    /// The client has been told who is there, and wants to know of others.
    pub(super) fn begin(&mut self, roster: Roster) {
        self.told = Some(roster);
    }

    /// Returns whether the client wants to know.
    pub(super) fn is_wanted(&self) -> bool {
        self.told.is_some()
    }

    /// Tells the client who has come and gone since it was told last.
    pub(super) fn tell(&mut self, membership: &Membership, out: &mut Outgoing) {
        let Some(told) = &self.told else { return };
        let now = membership.roster();
        let (gone, come) = membership.changes(told, &now);
        for member in &gone {
            out.tell(membership.session(), &News::Left(member));
        }
        for member in &come {
            out.tell(membership.session(), &News::Came(member));
        }
        self.told = Some(now);
    }
}
