//! State of the agent of a lane.

use super::super::{AgentSource, Refusal, StartPlan};
use super::restore::Restore;
use super::start_plan::{self, Joining, Starting};
use super::transition::Transition;

/// Starts in a row during which the agent may die while it is given what clients chose, before it is started without.
const MAX_DEATHS: u32 = 2;

/// The place of a lane's agent.
#[derive(Debug, Default)]
pub(super) struct AgentSlot {
    agent: Agent,
    /// Agents in a row that died while they were given what clients chose.
    deaths: u32,
}

/// State of a lane's agent, as far as the machine knows.
///
/// ```text
///           somebody needs it               it opened the session
///   Absent ───────────────────▶ Starting ───────────────────────────┐
///    ▲ ▲ ▲                         │              │ something is to │ nothing is
///    │ │ └── it failed, or was ────┘              ▼ be set again    ▼ to be
///    │ │     stopped meanwhile               Restoring ─────────▶ Serving
///    │ │                                        │  ▲               │  ▲
///    │ └──── it exited, was stopped or killed ──┴──┼───────────────┘  │
///    │                                             └────────┬─────────┘
///    └──── it did not come back, or was stopped ───── Awaited  it came back
///                                                           ▲
///                        recovery, of an agent behind a link
/// ```
///
/// A stop is done at once: what a stopped agent still says is dropped.
#[derive(Debug, Default)]
enum Agent {
    /// No agent, and none is being started.
    #[default]
    Absent,
    /// [`super::super::Effect::StartAgent`] is under way.
    Starting(Starting),
    /// It serves the lane as far as the log knows, but a restart of the bridge has cut it off: it is waited for.
    Awaited,
    /// It is there, and is given what clients chose. No prompt and no request of a client goes to it meanwhile.
    Restoring(Box<Restore>),
    /// It serves the lane.
    Serving,
}

/// Subject of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// A start: the log knows nothing of it.
    Start,
    /// An agent that the log knows.
    Agent,
}

/// An agent that has gone while it was given what clients chose.
#[derive(Debug)]
pub(super) struct DiedRestoring {
    pub(super) restore: Box<Restore>,
    /// True if that has happened too often: the next one is started without.
    pub(super) once_too_often: bool,
}

/// Questions about its state.
impl AgentSlot {
    pub(super) fn is_absent(&self) -> bool {
        matches!(self.agent, Agent::Absent)
    }

    pub(super) fn is_awaited(&self) -> bool {
        matches!(self.agent, Agent::Awaited)
    }

    /// Returns whether it is there and hears what it is told.
    pub(super) fn is_alive(&self) -> bool {
        matches!(self.agent, Agent::Restoring(_) | Agent::Serving)
    }

    /// Returns whether it may be given prompts and requests.
    pub(super) fn is_serving(&self) -> bool {
        matches!(self.agent, Agent::Serving)
    }

    /// Returns whether it is on no way to or from somewhere.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.agent, Agent::Absent | Agent::Serving)
    }

    /// Returns whether the lane's first agent is on its way.
    pub(super) fn is_joining(&self) -> bool {
        self.joining().is_some()
    }

    /// Source of the agent that is on its way to a lane that it makes.
    pub(super) fn joining(&self) -> Option<&AgentSource> {
        let Agent::Starting(Starting { joining, .. }) = &self.agent else { return None };
        joining.as_ref().map(Joining::source)
    }

    /// Restore that it is being given, of what clients chose.
    pub(super) fn restoring(&mut self) -> Option<&mut Restore> {
        if let Agent::Restoring(restore) = &mut self.agent { Some(restore) } else { None }
    }

    /// Time by which it is to have been given all that.
    pub(super) fn deadline(&self) -> Option<u64> {
        if let Agent::Restoring(restore) = &self.agent { Some(restore.deadline()) } else { None }
    }
}

/// Changes of its state. What cannot happen to it as it is changes nothing.
impl AgentSlot {
    /// Somebody needs an agent: how to start one, or why that cannot be done, which ends in [`Self::start_failed`] as well.
    /// Nothing if there is one, or one is on its way.
    pub(super) fn need(&mut self, cx: &Transition<'_>, accepts_loss: bool) -> Option<Result<StartPlan, Refusal>> {
        if !self.is_absent() {
            return None;
        }
        let accepts_loss = accepts_loss || cx.config().accept_context_loss;
        self.agent = Agent::Starting(Starting { accepts_loss, joining: None });
        if let Some(profile) = start_plan::untrusted_profile(cx) {
            return Some(Err(Refusal::Untrusted { lane: cx.lane().to_string(), profile }));
        }
        Some(start_plan::plan(cx, accepts_loss).ok_or(Refusal::StartUnknown))
    }

    /// The lane's first agent is started.
    pub(super) fn begin_to_join(&mut self, joining: Joining) {
        self.agent = Agent::Starting(Starting { accepts_loss: false, joining: Some(joining) });
    }

    /// The first agent of a new session is there already.
    pub(super) fn begin_with_first(&mut self) {
        self.agent = Agent::Starting(Starting { accepts_loss: false, joining: None });
    }

    /// It has opened the session.
    pub(super) fn started(&mut self) -> Option<Starting> {
        self.end_start(Agent::Serving)
    }

    /// It could not be started.
    pub(super) fn start_failed(&mut self) -> Option<Starting> {
        self.end_start(Agent::Absent)
    }

    fn end_start(&mut self, next: Agent) -> Option<Starting> {
        match std::mem::take(&mut self.agent) {
            Agent::Starting(starting) => {
                self.agent = next;
                Some(starting)
            }
            other => {
                self.agent = other;
                None
            }
        }
    }

    /// Takes the one that waits for the lane's first agent: it waits no more.
    pub(super) fn take_joining(&mut self) -> Option<Joining> {
        if let Agent::Starting(starting) = &mut self.agent { starting.joining.take() } else { None }
    }

    /// After a restart of the bridge: it runs on, and is waited for.
    pub(super) fn await_return(&mut self) {
        self.agent = Agent::Awaited;
    }

    /// It is back. Returns whether it was waited for.
    pub(super) fn returned(&mut self) -> bool {
        let awaited = self.is_awaited();
        if awaited {
            self.agent = Agent::Serving;
        }
        awaited
    }

    /// It serves, but something is to be set before.
    pub(super) fn restore(&mut self, restore: Restore) {
        if self.is_serving() {
            self.agent = Agent::Restoring(Box::new(restore));
        }
    }

    /// All is set or lost.
    pub(super) fn restored(&mut self) -> Option<Box<Restore>> {
        let restore = self.take_restore(Agent::Serving)?;
        self.deaths = 0;
        Some(restore)
    }

    fn take_restore(&mut self, next: Agent) -> Option<Box<Restore>> {
        match std::mem::take(&mut self.agent) {
            Agent::Restoring(restore) => {
                self.agent = next;
                Some(restore)
            }
            other => {
                self.agent = other;
                None
            }
        }
    }

    /// It has gone by itself.
    pub(super) fn gone(&mut self) -> Option<DiedRestoring> {
        let restore = self.take_restore(Agent::Absent);
        self.agent = Agent::Absent;
        let restore = restore?;
        self.deaths += 1;
        let once_too_often = self.deaths >= MAX_DEATHS;
        if once_too_often {
            self.deaths = 0;
        }
        Some(DiedRestoring { restore, once_too_often })
    }

    /// It is stopped. Nothing if there is none.
    pub(super) fn stop(&mut self) -> Option<Stopped> {
        match std::mem::take(&mut self.agent) {
            Agent::Absent => None,
            Agent::Starting(_) => Some(Stopped::Start),
            Agent::Awaited | Agent::Restoring(_) | Agent::Serving => Some(Stopped::Agent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AgentSlot, Stopped};

    #[test]
    fn what_cannot_happen_to_an_agent_changes_nothing() {
        let mut slot = AgentSlot::default();
        assert!(slot.started().is_none() && slot.start_failed().is_none() && slot.restored().is_none());
        assert!(!slot.returned() && slot.stop().is_none() && slot.gone().is_none() && slot.is_absent());
        slot.begin_with_first();
        assert!(!slot.is_alive() && !slot.is_settled() && !slot.returned());
        assert!(slot.started().is_some() && slot.is_serving() && slot.started().is_none() && slot.is_serving());
    }

    #[test]
    fn a_start_that_was_taken_back_brings_no_agent() {
        let mut slot = AgentSlot::default();
        slot.begin_with_first();
        assert_eq!(slot.stop(), Some(Stopped::Start));
        assert!(slot.started().is_none() && slot.is_absent());
    }

    #[test]
    fn an_agent_that_is_waited_for_serves_again_once_it_is_back() {
        let mut slot = AgentSlot::default();
        slot.await_return();
        assert!(slot.is_awaited() && !slot.is_alive() && !slot.is_settled());
        assert!(slot.returned() && slot.is_serving() && !slot.returned());
        assert_eq!(slot.stop(), Some(Stopped::Agent));
        slot.await_return();
        assert!(slot.gone().is_none() && slot.is_absent(), "it was given nothing of what clients chose");
    }
}
