//! Permission requests while no controller is there: what the policy says becomes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use acp_types::meta::Unattended;
use acp_types::record::body::{SessionTrusted, SessionUpdated};
use acp_types::record::{Kind, Origin, Seq};
use acp_types::{Raw, RawBuf};

use super::super::lanes::Lanes;
use super::super::permission::{self, Decision};
use super::super::{PendingRequest, start};
use super::lane::Lane;
use super::recorder::Step;
use super::requests::{By, cancelled};

/// Controllers that are counted. More need not be: those that are show that somebody is there.
const MAX_CONTROLLERS: usize = 4096;

/// How long a client may take to come back after a restart of the bridge in which a turn went on, in microseconds. Until
/// then nothing is decided for it.
const RETURN: u64 = 10_000_000;

/// Who is there to answer, and until when what waits may wait. In memory only: after a restart nobody is.
#[derive(Debug, Default)]
pub(super) struct Attendance {
    controllers: BTreeSet<Arc<str>>,
    due: BTreeMap<Seq, u64>,
    /// Until when those may come back that were there before a restart.
    expected: Option<u64>,
}

impl Attendance {
    /// When the first request has waited long enough, or the clients have been waited for.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.due.values().copied().chain(self.expected).min()
    }

    /// Clients may come back now.
    pub(super) fn expect(&mut self, now: u64) {
        self.expected = Some(now.saturating_add(RETURN));
    }

    /// The request is answered.
    pub(super) fn resolved(&mut self, request: Seq) {
        self.due.remove(&request);
    }

    pub(super) fn is_unattended(&self) -> bool {
        self.controllers.is_empty() && self.expected.is_none()
    }
}

impl Lanes<Lane> {
    /// A controller has come or gone. While one is there nothing is decided for it.
    pub(super) fn attend(&mut self, step: &mut Step<'_>, client: Arc<str>, present: bool) {
        let attendance = &mut step.core.attendance;
        let before = attendance.is_unattended();
        if !present {
            attendance.controllers.remove(&client);
        } else if attendance.controllers.len() < MAX_CONTROLLERS {
            attendance.controllers.insert(client);
            attendance.expected = None;
        }
        match (before, attendance.is_unattended()) {
            (true, false) => attendance.due.clear(),
            (false, true) => self.apply_policy(step),
            _ => {}
        }
    }

    /// The session has another policy; without one, that of the server. Times to wait begin anew.
    pub(super) fn set_policy(&mut self, step: &mut Step<'_>, client: Arc<str>, policy: Option<&Unattended>) {
        if step.state().unattended() != policy {
            let text = policy.map(Unattended::to_string).unwrap_or_default();
            let updated = SessionUpdated { unattended: Some(text), ..SessionUpdated::default() };
            self.main().record(step, Kind::SessionUpdated, Origin::Client(client), None, &updated);
            self.apply_policy(step);
        }
    }

    /// A controller trusts what the session says that was written elsewhere. Once is enough.
    pub(super) fn trust(&mut self, step: &mut Step<'_>, client: Arc<str>) {
        if step.state().armed() {
            return;
        }
        let trusted = SessionTrusted { by: Some(Arc::clone(&client)) };
        self.main().record(step, Kind::SessionTrusted, Origin::Client(client), None, &trusted);
        let params = start::with_directories(step.start_params().as_raw(), step.state());
        step.set_start_params(params);
        self.apply_policy(step);
    }

    fn apply_policy(&mut self, step: &mut Step<'_>) {
        for lane in self.iter_mut() {
            lane.apply_policy(step);
        }
    }

    /// Rejects what has waited long enough.
    pub(super) fn tick_policy(&mut self, step: &mut Step<'_>) {
        if step.core.attendance.expected.is_some_and(|until| until <= step.at) {
            step.core.attendance.expected = None;
            self.apply_policy(step);
        }
        let due: Vec<Seq> =
            step.core.attendance.due.iter().filter(|(_, due)| **due <= step.at).map(|(&seq, _)| seq).collect();
        for seq in due {
            let lane = step.state().pending_request(seq).map(|pending| Arc::clone(&pending.lane));
            if let Some(lane) = lane.and_then(|lane| self.get_mut(&lane)) {
                lane.reject(step, seq);
            }
        }
    }
}

impl Lane {
    fn apply_policy(&mut self, step: &mut Step<'_>) {
        let pending: Vec<Seq> = self.pending(step).map(|(seq, _)| seq).collect();
        for seq in pending {
            self.decide(step, seq);
        }
    }

    /// Does with one request what the policy says, if nobody is there and it asks for a permission.
    pub(super) fn decide(&mut self, step: &mut Step<'_>, request: Seq) {
        let pending = step.state().pending_request(request).filter(|pending| pending.is_permission());
        let Some(params) = pending.and_then(|pending| pending.params.clone()) else { return };
        if !step.core.attendance.is_unattended() {
            return;
        }
        match permission::decide(step.policy(), params.as_raw()) {
            Decision::Allow => {
                if let Some(option) = permission::option(params.as_raw(), "allow_once") {
                    self.decided(step, request, selected(option));
                }
            }
            Decision::Reject => self.reject(step, request),
            Decision::Wait(limit) => {
                let due = &mut step.core.attendance.due;
                match limit.map(|limit| step.at.saturating_add(u64::try_from(limit.as_micros()).unwrap_or(u64::MAX))) {
                    Some(until) => due.insert(request, until),
                    None => due.remove(&request),
                };
            }
        }
    }

    /// Says no, this once; a request that offers no such answer is told that nobody gave one.
    fn reject(&mut self, step: &mut Step<'_>, request: Seq) {
        let params = step.state().pending_request(request).and_then(|pending: &PendingRequest| pending.params.clone());
        let params = params.unwrap_or_default();
        let answer = permission::option(params.as_raw(), "reject_once").map_or_else(cancelled, selected);
        self.decided(step, request, answer);
    }

    fn decided(&mut self, step: &mut Step<'_>, request: Seq, answer: RawBuf) {
        let policy = step.policy().to_string();
        self.resolve(step, request, Ok(answer), By::Policy(policy));
    }
}

/// The answer that chooses an option.
fn selected(option: Raw<'_>) -> RawBuf {
    RawBuf::trusted(format!(r#"{{"outcome":{{"outcome":"selected","optionId":{option}}}}}"#))
}
