//! One lane's agent as the driver of its session has it: does what the slot wants done, and tells what came of it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use acp_types::record::body::AgentStarted;
use acp_types::{RawBuf, RequestId};
use tokio::task::{JoinError, JoinHandle};

use super::agent::Agent;
use super::agent_events::{self, AgentEvents, Portion, Said};
use super::agent_outbox::{AgentOutbox, Message};
use super::agent_pool::Returned;
use super::agent_slot::{AgentSlot, Coming, SlotEffect};
use super::lane_tasks::{Done, Means};
use crate::session::{CallId, Refusal};

/// What happened in a lane.
#[derive(Debug)]
pub(super) enum Happened {
    /// Its agent serves the session.
    Started {
        started: AgentStarted,
        /// The number of the message that opened the session, if it comes over a link.
        position: Option<u64>,
        /// What it said before.
        early: Vec<Said>,
    },
    /// Its agent could not be started, or not open the session.
    StartFailed(Refusal),
    /// Its agent, which was awaited, is back.
    Returned { has_prompt: bool, asked: Vec<(u64, RequestId)> },
    /// Its agent, which was awaited, does not come.
    NotBack,
    /// Its agent said something, or will say no more.
    Said(Portion),
    /// A command of its agent has printed something, in params of a `session/update`.
    Printed(RawBuf),
    /// Its agent has gone by itself, and why.
    Exited(String),
    /// Its agent did not read, so this call was not given to it.
    Unsent(CallId),
}

/// What runs for a slot.
#[derive(Debug, Default)]
enum Io {
    #[default]
    Nothing,
    /// What its state waits for.
    Task(JoinHandle<Done>),
    Agent(Box<Connected>),
}

/// A connected agent, with what is on its way to it and from it.
#[derive(Debug)]
struct Connected {
    agent: Agent,
    /// What it has not read yet.
    outbox: AgentOutbox,
    /// What it said and the session has not taken.
    events: AgentEvents,
}

/// A lane's agent.
#[derive(Debug, Default)]
pub(super) struct LaneAgent {
    slot: AgentSlot,
    io: Io,
}

impl LaneAgent {
    /// One that has opened the session already.
    pub(super) fn connected(agent: Agent) -> Self {
        let slot = AgentSlot::connected(agent.opened, agent.process.runs_on());
        Self { slot, io: Io::agent(agent) }
    }

    /// The agent while it is connected.
    pub(super) fn agent(&self) -> Option<&Agent> {
        if let Io::Agent(connected) = &self.io { Some(&connected.agent) } else { None }
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

    /// The agent closed its connection: it is waited for, and [`Happened::Exited`] follows.
    pub(super) fn closed(&mut self, lane: &Arc<str>, means: &Means) {
        let effect = self.slot.closed();
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

    /// Gives the agent a request; `false` if there is no room for it. Without an agent nothing happens.
    pub(super) fn call(&mut self, call: CallId, method: String, params: RawBuf) -> bool {
        let (Some(serving), Io::Agent(connected)) = (self.slot.serving(), &mut self.io) else { return true };
        let key = connected.agent.outbox.reserve_key();
        serving.expect_answer(key, call);
        let message = Message::Request { key, method, params };
        let sent = connected.outbox.send(&connected.agent.outbox, message).is_ok();
        if !sent {
            serving.take_call(key);
        }
        sent
    }

    /// Tells the agent something that it does not answer. Without an agent nothing happens.
    pub(super) fn tell(&mut self, message: Message) {
        if let Io::Agent(connected) = &mut self.io {
            // The log of the bridge says what is dropped; nobody waits for it.
            let _ = connected.outbox.send(&connected.agent.outbox, message);
        }
    }

    /// The last message that a remote agent has said and does not know to be safe, by ordinal.
    pub(super) fn unsettled(&self) -> Option<u64> {
        self.slot.unsettled()
    }

    /// What the agent has said up to this message is in the log: it need not keep that any longer.
    pub(super) fn settle(&mut self, ordinal: u64) {
        if self.slot.serving().is_some_and(|serving| serving.settle(ordinal))
            && let Some(agent) = self.agent()
        {
            agent.process.settle(ordinal);
        }
    }

    /// Whether an agent has come or gone, which [`Self::poll`] tells once the session is settled.
    pub(super) fn is_changing(&self) -> bool {
        self.slot.is_told() && matches!(&self.io, Io::Task(task) if task.is_finished())
    }

    /// Tells what happened. That an agent has come or gone is told when what the log has been told so far has taken effect:
    /// when the session is `settled`.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        settled: bool,
        lane: &Arc<str>,
        means: &Means,
    ) -> Poll<Happened> {
        loop {
            match &mut self.io {
                Io::Nothing => return Poll::Pending,
                Io::Agent(connected) => {
                    // The slot of a connected agent serves.
                    let Some(serving) = self.slot.serving() else { return Poll::Pending };
                    while let Poll::Ready(dropped) = connected.outbox.poll(context) {
                        if let Some(call) = dropped.key.and_then(|key| serving.take_call(key)) {
                            return Poll::Ready(Happened::Unsent(call));
                        }
                    }
                    let Connected { agent, events, .. } = &mut **connected;
                    if let Some(prints) = &mut agent.prints
                        && let Poll::Ready(Some(params)) = prints.poll_recv(context)
                    {
                        return Poll::Ready(Happened::Printed(params));
                    }
                    return events.poll(context, agent, serving).map(Happened::Said);
                }
                Io::Task(_) if self.slot.is_told() && !settled => return Poll::Pending,
                Io::Task(task) => {
                    let done = ready!(Pin::new(task).poll(context));
                    self.io = Io::Nothing;
                    if let Some(happened) = self.done(done, lane, means) {
                        return Poll::Ready(happened);
                    }
                }
            }
        }
    }

    /// What a task of the slot has come to.
    fn done(&mut self, done: Result<Done, JoinError>, lane: &Arc<str>, means: &Means) -> Option<Happened> {
        if self.slot.is_stopping() {
            if let Ok(Done::Opened(opened)) = done
                && let Ok((agent, _)) = *opened
            {
                // It had opened its session just before it was stopped.
                self.io = Io::Task(means.stop(agent, true));
            } else {
                let effect = self.slot.gone();
                self.run(effect, lane, means);
            }
            return None;
        }
        match done {
            Ok(Done::Opened(opened)) => Some(match *opened {
                Ok((agent, started)) => self.started(agent, started),
                Err(error) => self.start_failed(error),
            }),
            Ok(Done::Returned(returned)) => Some(self.returned(*returned)),
            Ok(Done::Exited(reason)) => Some(self.exited(reason)),
            Ok(Done::Gone) => None,
            Err(error) => Some(match self.slot {
                AgentSlot::Starting => self.start_failed(Refusal::StartBroke { why: error.to_string() }),
                AgentSlot::Awaited { .. } => self.returned(None),
                _ => self.exited(format!("waiting for its exit failed: {error}")),
            }),
        }
    }

    fn started(&mut self, mut agent: Agent, started: AgentStarted) -> Happened {
        let early = std::mem::take(&mut agent.early);
        let position = agent.position(agent.opened);
        self.slot.opened(agent.opened, agent.process.runs_on());
        let early = self.slot.serving().map(|serving| agent_events::take(early, &agent, serving)).unwrap_or_default();
        self.io = Io::agent(agent);
        Happened::Started { started, position, early }
    }

    fn start_failed(&mut self, error: Refusal) -> Happened {
        self.slot.failed();
        Happened::StartFailed(error)
    }

    fn returned(&mut self, returned: Option<Returned>) -> Happened {
        let Some(Returned { agent, prompt, asked }) = returned else {
            self.slot.failed();
            return Happened::NotBack;
        };
        self.slot.returned(prompt);
        self.io = Io::agent(agent);
        Happened::Returned { has_prompt: prompt.is_some(), asked }
    }

    fn exited(&mut self, reason: String) -> Happened {
        self.slot.exited();
        Happened::Exited(reason)
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
            (SlotEffect::WaitForExit, Io::Agent(connected)) => Io::Task(means.wait_for_exit(connected.agent)),
            (SlotEffect::Stop { kill }, Io::Agent(connected)) => Io::Task(means.stop(connected.agent, kill)),
            (SlotEffect::Leave, Io::Agent(connected)) => {
                connected.agent.leave();
                Io::Nothing
            }
            // The state and what runs for it belong together.
            (_, io) => io,
        };
    }
}

impl Io {
    fn agent(agent: Agent) -> Self {
        Self::Agent(Box::new(Connected { agent, outbox: AgentOutbox::default(), events: AgentEvents::default() }))
    }
}
