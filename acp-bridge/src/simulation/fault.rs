//! Ways to break a promise on purpose, so that it is seen that the checks notice.

use super::check::CHILDREN;

/// What is done wrong in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A record is read otherwise than it was stored.
    RecordChanges,
    /// The log says that records are stored before they are.
    StoredLater,
    /// A gateway is not handed a record.
    RecordSkipped,
    /// A gateway is handed a record twice.
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
    /// What the agent is asked to work on reaches it twice.
    PromptTwice,
    /// An answer reaches the agent twice.
    AnswerTwice,
    /// The host is handed another answer than the client has given.
    AnswerAltered,
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
    /// Clients are not told how a turn ended.
    EndUntold,
    /// A client is not told of a child session that there is already.
    ChildUntold,
    /// A gateway believes that a client understands child sessions.
    ChildrenUnwanted,
    /// Clients are not told that the work of child sessions is over because their agent is gone.
    ChildEndUntold,
    /// The log does not have the name that an agent has for a child session.
    ChildNameLost,
}

impl Fault {
    /// Each with the promise that it breaks.
    pub(super) const ALL: [(Self, &'static str); 24] = [
        (Self::RecordChanges, "P1"),
        (Self::StoredLater, "P2"),
        (Self::RecordSkipped, "P3"),
        (Self::RecordTwice, "P3"),
        (Self::DropStops, "P4"),
        (Self::StopNotTold, "P5"),
        (Self::StopLeaks, "P5"),
        (Self::StopAnswersNothing, "P5"),
        (Self::KeyLost, "P6"),
        (Self::PromptTwice, "P6"),
        (Self::DeathUnheard, "P7"),
        (Self::EndUntold, "P7"),
        (Self::AnswerTwice, "P8"),
        (Self::AnswerAltered, "P8"),
        (Self::NotAsked, "P8"),
        (Self::TwoWriters, "P9"),
        (Self::Rewritten, "P11"),
        (Self::ChoiceNotGiven, "P14"),
        (Self::RefusalUnheard, "P14"),
        (Self::ChoiceUntold, "P14"),
        (Self::ChildUntold, CHILDREN),
        (Self::ChildrenUnwanted, CHILDREN),
        (Self::ChildEndUntold, CHILDREN),
        (Self::ChildNameLost, CHILDREN),
    ];
}
