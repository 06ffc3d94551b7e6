//! Limits of a scenario's waiting.

use std::time::Duration;

/// Limits of how long things may take.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out")]
pub struct Limits {
    /// Until a request is answered that needs no model and opens no session. Default: 30 s, for harnesses that start
    /// slowly.
    pub step: Duration,
    /// Until a turn has ended. Default: 120 s.
    pub turn: Duration,
    /// In which nothing may come that must not come. Default: 200 ms.
    pub quiet: Duration,
    /// Until a subject has exited after its input was closed. Default: 3 s.
    pub grace: Duration,
}

impl Limits {
    /// Until a session is made or opened, for which a harness starts programs: as long as a turn.
    #[must_use]
    pub fn session(&self) -> Duration {
        self.step.max(self.turn)
    }

    /// Until a request of this method that is no turn is answered.
    #[must_use]
    pub(crate) fn of(&self, method: &str) -> Duration {
        if OPEN.contains(&method) { self.session() } else { self.step }
    }
}

/// Requests that make or open a session.
const OPEN: [&str; 3] = ["session/new", "session/load", "session/resume"];

impl Default for Limits {
    fn default() -> Self {
        Self {
            step: Duration::from_secs(30),
            turn: Duration::from_secs(120),
            quiet: Duration::from_millis(200),
            grace: Duration::from_secs(3),
        }
    }
}
