//! What is to go wrong, and when: points in what a client has seen of a turn, not times.

use super::dice::Dice;

/// What the agent is told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// So many chunks with their numbers, as fast as they are taken.
    Numbered(usize),
    /// A few, which can be stopped in between.
    Count(usize),
    /// One that a relay which decodes would lose.
    Lossless,
    /// A question.
    Ask,
    /// Nothing, until it is stopped.
    Wait,
}

impl Work {
    pub fn text(&self) -> String {
        match self {
            Self::Numbered(count) => format!("numbered {count}"),
            Self::Count(count) => format!("count {count} 1"),
            Self::Lossless => "lossless".to_owned(),
            Self::Ask => "ask execute".to_owned(),
            Self::Wait => "wait".to_owned(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of the bridge, which is started again.
    Bridge,
    /// `kill -9` of the agent.
    Agent,
    /// The sockets of the client that prompts, of the other, or of both.
    Cut { one: bool, other: bool },
    /// No fault: a stop.
    Cancel,
}

/// One turn and what happens in it.
#[derive(Debug)]
pub struct Round {
    pub work: Work,
    /// When so much of the turn has been seen, or it is over before that.
    pub faults: Vec<(usize, Fault)>,
    /// What reached a client before the bridge died is read as well.
    pub drains: bool,
    /// How much the other client lags behind, in parts of ten.
    pub lag: u64,
}

impl Round {
    pub fn any(dice: &mut Dice) -> Self {
        let work = match dice.below(10) {
            0..=3 => Work::Numbered(1 + dice.below(300)),
            4 | 5 => Work::Count(1 + dice.below(20)),
            6 => Work::Lossless,
            7 | 8 => Work::Ask,
            _ => Work::Wait,
        };
        let most = match work {
            Work::Numbered(count) | Work::Count(count) => count + 2,
            Work::Lossless | Work::Ask | Work::Wait => 3,
        };
        let mut faults: Vec<(usize, Fault)> = (0..dice.below(4))
            .map(|_| {
                let fault = match dice.below(8) {
                    0 | 1 => Fault::Bridge,
                    2 => Fault::Agent,
                    3 => Fault::Cancel,
                    4 => Fault::Cut { one: true, other: true },
                    5 => Fault::Cut { one: false, other: true },
                    _ => Fault::Cut { one: true, other: false },
                };
                (dice.below(most), fault)
            })
            .collect();
        if work == Work::Wait {
            faults.push((1, Fault::Cancel));
        }
        faults.sort_by_key(|(point, _)| *point);
        Self { work, faults, drains: dice.below(2) == 0, lag: dice.below(11) as u64 }
    }
}
