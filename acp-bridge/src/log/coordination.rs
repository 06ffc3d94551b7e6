//! Coordination of hosts and gateways beside a log's records: leases and a queue of commands. For engines that live in one
//! process, where both are in memory.

mod leases;
mod queue;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acp_types::SessionId;
use acp_types::record::Epoch;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use self::leases::Leases;
use self::queue::{Asked, Queue};
use super::hub::Hub;
use super::{
    CommandId, CommandQueue, LogError, Member, MemberId, QueueError, QueuedCommand, Renewal, Signals, TakenCommand,
};

/// Commands handed to a host at once.
const BATCH: usize = 64;

/// Leases and commands of one log.
pub(super) struct Coordination {
    /// The clock of the leases begins here.
    since: Instant,
    state: Mutex<State>,
    /// Rings when a host may find a command, or its end.
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    leases: Leases,
    queue: Queue,
    closed: bool,
}

impl Default for Coordination {
    fn default() -> Self {
        Self { since: Instant::now(), state: Mutex::default(), arrived: Notify::new() }
    }
}

impl Coordination {
    /// See [`super::Signals::renew`].
    pub(super) fn renew(&self, member: &Member, term: Duration) -> Result<Renewal, LogError> {
        let now = self.now();
        let mut state = self.open()?;
        let renewal = state.leases.renew(member, now, term)?;
        state.reroute(now);
        drop(state);
        self.arrived.notify_waiters();
        Ok(renewal)
    }

    /// See [`super::Signals::leave`].
    pub(super) fn leave(&self, member: &MemberId) {
        let now = self.now();
        let mut state = self.lock();
        state.leases.leave(member);
        state.reroute(now);
        drop(state);
        self.arrived.notify_waiters();
    }

    /// Checks that somebody is a member.
    pub(super) fn admit(&self, host: &MemberId) -> Result<(), LogError> {
        match self.open()?.leases.is_member(host) {
            true => Ok(()),
            false => Err(LogError::NotAMember { member: host.clone() }),
        }
    }

    /// Takes a session for a host, if that may claim it. The host has it from then on, until [`Self::unclaim`] or
    /// [`Self::claimed`].
    pub(super) fn claim(&self, session: &SessionId, host: &MemberId) -> Result<(), LogError> {
        let now = self.now();
        self.open()?.leases.claim(session, host, now)
    }

    /// The claim is in the log, in this epoch.
    pub(super) fn claimed(&self, session: &SessionId, host: &MemberId, epoch: Epoch) {
        self.lock().leases.claimed(session, host, epoch);
    }

    /// The claim has come to nothing.
    pub(super) fn unclaim(&self, session: &SessionId, host: &MemberId) {
        self.lock().leases.release(session, host, None);
    }

    /// See [`super::LogWriter::release`].
    pub(super) fn release(&self, session: &SessionId, host: &MemberId, epoch: Epoch) {
        self.lock().leases.release(session, host, Some(epoch));
    }

    /// The session is gone.
    pub(super) fn deleted(&self, session: &SessionId) {
        self.lock().leases.forget(session);
    }

    /// See [`super::LogReader::holder`].
    pub(super) fn holder(&self, session: &SessionId) -> Option<MemberId> {
        self.lock().leases.holder(session, self.now()).cloned()
    }

    /// See [`super::CommandQueue::submit`].
    pub(super) async fn submit(&self, command: QueuedCommand) -> Result<Bytes, QueueError> {
        let (id, until) = (command.id.clone(), Instant::now() + command.within);
        let now = self.now();
        let asked = {
            let mut state = self.open()?;
            let State { leases, queue, .. } = &mut *state;
            queue.submit(command, now, |session| leases.route(session, now))?
        };
        let mut answer = match asked {
            Asked::Answered(answer) => return answer,
            Asked::Waits(answer) => answer,
        };
        self.arrived.notify_waiters();
        tokio::select! {
            biased;
            answer = queue::answered(&mut answer) => return answer,
            () = sleep_until(until) => self.lock().queue.expire(&id),
        }
        queue::answered(&mut answer).await
    }

    /// See [`super::CommandQueue::take`].
    pub(super) async fn take(&self, host: &MemberId) -> Result<Vec<TakenCommand>, LogError> {
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            // From here on no ring is missed.
            arrived.as_mut().enable();
            {
                let now = self.now();
                let mut state = self.open()?;
                if !state.leases.is_member(host) {
                    return Err(LogError::NotAMember { member: host.clone() });
                }
                let taken = state.queue.take(host, now, BATCH);
                if !taken.is_empty() {
                    return Ok(taken);
                }
            }
            arrived.await;
        }
    }

    /// See [`super::CommandQueue::answer`].
    pub(super) fn answer(&self, id: &CommandId, answer: Bytes) {
        self.lock().queue.answer(id, Ok(answer));
    }

    /// The log ends: whoever waits is told.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.queue.close();
        drop(state);
        self.arrived.notify_waiters();
    }

    fn now(&self) -> Duration {
        self.since.elapsed()
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, LogError> {
        let state = self.lock();
        if state.closed { Err(LogError::Closed) } else { Ok(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No change below can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Commands of hosts that have gone find another, or their end.
    fn reroute(&mut self, now: Duration) {
        let Self { leases, queue, .. } = self;
        queue.hosts_changed(
            |host| leases.is_member(host),
            |host| leases.runs(host, now),
            |session| leases.route(session, now),
        );
    }
}

impl fmt::Debug for Coordination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Coordination").field("queue", &state.queue).finish_non_exhaustive()
    }
}

/// An engine whose members and readers are all in this process.
pub(super) trait InProcess: Send + Sync {
    /// Leases and commands.
    fn coordination(&self) -> &Coordination;

    /// The heads that are followed.
    fn hub(&self) -> &Hub;
}

#[async_trait]
impl<L: InProcess> CommandQueue for L {
    async fn submit(&self, command: QueuedCommand) -> Result<Bytes, QueueError> {
        self.coordination().submit(command).await
    }

    async fn take(&self, host: &MemberId) -> Result<Vec<TakenCommand>, LogError> {
        self.coordination().take(host).await
    }

    async fn answer(&self, command: &CommandId, answer: Bytes) -> Result<(), LogError> {
        self.coordination().answer(command, answer);
        Ok(())
    }
}

#[async_trait]
impl<L: InProcess> Signals for L {
    async fn renew(&self, member: &Member, term: Duration) -> Result<Renewal, LogError> {
        self.coordination().renew(member, term)
    }

    async fn leave(&self, member: &MemberId) -> Result<(), LogError> {
        self.coordination().leave(member);
        Ok(())
    }

    async fn is_followed(&self, session: &SessionId) -> Result<bool, LogError> {
        Ok(self.hub().is_followed(session))
    }

    async fn fault(&self, session: &SessionId, reason: &str) {
        self.hub().fault(session, reason);
    }
}
