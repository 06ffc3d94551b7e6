//! Agent of one lane, as the driver of its session has it: does what the slot wants done, and tells the machine what comes
//! of it.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use acp_types::record::body::AgentStarted;
use tokio::task::{JoinError, JoinHandle};

use super::agent::Agent;
use super::agent_pool::Returned;
use super::agent_slot::{AgentSlot, Coming, SlotEffect};
use super::agent_traffic::{Heard, Traffic};
use super::context::SessionLogic;
use super::lane_tasks::{Done, Means};
use crate::session::{FromAgent, Refusal};

/// Something that happened in a lane. The machine has heard it.
#[derive(Debug)]
pub(super) enum Happened {
    /// The agent said something.
    Said,
    /// The agent has come or gone, or has not read what it was sent.
    Changed,
    /// The agent could not be started, or not open the session, for this reason.
    NotStarted(String),
}

/// Work that runs for a slot.
#[derive(Debug, Default)]
enum Io {
    #[default]
    Nothing,
    /// The task that its state waits for.
    Task(JoinHandle<Done>),
    Agent(Box<Traffic>),
}

/// A lane's agent.
#[derive(Debug, Default)]
pub(super) struct LaneAgent {
    slot: AgentSlot,
    io: Io,
}

impl LaneAgent {
    /// A lane whose agent has opened the session already.
    pub(super) fn connected(agent: Agent) -> Self {
        let slot = AgentSlot::connected(agent.process.runs_on());
        Self { slot, io: Io::opened(agent) }
    }

    /// Traffic with the agent while it is connected.
    pub(super) fn traffic(&mut self) -> Option<&mut Traffic> {
        if let Io::Agent(traffic) = &mut self.io { Some(traffic) } else { None }
    }

    /// Has an agent come, once the one before is gone.
    pub(super) fn bring(&mut self, lane: &Arc<str>, coming: Coming, means: &Means) {
        let effect = self.slot.bring(coming);
        self.run(effect, lane, means);
    }

    /// Stops the agent, or the attempt to get one; nothing more is heard of it.
    pub(super) fn stop(&mut self, lane: &Arc<str>, kill: bool, means: &Means) {
        let effect = self.slot.stop(kill);
        self.run(effect, lane, means);
    }

    /// The host has no more to do with the lane. An agent that runs on without it is left to the next one.
    pub(super) fn let_go(&mut self, lane: &Arc<str>, kill: bool, means: &Means) {
        let effect = self.slot.let_go(kill);
        self.run(effect, lane, means);
    }

    /// Waits until an agent that was let go or stopped is gone.
    pub(super) async fn gone(self) {
        if let (true, Io::Task(task)) = (self.slot.is_stopping(), self.io) {
            // A failed join means that it is gone as well.
            let _ = task.await;
        }
    }

    /// The last message that a remote agent has said and does not know to be safe, by ordinal.
    pub(super) fn unsettled(&self) -> Option<u64> {
        if let Io::Agent(traffic) = &self.io { traffic.unsettled() } else { None }
    }

    /// Returns whether an agent has come or gone, which [`Self::poll`] tells once the session is settled.
    pub(super) fn is_changing(&self) -> bool {
        self.slot.is_told() && matches!(&self.io, Io::Task(task) if task.is_finished())
    }

    /// Tells the machine what happened. That an agent has come or gone is told when what the log has been told so far has
    /// taken effect: when the session is `settled`.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        settled: bool,
        lane: &Arc<str>,
        means: &Means,
        logic: &mut SessionLogic,
    ) -> Poll<Happened> {
        loop {
            match &mut self.io {
                Io::Nothing => return Poll::Pending,
                Io::Agent(traffic) => {
                    return Poll::Ready(match ready!(traffic.poll(context, lane, logic)) {
                        Heard::Said => Happened::Said,
                        Heard::Closed => {
                            // It is waited for, and its exit follows.
                            let effect = self.slot.closed();
                            self.run(effect, lane, means);
                            Happened::Said
                        }
                        Heard::Unread => Happened::Changed,
                    });
                }
                Io::Task(_) if self.slot.is_told() && !settled => return Poll::Pending,
                Io::Task(task) => {
                    let done = ready!(Pin::new(task).poll(context));
                    self.io = Io::Nothing;
                    if self.slot.is_stopping() {
                        self.stopped(done, lane, means);
                    } else {
                        return Poll::Ready(self.done(done, lane, logic));
                    }
                }
            }
        }
    }

    /// The task of a stop is over, or that of a start which was stopped.
    fn stopped(&mut self, done: Result<Done, JoinError>, lane: &Arc<str>, means: &Means) {
        if let Ok(Done::Opened(opened)) = done
            && let Ok((agent, _)) = *opened
        {
            // It had opened its session just before it was stopped.
            self.io = Io::Task(means.stop(agent, true));
        } else {
            let effect = self.slot.gone();
            self.run(effect, lane, means);
        }
    }

    /// The task of a start, a return or an exit is over.
    fn done(&mut self, done: Result<Done, JoinError>, lane: &Arc<str>, logic: &mut SessionLogic) -> Happened {
        match done {
            Ok(Done::Opened(opened)) => match *opened {
                Ok((agent, started)) => self.started(agent, started, lane, logic),
                Err(error) => self.start_failed(error, lane, logic),
            },
            Ok(Done::Returned(returned)) => self.returned(*returned, lane, logic),
            Ok(Done::Exited(reason)) => self.exited(reason, lane, logic),
            Ok(Done::Gone) => Happened::Changed,
            Err(error) => match self.slot {
                AgentSlot::Starting => self.start_failed(Refusal::StartBroke { why: error.to_string() }, lane, logic),
                AgentSlot::Awaited { .. } => self.returned(None, lane, logic),
                _ => self.exited(format!("waiting for its exit failed: {error}"), lane, logic),
            },
        }
    }

    fn started(&mut self, agent: Agent, started: AgentStarted, lane: &Arc<str>, logic: &mut SessionLogic) -> Happened {
        self.slot.opened(agent.process.runs_on());
        logic.hear(lane, agent.position(agent.opened), FromAgent::Started(started));
        self.io = Io::opened(agent);
        if let Io::Agent(traffic) = &mut self.io {
            traffic.hear_early(lane, logic);
        }
        Happened::Changed
    }

    fn start_failed(&mut self, error: Refusal, lane: &Arc<str>, logic: &mut SessionLogic) -> Happened {
        self.slot.failed();
        let why = error.to_string();
        logic.hear(lane, None, FromAgent::StartFailed { error });
        Happened::NotStarted(why)
    }

    fn returned(&mut self, returned: Option<Returned>, lane: &Arc<str>, logic: &mut SessionLogic) -> Happened {
        let Some(Returned { agent, prompt, asked }) = returned else {
            self.slot.failed();
            let reason = "it did not come back after the bridge was started again".to_owned();
            logic.hear(lane, None, FromAgent::Exited { reason });
            return Happened::Changed;
        };
        let calls = self.slot.returned(prompt).into_iter().collect();
        self.io = Io::Agent(Box::new(Traffic::new(agent, 0, calls)));
        logic.hear(lane, None, FromAgent::Returned { has_prompt: prompt.is_some(), asked });
        Happened::Changed
    }

    fn exited(&mut self, reason: String, lane: &Arc<str>, logic: &mut SessionLogic) -> Happened {
        self.slot.exited();
        logic.hear(lane, None, FromAgent::Exited { reason });
        Happened::Changed
    }

    /// Does what the slot wants done.
    fn run(&mut self, effect: Option<SlotEffect>, lane: &Arc<str>, means: &Means) {
        let Some(effect) = effect else { return };
        self.io = match (effect, std::mem::take(&mut self.io)) {
            (SlotEffect::Bring(coming), _) => Io::Task(means.bring(lane, *coming)),
            (SlotEffect::CancelStart, Io::Task(task)) => {
                task.abort();
                Io::Task(task)
            }
            (SlotEffect::StopIfItComes, Io::Task(task)) => Io::Task(means.stop_if_it_comes(task)),
            (SlotEffect::LeaveAwaited, Io::Task(task)) => {
                means.leave_awaited(task);
                Io::Nothing
            }
            (SlotEffect::WaitForExit, Io::Agent(traffic)) => Io::Task(means.wait_for_exit(traffic.into_agent())),
            (SlotEffect::Stop { kill }, Io::Agent(traffic)) => Io::Task(means.stop(traffic.into_agent(), kill)),
            (SlotEffect::Leave, Io::Agent(traffic)) => {
                traffic.into_agent().leave();
                Io::Nothing
            }
            // The state and what runs for it belong together.
            (_, io) => io,
        };
    }
}

impl Io {
    /// An agent that has just opened its session.
    fn opened(agent: Agent) -> Self {
        let opened = agent.opened.unwrap_or(0);
        Self::Agent(Box::new(Traffic::new(agent, opened, HashMap::new())))
    }
}
