//! Others in the session, as far as one client has been told: who they are, and how they answered agents.

use acp_types::record::Record;
use acp_types::record::body::Resolved;

use super::position::Position;
use crate::gateway::outgoing::Outgoing;
use crate::gateway::presence::Membership;
use crate::view::{News, Roster};

/// Roster that the client was last told, if it attached to know it.
#[derive(Debug, Default)]
pub(super) struct RosterNews {
    told: Option<Roster>,
}

impl RosterNews {
    /// Starts from the roster that the client has been told: it wants to know of others.
    pub(super) fn begin(&mut self, roster: Roster) {
        self.told = Some(roster);
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

    /// Tells the client how a permission request was answered. Before the state is told: it still knows the request.
    pub(super) fn tell_resolved(&self, record: &Record, at: &Position, out: &mut Outgoing) {
        if self.told.is_none() {
            return;
        }
        let Ok(resolved) = record.decode::<Resolved>() else { return };
        let asked = at.state().pending_request(resolved.request).filter(|request| at.sees(request, &out.prompts));
        let Some(asked) = asked else { return };
        let by = record.origin.client().and_then(|client| at.membership().member(client));
        let by = by.as_deref();
        out.tell(at.session(), &News::PermissionResolved { record, resolved: &resolved, asked, by });
    }
}
