//! Ways to break a promise on purpose, so that it is seen that the checks notice.

/// What is done wrong in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Break {
    /// A record is changed after it was stored.
    RecordChanges,
    /// What a host wants done is done, and the bridge dies before anything of it is stored.
    DoneBeforeStored,
    /// A client is not handed a record.
    RecordSkipped,
    /// A client is handed a record twice.
    RecordTwice,
    /// A connection that goes away stops what runs.
    DropStops,
    /// The agent is not told of a stop.
    StopNotTold,
    /// The agent is told of a stop again when it gets its next prompt.
    StopLeaks,
    /// A question is not answered when its turn is stopped.
    StopAnswersNothing,
    /// The host does not see the key of a prompt.
    KeyLost,
    /// The host does not hear that an agent has died.
    DeathUnheard,
    /// An answer reaches the agent twice.
    AnswerTwice,
    /// A question that waits is not put to a client.
    NotAsked,
    /// A host that is none any more appends.
    TwoWriters,
    /// What the agent said is written in another way.
    Rewritten,
    /// An agent is not given a mode, and the host hears that it has taken it.
    ChoiceNotGiven,
    /// The host does not hear that an agent refuses a mode.
    RefusalUnheard,
    /// Clients are not told the mode that one of them has set.
    ChoiceUntold,
}

impl Break {
    /// Each with the promise that it breaks.
    pub(super) const ALL: [(Self, &'static str); 17] = [
        (Self::RecordChanges, "P1"),
        (Self::DoneBeforeStored, "P2"),
        (Self::RecordSkipped, "P3"),
        (Self::RecordTwice, "P3"),
        (Self::DropStops, "P4"),
        (Self::StopNotTold, "P5"),
        (Self::StopLeaks, "P5"),
        (Self::StopAnswersNothing, "P5"),
        (Self::KeyLost, "P6"),
        (Self::DeathUnheard, "P7"),
        (Self::AnswerTwice, "P8"),
        (Self::NotAsked, "P8"),
        (Self::TwoWriters, "P9"),
        (Self::Rewritten, "P11"),
        (Self::ChoiceNotGiven, "P14"),
        (Self::RefusalUnheard, "P14"),
        (Self::ChoiceUntold, "P14"),
    ];
}

/// A promise that was seen to be broken.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub(super) promise: &'static str,
    pub(super) how: String,
}

/// What was seen to be broken in a run.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Broken>);

impl Findings {
    pub(super) fn broken(&mut self, promise: &'static str, how: impl Into<String>) {
        self.0.push(Broken { promise, how: how.into() });
    }

    pub(super) fn expect(&mut self, holds: bool, promise: &'static str, how: impl FnOnce() -> String) {
        if !holds {
            self.broken(promise, how());
        }
    }
}
