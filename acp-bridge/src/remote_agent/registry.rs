//! The diallers of a host: those that wait for an agent to be wanted, and those that have one.

mod diallers;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acp_types::SessionId;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::diallers::{AgentPlace, Arrived};

use self::diallers::Diallers;
use crate::remote_agent::protocol::{Frame, Gone, Serve, VERSION};
use crate::remote_agent::transport::IncomingAgent;
use crate::session::{Service, Services};

/// Time for a running agent to come back to a host that was started again, unless its network is away.
const SOON: Duration = Duration::from_secs(15);

/// All diallers that the host knows of.
#[derive(Debug)]
pub(crate) struct DiallerRegistry {
    diallers: Mutex<Diallers>,
    /// Tells that a dialler has been parked.
    parked: Notify,
    tasks: TaskTracker,
    stop: CancellationToken,
    serve: Serve,
    /// Time since when diallers can come.
    since: Instant,
}

/// Wait for a dialler, until this is dropped.
#[derive(Debug)]
pub(crate) struct Expectation {
    registry: Arc<DiallerRegistry>,
    instance: String,
    comes: oneshot::Receiver<IncomingAgent>,
}

impl DiallerRegistry {
    pub(crate) fn new(services: Services) -> Arc<Self> {
        let serve = Serve { files: services.files == Service::Host, terminals: services.terminals == Service::Host };
        Arc::new(Self {
            diallers: Mutex::default(),
            parked: Notify::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            serve,
            since: Instant::now(),
        })
    }

    /// Services that diallers give their agents.
    pub(crate) fn serve(&self) -> Serve {
        self.serve
    }

    /// Takes a dialler in.
    pub(crate) fn arrives(&self, incoming: IncomingAgent) -> Arrived {
        if incoming.hello.version != VERSION {
            let why = format!(
                "this bridge speaks version {VERSION} of the link to diallers; install the same version of acp-bridge on both sides"
            );
            incoming.refuse(why, true);
            return Arrived::Done;
        }
        let arrived = self.diallers().arrives(incoming);
        if matches!(arrived, Arrived::Ask { .. }) {
            self.parked.notify_waiters();
        }
        arrived
    }

    /// Expects an agent from now on.
    pub(crate) fn expect(self: &Arc<Self>, instance: &str, place: Option<AgentPlace>) -> Expectation {
        let (sender, comes) = oneshot::channel();
        self.diallers().expect(instance, place, sender);
        Expectation { registry: Arc::clone(self), instance: instance.to_owned(), comes }
    }

    /// Deadline for an agent that runs on since an earlier host to come back: diallers try every two seconds.
    pub(crate) fn reconnect_deadline(&self) -> Instant {
        self.since + SOON
    }

    /// The session of a dialler that has come back is open, or why not and whether for good. If nobody waits for the agent,
    /// it is let go.
    pub(crate) fn resolve_return(&self, instance: &str, refused: Option<(&str, bool)>) {
        let Some(incoming) = self.diallers().take_returning(instance) else { return };
        match refused {
            Some((why, is_final)) => incoming.refuse(why, is_final),
            // It comes again without it.
            None => incoming.socket.last(&Frame::Gone(Gone { instance: instance.to_owned() })),
        }
    }

    /// Notes the place that an agent serves from now on.
    pub(crate) fn serves(&self, instance: &str, place: AgentPlace) {
        self.diallers().serves(instance, place);
    }

    /// Parks a dialler whose lane is there until its agent is wanted.
    pub(crate) fn park(&self, incoming: IncomingAgent) {
        self.diallers().park(incoming);
        self.parked.notify_waiters();
    }

    /// The dialler of a lane, when it comes within the time; `None` when it does not.
    pub(crate) async fn take(&self, place: &AgentPlace, limit: Duration) -> Option<IncomingAgent> {
        let found = async {
            loop {
                let parked = self.parked.notified();
                tokio::pin!(parked);
                parked.as_mut().enable();
                let there = self.diallers().take_parked(place);
                if let Some(incoming) = there.filter(|incoming| !incoming.socket.is_lost()) {
                    return incoming;
                }
                parked.await;
            }
        };
        timeout(limit, found).await.ok()
    }

    /// Sends the dialler of a lane, or all of a session, away: now or once its agent is gone.
    pub(crate) fn dismiss(&self, session: &SessionId, lane: Option<&str>, why: &str) {
        self.diallers().dismiss(session, lane, why);
    }

    /// Sends a dialler away that its session does not want, at least not now.
    pub(crate) fn reject_temporarily(&self, place: &AgentPlace, why: &str) {
        if let Some(incoming) = self.diallers().take_parked(place) {
            incoming.refuse(why, false);
        }
    }

    /// Notes that an agent runs. Returns where its dialler's further sockets come.
    pub(crate) fn runs(&self, instance: &str, place: Option<AgentPlace>) -> mpsc::Receiver<IncomingAgent> {
        self.diallers().runs(instance, place)
    }

    /// Forgets an agent that is gone. Returns why its dialler is to be sent away, if it is.
    pub(crate) fn ended(&self, instance: &str) -> Option<String> {
        self.diallers().ended(instance)
    }

    /// Runs the task of a link until the end, or the host's.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move { stop.run_until_cancelled(task).await });
    }

    /// Cuts all links. Diallers come again when there is a host again.
    pub(crate) async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        *self.diallers() = Diallers::default();
    }

    fn diallers(&self) -> std::sync::MutexGuard<'_, Diallers> {
        self.diallers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expectation {
    /// The dialler once it comes; `None` when it has come without the agent, or the host goes.
    pub(crate) async fn comes(&mut self) -> Option<IncomingAgent> {
        (&mut self.comes).await.ok()
    }
}

impl Drop for Expectation {
    fn drop(&mut self) {
        self.comes.close();
        self.registry.diallers().forget_expected(&self.instance);
    }
}

#[cfg(test)]
mod tests;
