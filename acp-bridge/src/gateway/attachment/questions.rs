//! Questions of agents, as far as one client in one session is concerned.

use std::collections::{BTreeMap, BTreeSet};

use acp_types::RawBuf;
use acp_types::record::Seq;

use crate::gateway::outgoing::Outgoing;
use crate::gateway::presence::Membership;
use crate::session::State;

/// Requests of agents that this client was not asked, or could not answer.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// Those that the client knows no method for, with what it said: for when nobody else does.
    declined: BTreeMap<Seq, RawBuf>,
    /// Those that are for another client while that is here: it has the terminal that they are about.
    withheld: BTreeSet<Seq>,
}

impl Questions {
    /// Asks the client, or keeps the request until the client that it is for has gone.
    pub(super) fn ask(&mut self, request: Seq, state: &State, membership: &Membership, out: &mut Outgoing) {
        let Some(asked) = state.pending_request(request) else { return };
        let owner = state.terminal_owner(asked).filter(|owner| ***owner != *out.client);
        if owner.is_some_and(|owner| membership.member(owner).is_some()) {
            self.withheld.insert(request);
            membership.watch();
            return;
        }
        out.ask(membership.session(), request, &asked.method, asked.params.as_ref());
    }

    /// Takes the requests that were for somebody else, to be asked again.
    pub(super) fn take_withheld(&mut self) -> BTreeSet<Seq> {
        std::mem::take(&mut self.withheld)
    }

    /// The client has no method of that name. That is no answer while somebody else may have one; whether it is now.
    pub(super) fn decline(&mut self, request: Seq, error: &RawBuf, membership: &Membership) -> bool {
        self.declined.insert(request, error.clone());
        membership.decline(request)
    }

    /// Requests that the client has declined and nobody who is still here can answer.
    pub(super) fn declined_by_all(&self, membership: &Membership) -> impl Iterator<Item = (Seq, &RawBuf)> {
        let declined = self.declined.iter().map(|(&request, error)| (request, error));
        declined.filter(|(request, _)| membership.is_declined_by_all(*request))
    }

    /// A request has its answer.
    pub(super) fn resolved(&mut self, request: Seq, membership: &Membership, out: &mut Outgoing) {
        out.resolved(membership.session(), request);
        self.withheld.remove(&request);
        if self.declined.remove(&request).is_some() {
            membership.settled(request);
        }
    }

    /// Takes over what the client declined before it came to the session once more.
    pub(super) fn inherit(&mut self, earlier: Self, state: &State, membership: &Membership) {
        for (request, error) in earlier.declined {
            if state.pending_request(request).is_some() {
                self.declined.insert(request, error);
            } else {
                membership.settled(request);
            }
        }
    }
}
