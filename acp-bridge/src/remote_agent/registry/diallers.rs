//! Table of diallers: those that have an agent, by its instance, and those that wait for one to be wanted, by their lane.

use std::collections::HashMap;
use std::sync::Arc;

use acp_types::SessionId;
use tokio::sync::{mpsc, oneshot};

use crate::remote_agent::transport::IncomingAgent;

/// Sockets of one dialler that wait for the task of its agent: the newest counts, and that task is quick.
const SOCKETS: usize = 4;

/// Place that an agent serves: a lane of a session.
pub(crate) type AgentPlace = (SessionId, Arc<str>);

/// Decision about a dialler that has come.
#[derive(Debug)]
pub(crate) enum Arrived {
    /// Nothing more to do.
    Done,
    /// An agent that an earlier host has started. Its session is to be opened, so that it can say whether it waits.
    Returns {
        /// The lane that the agent serves.
        place: AgentPlace,
        /// Client that it counts as.
        client: Arc<str>,
        /// The agent.
        instance: String,
    },
    /// A dialler that is parked. Its session is to be asked whether it wants it.
    Ask {
        /// Lane that it comes for.
        place: AgentPlace,
        /// Client that it counts as.
        client: Arc<str>,
        /// Name of its agent.
        agent: String,
    },
}

/// All diallers of a host, each once.
#[derive(Debug, Default)]
pub(super) struct Diallers {
    with_agent: HashMap<String, Dialler>,
    parked: HashMap<AgentPlace, IncomingAgent>,
}

/// A dialler by the agent that it has.
///
/// ```text
///    expect --> Expected --- arrives ---> (whoever expected it) --- runs ---> Running --- ended --->
///                  ^
///                  | expect
///    arrives --> Returning --- take_returning --->
/// ```
#[derive(Debug)]
enum Dialler {
    /// A dialler that is to come: an earlier host has started its agent, or we have started the dialler.
    Expected { place: Option<AgentPlace>, comes: oneshot::Sender<IncomingAgent> },
    /// A dialler that has come; its session is asked whether it expects the agent.
    Returning(IncomingAgent),
    /// A dialler with a task that has its link.
    Running(Running),
}

#[derive(Debug)]
struct Running {
    place: Option<AgentPlace>,
    sockets: mpsc::Sender<IncomingAgent>,
    /// Reason to send the dialler away once the agent is gone.
    dismissed: Option<String>,
}

impl Diallers {
    /// Takes a dialler in that speaks our version of the link.
    pub(super) fn arrives(&mut self, incoming: IncomingAgent) -> Arrived {
        let Some(incoming) = self.hand_to_instance(incoming) else { return Arrived::Done };
        let Some(place) = wanted(&incoming) else {
            incoming.refuse("the bridge does not wait for this agent any more", true);
            return Arrived::Done;
        };
        if let Some(running) = self.running().find(|running| running.place.as_ref() == Some(&place)) {
            // The task of that agent knows whether it is to be replaced.
            running.hand(incoming);
            return Arrived::Done;
        }
        let other = self.parked.get(&place).filter(|there| !there.socket.is_lost());
        if other.is_some_and(|there| there.hello.dialler != incoming.hello.dialler) {
            incoming.refuse(format!("another dialler is there for the lane {:?}; use another lane", place.1), true);
            return Arrived::Done;
        }
        // It comes without the agent that is waited for.
        self.with_agent.retain(|_, dialler| {
            !matches!(dialler, Dialler::Expected { place: expected, .. } if expected.as_ref() == Some(&place))
        });
        let client = incoming.hello.dialler.as_str().into();
        if let Some(instance) = incoming.hello.instance.clone() {
            self.with_agent.insert(instance.clone(), Dialler::Returning(incoming));
            return Arrived::Returns { place, client, instance };
        }
        let agent = incoming.hello.agent.clone();
        self.parked.insert(place.clone(), incoming);
        Arrived::Ask { place, client, agent }
    }

    /// Expects an agent from now on; it is handed to whoever has the other end.
    pub(super) fn expect(&mut self, instance: &str, place: Option<AgentPlace>, comes: oneshot::Sender<IncomingAgent>) {
        match self.with_agent.remove(instance) {
            // Whoever waits has the other end still.
            Some(Dialler::Returning(incoming)) => drop(comes.send(incoming)),
            // Its task ends, or it is expected anew.
            _ => drop(self.with_agent.insert(instance.to_owned(), Dialler::Expected { place, comes })),
        }
    }

    /// Forgets an agent that nobody waits for any more. By now it may run, or somebody else expects it.
    pub(super) fn forget_expected(&mut self, instance: &str) {
        if matches!(self.with_agent.get(instance), Some(Dialler::Expected { comes, .. }) if comes.is_closed()) {
            self.with_agent.remove(instance);
        }
    }

    /// The dialler of an agent that has come back, once its session has said whether it waits.
    pub(super) fn take_returning(&mut self, instance: &str) -> Option<IncomingAgent> {
        match self.with_agent.remove(instance)? {
            Dialler::Returning(incoming) => Some(incoming),
            other => {
                self.with_agent.insert(instance.to_owned(), other);
                None
            }
        }
    }

    /// Parks a dialler at its lane until its agent is wanted.
    pub(super) fn park(&mut self, incoming: IncomingAgent) {
        if let Some(place) = wanted(&incoming) {
            self.parked.insert(place, incoming);
        }
    }

    /// The dialler that waits at a lane, which may be lost.
    pub(super) fn take_parked(&mut self, place: &AgentPlace) -> Option<IncomingAgent> {
        self.parked.remove(place)
    }

    /// Notes that an agent runs. Returns where its dialler's further sockets come.
    pub(super) fn runs(&mut self, instance: &str, place: Option<AgentPlace>) -> mpsc::Receiver<IncomingAgent> {
        let (sockets, come) = mpsc::channel(SOCKETS);
        let running = Running { place, sockets, dismissed: None };
        self.with_agent.insert(instance.to_owned(), Dialler::Running(running));
        come
    }

    /// Notes the place that an agent serves from now on.
    pub(super) fn serves(&mut self, instance: &str, place: AgentPlace) {
        if let Some(Dialler::Running(running)) = self.with_agent.get_mut(instance) {
            running.place = Some(place);
        }
    }

    /// Forgets an agent that is gone. Returns why its dialler is to be sent away, if it is.
    pub(super) fn ended(&mut self, instance: &str) -> Option<String> {
        match self.with_agent.remove(instance)? {
            Dialler::Running(running) => running.dismissed,
            other => {
                self.with_agent.insert(instance.to_owned(), other);
                None
            }
        }
    }

    /// Sends the dialler of a lane, or all of a session, away: now or once its agent is gone.
    pub(super) fn dismiss(&mut self, session: &SessionId, lane: Option<&str>, why: &str) {
        let meant = |place: &AgentPlace| place.0 == *session && lane.is_none_or(|lane| *place.1 == *lane);
        for dialler in self.with_agent.values_mut() {
            if let Dialler::Running(running) = dialler
                && running.place.as_ref().is_some_and(meant)
            {
                running.dismissed = Some(why.to_owned());
            }
        }
        for (_, incoming) in self.parked.extract_if(|place, _| meant(place)) {
            incoming.refuse(why, true);
        }
    }

    /// Hands a dialler to whoever has its agent, or expects it; gives it back if nobody does.
    fn hand_to_instance(&mut self, incoming: IncomingAgent) -> Option<IncomingAgent> {
        let Some(instance) = &incoming.hello.instance else { return Some(incoming) };
        if let Some(Dialler::Running(running)) = self.with_agent.get(instance) {
            running.hand(incoming);
            return None;
        }
        match self.with_agent.remove(instance) {
            // Whoever waited may have gone just now.
            Some(Dialler::Expected { comes, .. }) => comes.send(incoming).err(),
            // A newer socket takes the place of the one before.
            _ => Some(incoming),
        }
    }

    fn running(&self) -> impl Iterator<Item = &Running> {
        self.with_agent.values().filter_map(|dialler| match dialler {
            Dialler::Running(running) => Some(running),
            Dialler::Expected { .. } | Dialler::Returning(_) => None,
        })
    }
}

impl Running {
    fn hand(&self, incoming: IncomingAgent) {
        if let Err(error) = self.sockets.try_send(incoming) {
            error.into_inner().refuse("its agent is just ending", false);
        }
    }
}

/// The place that a dialler comes for.
fn wanted(incoming: &IncomingAgent) -> Option<AgentPlace> {
    Some((incoming.hello.session.clone()?, incoming.hello.lane.as_deref()?.into()))
}
