//! Takes commands from the log's queue and hands each to the task of its session.

mod diallers;
mod ends;
mod general;
mod others;
mod presence;
mod serve;
mod takeover;
mod task;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use acp_types::SessionId;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::others::Others;
use self::presence::WaitingPresence;
use self::serve::serve;
use self::task::Finished;
use super::agent_pool::AgentPool;
use super::config::Config;
use super::context::Context;
use super::driver::Driver;
use super::envelope::Envelope;
use super::inbox::{Arrival, Inbox};
use crate::log::{LogError, SessionLog};
use crate::remote_agent::transport::{AgentDoor, IncomingAgent};
use crate::session::Refusal;

/// Requests that concern the agent as such, at once.
const MAX_GENERAL: usize = 256;

/// Commands waiting for one session's task. More are refused, so that they do not hold up the others.
const SESSION_QUEUE: usize = 256;

/// A host of a log.
#[derive(Debug)]
pub struct Host {
    inbox: Inbox,
    door: AgentDoor,
    incoming: mpsc::Receiver<IncomingAgent>,
    supervisor: Supervisor,
}

impl Host {
    /// Becomes a host of the log: from now on it takes commands, and agents may dial in at its door.
    ///
    /// # Errors
    /// When the log is closed, or has no room for another member.
    pub async fn join(log: Arc<dyn SessionLog>, config: Config, shutdown: CancellationToken) -> Result<Self, LogError> {
        let (inbox, renewal) = Inbox::join(Arc::clone(&log), Arc::clone(&config.vault), config.lease).await?;
        let (door, incoming) = AgentDoor::new();
        let pool = AgentPool::new(config.clone(), Arc::clone(&log));
        let member = inbox.member().clone();
        let draining = shutdown.child_token();
        let context = Context { log, member, pool, config, stopping: TaskTracker::new(), shutdown, draining };
        let general = Arc::new(Semaphore::new(MAX_GENERAL));
        let mut supervisor = Supervisor {
            context,
            sessions: Sessions::default(),
            tasks: JoinSet::new(),
            general,
            others: Others::default(),
            presence: WaitingPresence::default(),
            recovers: false,
        };
        supervisor.others.renewed(&renewal);
        Ok(Self { inbox, door, incoming, supervisor })
    }

    /// Door at which agents that dial in to this host are handed in.
    #[must_use]
    pub fn door(&self) -> AgentDoor {
        self.door.clone()
    }

    /// Serves until the shutdown, then ends every running turn as interrupted and stops every agent.
    ///
    /// Sessions that a crash left with open turns, and that no other host holds, are closed first, so that their readers see
    /// how those turns ended. Dropping the future kills every agent and leaves the log as a crash would.
    ///
    /// # Errors
    /// When the log cannot be listed.
    pub async fn run(self) -> Result<(), LogError> {
        let Self { mut inbox, door, mut incoming, mut supervisor } = self;
        // Whoever has another door finds it closed once this ends.
        drop(door);
        let shutdown = supervisor.context.shutdown.clone();
        // A log that does not answer must not keep the host from its end.
        if let Some(recovered) = shutdown.run_until_cancelled(supervisor.recover()).await {
            recovered?;
        }
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(finished) = supervisor.tasks.join_next() => supervisor.finished(finished),
                arrival = inbox.next() => match arrival {
                    Arrival::Command(envelope) => supervisor.dispatch(envelope),
                    Arrival::Renewed(renewal) => {
                        shutdown.run_until_cancelled(supervisor.renewed(&renewal)).await;
                    }
                    Arrival::Closed => break,
                },
                Some(dialler) = incoming.recv() => supervisor.dialled(dialler),
            }
        }
        drop(incoming);
        inbox.answer_what_is_open(supervisor.drain()).await;
        Ok(())
    }
}

#[derive(Debug)]
struct Supervisor {
    context: Context,
    sessions: Sessions,
    tasks: JoinSet<Finished>,
    general: Arc<Semaphore>,
    others: Others,
    presence: WaitingPresence,
    /// A host has gone, and it is not known what it left open.
    recovers: bool,
}

impl Supervisor {
    fn dispatch(&mut self, envelope: Box<Envelope>) {
        self.others.note(&envelope);
        match envelope.session.clone() {
            _ if envelope.is_late() => envelope.refuse(Refusal::DeadlinePassed),
            None => self.general(envelope),
            Some(session) => self.hand_to(session, envelope),
        }
    }

    fn hand_to(&mut self, session: SessionId, envelope: Box<Envelope>) {
        // What it says of a client takes the place of what waits for that client already.
        if self.presence.waits_for(&session, &envelope) {
            return self.wait_for_room(session, envelope);
        }
        match self.sessions.hand(&session, envelope) {
            Handed::Taken => {}
            Handed::Opens(envelope) => self.open(session, Some(envelope)),
            Handed::Full(envelope) => self.wait_for_room(session, envelope),
        }
    }

    /// Keeps a command that may not be lost until the session's queue has room; refuses any other.
    fn wait_for_room(&mut self, session: SessionId, envelope: Box<Envelope>) {
        match self.presence.keep(&session, envelope) {
            // If its task is about to end, `finished` hands out what waits.
            Ok(true) => {
                if let Some(queue) = self.sessions.queue(&session) {
                    self.tasks.spawn(presence::room(session, queue));
                }
            }
            Ok(false) => {}
            Err(envelope) => envelope.refuse(Refusal::SessionBusy),
        }
    }

    /// Starts a session's task, which takes `first` before all others.
    fn open(&mut self, session: SessionId, first: Option<Box<Envelope>>) {
        self.serve(session, None, first);
    }

    fn serve(&mut self, session: SessionId, created: Option<Box<Driver>>, first: Option<Box<Envelope>>) {
        let (sender, commands) = mpsc::channel(SESSION_QUEUE);
        let task = self.tasks.spawn(serve(self.context.clone(), session.clone(), created, first, commands));
        self.sessions.serve(session, task.id(), sender);
    }
}

/// The sessions of a host, each with the one task that serves it. There is never a second task of one session: its agents are not started anew beside those that end.
#[derive(Debug, Default)]
struct Sessions {
    tasks: HashMap<SessionId, Task>,
}

#[derive(Debug)]
struct Task {
    id: Id,
    state: TaskState,
}

/// ```text
///    Serving --- end, or it ended by itself ---> Ending --- finished --->
/// ```
#[derive(Debug)]
enum TaskState {
    /// It takes commands.
    Serving(mpsc::Sender<Box<Envelope>>),
    /// It takes no more of them, and its agents are on their way out.
    Ending {
        /// Commands that came meanwhile.
        waiting: VecDeque<Box<Envelope>>,
        /// The session is to be opened again even if nothing came.
        reopens: bool,
    },
}

/// Result of handing over a command.
#[derive(Debug)]
enum Handed {
    /// It is with the session's task, or waits for the next one.
    Taken,
    /// The session is to be opened for it.
    Opens(Box<Envelope>),
    /// Too many wait.
    Full(Box<Envelope>),
}

/// Work that a task which is over leaves to do.
#[derive(Debug, Default)]
struct Left {
    /// Commands that came while it ended, oldest first.
    waiting: VecDeque<Box<Envelope>>,
    /// The session is to be opened again even if nothing came.
    reopens: bool,
}

impl Sessions {
    /// A task serves a session from now on.
    fn serve(&mut self, session: SessionId, id: Id, commands: mpsc::Sender<Box<Envelope>>) {
        self.tasks.insert(session, Task { id, state: TaskState::Serving(commands) });
    }

    /// Returns whether a session has a task that takes commands.
    fn is_served(&self, session: &SessionId) -> bool {
        self.tasks.get(session).is_some_and(|task| matches!(task.state, TaskState::Serving(_)))
    }

    /// The queue of a session whose task takes commands.
    fn queue(&self, session: &SessionId) -> Option<mpsc::Sender<Box<Envelope>>> {
        match &self.tasks.get(session)?.state {
            TaskState::Serving(commands) => Some(commands.clone()),
            TaskState::Ending { .. } => None,
        }
    }

    /// Names of all sessions.
    fn names(&self) -> Vec<SessionId> {
        self.tasks.keys().cloned().collect()
    }

    /// Returns whether a session that is to be open has no task: that is to be started. One that ends is opened again
    /// after that.
    fn needs_task(&mut self, session: &SessionId) -> bool {
        let Some(task) = self.tasks.get_mut(session) else { return true };
        if let TaskState::Ending { reopens, .. } = &mut task.state {
            *reopens = true;
        }
        false
    }

    /// Hands a command to its session.
    fn hand(&mut self, session: &SessionId, envelope: Box<Envelope>) -> Handed {
        let Some(task) = self.tasks.get_mut(session) else { return Handed::Opens(envelope) };
        match &mut task.state {
            TaskState::Serving(commands) => match commands.try_send(envelope) {
                Ok(()) => Handed::Taken,
                Err(mpsc::error::TrySendError::Full(envelope)) => Handed::Full(envelope),
                Err(mpsc::error::TrySendError::Closed(envelope)) => {
                    task.state = TaskState::Ending { waiting: VecDeque::from([envelope]), reopens: false };
                    Handed::Taken
                }
            },
            TaskState::Ending { waiting, .. } if waiting.len() < SESSION_QUEUE => {
                waiting.push_back(envelope);
                Handed::Taken
            }
            TaskState::Ending { .. } => Handed::Full(envelope),
        }
    }

    /// Has the task of a session end.
    fn end(&mut self, session: &SessionId) {
        if let Some(task) = self.tasks.get_mut(session)
            && matches!(task.state, TaskState::Serving(_))
        {
            task.state = TaskState::Ending { waiting: VecDeque::new(), reopens: false };
        }
    }

    /// The task of a session is over.
    fn finished(&mut self, session: &SessionId) -> Left {
        self.tasks.remove(session).map_or_else(Left::default, Task::left)
    }

    /// A task has panicked: the session that it served, if it served one.
    fn panicked(&mut self, id: Id) -> Option<(SessionId, Left)> {
        let session = self.tasks.iter().find(|(_, task)| task.id == id)?.0.clone();
        let left = self.finished(&session);
        Some((session, left))
    }
}

impl Task {
    fn left(self) -> Left {
        match self.state {
            TaskState::Serving(_) => Left::default(),
            TaskState::Ending { waiting, reopens } => Left { waiting, reopens },
        }
    }
}

#[cfg(test)]
mod tests;
