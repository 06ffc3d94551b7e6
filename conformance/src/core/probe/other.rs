//! Other connections of a scenario: several clients at once, or a peer that is not the subject.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::Probe;
use super::wire::Wire;
use crate::core::link::Link;
use crate::core::subject::Subject;

impl Probe {
    /// A second client of the same subject in the same scenario, with manners of its own. What it saw is judged once
    /// [`Probe::absorb`] has taken it back.
    pub(crate) fn another(&self) -> Self {
        let (subject, directory) = (Arc::clone(&self.subject), Arc::clone(&self.directory));
        Self::with(subject, self.limits, self.recorder.beside(), directory)
    }

    /// Ends a second client and adds what it saw, as connections of its own.
    pub(crate) async fn absorb(&mut self, mut other: Self) {
        other.close().await;
        self.recorder.absorb(other.recorder);
    }

    /// Connects to something that is not the subject.
    pub(crate) async fn open_link(&mut self, name: &str, link: Link) {
        self.close().await;
        self.recorder.connected(name);
        self.asked.clear();
        self.wire = Some(Wire::new(link));
    }

    /// Does nothing for so long, not even read.
    pub(crate) async fn pause(&mut self, duration: Duration) {
        tokio::time::sleep(duration).await;
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.note("paused", json!({ "ms": ms }));
    }

    /// Returns whether the subject is a program that this scenario started.
    pub(crate) fn is_program(&self) -> bool {
        matches!(*self.subject, Subject::Program { .. } | Subject::Bridge { .. })
    }

    /// Interrupts the subject's own process, as somebody at its keyboard would. Whether there is one.
    pub(crate) fn interrupt(&self) -> bool {
        let id = self.wire.as_ref().and_then(Wire::process_id).and_then(|id| i32::try_from(id).ok());
        let pid = id.and_then(rustix::process::Pid::from_raw);
        pid.is_some_and(|pid| rustix::process::kill_process(pid, rustix::process::Signal::INT).is_ok())
    }
}
