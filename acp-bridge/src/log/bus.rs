//! The way from gateways to hosts.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use acp_types::SessionId;
use tokio::sync::{mpsc, oneshot};

use super::Answer;
use crate::dial::Offer;
use crate::session::{Command, Refusal};

/// Commands that wait for the host. Each holds a client's frame, so the bound is a bound on memory; a client whose
/// command does not fit waits, and reads no further meanwhile.
const CAPACITY: usize = 1024;

/// Diallers that wait for the host to look at them. More are sent away, and come again.
const DIALLERS: usize = 64;

/// A command on its way.
#[derive(Debug)]
pub struct Envelope {
    /// The session it is for; `None` when it concerns the agent as such.
    pub session: Option<SessionId>,
    /// The client that sent it, by the id that its gateway gave it.
    pub client: Arc<str>,
    /// What it wants.
    pub command: Command,
    /// Where the answer goes. Whoever asked may have gone.
    pub reply: oneshot::Sender<Answer>,
}

/// Takes commands to the one host of a log, in order, at most once each, and agents that have dialled in.
pub struct Bus {
    sender: mpsc::Sender<Box<Envelope>>,
    offers: mpsc::Sender<Offer>,
    inbox: Mutex<Option<Inbox>>,
}

impl Default for Bus {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let (offers, offered) = mpsc::channel(DIALLERS);
        Self { sender, offers, inbox: Mutex::new(Some(Inbox { receiver, offered })) }
    }
}

impl Bus {
    /// Sends a command and waits for its answer; waits for room first. Dropping the future takes back a command that
    /// still waits for room, and no other.
    ///
    /// # Errors
    /// The host's own refusal; [`Refusal::NoHost`] when none takes commands, [`Refusal::HostGone`] when it went away before
    /// it answered.
    pub async fn submit(&self, session: Option<SessionId>, client: Arc<str>, command: Command) -> Answer {
        if self.is_idle() {
            return Err(Refusal::NoHost);
        }
        let (reply, answer) = oneshot::channel();
        let envelope = Envelope { session, client, command, reply };
        self.sender.send(Box::new(envelope)).await.map_err(|_| Refusal::NoHost)?;
        answer.await.unwrap_or(Err(Refusal::HostGone))
    }

    /// The host's end. `None` when it was taken before: a log has one host in a process.
    #[must_use]
    pub fn inbox(&self) -> Option<Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Hands a dialler to the host. One that there is no room for, or no host, is sent away and comes again.
    pub(crate) fn offer(&self, offer: Offer) {
        if let Err(error) = self.offers.try_send(offer) {
            let why = if self.is_idle() || self.offers.is_closed() {
                "no host serves this log"
            } else {
                "too many diallers wait"
            };
            error.into_inner().refuse(why, false);
        }
    }

    /// Whether no host has come yet.
    fn is_idle(&self) -> bool {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("waiting", &(CAPACITY - self.sender.capacity())).finish_non_exhaustive()
    }
}

/// The host's end of a [`Bus`]. Dropping it refuses what waits and whatever comes later.
#[derive(Debug)]
pub struct Inbox {
    receiver: mpsc::Receiver<Box<Envelope>>,
    offered: mpsc::Receiver<Offer>,
}

/// What comes to a host.
#[derive(Debug)]
pub(crate) enum Arrival {
    Command(Box<Envelope>),
    Dialler(Offer),
}

impl Inbox {
    /// The next command; `None` when the log is gone. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Box<Envelope>> {
        self.receiver.recv().await
    }

    /// The next command or dialler; `None` when the log is gone. Cancel-safe.
    pub(crate) async fn arrival(&mut self) -> Option<Arrival> {
        tokio::select! {
            envelope = self.receiver.recv() => envelope.map(Arrival::Command),
            offer = self.offered.recv() => offer.map(Arrival::Dialler),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bus;
    use crate::session::{Command, Refusal, Reply};

    #[tokio::test]
    async fn a_command_without_a_host_is_refused_at_once() {
        let bus = Bus::default();
        assert_eq!(bus.submit(None, "c".into(), Command::Close).await, Err(Refusal::NoHost));
    }

    #[tokio::test]
    async fn a_command_reaches_the_host_and_its_answer_comes_back() {
        let bus = Bus::default();
        let mut inbox = bus.inbox().unwrap();
        let host = async {
            let envelope = inbox.recv().await.unwrap();
            assert_eq!((envelope.session.unwrap().as_str(), &*envelope.client), ("s", "c"));
            envelope.reply.send(Ok(Reply::Turn(7))).unwrap();
        };
        let (answer, ()) = tokio::join!(bus.submit(Some("s".into()), "c".into(), Command::Close), host);
        assert_eq!(answer.unwrap(), Reply::Turn(7));
    }

    #[tokio::test]
    async fn the_inbox_is_taken_once() {
        let bus = Bus::default();
        let inbox = bus.inbox();
        assert!(inbox.is_some());
        assert!(bus.inbox().is_none());
    }

    #[tokio::test]
    async fn a_host_that_drops_a_command_or_its_inbox_fails_the_client() {
        let bus = Bus::default();
        let mut inbox = bus.inbox().unwrap();
        let submit = bus.submit(None, "c".into(), Command::Close);
        let (answer, ()) = tokio::join!(submit, async { drop(inbox.recv().await) });
        assert_eq!(answer, Err(Refusal::HostGone));
        drop(inbox);
        let answer = bus.submit(None, "c".into(), Command::Close).await;
        assert_eq!(answer, Err(Refusal::NoHost));
    }

    #[tokio::test]
    async fn a_full_bus_makes_the_client_wait() {
        let bus = std::sync::Arc::new(Bus::default());
        let mut inbox = bus.inbox().unwrap();
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..super::CAPACITY + 1 {
            let bus = std::sync::Arc::clone(&bus);
            clients.spawn(async move { bus.submit(None, "c".into(), Command::Close).await });
        }
        while bus.sender.capacity() > 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..super::CAPACITY + 1 {
            inbox.recv().await.unwrap().reply.send(Ok(Reply::Done)).unwrap();
        }
        while let Some(answer) = clients.join_next().await {
            assert_eq!(answer.unwrap().unwrap(), Reply::Done);
        }
    }
}
