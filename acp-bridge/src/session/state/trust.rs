//! Trust: whether what a session says may have effects.

use acp_types::meta::Unattended;
use acp_types::record::Seq;
use acp_types::record::body::SessionDisarmed;

/// Trust in a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trust {
    disarmed: Option<SessionDisarmed>,
    /// Seq of the newest record that disarmed it: what stands before was written elsewhere, trusted or not.
    since: Seq,
    /// The policy that it had then.
    policy: Option<Unattended>,
}

impl Trust {
    pub(super) fn disarmed(&self) -> Option<&SessionDisarmed> {
        self.disarmed.as_ref()
    }

    pub(super) fn since(&self) -> Seq {
        self.since
    }

    /// Takes the session's policy out of force.
    pub(super) fn disarm(&mut self, seq: Seq, disarmed: SessionDisarmed, policy: &mut Option<Unattended>) {
        self.disarmed = Some(disarmed);
        self.since = seq;
        // Disarmed again, it keeps the policy that was laid aside before.
        self.policy = policy.take().or(self.policy.take());
    }

    /// Puts the policy back in force, unless the session has got another one meanwhile.
    pub(super) fn trust(&mut self, policy: &mut Option<Unattended>) {
        self.disarmed = None;
        if let Some(laid_aside) = self.policy.take() {
            policy.get_or_insert(laid_aside);
        }
    }
}
