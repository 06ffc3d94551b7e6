//! Takes commands from the log's queue and hands each to the task of its session.

mod diallers;
mod general;
mod others;
mod presence;
mod serve;
mod sessions;
mod task;

use std::sync::Arc;
use std::time::Duration;

use acp_types::SessionId;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::general::general;
use self::others::Others;
use self::presence::WaitingPresence;
use self::serve::serve;
use self::sessions::{Handed, Left, SESSION_QUEUE, Sessions};
use self::task::Finished;
use super::agent_pool::AgentPool;
use super::config::Config;
use super::context::Context;
use super::driver::Driver;
use super::envelope::Envelope;
use super::inbox::{Arrival, Inbox};
use crate::log::{ListQuery, LogError, Renewal, SessionLog};
use crate::remote_agent::transport::{AgentDoor, IncomingAgent};
use crate::session::{Command, Refusal, Reply};

/// Requests that concern the agent as such, at once.
const MAX_GENERAL: usize = 256;

/// Time that sessions have to write their end at shutdown.
const DRAIN: Duration = Duration::from_secs(5);

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
    /// Opens the sessions with open turns that no host holds.
    async fn recover(&mut self) -> Result<(), LogError> {
        let mut query = ListQuery::default();
        loop {
            let page = self.context.log.list(query.clone()).await?;
            let Some(last) = page.last() else { return Ok(()) };
            query.after = Some(last.id.clone());
            for info in page.into_iter().filter(|info| info.open_turns > 0) {
                if self.context.log.holder(&info.id).await?.is_none() && self.sessions.needs_task(&info.id) {
                    self.open(info.id, None);
                }
            }
        }
    }

    /// Takes in what the others do: sessions that they have taken are theirs, and what they have left is taken up.
    async fn renewed(&mut self, renewal: &Renewal) {
        let lost = if renewal.joined { self.sessions.names() } else { renewal.lost.clone() };
        for session in lost {
            tracing::warn!(%session, "another host may have taken the session over, since the lease of this one ran out");
            // Its task ends without writing, and its agents with it.
            self.sessions.end(&session);
        }
        let gone = self.others.renewed(renewal);
        if gone.hosts || self.recovers {
            let recovered = self.recover().await;
            self.recovers = recovered.is_err();
            if let Err(error) = recovered {
                tracing::warn!(%error, "what a host that has gone left open cannot be found; trying again");
            }
        }
        for (session, client) in gone.controllers {
            if self.sessions.is_served(&session) {
                let command = Command::SetPresence { present: false };
                let (envelope, _) = Envelope::internal(&self.context.member, session, client, command);
                self.dispatch(envelope);
            }
        }
    }

    fn dispatch(&mut self, envelope: Box<Envelope>) {
        self.others.note(&envelope);
        match envelope.session.clone() {
            _ if envelope.is_late() => envelope.refuse(Refusal::DeadlinePassed),
            None => self.general(envelope),
            Some(session) => self.hand_to(session, envelope),
        }
    }

    fn hand_to(&mut self, session: SessionId, envelope: Box<Envelope>) {
        let Some(envelope) = self.presence.replace(&session, envelope) else { return };
        match self.sessions.hand(&session, envelope) {
            Handed::Taken => {}
            Handed::Opens(envelope) => self.open(session, Some(envelope)),
            Handed::Full(envelope) => match self.presence.keep(&session, envelope) {
                // If its task is about to end, `finished` hands out what waits.
                Ok(true) => {
                    if let Some(queue) = self.sessions.queue(&session) {
                        self.tasks.spawn(presence::room(session, queue));
                    }
                }
                Ok(false) => {}
                Err(envelope) => envelope.refuse(Refusal::SessionBusy),
            },
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

    fn finished(&mut self, finished: Result<Finished, tokio::task::JoinError>) {
        match finished {
            Ok(Finished::Session(session, left)) => {
                let Left { waiting, reopens } = self.sessions.finished(&session);
                let presence = self.presence.take(&session);
                for envelope in left.into_iter().map(Box::new).chain(waiting).chain(presence) {
                    self.dispatch(envelope);
                }
                self.reopen(session, reopens);
            }
            Ok(Finished::Room(session)) => {
                for envelope in self.presence.take(&session) {
                    self.hand_to(session.clone(), envelope);
                }
            }
            Ok(Finished::Created { driver, session, result, reply }) => {
                self.serve(session.clone(), Some(driver), None);
                // Whoever asked may have gone; the session stays.
                let _ = reply.send(Ok(Reply::Created { session, result }));
            }
            Ok(Finished::General) => {}
            Err(e) => {
                tracing::error!(error = %e, "a host task panicked");
                if let Some((session, Left { waiting, reopens })) = self.sessions.panicked(e.id()) {
                    let presence = self.presence.take(&session);
                    waiting.into_iter().chain(presence).for_each(|envelope| self.dispatch(envelope));
                    self.reopen(session, reopens);
                }
            }
        }
    }

    fn reopen(&mut self, session: SessionId, reopens: bool) {
        if reopens && self.sessions.needs_task(&session) {
            self.open(session, None);
        }
    }

    /// Lets a session say whether it wants a dialler that nobody waits for.
    fn dialled(&mut self, incoming: IncomingAgent) {
        let Some(question) = diallers::Question::of(self.context.pool.registry().arrives(incoming)) else { return };
        let (envelope, answer) = question.ask(&self.context.member);
        self.dispatch(envelope);
        let pool = Arc::clone(&self.context.pool);
        self.tasks.spawn(async move {
            question.answered(pool.registry(), answer.await.unwrap_or(Err(Refusal::SessionClosing)));
            Finished::General
        });
    }

    fn general(&mut self, envelope: Box<Envelope>) {
        let Ok(permit) = Arc::clone(&self.general).try_acquire_owned() else {
            envelope.refuse(Refusal::AgentRequestsFull);
            return;
        };
        let context = self.context.clone();
        self.tasks.spawn(async move {
            let _permit = permit;
            general(context, envelope).await
        });
    }

    /// Waits for every session to write its end. What takes longer than [`DRAIN`], such as an authentication that
    /// nobody completes, is ended as it is.
    async fn drain(&mut self) {
        self.sessions = Sessions::default();
        // Their answer is that the host has gone.
        self.presence = WaitingPresence::default();
        self.context.draining.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            tracing::warn!("some requests did not end in time and are cut off");
            self.tasks.shutdown().await;
        }
        self.context.pool.shutdown().await;
        self.context.stopping.close();
        self.context.stopping.wait().await;
        self.context.pool.registry().shutdown().await;
    }
}
