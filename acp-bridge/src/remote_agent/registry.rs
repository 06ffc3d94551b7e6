//! The diallers of a host: those that wait for an agent to be wanted, and those whose agent runs.

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

/// What an agent serves: a lane of a session.
pub(crate) type Place = (SessionId, Arc<str>);

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
    /// Agents by instance.
    running: HashMap<String, Running>,
    /// Diallers without an agent.
    parked: HashMap<Place, IncomingAgent>,
    /// Agents of an earlier host that are waited for, or diallers that we have started, by instance.
    expected: HashMap<String, Expected>,
    /// Diallers that have come back with an agent, while their session is asked whether it waits for that.
    returning: HashMap<String, IncomingAgent>,
}

#[derive(Debug)]
struct Running {
    place: Option<Place>,
    sockets: mpsc::Sender<IncomingAgent>,
    /// Why the dialler is to be sent away once the agent is gone.
    dismissed: Option<String>,
}

/// Where a dialler goes that is waited for.
#[derive(Debug)]
struct Expected {
    place: Option<Place>,
    comes: oneshot::Sender<IncomingAgent>,
}

/// What becomes of a dialler that has come.
#[derive(Debug)]
pub(crate) enum Arrived {
    /// It is seen to.
    Done,
    /// It has an agent that an earlier host has started. Its session is to be opened, so that it can say whether it waits.
    Returns {
        /// The lane that the agent serves.
        place: Place,
        /// As which client.
        client: Arc<str>,
        /// The agent.
        instance: String,
    },
    /// It is parked, and its session is to be asked whether it wants it.
    Ask {
        /// For which lane.
        place: Place,
        /// As which client.
        client: Arc<str>,
        /// What its agent is called.
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

    /// What diallers serve their agents.
    pub(crate) fn serve(&self) -> Serve {
        self.serve
    }

    /// Takes a dialler in.
    pub(crate) fn arrives(&self, offer: IncomingAgent) -> Arrived {
        if offer.hello.version != VERSION {
            let why = format!(
                "this bridge speaks version {VERSION} of the link to diallers; install the same version of acp-bridge on both sides"
            );
            offer.refuse(why, true);
            return Arrived::Done;
        }
        let mut state = self.state();
        let mut offer = offer;
        if let Some(instance) = &offer.hello.instance {
            if let Some(running) = state.running.get(instance) {
                running.hand(offer);
                return Arrived::Done;
            }
            if let Some(expected) = state.expected.remove(instance) {
                match expected.comes.send(offer) {
                    Ok(()) => return Arrived::Done,
                    // Nobody waits any more.
                    Err(back) => offer = back,
                }
            }
        }
        let (Some(session), Some(lane)) = (offer.hello.session.clone(), offer.hello.lane.clone()) else {
            offer.refuse("the bridge does not wait for this agent any more", true);
            return Arrived::Done;
        };
        let place: Place = (session, lane.into());
        if let Some(running) = state.running.values().find(|running| running.place.as_ref() == Some(&place)) {
            // The task of that agent knows whether it is to be replaced.
            running.hand(offer);
            return Arrived::Done;
        }
        let other = state.parked.get(&place).filter(|there| !there.socket.is_lost());
        if other.is_some_and(|there| there.hello.dialler != offer.hello.dialler) {
            offer.refuse(format!("another dialler is there for the lane {:?}; use another lane", place.1), true);
            return Arrived::Done;
        }
        // It comes without the agent that is waited for.
        state.expected.retain(|_, expected| expected.place.as_ref() != Some(&place));
        if let Some(instance) = offer.hello.instance.clone() {
            let client = offer.hello.dialler.as_str().into();
            state.returning.insert(instance.clone(), offer);
            return Arrived::Returns { place, client, instance };
        }
        let (client, agent) = (offer.hello.dialler.as_str().into(), offer.hello.agent.clone());
        state.parked.insert(place.clone(), offer);
        self.parked.notify_waiters();
        Arrived::Ask { place, client, agent }
    }

    /// From now on this agent is waited for.
    pub(crate) fn expect(&self, instance: &str, place: Option<Place>) -> oneshot::Receiver<IncomingAgent> {
        let (comes, waits) = oneshot::channel();
        let mut state = self.state();
        match state.returning.remove(instance) {
            // Nobody but us can have dropped the other end.
            Some(offer) => drop(comes.send(offer)),
            None => drop(state.expected.insert(instance.to_owned(), Expected { place, comes })),
        }
        waits
    }

    /// How long an agent that runs still takes to come back at most: diallers try every two seconds.
    pub(crate) fn reconnect_deadline(&self) -> Duration {
        (self.since + SOON).saturating_duration_since(Instant::now())
    }

    /// It is waited for no longer.
    pub(crate) fn give_up(&self, instance: &str) {
        self.state().expected.remove(instance);
    }

    /// The session of a dialler that has come back is open, or why not and whether for good. If nobody waits for the agent,
    /// it is let go.
    pub(crate) fn resolve_return(&self, instance: &str, refused: Option<(&str, bool)>) {
        let Some(offer) = self.state().returning.remove(instance) else { return };
        match refused {
            Some((why, is_final)) => offer.refuse(why, is_final),
            // It comes again without it.
            None => offer.socket.last(&Frame::Gone(Gone { instance: instance.to_owned() })),
        }
    }

    /// What an agent serves from now on.
    pub(crate) fn serves(&self, instance: &str, place: Place) {
        if let Some(running) = self.state().running.get_mut(instance) {
            running.place = Some(place);
        }
    }

    /// A dialler whose lane is there waits for its agent to be wanted.
    pub(crate) fn park(&self, offer: IncomingAgent) {
        let (Some(session), Some(lane)) = (offer.hello.session.clone(), offer.hello.lane.clone()) else { return };
        self.state().parked.insert((session, lane.into()), offer);
        self.parked.notify_waiters();
    }

    /// The dialler of a lane, when it comes within the time; `None` when it does not.
    pub(crate) async fn take(&self, place: &Place, limit: Duration) -> Option<IncomingAgent> {
        let found = async {
            loop {
                let parked = self.parked.notified();
                tokio::pin!(parked);
                parked.as_mut().enable();
                let there = self.state().parked.remove(place);
                if let Some(offer) = there.filter(|offer| !offer.socket.is_lost()) {
                    return offer;
                }
                parked.await;
            }
        };
        timeout(limit, found).await.ok()
    }

    /// Sends the dialler of a lane, or all of a session, away: now or once its agent is gone.
    pub(crate) fn dismiss(&self, session: &SessionId, lane: Option<&str>, why: &str) {
        let meant = |place: &Place| place.0 == *session && lane.is_none_or(|lane| *place.1 == *lane);
        let mut state = self.state();
        for running in state.running.values_mut().filter(|running| running.place.as_ref().is_some_and(meant)) {
            running.dismissed = Some(why.to_owned());
        }
        for (_, offer) in state.parked.extract_if(|place, _| meant(place)) {
            offer.refuse(why, true);
        }
    }

    /// Sends a dialler away that its session does not want, at least not now.
    pub(crate) fn reject_temporarily(&self, place: &Place, why: &str) {
        if let Some(offer) = self.state().parked.remove(place) {
            offer.refuse(why, false);
        }
    }

    /// An agent runs from now on. Where its dialler's further sockets come.
    pub(crate) fn runs(&self, instance: &str, place: Option<Place>) -> mpsc::Receiver<IncomingAgent> {
        let (sockets, come) = mpsc::channel(SOCKETS);
        let running = Running { place, sockets, dismissed: None };
        self.state().running.insert(instance.to_owned(), running);
        come
    }

    /// An agent is gone: why its dialler is to be sent away, if it is.
    pub(crate) fn ended(&self, instance: &str) -> Option<String> {
        self.state().running.remove(instance)?.dismissed
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

impl Running {
    fn hand(&self, offer: IncomingAgent) {
        if let Err(error) = self.sockets.try_send(offer) {
            error.into_inner().refuse("its agent is just ending", false);
        }
    }
}
