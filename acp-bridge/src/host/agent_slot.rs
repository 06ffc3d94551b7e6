//! State of the agent of one lane, as its host knows it. Pure: no I/O, clock or channels.

use std::collections::HashMap;

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
    /// None is there, and none is on its way.
    #[default]
    Absent,
    /// One is being started, and opens its session.
    Starting,
    /// One that an earlier host has started is to dial in again.
    Awaited {
        /// The call that it is to answer, if it has the prompt.
        call: Option<CallId>,
    },
    /// One is connected.
    Serving(Serving),
    /// It has closed its connection by itself, and its process is waited for.
    Exiting,
    /// It is not wanted any more, and not gone yet. Nothing is heard of it.
    Stopping {
        /// Way in which the next one comes, once this one is gone.
        next: Option<Box<Coming>>,
    },
}

/// Way of the next agent to its lane.
#[derive(Debug)]
pub(super) enum Coming {
    /// It is started.
    Start(StartPlan),
    /// It runs on since an earlier host, and dials in again.
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
    /// It may be elsewhere and works on something: a network that is away is no reason to give it up before its time.
    pub(super) patient: bool,
    /// It dials in by itself: no host has started it.
    pub(super) dialled: bool,
}

/// State of an agent while it is connected.
#[derive(Debug)]
pub(super) struct Serving {
    /// Requests to it that it has not answered.
    calls: HashMap<RequestKey, CallId>,
    /// It runs under a dialler, which keeps what it says until that is safe.
    remote: bool,
    /// The last of its messages that was taken in, and the last of which it knows that it is safe, by ordinal.
    heard: u64,
    settled: u64,
}

/// One thing to do with processes.
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
    /// State of an agent that opened the session, with its message `opened`, before the lane was there.
    pub(super) fn connected(opened: Option<u64>, remote: bool) -> Self {
        Self::Serving(Serving::new(HashMap::new(), opened.unwrap_or(0), remote))
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

    /// The agent that was started serves its session since its message `opened`.
    pub(super) fn opened(&mut self, opened: Option<u64>, remote: bool) {
        if matches!(self, Self::Starting) {
            *self = Self::Serving(Serving::new(HashMap::new(), opened.unwrap_or(0), remote));
        }
    }

    /// The agent that was awaited is back, and has the prompt that it was sent with this request.
    pub(super) fn returned(&mut self, prompt: Option<RequestKey>) {
        if let Self::Awaited { call } = self {
            let calls = prompt.zip(call.take()).into_iter().collect();
            *self = Self::Serving(Serving::new(calls, 0, true));
        }
    }

    /// The agent that was to come does not.
    pub(super) fn failed(&mut self) {
        if matches!(self, Self::Starting | Self::Awaited { .. }) {
            *self = Self::Absent;
        }
    }

    /// The agent has closed its connection.
    pub(super) fn closed(&mut self) -> Option<SlotEffect> {
        if !matches!(self, Self::Serving(_)) {
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
            Self::Serving(_) => Some(SlotEffect::Stop { kill }),
            Self::Exiting | Self::Stopping { .. } => None,
        };
        *self = Self::Stopping { next: None };
        effect
    }

    /// The host has no more to do with the lane. An agent that runs on without it is left to the next one.
    pub(super) fn let_go(&mut self, kill: bool) -> Option<SlotEffect> {
        let effect = match self {
            Self::Awaited { .. } => SlotEffect::LeaveAwaited,
            Self::Serving(serving) if serving.remote => SlotEffect::Leave,
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

    /// State of the agent while it is connected.
    pub(super) fn serving(&mut self) -> Option<&mut Serving> {
        if let Self::Serving(serving) = self { Some(serving) } else { None }
    }

    /// The last message that a remote agent has said and does not know to be safe, by ordinal.
    pub(super) fn unsettled(&self) -> Option<u64> {
        match self {
            Self::Serving(serving) if serving.remote && serving.heard > serving.settled => Some(serving.heard),
            _ => None,
        }
    }
}

impl Serving {
    fn new(calls: HashMap<RequestKey, CallId>, heard: u64, remote: bool) -> Self {
        Self { calls, remote, heard, settled: 0 }
    }

    /// A request is about to be sent. Known before that: the answer may be there before the sending returns.
    pub(super) fn expect_answer(&mut self, key: RequestKey, call: CallId) {
        self.calls.insert(key, call);
    }

    /// A request is answered, or was not sent after all.
    pub(super) fn take_call(&mut self, key: RequestKey) -> Option<CallId> {
        self.calls.remove(&key)
    }

    /// A message of the agent is taken in.
    pub(super) fn heard(&mut self, ordinal: u64) {
        self.heard = self.heard.max(ordinal);
    }

    /// Marks the agent's messages up to this one as safe; returns whether that is news.
    pub(super) fn settle(&mut self, ordinal: u64) -> bool {
        let is_news = ordinal > self.settled;
        self.settled = self.settled.max(ordinal);
        is_news
    }
}

#[cfg(test)]
mod tests;
