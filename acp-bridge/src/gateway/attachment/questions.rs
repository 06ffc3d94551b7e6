//! Questions of agents, as far as one client in one session is concerned.

use std::collections::{BTreeMap, BTreeSet};

use acp_types::RawBuf;
use acp_types::record::Seq;

use super::position::Position;
use crate::gateway::outgoing::Outgoing;
use crate::gateway::presence::Membership;
use crate::view::News;

/// Requests of agents that this client was not asked, or could not answer.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// Requests that the client knows no method for, with what it said: for when nobody else does.
    declined: BTreeMap<Seq, RawBuf>,
    /// Requests that are for another client while that is here: it has the terminal that they are about.
    withheld: BTreeSet<Seq>,
}

impl Questions {
    /// Asks the client everything that waits for an answer, whatever history it wants: it has come as a controller (P8).
    pub(super) fn ask_pending(&mut self, at: &Position, out: &mut Outgoing) {
        if !at.is_asked() {
            return;
        }
        let pending: Vec<Seq> = at.state().pending().map(|(seq, _)| seq).collect();
        for request in pending {
            self.ask(request, at, out);
        }
    }

    /// Asks the client, if it sees the request, or keeps it until the client that it is for has gone.
    pub(super) fn ask(&mut self, request: Seq, at: &Position, out: &mut Outgoing) {
        let asked = at.state().pending_request(request).filter(|asked| at.sees(asked, out));
        let Some(asked) = asked else { return };
        let owner = at.state().terminal_owner(asked).filter(|owner| ***owner != *out.client);
        if owner.is_some_and(|owner| at.membership().member(owner).is_some()) {
            self.withheld.insert(request);
            at.membership().watch();
            return;
        }
        if let Some(child) = at.state().child_of(asked).filter(|_| !at.shows(&asked.lane)) {
            // A turn of the client's own, in a lane of whose children it is told nothing else.
            for child in at.state().children().line_of(child) {
                out.tell(at.session(), &News::Child(child));
            }
        }
        out.ask(at.session(), request, &asked.method, asked.params.as_ref());
    }

    /// Asks the client again what was for somebody who may have gone.
    pub(super) fn ask_withheld(&mut self, at: &Position, out: &mut Outgoing) {
        for request in std::mem::take(&mut self.withheld) {
            self.ask(request, at, out);
        }
    }

    /// Takes in that the client has no method of that name. That is no answer while somebody else may have one; whether
    /// it is now.
    pub(super) fn decline(&mut self, request: Seq, error: &RawBuf, membership: &Membership) -> bool {
        self.declined.insert(request, error.clone());
        membership.decline(request)
    }

    /// Requests that the client has declined and nobody who is still here can answer.
    pub(super) fn declined_by_all(&self, membership: &Membership) -> impl Iterator<Item = (Seq, &RawBuf)> {
        let declined = self.declined.iter().map(|(&request, error)| (request, error));
        declined.filter(|(request, _)| membership.is_declined_by_all(*request))
    }

    /// Forgets a request that has its answer.
    pub(super) fn resolved(&mut self, request: Seq, membership: &Membership, out: &mut Outgoing) {
        out.resolved(membership.session(), request);
        self.withheld.remove(&request);
        if self.declined.remove(&request).is_some() {
            membership.settled(request);
        }
    }

    /// Takes over what the client declined before it came to the session once more.
    pub(super) fn inherit(&mut self, earlier: Self, at: &Position) {
        for (request, error) in earlier.declined {
            if at.state().pending_request(request).is_some() {
                self.declined.insert(request, error);
            } else {
                at.membership().settled(request);
            }
        }
    }
}
