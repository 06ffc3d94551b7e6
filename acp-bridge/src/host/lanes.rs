//! The agents of one session, by lane.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use acp_server::proto::{Event, RequestKey};
use acp_types::ErrorObjectOwned;
use acp_types::record::body::AgentStarted;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::agent::{Agent, failure};
use crate::session::CallId;

/// What opening an agent comes to.
pub(super) type Opened = Result<(Agent, AgentStarted), ErrorObjectOwned>;

/// What happened in a lane.
#[derive(Debug)]
pub(super) enum Happened {
    /// Opening its agent is over.
    Opened(Box<Opened>),
    /// Its agent said something; `None` once it will say no more.
    Events(Option<Vec<Event>>),
    /// Its agent has gone by itself, and why.
    Exited(String),
}

/// One lane's agent: on its way in, there, or on its way out.
#[derive(Debug, Default)]
pub(super) struct LaneAgent {
    pub(super) agent: Option<Agent>,
    /// Requests to the agent that it has not answered.
    pub(super) calls: HashMap<RequestKey, CallId>,
    opening: Option<JoinHandle<Opened>>,
    /// It closed its connection by itself and is waited for, apart from the session's work.
    exiting: Option<JoinHandle<String>>,
    /// The one before, which must be gone before another comes: two on one agent session would damage it.
    stopped: Option<JoinHandle<String>>,
}

impl LaneAgent {
    /// Starts to open an agent, once the one before is gone.
    pub(super) fn open(&mut self, opening: impl Future<Output = Opened> + Send + 'static) {
        let before = self.stopped.take();
        self.opening = Some(tokio::spawn(async move {
            if let Some(before) = before {
                // A failed join means that it is gone as well.
                let _ = before.await;
            }
            opening.await
        }));
    }

    /// The agent closed its connection: it is waited for, and [`Happened::Exited`] follows.
    pub(super) fn closed(&mut self, tracker: &TaskTracker) {
        if let Some(mut agent) = self.agent.take() {
            self.calls.clear();
            self.exiting = Some(tracker.spawn(async move { agent.exit_reason().await }));
        }
    }

    /// Stops the agent, or the attempt to open one; nothing more is heard of it.
    pub(super) fn stop(&mut self, kill: bool, tracker: &TaskTracker) {
        if let Some(opening) = self.opening.take() {
            opening.abort();
        }
        self.calls.clear();
        if let Some(exiting) = self.exiting.take() {
            self.stopped = Some(exiting);
        }
        if let Some(agent) = self.agent.take() {
            self.stopped = Some(tracker.spawn(async move {
                if kill {
                    agent.process.kill();
                }
                agent.stop().await;
                String::new()
            }));
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        if let Some(opening) = &mut self.opening
            && let Poll::Ready(opened) = Pin::new(opening).poll(context)
        {
            self.opening = None;
            let opened = opened.unwrap_or_else(|e| Err(failure(format!("starting the agent failed: {e}"))));
            return Poll::Ready(Happened::Opened(Box::new(opened)));
        }
        if let Some(exiting) = &mut self.exiting
            && let Poll::Ready(reason) = Pin::new(exiting).poll(context)
        {
            self.exiting = None;
            let reason = reason.unwrap_or_else(|e| format!("waiting for its exit failed: {e}"));
            return Poll::Ready(Happened::Exited(reason));
        }
        match &mut self.agent {
            Some(agent) => pin!(agent.inbox.next_batch()).poll(context).map(Happened::Events),
            None => Poll::Pending,
        }
    }
}

/// All of them. A lane is here from the first start of its agent on.
#[derive(Debug, Default)]
pub(super) struct LaneAgents {
    lanes: BTreeMap<Arc<str>, LaneAgent>,
    /// Where the next look begins, so that a lane with much to say does not keep the others from being heard.
    first: usize,
}

impl LaneAgents {
    pub(super) fn get(&mut self, lane: &str) -> Option<&mut LaneAgent> {
        self.lanes.get_mut(lane)
    }

    /// The one of this name, which may be new.
    pub(super) fn of(&mut self, lane: Arc<str>) -> &mut LaneAgent {
        self.lanes.entry(lane).or_default()
    }

    pub(super) fn forget(&mut self, lane: &str) {
        self.lanes.remove(lane);
    }

    /// Stops them all.
    pub(super) fn stop_all(&mut self, kill: bool, tracker: &TaskTracker) {
        for lane in self.lanes.values_mut() {
            lane.stop(kill, tracker);
        }
    }

    /// Waits for something to happen in any lane; for ever if none has an agent. Cancel-safe.
    pub(super) async fn next(&mut self) -> (Arc<str>, Happened) {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<(Arc<str>, Happened)> {
        for later in [true, false] {
            for (at, (name, lane)) in self.lanes.iter_mut().enumerate() {
                if (at >= self.first) != later {
                    continue;
                }
                if let Poll::Ready(happened) = lane.poll(context) {
                    self.first = at + 1;
                    return Poll::Ready((Arc::clone(name), happened));
                }
            }
        }
        Poll::Pending
    }
}
