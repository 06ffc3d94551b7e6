//! The diallers of a host: those that wait for an agent to be wanted, and those that have one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acp_types::SessionId;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::remote_agent::protocol::{Frame, Gone, Serve, VERSION};
use crate::remote_agent::transport::IncomingAgent;
use crate::session::{Service, Services};

/// Sockets of one dialler that wait for the task of its agent: the newest counts, and that task is quick.
const SOCKETS: usize = 4;

/// For an agent that runs to come back to a host that was started again, unless its network is away.
const SOON: Duration = Duration::from_secs(15);

/// Place that an agent serves: a lane of a session.
pub(crate) type AgentPlace = (SessionId, Arc<str>);

/// All diallers that the host knows of.
#[derive(Debug)]
pub(crate) struct DiallerRegistry {
    state: Mutex<State>,
    /// A dialler has been parked.
    parked: Notify,
    tasks: TaskTracker,
    stop: CancellationToken,
    serve: Serve,
    /// Since when diallers can come.
    since: Instant,
}

#[derive(Debug, Default)]
struct State {
    /// Diallers with an agent, by the instance of that.
    diallers: HashMap<String, Dialler>,
    /// Diallers without one.
    parked: HashMap<AgentPlace, IncomingAgent>,
}

/// A dialler by the agent that it has.
///
/// ```text
///    expect --> Expected --- arrives ---> (whoever expected it) --- runs ---> Running --- ended --->
///                  ^
///                  | expect
///    arrives --> Returning --- resolve_return --->
/// ```
#[derive(Debug)]
enum Dialler {
    /// It is to come: an earlier host has started its agent, or we have started the dialler.
    Expected { place: Option<AgentPlace>, comes: oneshot::Sender<IncomingAgent> },
    /// It has come, and its session is asked whether it expects the agent.
    Returning(IncomingAgent),
    /// A task has its link.
    Running(Running),
}

#[derive(Debug)]
struct Running {
    place: Option<AgentPlace>,
    sockets: mpsc::Sender<IncomingAgent>,
    /// Reason to send the dialler away once the agent is gone.
    dismissed: Option<String>,
}

/// Somebody waits for a dialler until this is dropped.
#[derive(Debug)]
pub(crate) struct Expectation {
    registry: Arc<DiallerRegistry>,
    instance: String,
    comes: oneshot::Receiver<IncomingAgent>,
}

/// Decision about a dialler that has come.
#[derive(Debug)]
pub(crate) enum Arrived {
    /// It is seen to.
    Done,
    /// It has an agent that an earlier host has started. Its session is to be opened, so that it can say whether it waits.
    Returns {
        /// The lane that the agent serves.
        place: AgentPlace,
        /// As which client.
        client: Arc<str>,
        /// The agent.
        instance: String,
    },
    /// It is parked, and its session is to be asked whether it wants it.
    Ask {
        /// For which lane.
        place: AgentPlace,
        /// As which client.
        client: Arc<str>,
        /// Name of its agent.
        agent: String,
    },
}

impl DiallerRegistry {
    pub(crate) fn new(services: Services) -> Arc<Self> {
        let serve = Serve { files: services.files == Service::Host, terminals: services.terminals == Service::Host };
        Arc::new(Self {
            state: Mutex::default(),
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
        let mut state = self.state();
        let Some(incoming) = state.hand_to_instance(incoming) else { return Arrived::Done };
        let (Some(session), Some(lane)) = (incoming.hello.session.clone(), incoming.hello.lane.clone()) else {
            incoming.refuse("the bridge does not wait for this agent any more", true);
            return Arrived::Done;
        };
        let place: AgentPlace = (session, lane.into());
        if let Some(running) = state.running().find(|running| running.place.as_ref() == Some(&place)) {
            // The task of that agent knows whether it is to be replaced.
            running.hand(incoming);
            return Arrived::Done;
        }
        let other = state.parked.get(&place).filter(|there| !there.socket.is_lost());
        if other.is_some_and(|there| there.hello.dialler != incoming.hello.dialler) {
            incoming.refuse(format!("another dialler is there for the lane {:?}; use another lane", place.1), true);
            return Arrived::Done;
        }
        // It comes without the agent that is waited for.
        state.diallers.retain(|_, dialler| {
            !matches!(dialler, Dialler::Expected { place: expected, .. } if expected.as_ref() == Some(&place))
        });
        if let Some(instance) = incoming.hello.instance.clone() {
            let client = incoming.hello.dialler.as_str().into();
            state.diallers.insert(instance.clone(), Dialler::Returning(incoming));
            return Arrived::Returns { place, client, instance };
        }
        let (client, agent) = (incoming.hello.dialler.as_str().into(), incoming.hello.agent.clone());
        state.parked.insert(place.clone(), incoming);
        self.parked.notify_waiters();
        Arrived::Ask { place, client, agent }
    }

    /// From now on this agent is waited for.
    pub(crate) fn expect(self: &Arc<Self>, instance: &str, place: Option<AgentPlace>) -> Expectation {
        let (sender, comes) = oneshot::channel();
        let mut state = self.state();
        match state.diallers.remove(instance) {
            // Nobody but us can have dropped the other end.
            Some(Dialler::Returning(incoming)) => drop(sender.send(incoming)),
            // Its task ends, or it is expected anew.
            _ => drop(state.diallers.insert(instance.to_owned(), Dialler::Expected { place, comes: sender })),
        }
        Expectation { registry: Arc::clone(self), instance: instance.to_owned(), comes }
    }

    /// Deadline for an agent that runs on since an earlier host to come back: diallers try every two seconds.
    pub(crate) fn reconnect_deadline(&self) -> Instant {
        self.since + SOON
    }

    /// The session of a dialler that has come back is open, or why not and whether for good. If nobody waits for the agent,
    /// it is let go.
    pub(crate) fn resolve_return(&self, instance: &str, refused: Option<(&str, bool)>) {
        let Some(incoming) = self.state().take_returning(instance) else { return };
        match refused {
            Some((why, is_final)) => incoming.refuse(why, is_final),
            // It comes again without it.
            None => incoming.socket.last(&Frame::Gone(Gone { instance: instance.to_owned() })),
        }
    }

    /// Notes the place that an agent serves from now on.
    pub(crate) fn serves(&self, instance: &str, place: AgentPlace) {
        if let Some(Dialler::Running(running)) = self.state().diallers.get_mut(instance) {
            running.place = Some(place);
        }
    }

    /// A dialler whose lane is there waits for its agent to be wanted.
    pub(crate) fn park(&self, incoming: IncomingAgent) {
        let (Some(session), Some(lane)) = (incoming.hello.session.clone(), incoming.hello.lane.clone()) else { return };
        self.state().parked.insert((session, lane.into()), incoming);
        self.parked.notify_waiters();
    }

    /// The dialler of a lane, when it comes within the time; `None` when it does not.
    pub(crate) async fn take(&self, place: &AgentPlace, limit: Duration) -> Option<IncomingAgent> {
        let found = async {
            loop {
                let parked = self.parked.notified();
                tokio::pin!(parked);
                parked.as_mut().enable();
                let there = self.state().parked.remove(place);
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
        let meant = |place: &AgentPlace| place.0 == *session && lane.is_none_or(|lane| *place.1 == *lane);
        let mut state = self.state();
        for dialler in state.diallers.values_mut() {
            if let Dialler::Running(running) = dialler
                && running.place.as_ref().is_some_and(meant)
            {
                running.dismissed = Some(why.to_owned());
            }
        }
        for (_, incoming) in state.parked.extract_if(|place, _| meant(place)) {
            incoming.refuse(why, true);
        }
    }

    /// Sends a dialler away that its session does not want, at least not now.
    pub(crate) fn reject_temporarily(&self, place: &AgentPlace, why: &str) {
        if let Some(incoming) = self.state().parked.remove(place) {
            incoming.refuse(why, false);
        }
    }

    /// An agent runs from now on. Where its dialler's further sockets come.
    pub(crate) fn runs(&self, instance: &str, place: Option<AgentPlace>) -> mpsc::Receiver<IncomingAgent> {
        let (sockets, come) = mpsc::channel(SOCKETS);
        let running = Running { place, sockets, dismissed: None };
        self.state().diallers.insert(instance.to_owned(), Dialler::Running(running));
        come
    }

    /// An agent is gone: why its dialler is to be sent away, if it is.
    pub(crate) fn ended(&self, instance: &str) -> Option<String> {
        let mut state = self.state();
        match state.diallers.remove(instance)? {
            Dialler::Running(running) => running.dismissed,
            other => {
                state.diallers.insert(instance.to_owned(), other);
                None
            }
        }
    }

    /// Runs the task of a link until the end, or the host's.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move { stop.run_until_cancelled(task).await });
    }

    /// Cuts all registry. Diallers come again when there is a host again.
    pub(crate) async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        *self.state() = State::default();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Hands a dialler to whoever has its agent, or expects it; gives it back if nobody does.
    fn hand_to_instance(&mut self, incoming: IncomingAgent) -> Option<IncomingAgent> {
        let Some(instance) = &incoming.hello.instance else { return Some(incoming) };
        if let Some(Dialler::Running(running)) = self.diallers.get(instance) {
            running.hand(incoming);
            return None;
        }
        match self.diallers.remove(instance) {
            // Whoever waited may have gone just now.
            Some(Dialler::Expected { comes, .. }) => comes.send(incoming).err(),
            // A newer socket takes the place of the one before.
            _ => Some(incoming),
        }
    }

    fn running(&self) -> impl Iterator<Item = &Running> {
        self.diallers.values().filter_map(|dialler| match dialler {
            Dialler::Running(running) => Some(running),
            Dialler::Expected { .. } | Dialler::Returning(_) => None,
        })
    }

    fn take_returning(&mut self, instance: &str) -> Option<IncomingAgent> {
        match self.diallers.remove(instance)? {
            Dialler::Returning(incoming) => Some(incoming),
            other => {
                self.diallers.insert(instance.to_owned(), other);
                None
            }
        }
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
        let mut state = self.registry.state();
        // By now it may run, or somebody else expects it.
        if matches!(state.diallers.get(&self.instance), Some(Dialler::Expected { comes, .. }) if comes.is_closed()) {
            state.diallers.remove(&self.instance);
        }
    }
}

impl Running {
    fn hand(&self, incoming: IncomingAgent) {
        if let Err(error) = self.sockets.try_send(incoming) {
            error.into_inner().refuse("its agent is just ending", false);
        }
    }
}

#[cfg(test)]
mod tests;
