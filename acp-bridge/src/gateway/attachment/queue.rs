//! Changes that a record makes to the prompts that wait.

use acp_types::record::body::{PromptSteered, Steer};
use acp_types::record::{Kind, Record, Turn};

use crate::session::{State, TurnPhase};
use crate::view::QueueChange;

/// Flag: a turn waited before the record about it was taken in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waited(bool);

impl Waited {
    /// Looks before `state` has taken the record in.
    pub(super) fn before(state: &State, record: &Record) -> Self {
        let turn = record.turn.and_then(|turn| state.turn(turn));
        Self(turn.is_some_and(|info| info.phase == TurnPhase::Queued))
    }

    /// Change that the record makes, and its turn; `None` if it makes none.
    pub(super) fn change(self, record: &Record) -> Option<(QueueChange, Turn)> {
        let change = match record.kind {
            Kind::PromptQueued => QueueChange::Queued,
            Kind::PromptEdited => QueueChange::Edited,
            Kind::PromptMoved => QueueChange::Moved,
            Kind::PromptSteered => match record.decode::<PromptSteered>().ok()?.steer {
                Steer::Offered => QueueChange::Offered,
                Steer::Injected => QueueChange::Steered,
                _ => QueueChange::Queued,
            },
            Kind::TurnStarted => QueueChange::Started,
            Kind::TurnEnded if self.0 => QueueChange::Ended,
            _ => return None,
        };
        Some((change, if record.kind == Kind::PromptQueued { record.seq } else { record.turn? }))
    }
}
