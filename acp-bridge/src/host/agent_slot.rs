//! State of the agent of one lane, as its host knows it. Pure: no I/O, clock or channels.

use acp_server::proto::RequestKey;
use acp_types::RawBuf;
use acp_types::record::body::AgentLink;

use crate::session::{CallId, StartPlan};

/// The life of a lane's agent.
///
/// ```text
///                 bring                     opened
///    Absent --+-----------> Starting -------------------> Serving
///     ^ ^ ^   |                |                             |
///     | | |   | bring          +--- failed ---> Absent       +--- closed ---> Exiting
///     | | |   |                |                             |                   |
///     | | |   +-----------> Awaited ------ returned -------> |                   |
///     | | |                    |                             |                   |
///     | | +----- not back -----+                             |                   |
///     | |                      | stop                        | stop              | stop
///     | |                      v                             v                   v
///     | +------- gone ----- Stopping <-----------------------+-------------------+
///     |                        |
///     |                        +--- gone, and another one is due ---> Starting or Awaited
///     |
///     +------- exited ----- Exiting
/// ```
///
/// `stop` leads from `Starting` to `Stopping` as well. Two agents on one session of an agent would damage it: what is
/// brought while one is on its way out waits until that is gone.
///
/// What happens goes in by the methods; what is to be done comes out as [`SlotEffect`]s, each of which ends in one of the
/// methods.
#[derive(Debug, Default)]
pub(super) enum AgentSlot {
    /// No agent is there, and none is on its way.
    #[default]
    Absent,
    /// An agent is being started, and opens its session.
    Starting,
    /// An agent of an earlier host is to dial in again.
    Awaited {
        /// The call that it is to answer, if it has the prompt.
        call: Option<CallId>,
    },
    /// An agent is connected.
    Serving {
        /// True if it runs under a dialler, and goes on when this host goes.
        remote: bool,
    },
    /// The agent has closed its connection by itself, and its process is waited for.
    Exiting,
    /// The agent is not wanted any more, and not gone yet. Nothing is heard of it.
    Stopping {
        /// Way in which the next one comes, once this one is gone.
        next: Option<Box<Coming>>,
    },
}

/// Way of the next agent to its lane.
#[derive(Debug)]
pub(super) enum Coming {
    /// A start of the agent.
    Start(StartPlan),
    /// A return: the agent runs on since an earlier host, and dials in again.
    Return(Returning),
}

/// Agent that an earlier host has started, as the log knows it.
#[derive(Debug)]
pub(super) struct Returning {
    /// Link by which it is found.
    pub(super) link: AgentLink,
    /// The call that it is to answer, if it has the prompt.
    pub(super) call: Option<CallId>,
    /// Params of its `initialize`, with what it was told about the client.
    pub(super) initialize: RawBuf,
    /// Its answer.
    pub(super) description: RawBuf,
    /// The number of its last message that is in the log.
    pub(super) received: u64,
    /// True if it may be elsewhere and works on something: a network that is away is no reason to give it up before its
    /// time.
    pub(super) patient: bool,
    /// True if it dials in by itself: no host has started it.
    pub(super) dialled: bool,
}

/// Action on processes that the slot wants done.
#[derive(Debug)]
pub(super) enum SlotEffect {
    /// Have the agent come; ends in [`AgentSlot::opened`], [`AgentSlot::returned`] or [`AgentSlot::failed`].
    Bring(Box<Coming>),
    /// Give up the start that is under way, and with it its process; ends in [`AgentSlot::gone`].
    CancelStart,
    /// Stop the awaited agent if it comes soon; ends in [`AgentSlot::gone`].
    StopIfItComes,
    /// Wait for the awaited agent no longer. It is left to the next host.
    LeaveAwaited,
    /// Wait for the process of an agent that has closed its connection; ends in [`AgentSlot::exited`].
    WaitForExit,
    /// Stop the connected agent: politely, or at once as a process group; ends in [`AgentSlot::gone`].
    Stop {
        /// At once.
        kill: bool,
    },
    /// Let go of the connected agent, which runs on for the next host.
    Leave,
}

impl AgentSlot {
    /// State of an agent that opened the session before the lane was there.
    pub(super) fn connected(remote: bool) -> Self {
        Self::Serving { remote }
    }

    /// An agent is wanted. One that is there, which the session should have stopped, is stopped before.
    pub(super) fn bring(&mut self, coming: Coming) -> Option<SlotEffect> {
        let effect = self.stop(false);
        match self {
            Self::Stopping { next } => {
                *next = Some(Box::new(coming));
                effect
            }
            _ => Some(self.begin(Box::new(coming))),
        }
    }

    fn begin(&mut self, coming: Box<Coming>) -> SlotEffect {
        *self = match &*coming {
            Coming::Start(_) => Self::Starting,
            Coming::Return(returning) => Self::Awaited { call: returning.call },
        };
        SlotEffect::Bring(coming)
    }

    /// The agent that was started serves its session.
    pub(super) fn opened(&mut self, remote: bool) {
        if matches!(self, Self::Starting) {
            *self = Self::Serving { remote };
        }
    }

    /// The agent that was awaited is back, and has the prompt that it was sent with this request. The call that it answers
    /// with that.
    pub(super) fn returned(&mut self, prompt: Option<RequestKey>) -> Option<(RequestKey, CallId)> {
        let Self::Awaited { call } = self else { return None };
        let answers = prompt.zip(call.take());
        *self = Self::Serving { remote: true };
        answers
    }

    /// The agent that was to come does not.
    pub(super) fn failed(&mut self) {
        if matches!(self, Self::Starting | Self::Awaited { .. }) {
            *self = Self::Absent;
        }
    }

    /// The agent has closed its connection.
    pub(super) fn closed(&mut self) -> Option<SlotEffect> {
        if !matches!(self, Self::Serving { .. }) {
            return None;
        }
        *self = Self::Exiting;
        Some(SlotEffect::WaitForExit)
    }

    /// The process of an agent that had closed its connection is gone.
    pub(super) fn exited(&mut self) {
        if matches!(self, Self::Exiting) {
            *self = Self::Absent;
        }
    }

    /// No agent is wanted: neither this one nor one that was to come after it.
    pub(super) fn stop(&mut self, kill: bool) -> Option<SlotEffect> {
        let effect = match self {
            Self::Absent => return None,
            Self::Starting => Some(SlotEffect::CancelStart),
            Self::Awaited { .. } => Some(SlotEffect::StopIfItComes),
            Self::Serving { .. } => Some(SlotEffect::Stop { kill }),
            Self::Exiting | Self::Stopping { .. } => None,
        };
        *self = Self::Stopping { next: None };
        effect
    }

    /// The host has no more to do with the lane. An agent that runs on without it is left to the next one.
    pub(super) fn let_go(&mut self, kill: bool) -> Option<SlotEffect> {
        let effect = match self {
            Self::Awaited { .. } => SlotEffect::LeaveAwaited,
            Self::Serving { remote: true } => SlotEffect::Leave,
            _ => return self.stop(kill),
        };
        *self = Self::Absent;
        Some(effect)
    }

    /// The agent that was stopped is gone.
    pub(super) fn gone(&mut self) -> Option<SlotEffect> {
        let Self::Stopping { next } = self else { return None };
        match next.take() {
            Some(coming) => Some(self.begin(coming)),
            None => {
                *self = Self::Absent;
                None
            }
        }
    }

    /// Returns whether the session is told what comes of what is under way.
    pub(super) fn is_told(&self) -> bool {
        matches!(self, Self::Starting | Self::Awaited { .. } | Self::Exiting)
    }

    /// Returns whether the agent was stopped and is not gone.
    pub(super) fn is_stopping(&self) -> bool {
        matches!(self, Self::Stopping { .. })
    }
}

#[cfg(test)]
mod tests;
