//! Takes commands from the log's queue and hands each to the task of its session.

mod diallers;
mod others;
mod presence;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use acp_types::meta::{MainAgent, RequestMeta};
use acp_types::record::Record;
use acp_types::{Raw, RawBuf, SessionId};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::others::Others;
use self::presence::WaitingPresence;
use super::agent::Agent;
use super::agent_pool::AgentPool;
use super::driver::{Context, Driver, End};
use super::inbox::{Arrival, Envelope, Inbox};
use super::{Config, clock, idle, unlogged};
use crate::command::Answer;
use crate::log::{ListQuery, LogError, Renewal, SessionLog};
use crate::remote_agent::transport::{AgentDoor, IncomingAgent};
use crate::session::{Command, FirstAgent, Machine, Output, Refusal, Reply, for_agents};

/// Commands waiting for one session's task. When it is full the supervisor refuses instead of holding up the others.
const SESSION_QUEUE: usize = 256;

/// Requests that concern the agent as such, at once.
const MAX_GENERAL: usize = 256;

/// First pause before a session whose log could not be written is tried again; doubles up to [`MAX_RETRY`].
const FIRST_RETRY: Duration = Duration::from_millis(500);
const MAX_RETRY: Duration = Duration::from_secs(30);

/// How long sessions may take to write their end at shutdown.
const DRAIN: Duration = Duration::from_secs(5);

/// What a task leaves behind: the session that it served and the commands that it did not take any more.
#[derive(Debug)]
enum Finished {
    Session(SessionId, Vec<Envelope>),
    /// The session's queue has room again, or its task has gone.
    Room(SessionId),
    General,
    /// A new session. It is answered only when its task is known, or its first prompt would find none.
    Created {
        driver: Box<Driver>,
        session: SessionId,
        result: RawBuf,
        reply: oneshot::Sender<Answer>,
    },
}

/// A host of a log.
#[derive(Debug)]
pub struct Host {
    inbox: Inbox,
    door: AgentDoor,
    offers: mpsc::Receiver<IncomingAgent>,
    supervisor: Supervisor,
}

impl Host {
    /// Becomes a host of the log: from now on it takes commands, and agents may dial in at its door.
    ///
    /// # Errors
    /// When the log is closed, or has no room for another member.
    pub async fn join(log: Arc<dyn SessionLog>, config: Config, shutdown: CancellationToken) -> Result<Self, LogError> {
        let (inbox, renewal) = Inbox::join(Arc::clone(&log), Arc::clone(&config.vault), config.lease).await?;
        let (door, offers) = AgentDoor::new();
        let pool = AgentPool::new(config.clone(), Arc::clone(&log));
        let member = inbox.member().clone();
        let context = Context { log, member, pool, config, stopping: TaskTracker::new(), shutdown };
        let general = Arc::new(Semaphore::new(MAX_GENERAL));
        let mut supervisor = Supervisor {
            context,
            sessions: HashMap::new(),
            tasks: JoinSet::new(),
            general,
            others: Others::default(),
            presence: WaitingPresence::default(),
            recovers: false,
        };
        supervisor.others.renewed(&renewal);
        Ok(Self { inbox, door, offers, supervisor })
    }

    /// Where agents that dial in to this host are handed in.
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
        let Self { mut inbox, door, mut offers, mut supervisor } = self;
        // Whoever has another door finds it closed once this ends.
        drop(door);
        let shutdown = supervisor.context.shutdown.clone();
        supervisor.recover().await?;
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(finished) = supervisor.tasks.join_next() => supervisor.finished(finished),
                arrival = inbox.next() => match arrival {
                    Arrival::Command(envelope) => supervisor.dispatch(envelope),
                    Arrival::Renewed(renewal) => supervisor.renewed(&renewal).await,
                    Arrival::Closed => break,
                },
                Some(offer) = offers.recv() => supervisor.dialled(offer),
            }
        }
        drop(offers);
        inbox.answer_what_is_open(supervisor.drain()).await;
        Ok(())
    }
}

#[derive(Debug)]
struct Supervisor {
    context: Context,
    sessions: HashMap<SessionId, mpsc::Sender<Box<Envelope>>>,
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
                if !self.sessions.contains_key(&info.id) && self.context.log.holder(&info.id).await?.is_none() {
                    self.open(info.id, None);
                }
            }
        }
    }

    /// What the others do: sessions that they have taken are theirs, and what they have left is taken up.
    async fn renewed(&mut self, renewal: &Renewal) {
        let lost = if renewal.joined { self.sessions.keys().cloned().collect() } else { renewal.lost.clone() };
        for session in lost {
            tracing::warn!(%session, "another host may have taken the session over, since the lease of this one ran out");
            // Its task ends without writing, and its agents with it.
            self.sessions.remove(&session);
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
            if self.sessions.contains_key(&session) {
                let command = Command::SetPresence { present: false };
                let (envelope, _) = Envelope::internal(&self.context.member, session, client, command);
                self.dispatch(envelope);
            }
        }
    }

    fn dispatch(&mut self, envelope: Box<Envelope>) {
        self.others.note(&envelope);
        match envelope.session.clone() {
            _ if envelope.is_late() => idle::late(*envelope),
            None => self.general(envelope),
            Some(session) => self.hand_to(session, envelope),
        }
    }

    fn hand_to(&mut self, session: SessionId, envelope: Box<Envelope>) {
        let Some(envelope) = self.presence.replace(&session, envelope) else { return };
        let Some(sender) = self.sessions.get(&session) else { return self.open(session, Some(envelope)) };
        match sender.try_send(envelope) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(envelope)) => match self.presence.keep(&session, envelope) {
                Ok(true) => {
                    self.tasks.spawn(presence::room(session, sender.clone()));
                }
                Ok(false) => {}
                Err(envelope) => refuse(*envelope, Refusal::SessionBusy),
            },
            // Its task is on its way out; what it did not take comes back through `finished`.
            Err(mpsc::error::TrySendError::Closed(envelope)) => self.open(session, Some(envelope)),
        }
    }

    /// Starts a session's task, which takes `first` before all others.
    fn open(&mut self, session: SessionId, first: Option<Box<Envelope>>) {
        let (sender, commands) = mpsc::channel(SESSION_QUEUE);
        self.sessions.insert(session.clone(), sender);
        self.tasks.spawn(serve(self.context.clone(), session, None, first, commands));
    }

    fn finished(&mut self, finished: Result<Finished, tokio::task::JoinError>) {
        match finished {
            Ok(Finished::Session(session, left)) => {
                if self.sessions.get(&session).is_some_and(mpsc::Sender::is_closed) {
                    self.sessions.remove(&session);
                }
                for envelope in left {
                    self.dispatch(Box::new(envelope));
                }
            }
            Ok(Finished::Room(session)) => {
                for envelope in self.presence.take(&session) {
                    self.hand_to(session.clone(), envelope);
                }
            }
            Ok(Finished::Created { driver, session, result, reply }) => {
                let (sender, commands) = mpsc::channel(SESSION_QUEUE);
                self.sessions.insert(session.clone(), sender);
                self.tasks.spawn(serve(self.context.clone(), session.clone(), Some(driver), None, commands));
                // Whoever asked may have gone; the session stays.
                let _ = reply.send(Ok(Reply::Created { session, result }));
            }
            Ok(Finished::General) => {}
            Err(e) => {
                tracing::error!(error = %e, "a host task panicked");
                self.sessions.retain(|_, sender| !sender.is_closed());
            }
        }
    }

    fn general(&mut self, envelope: Box<Envelope>) {
        let Ok(permit) = Arc::clone(&self.general).try_acquire_owned() else {
            refuse(*envelope, Refusal::AgentRequestsFull);
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
        self.sessions.clear();
        // Their answer is that the host has gone.
        self.presence = WaitingPresence::default();
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

/// Serves one session. A log that cannot be written is tried again for as long as it takes: after a pause, or when a
/// command comes, which is refused if the log still cannot be written.
async fn serve(
    context: Context,
    session: SessionId,
    created: Option<Box<Driver>>,
    mut held: Option<Box<Envelope>>,
    mut commands: mpsc::Receiver<Box<Envelope>>,
) -> Finished {
    let mut next = created.map(Ok);
    let mut epoch = None;
    let mut pause = FIRST_RETRY;
    loop {
        if next.is_none()
            && let Some(envelope) = held.take_if(|held| matches!(held.command, Command::DeleteIdle { .. }))
        {
            idle::delete(&context, &session, *envelope).await;
            break;
        }
        let opened = match next.take() {
            Some(opened) => opened,
            // Boxed, as is all that is big and seldom: what a session's task has room for, each idle session costs.
            None => Box::pin(Driver::open(context.clone(), session.clone())).await.map(Box::new),
        };
        let error = match opened {
            Ok(mut driver) => {
                epoch = Some(driver.epoch());
                pause = FIRST_RETRY;
                match driver.serve(held.take(), &mut commands).await {
                    End::Done => break,
                    End::Lost(error) => error,
                }
            }
            Err(error) => error,
        };
        if !matches!(error, LogError::Unwritable { .. }) {
            if let Some(envelope) = held.take() {
                refuse(*envelope, unlogged::lost(&error, &session));
            }
            answer_all(&mut commands, &error, &session).await;
            break;
        }
        if let Some(envelope) = held.take() {
            refuse(*envelope, unlogged::failed(&error));
        }
        tracing::error!(%session, %error, "the session cannot go on; trying again");
        tokio::select! {
            () = context.shutdown.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
            envelope = commands.recv() => match envelope {
                Some(envelope) => held = Some(envelope),
                None => break,
            },
        }
        pause = (pause * 2).min(MAX_RETRY);
    }
    if let Some(epoch) = epoch
        && let Err(error) = context.log.release(&session, &context.member, epoch).await
    {
        tracing::debug!(%session, %error, "the session was not given up; it is once the lease of this host runs out");
    }
    commands.close();
    let mut left = Vec::new();
    while let Ok(envelope) = commands.try_recv() {
        left.push(*envelope);
    }
    Finished::Session(session, left)
}

/// The session is not there, or not ours any more: whoever asked is told.
async fn answer_all(commands: &mut mpsc::Receiver<Box<Envelope>>, why: &LogError, session: &SessionId) {
    commands.close();
    while let Some(envelope) = commands.recv().await {
        refuse(*envelope, unlogged::lost(why, session));
    }
}

fn refuse(envelope: Envelope, why: Refusal) {
    // Whoever asked may have gone.
    let _ = envelope.reply.send(Err(why));
}

async fn general(context: Context, envelope: Box<Envelope>) -> Finished {
    let Envelope { command, reply, .. } = *envelope;
    let answer = match command {
        Command::Create { params, initialize } => match create(&context, &initialize, params).await {
            Ok((driver, session, result)) => return Finished::Created { driver, session, result, reply },
            Err(answer) => answer,
        },
        command => describe_or_pass(&context, command).await,
    };
    // Whoever asked may have gone.
    let _ = reply.send(answer);
    Finished::General
}

async fn describe_or_pass(context: &Context, command: Command) -> Answer {
    match command {
        Command::Describe { initialize } => context.pool.describe(&initialize).await.map(|raw| Reply::Agent(Ok(raw))),
        Command::Call { method, params, .. } => context.pool.call(&method, params).await.map(Reply::Agent),
        Command::Notify { method, params, .. } => {
            context.pool.notify(&method, params).await;
            Ok(Reply::Done)
        }
        _ => Err(Refusal::NeedsSession),
    }
}

/// Makes a session, or says what the client is to be told instead.
async fn create(
    context: &Context,
    initialize: &RawBuf,
    params: RawBuf,
) -> Result<(Box<Driver>, SessionId, RawBuf), Answer> {
    // The gateway refuses what cannot be read.
    let meta = RequestMeta::read(params.as_raw()).unwrap_or_default();
    if meta.agent == Some(MainAgent::DialsIn) {
        return create_without_agent(context, initialize, &params).await.map_err(Err);
    }
    let opened = context.pool.open_new(initialize, for_agents(params.as_raw())).await.map_err(Err)?;
    let (mut agent, started) = opened.map_err(|error| Ok(Reply::Agent(Err(error))))?;
    let session = SessionId::from(uuid::Uuid::now_v7().to_string());
    let early = std::mem::take(&mut agent.early);
    let early = early.into_iter().filter_map(|event| {
        let position = agent.position(event.ordinal());
        Some((position, super::agent_events::from_agent(event, |_| None)?))
    });
    let early = early.collect();
    agent.process.assign(&(session.clone(), Record::MAIN_LANE.into()));
    let id = RawBuf::encode(&session).map_err(|e| Err(Refusal::Encoding { why: e.to_string() }))?;
    let result = acp_types::rewrite::set_member(started.state.as_raw(), "sessionId", id.as_raw());
    let position = agent.position(agent.opened);
    let first = FirstAgent { initialize: agent.initialize.clone(), started, position, early };
    let made = Machine::create(session.clone(), context.config.session.clone(), clock::now(), &params, first);
    let driver = record(context, &session, made, Some(agent)).await.map_err(Err)?;
    Ok((driver, session, result))
}

/// Makes a session whose agent is to dial in.
async fn create_without_agent(
    context: &Context,
    initialize: &RawBuf,
    params: &RawBuf,
) -> Result<(Box<Driver>, SessionId, RawBuf), Refusal> {
    let session = SessionId::from(uuid::Uuid::now_v7().to_string());
    let id = RawBuf::encode(&session).map_err(|e| Refusal::Encoding { why: e.to_string() })?;
    let result = acp_types::rewrite::set_member(Raw::EMPTY_OBJECT, "sessionId", id.as_raw());
    let initialize = context.pool.initialize(initialize.as_raw());
    let config = context.config.session.clone();
    let (machine, out) = Machine::create_without_agent(session.clone(), config, clock::now(), params, initialize);
    let driver = record(context, &session, (machine, out), None).await?;
    Ok((driver, session, result))
}

/// A new session comes to be. The client is not told of it before it is known how its agent is started again.
async fn record(
    context: &Context,
    session: &SessionId,
    (machine, mut out): (Machine, Output),
    agent: Option<Agent>,
) -> Result<Box<Driver>, Refusal> {
    let records = std::mem::take(&mut out.records);
    context.log.create(session, &context.member, records).await.map_err(|e| unlogged::failed(&e))?;
    let mut driver = Driver::new(context.clone(), session.clone(), machine, out, agent);
    driver.flush().await.map_err(|e| unlogged::failed(&e))?;
    Ok(Box::new(driver))
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use crate::host::inbox::Envelope;

    fn size<A, B, C, D, E, F: Future>(_: impl FnOnce(A, B, C, D, E) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_session_has_no_room_for_what_is_big_and_seldom() {
        assert!(size(super::serve) <= 4 * 1024, "{} bytes", size(super::serve));
        // A queue has room for 32 of them from the start.
        assert!(size_of::<Box<Envelope>>() <= 16);
    }
}
