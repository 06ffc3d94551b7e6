//! The host's side of a session: from commands and agent traffic to records and effects.

mod admission;
mod announce;
mod calls;
mod cancel;
mod close;
mod config;
mod joining;
mod lane;
mod lifecycle;
mod opening;
mod policy;
mod prompt;
mod queue;
mod recorder;
mod requests;
mod rest;
mod restore;
mod returning;
mod routing;
mod steer;
mod updates;
mod wire;

pub(crate) use admission::clean_outcome;
pub use config::Config;
pub(crate) use wire::for_agents;

use super::lanes::Lanes;
use super::{FromAgent, Input, Output, State};
use lane::Lane;
use recorder::{Core, Step};

/// One session as its host runs it.
///
/// Whoever drives it hands in what happens, appends [`Output::records`] as one batch and, once they are on stable
/// storage, runs [`Output::effects`] in order. If the append fails the machine is dropped and made anew from the log:
/// its state has the records in it already.
///
/// Inputs may be handed in one after the other before anything is appended, but what comes of a start
/// ([`FromAgent::Started`], [`FromAgent::StartFailed`]) only while no effect waits: one of them might take it back.
///
/// Each lane has an agent of its own with turns, stops and recovery of its own; what the lanes share is the log, the
/// limits and the params of the agents' starts.
///
/// Whatever comes in, in whatever order, it does not panic; what cannot be meant (an answer to nothing, traffic of an
/// agent that was stopped) is dropped. What an agent says in the bridge's name, or of a session that it does not have, is
/// refused: a request with an error, anything else with a warning.
#[derive(Debug)]
pub struct Machine {
    core: Core,
    lanes: Lanes<Lane>,
    idle_since: Option<u64>,
}

impl Machine {
    /// Takes one thing in that happened at `now` (microseconds since the Unix epoch) and adds what comes of it to
    /// `out`. May be called many times before the driver acts on `out`.
    pub fn handle(&mut self, now: u64, input: Input, out: &mut Output) {
        let position = if let Input::Agent { position, .. } = input { position } else { None };
        let passes = matches!(input, Input::Tick);
        let rests = matches!(input, Input::Rest) && self.is_idle();
        let mut step = Step { at: now, position, out, core: &mut self.core };
        match input {
            Input::Command { id, client, command } => self.lanes.command(&mut step, id, client, command),
            Input::Agent { lane, event, position: _ } => {
                let may_not_come = matches!(event, FromAgent::StartFailed { .. });
                if let Some(lane) = self.lanes.get_mut(&lane) {
                    lane.hear(&mut step, event);
                }
                if may_not_come {
                    self.lanes.forget_unjoined(&step);
                }
            }
            Input::Tick => {
                for lane in self.lanes.iter_mut() {
                    lane.tick(&mut step);
                    lane.tick_offers(&mut step);
                    lane.tick_restore(&mut step);
                    lane.tick_announcement(&mut step);
                }
                self.lanes.tick_policy(&mut step);
            }
            Input::Rest if rests => self.lanes.rest(&mut step),
            Input::Rest => {}
        }
        if passes {
            self.note_time(now);
        } else {
            self.note_use(now);
        }
    }

    /// The epoch of the records that it makes.
    #[must_use]
    pub fn epoch(&self) -> acp_types::record::Epoch {
        self.core.epoch
    }

    /// When [`Input::Tick`] is due, in microseconds since the Unix epoch.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        let of_lanes = self.lanes.iter().flat_map(|lane| {
            let restored = lane.restore.as_ref().map(|restore| restore.deadline);
            let announced = lane.announcement.map(|announcement| announcement.deadline);
            [lane.cancel_deadline, lane.offer_deadline, restored, announced]
        });
        of_lanes.chain([self.core.attendance.deadline()]).flatten().min()
    }

    /// What the log says, the records of every output so far included.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.core.state
    }
}
