//! Leases: who is there, and who holds which session. Time comes in as an argument: what has passed since the log was
//! opened.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use acp_types::SessionId;
use acp_types::record::Epoch;

use super::super::{LogError, Member, MemberId, Renewal, Role};

/// Members at once. One more is refused.
const MAX_MEMBERS: usize = 1024;

/// A member that has not renewed its lease for so many terms is forgotten. Until then it finds its sessions again, but for
/// those that others have claimed.
const FORGET: u32 = 4;

/// Leases of members, and the sessions that they hold.
///
/// A session is held while the lease of its holder runs: one renewal keeps all sessions of a host. That a lease has run
/// out takes nothing from its member before another host claims it.
#[derive(Debug, Default)]
pub(super) struct Leases {
    members: BTreeMap<MemberId, Lease>,
    claims: HashMap<SessionId, Claim>,
}

#[derive(Debug)]
struct Lease {
    role: Role,
    /// The lease runs until then.
    until: Duration,
    /// The member is forgotten then.
    forget: Duration,
    /// Sessions that others have taken from it since it renewed last.
    lost: Vec<SessionId>,
}

#[derive(Debug)]
struct Claim {
    holder: MemberId,
    /// `None` until the claim is in the log.
    epoch: Option<Epoch>,
}

impl Leases {
    /// Begins or renews a lease.
    pub(super) fn renew(&mut self, member: &Member, now: Duration, term: Duration) -> Result<Renewal, LogError> {
        self.forget_old(now);
        let joined = !self.members.contains_key(&member.id);
        if joined && self.members.len() >= MAX_MEMBERS {
            return Err(LogError::TooManyMembers { limit: MAX_MEMBERS });
        }
        let lease = self.members.entry(member.id.clone()).or_insert_with(|| Lease {
            role: member.role,
            until: now,
            forget: now,
            lost: Vec::new(),
        });
        let lapsed = !joined && lease.until <= now;
        lease.until = now.saturating_add(term);
        lease.forget = now.saturating_add(term.saturating_mul(FORGET));
        let lost = std::mem::take(&mut lease.lost);
        let running = self.members.iter().filter(|(_, lease)| lease.until > now);
        let members = running.map(|(id, lease)| Member { id: id.clone(), role: lease.role }).collect();
        Ok(Renewal { joined, lapsed, lost, members })
    }

    /// The member goes, and what it held is free.
    pub(super) fn leave(&mut self, member: &MemberId) {
        self.members.remove(member);
        self.claims.retain(|_, claim| claim.holder != *member);
    }

    /// Gives a session to a host, if no other holds it.
    pub(super) fn claim(&mut self, session: &SessionId, host: &MemberId, now: Duration) -> Result<(), LogError> {
        if !self.members.contains_key(host) {
            return Err(LogError::NotAMember { member: host.clone() });
        }
        if let Some(claim) = self.claims.get(session).filter(|claim| claim.holder != *host)
            && let Some(lease) = self.members.get_mut(&claim.holder)
        {
            if lease.until > now {
                let holder = claim.holder.clone();
                return Err(LogError::Held { session: session.clone(), holder, remaining: lease.until - now });
            }
            lease.lost.push(session.clone());
        }
        self.claims.insert(session.clone(), Claim { holder: host.clone(), epoch: None });
        Ok(())
    }

    pub(super) fn claimed(&mut self, session: &SessionId, host: &MemberId, epoch: Epoch) {
        if let Some(claim) = self.claims.get_mut(session).filter(|claim| claim.holder == *host) {
            claim.epoch = Some(epoch);
        }
    }

    /// The host gives up a session that it claimed in this epoch. One that it has claimed again since, or that another has, is
    /// left alone.
    pub(super) fn release(&mut self, session: &SessionId, host: &MemberId, epoch: Option<Epoch>) {
        let given_up = |claim: &Claim| claim.holder == *host && claim.epoch == epoch;
        if self.claims.get(session).is_some_and(given_up) {
            self.claims.remove(session);
        }
    }

    pub(super) fn forget(&mut self, session: &SessionId) {
        self.claims.remove(session);
    }

    /// Holder of a session.
    pub(super) fn holder(&self, session: &SessionId, now: Duration) -> Option<&MemberId> {
        let claim = self.claims.get(session)?;
        self.runs(&claim.holder, now).then_some(&claim.holder)
    }

    /// Destination of a command: the holder of its session, or else any host.
    pub(super) fn route(&self, session: Option<&SessionId>, now: Duration) -> Option<MemberId> {
        if let Some(holder) = session.and_then(|session| self.holder(session, now)) {
            return Some(holder.clone());
        }
        let mut hosts = self.members.iter().filter(|(_, lease)| lease.role == Role::Host);
        let running = hosts.clone().find(|(_, lease)| lease.until > now);
        // A host that is late is better than none: it may only be slow.
        running.or_else(|| hosts.next()).map(|(id, _)| id.clone())
    }

    pub(super) fn is_member(&self, member: &MemberId) -> bool {
        self.members.contains_key(member)
    }

    /// Returns whether the lease of a member runs.
    pub(super) fn runs(&self, member: &MemberId, now: Duration) -> bool {
        self.members.get(member).is_some_and(|lease| lease.until > now)
    }

    fn forget_old(&mut self, now: Duration) {
        let old: Vec<_> =
            self.members.iter().filter(|(_, lease)| lease.forget <= now).map(|(id, _)| id.clone()).collect();
        for member in &old {
            self.leave(member);
        }
    }
}
