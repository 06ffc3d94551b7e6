//! Inbox of a host: commands of its log to take and answer, and news of the other members.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use super::envelope::Envelope;
use crate::command::{self, CommandAnswer, Order};
use crate::log::{
    CommandId, CommandQueue, LogError, Member, MemberId, Renewal, Role, SessionLog, Signals, TakenCommand,
};
use crate::session::Refusal;
use crate::vault::Vault;

/// Pause after the log refused to hand out commands or to renew the lease.
const PAUSE: Duration = Duration::from_millis(500);

/// Time that the vault has to hand out what a command left there.
const FETCH: Duration = Duration::from_secs(5);

/// Commands that were taken and have no answer. At the limit no more are taken: they wait in the log, where they are
/// refused once their time is over.
const MAX_OPEN: usize = 8192;

/// Time that the log has, when the host ends, for the last answers, and for the news that this host goes.
const GOODBYE: Duration = Duration::from_secs(5);

/// Thing that comes to a host.
#[derive(Debug)]
pub(super) enum Arrival {
    Command(Box<Envelope>),
    Renewed(Renewal),
    /// The log ends.
    Closed,
}

type Taking = BoxFuture<'static, Result<Vec<TakenCommand>, LogError>>;
/// The command; `None` when it was refused.
type Fetching = BoxFuture<'static, Option<Box<Envelope>>>;
type Renewing = BoxFuture<'static, Result<Renewal, LogError>>;

/// The host's end of its log: one membership, its lease, and the commands that it has taken.
pub(super) struct Inbox {
    queue: Arc<dyn CommandQueue>,
    signals: Arc<dyn Signals>,
    vault: Arc<dyn Vault>,
    member: Member,
    /// Term of its lease, which is renewed three times as often.
    term: Duration,
    taking: Option<Taking>,
    taken: VecDeque<TakenCommand>,
    /// Command that gets back what it left in the vault. Those behind it wait, so that their order stays.
    fetching: Option<Fetching>,
    /// Commands without an answer: each waits for it, and gives it to the log.
    open: FuturesUnordered<BoxFuture<'static, ()>>,
    renewing: Renewing,
}

impl Inbox {
    /// Joins the log as a host. The news of that comes first.
    pub(super) async fn join(
        log: Arc<dyn SessionLog>,
        vault: Arc<dyn Vault>,
        term: Duration,
    ) -> Result<(Self, Renewal), LogError> {
        Self::of(Arc::clone(&log) as Arc<dyn CommandQueue>, log, vault, term).await
    }

    async fn of(
        queue: Arc<dyn CommandQueue>,
        signals: Arc<dyn Signals>,
        vault: Arc<dyn Vault>,
        term: Duration,
    ) -> Result<(Self, Renewal), LogError> {
        let member = Member { id: format!("host-{}", uuid::Uuid::now_v7()).into(), role: Role::Host };
        let renewal = signals.renew(&member, term).await?;
        let renewing = renew(Arc::clone(&signals), member.clone(), term, term / 3);
        let (taking, taken, fetching, open) = (None, VecDeque::new(), None, FuturesUnordered::new());
        let inbox = Self { queue, signals, vault, member, term, taking, taken, fetching, open, renewing };
        Ok((inbox, renewal))
    }

    pub(super) fn member(&self) -> &MemberId {
        &self.member.id
    }

    /// The next thing that comes. Cancel-safe.
    pub(super) async fn next(&mut self) -> Arrival {
        loop {
            if self.fetching.is_none()
                && self.open.len() < MAX_OPEN
                && let Some(taken) = self.taken.pop_front()
            {
                if let Some(envelope) = self.open_up(taken) {
                    return Arrival::Command(envelope);
                }
                continue;
            }
            let (queue, host) = (&self.queue, &self.member.id);
            let taking = self.taking.get_or_insert_with(|| take(Arc::clone(queue), host.clone(), Duration::ZERO));
            tokio::select! {
                biased;
                renewal = &mut self.renewing => match renewal {
                    Ok(renewal) => {
                        self.renewing = renew(Arc::clone(&self.signals), self.member.clone(), self.term, self.term / 3);
                        return Arrival::Renewed(renewal);
                    }
                    Err(LogError::Closed) => return Arrival::Closed,
                    Err(error) => {
                        tracing::warn!(%error, "the lease of this host was not renewed; trying again");
                        self.renewing = renew(Arc::clone(&self.signals), self.member.clone(), self.term, PAUSE.min(self.term / 3));
                    }
                },
                fetched = fetched(&mut self.fetching) => {
                    self.fetching = None;
                    if let Some(envelope) = fetched {
                        return Arrival::Command(envelope);
                    }
                }
                Some(()) = self.open.next() => {}
                taken = taking, if self.taken.is_empty() => {
                    self.taking = None;
                    match taken {
                        Ok(taken) => self.taken = taken.into(),
                        Err(LogError::Closed) => return Arrival::Closed,
                        Err(error) => {
                            tracing::warn!(%error, "no commands can be taken now; trying again");
                            self.taking = Some(take(Arc::clone(&self.queue), self.member.id.clone(), PAUSE));
                        }
                    }
                }
            }
        }
    }

    /// Takes no more commands, and gives those that were taken their answers until there are no more, or the time is over.
    pub(super) async fn answer_what_is_open(&mut self, ended: impl Future<Output = ()>) {
        // Its answer is that the host stopped.
        self.fetching = None;
        for taken in std::mem::take(&mut self.taken) {
            let answer = Err(Refusal::HostStops);
            self.open.push(answer_now(Arc::clone(&self.queue), taken.id, answer));
        }
        tokio::pin!(ended);
        loop {
            tokio::select! {
                biased;
                Some(()) = self.open.next() => {}
                () = &mut ended => break,
            }
        }
        // Whoever was to answer has gone, so each has an answer or will never have one.
        let all = async { while self.open.next().await.is_some() {} };
        if timeout(GOODBYE, all).await.is_err() {
            let left = self.open.len();
            tracing::warn!(
                left,
                "the log takes no answers; those who sent these commands hear that their time is over"
            );
            self.open.clear();
        }
        let why = match timeout(GOODBYE, self.signals.leave(&self.member.id)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it did not answer within {} s", GOODBYE.as_secs()),
        };
        tracing::warn!(why, "the log was not told that this host goes; others wait for its lease to run out");
    }

    /// Reads a command; one that cannot be read is refused. `None` also when something of it must be fetched first.
    fn open_up(&mut self, taken: TakenCommand) -> Option<Box<Envelope>> {
        let TakenCommand { id, session, from, remaining, body } = taken;
        let order = match Order::decode(&body) {
            Ok(order) => {
                let Order { principal, client, .. } = &order;
                tracing::trace!(identity = principal.identity, role = %principal.role, %client, gateway = %from, "a command");
                order
            }
            Err(error) => {
                tracing::warn!(%error, gateway = %from, "a command is refused");
                let answer = Err(error.into());
                self.open.push(answer_now(Arc::clone(&self.queue), id, answer));
                return None;
            }
        };
        let (reply, answer) = oneshot::channel();
        let queue = Arc::clone(&self.queue);
        self.open.push(Box::pin(async move {
            let answer = answer.await.unwrap_or(Err(Refusal::HostGone));
            answer_now(queue, id, answer).await;
        }));
        let deadline = Instant::now() + remaining;
        if order.secret.is_none() {
            let Order { client, command, .. } = order;
            return Some(Box::new(Envelope { session, from, client, command, deadline, reply }));
        }
        let vault = Arc::clone(&self.vault);
        self.fetching = Some(Box::pin(async move {
            let why = match timeout(FETCH, order.open(&*vault)).await {
                Ok(Ok((client, command))) => {
                    return Some(Box::new(Envelope { session, from, client, command, deadline, reply }));
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("the vault did not answer within {} s; try again", FETCH.as_secs()),
            };
            tracing::warn!(why, gateway = %from, "a command is refused: what it left in the vault cannot be had");
            // Whoever asked may have gone.
            let _ = reply.send(Err(Refusal::Vault { why: format!("the command is refused: {why}") }));
            None
        }));
        None
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("member", &self.member).field("open", &self.open.len()).finish_non_exhaustive()
    }
}

async fn fetched(fetching: &mut Option<Fetching>) -> Option<Box<Envelope>> {
    match fetching {
        Some(fetching) => fetching.await,
        None => std::future::pending().await,
    }
}

fn take(queue: Arc<dyn CommandQueue>, host: MemberId, pause: Duration) -> Taking {
    Box::pin(async move {
        sleep(pause).await;
        queue.take(&host).await
    })
}

fn renew(signals: Arc<dyn Signals>, member: Member, term: Duration, pause: Duration) -> Renewing {
    Box::pin(async move {
        sleep(pause).await;
        signals.renew(&member, term).await
    })
}

async fn sleep(pause: Duration) {
    if !pause.is_zero() {
        sleep_until(Instant::now() + pause).await;
    }
}

fn answer_now(queue: Arc<dyn CommandQueue>, id: CommandId, answer: CommandAnswer) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        if let Err(error) = queue.answer(&id, command::encode_answer(&answer)).await {
            tracing::warn!(%error, command = %id, "the answer to a command is lost");
        }
    })
}

#[cfg(test)]
mod tests;
