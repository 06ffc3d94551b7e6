//! Presence of those who answer what agents ask, and until when what waits may wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use acp_types::record::Seq;

/// Controllers that are counted. More need not be: those that are show that somebody is there.
const MAX_CONTROLLERS: usize = 4096;

/// Time that a client has to come back after a restart of the bridge in which a turn went on, in microseconds. Until
/// then nothing is decided for it.
const RETURN: u64 = 10_000_000;

/// Presence of controllers, and the time that permission requests wait while none is there. In memory only: after a
/// restart nobody is there.
#[derive(Debug, Default)]
pub(super) struct ControllerPresence {
    attendance: Attendance,
    /// Times until which requests wait.
    due: BTreeMap<Seq, u64>,
}

/// Controllers that are there.
///
/// ```text
///                  one comes                          one comes
///   Unattended ──────────────▶ Attended ◀──────────────────┐
///     ▲    ▲                       │                       │
///     │    └─── the last goes ─────┘                       │
///     └──────────────── none came in time ──────────── Expecting ◀── recovery with a turn that goes on
/// ```
#[derive(Debug, Default)]
enum Attendance {
    /// Nobody: the policy decides.
    #[default]
    Unattended,
    /// Those that were there before a restart may come back until then.
    Expecting { until: u64 },
    /// These, never none.
    Attended { controllers: BTreeSet<Arc<str>> },
}

impl ControllerPresence {
    /// Time when the first request has waited long enough, or the clients have been waited for.
    pub(super) fn deadline(&self) -> Option<u64> {
        let until = if let Attendance::Expecting { until } = self.attendance { Some(until) } else { None };
        self.due.values().copied().chain(until).min()
    }

    pub(super) fn is_unattended(&self) -> bool {
        matches!(self.attendance, Attendance::Unattended)
    }

    /// Clients may come back now.
    pub(super) fn expect(&mut self, now: u64) {
        self.attendance = Attendance::Expecting { until: now.saturating_add(RETURN) };
    }

    /// A controller is there. Nothing is decided for it.
    pub(super) fn come(&mut self, client: Arc<str>) {
        self.due.clear();
        match &mut self.attendance {
            Attendance::Attended { controllers } if controllers.len() >= MAX_CONTROLLERS => {}
            Attendance::Attended { controllers } => {
                controllers.insert(client);
            }
            Attendance::Unattended | Attendance::Expecting { .. } => {
                self.attendance = Attendance::Attended { controllers: BTreeSet::from([client]) };
            }
        }
    }

    /// A controller is gone. Returns whether it was the last.
    pub(super) fn go(&mut self, client: &Arc<str>) -> bool {
        let Attendance::Attended { controllers } = &mut self.attendance else { return false };
        controllers.remove(client);
        let last = controllers.is_empty();
        if last {
            self.attendance = Attendance::Unattended;
        }
        last
    }

    /// Returns whether nobody came back in time.
    pub(super) fn expire(&mut self, now: u64) -> bool {
        let over = matches!(self.attendance, Attendance::Expecting { until } if until <= now);
        if over {
            self.attendance = Attendance::Unattended;
        }
        over
    }

    /// A request may wait until then, or for ever.
    pub(super) fn wait(&mut self, request: Seq, until: Option<u64>) {
        match until {
            Some(until) => self.due.insert(request, until),
            None => self.due.remove(&request),
        };
    }

    /// Requests that have waited long enough.
    pub(super) fn overdue(&self, now: u64) -> Vec<Seq> {
        self.due.iter().filter(|(_, due)| **due <= now).map(|(&request, _)| request).collect()
    }

    /// The request is answered.
    pub(super) fn resolved(&mut self, request: Seq) {
        self.due.remove(&request);
    }
}

#[cfg(test)]
mod tests {
    use super::ControllerPresence;

    #[test]
    fn nobody_is_there_until_one_comes_and_again_when_the_last_is_gone() {
        let mut presence = ControllerPresence::default();
        assert!(presence.is_unattended() && !presence.go(&"a".into()), "who never came is not the last to go");
        presence.wait(7, Some(100));
        assert_eq!((presence.deadline(), presence.overdue(99), presence.overdue(100)), (Some(100), vec![], vec![7]));
        presence.come("a".into());
        presence.come("b".into());
        assert_eq!((presence.is_unattended(), presence.deadline()), (false, None), "nothing is decided for them");
        assert!(!presence.go(&"a".into()) && !presence.is_unattended());
        assert!(presence.go(&"b".into()) && presence.is_unattended());
    }

    #[test]
    fn those_that_were_there_before_a_restart_have_a_time_to_come_back() {
        let mut presence = ControllerPresence::default();
        presence.expect(5);
        let until = presence.deadline().unwrap();
        assert!(!presence.is_unattended() && !presence.go(&"a".into()) && !presence.expire(until - 1));
        assert!(presence.expire(until) && presence.is_unattended() && !presence.expire(until));
        presence.expect(until);
        presence.come("a".into());
        assert!(!presence.expire(u64::MAX) && presence.deadline().is_none(), "one that came is not expected any more");
    }
}
