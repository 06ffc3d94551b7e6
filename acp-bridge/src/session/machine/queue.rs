//! Looking at prompts that wait, and changing them.

use std::sync::Arc;

use acp_types::meta::QueuedPrompt;
use acp_types::record::body::{PromptEdited, PromptMoved};
use acp_types::record::{Kind, Origin, Turn};
use acp_types::{Raw, RawBuf, rewrite};

use super::super::lanes::Lanes;
use super::super::{QueueCommand, Refusal, Reply, State, TurnPhase};
use super::lane::Lane;
use super::recorder::Step;

impl Lanes<Lane> {
    /// Looks at what waits in all lanes, or changes one prompt of it.
    pub(super) fn queue(
        &mut self,
        step: &mut Step<'_>,
        client: &Arc<str>,
        command: QueueCommand,
    ) -> Result<Reply, Refusal> {
        match command {
            QueueCommand::List => return Ok(Reply::Queue(listed(step.state()))),
            QueueCommand::Edit { turn, prompt } => {
                let lane = self.waiting(step.state(), turn)?;
                lane.edit(step, client, turn, prompt)?;
            }
            QueueCommand::Move { turn, before } => {
                let lane = self.waiting(step.state(), turn)?;
                lane.move_before(step, client, turn, before)?;
            }
            QueueCommand::Withdraw { turn } => {
                let lane = self.waiting(step.state(), turn)?;
                lane.cancel_queued(step, client, turn, None);
                lane.paused = false;
                lane.advance(step);
            }
        }
        Ok(Reply::Done)
    }

    /// The lane in which a turn waits.
    fn waiting(&mut self, state: &State, turn: Turn) -> Result<&mut Lane, Refusal> {
        let Some(info) = state.turn(turn) else {
            return Err(Refusal::UnknownTurn { turn });
        };
        Err(match &info.phase {
            TurnPhase::Queued => return self.get_mut(&info.lane).ok_or(Refusal::TurnLaneLeft { turn }),
            TurnPhase::Running => Refusal::TurnStarted { turn },
            TurnPhase::Offered(into) | TurnPhase::Joined(into) => Refusal::TurnJoined { turn, into: *into },
            TurnPhase::Ended(outcome) => Refusal::TurnEnded { turn, outcome: outcome.name().to_owned() },
        })
    }
}

impl Lane {
    fn edit(&mut self, step: &mut Step<'_>, client: &Arc<str>, turn: Turn, prompt: RawBuf) -> Result<(), Refusal> {
        let Some(params) = step.state().turn(turn).and_then(|info| info.params.clone()) else { return Ok(()) };
        let edited = rewrite::set_member(params.as_raw(), "prompt", prompt.as_raw());
        let (others, bytes) = self.queued_besides(step, Some(turn));
        let limit = step.config().max_queue_bytes;
        if others > 0 && bytes + edited.as_str().len() > limit {
            return Err(Refusal::QueueBytes { limit });
        }
        let origin = Origin::Client(Arc::clone(client));
        self.record(step, Kind::PromptEdited, origin, Some(turn), &PromptEdited { prompt });
        Ok(())
    }

    fn move_before(
        &mut self,
        step: &mut Step<'_>,
        client: &Arc<str>,
        turn: Turn,
        before: Option<Turn>,
    ) -> Result<(), Refusal> {
        let queue = self.queued(step);
        if let Some(before) = before.filter(|before| !queue.contains(before)) {
            return Err(Refusal::TurnElsewhere { before, turn });
        }
        let place = queue.iter().position(|&queued| queued == turn);
        let behind = place.and_then(|place| queue.get(place + 1)).copied();
        if before != Some(turn) && before != behind {
            let origin = Origin::Client(Arc::clone(client));
            self.record(step, Kind::PromptMoved, origin, Some(turn), &PromptMoved { before });
        }
        Ok(())
    }
}

/// What waits, lane by lane.
fn listed(state: &State) -> Vec<QueuedPrompt> {
    let entry = |turn| {
        let info = state.turn(turn)?;
        let prompt = info.params.as_ref().and_then(|params| params.as_raw().member("prompt"));
        let mut entry = QueuedPrompt::new(turn, &*info.lane, prompt.unwrap_or(Raw::EMPTY_ARRAY).to_owned());
        entry.key = info.key.as_deref().map(str::to_owned);
        entry.client = info.client.as_deref().map(str::to_owned);
        Some(entry)
    };
    state.lanes().flat_map(|lane| lane.queue()).filter_map(entry).collect()
}
