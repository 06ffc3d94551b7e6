//! Writes down what happens, with the time.

use std::time::Instant;

use crate::core::history::{Event, History, Line, What};

/// Events of one scenario that are kept; after that only their number counts. A subject that floods must not take the
/// tester's memory.
const MAX_EVENTS: usize = 1_000_000;

/// A history in the making.
#[derive(Debug)]
pub(crate) struct Recorder {
    begun: Instant,
    on: u32,
    history: History,
}

impl Recorder {
    pub(crate) fn new(scenario: &str) -> Self {
        Self { begun: Instant::now(), on: 0, history: History { scenario: scenario.to_owned(), events: Vec::new() } }
    }

    /// A new connection begins.
    pub(crate) fn connected(&mut self, subject: &str) {
        self.on += 1;
        self.push(What::Opened { subject: subject.to_owned() });
    }

    pub(crate) fn sent(&mut self, label: Option<&str>, line: &[u8]) {
        self.push(What::Sent { line: Line::new(line), label: label.map(str::to_owned) });
    }

    /// Returns the place of the event and its time.
    pub(crate) fn push(&mut self, what: What) -> (usize, u64, u32) {
        let at = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let index = self.history.events.len();
        if index < MAX_EVENTS {
            self.history.events.push(Event { at, on: self.on, what });
        }
        (index, at, self.on)
    }

    /// One that records beside this one, from the same time on.
    pub(crate) fn beside(&self) -> Self {
        Self {
            begun: self.begun,
            on: 0,
            history: History { scenario: self.history.scenario.clone(), events: Vec::new() },
        }
    }

    /// Adds what another one has recorded, behind all that this one has, as connections of its own.
    pub(crate) fn absorb(&mut self, other: Self) {
        let before = self.on;
        let room = MAX_EVENTS.saturating_sub(self.history.events.len());
        let events = other.history.events.into_iter().take(room);
        self.history.events.extend(events.map(|event| Event { on: event.on + before, ..event }));
        self.on += other.on;
    }

    /// The record until now.
    pub(crate) fn so_far(&self) -> &History {
        &self.history
    }

    pub(crate) fn finish(self) -> History {
        self.history
    }
}
