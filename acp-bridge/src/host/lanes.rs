//! The agents of one session, by lane.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use acp_server::proto::{Event, RequestKey};
use acp_types::record::body::AgentStarted;
use acp_types::{ErrorObjectOwned, RawBuf};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::agent::{Agent, failure};
use super::broker::Returned;
use super::mail::{Mail, Message};
use crate::session::CallId;

/// How long another agent waits for one to come back that is to be stopped: diallers try every two seconds.
const COMES: Duration = Duration::from_secs(5);

/// What opening an agent comes to.
pub(super) type Opened = Result<(Agent, AgentStarted), ErrorObjectOwned>;

/// What happened in a lane.
#[derive(Debug)]
pub(super) enum Happened {
    /// Opening its agent is over.
    Opened(Box<Opened>),
    /// Its agent, which was waited for, is back; `None` if it does not come.
    Returned(Box<Option<Returned>>),
    /// Its agent said something; `None` once it will say no more.
    Events(Option<Vec<Event>>),
    /// Its agent has gone by itself, and why.
    Exited(String),
    /// Its agent did not read, so this call was not given to it.
    Unsent(CallId),
}

/// One lane's agent: on its way in, there, or on its way out.
#[derive(Debug, Default)]
pub(super) struct LaneAgent {
    pub(super) agent: Option<Agent>,
    /// Requests to the agent that it has not answered.
    pub(super) calls: HashMap<RequestKey, CallId>,
    /// What it has not read yet.
    mail: Mail,
    /// The last of its messages that was taken in, and the last of which it knows that it is safe, by ordinal.
    heard: u64,
    settled: u64,
    awaiting: Option<JoinHandle<Option<Returned>>>,
    /// The call that the awaited agent is to answer.
    awaited: Option<CallId>,
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

    /// Waits for an agent that has gone on while the bridge did not.
    pub(super) fn wait_for(
        &mut self,
        returning: impl Future<Output = Option<Returned>> + Send + 'static,
        call: Option<CallId>,
    ) {
        self.awaited = call;
        self.awaiting = Some(tokio::spawn(returning));
    }

    /// An agent is there.
    pub(super) fn begin(&mut self, agent: Agent) {
        self.heard = agent.opened.unwrap_or(0);
        self.settled = 0;
        self.agent = Some(agent);
    }

    /// The agent that was awaited is there, and will answer this request if it has the prompt.
    pub(super) fn go_on(&mut self, agent: Agent, prompt: Option<RequestKey>) {
        if let (Some(key), Some(call)) = (prompt, self.awaited.take()) {
            self.calls.insert(key, call);
        }
        self.begin(agent);
    }

    /// Something that the agent said is being taken in: the number of its message, if it comes over a link.
    pub(super) fn heard(&mut self, event: &Event) -> Option<u64> {
        let ordinal = event.ordinal()?;
        self.heard = self.heard.max(ordinal);
        self.agent.as_ref()?.position(Some(ordinal))
    }

    /// The agent closed its connection: it is waited for, and [`Happened::Exited`] follows.
    pub(super) fn closed(&mut self, tracker: &TaskTracker) {
        if let Some(mut agent) = self.agent.take() {
            self.calls.clear();
            self.mail.clear();
            self.exiting = Some(tracker.spawn(async move { agent.exit_reason().await }));
        }
    }

    /// Stops the agent, or the attempt to open one; nothing more is heard of it.
    pub(super) fn stop(&mut self, kill: bool, tracker: &TaskTracker) {
        if let Some(opening) = self.opening.take() {
            opening.abort();
        }
        if let Some(awaiting) = self.awaiting.take() {
            self.stopped = Some(tracker.spawn(stop_if_it_comes(awaiting)));
        }
        self.calls.clear();
        self.mail.clear();
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

    /// The host has no more to do with the lane. An agent that runs on without it is left to the next one.
    fn let_go(&mut self, kill: bool, tracker: &TaskTracker) {
        if let Some(awaiting) = self.awaiting.take() {
            awaiting.abort();
        }
        if self.agent.as_ref().is_some_and(|agent| agent.process.runs_on())
            && let Some(agent) = self.agent.take()
        {
            agent.leave();
        }
        self.stop(kill, tracker);
    }

    /// Gives the agent a request; `false` if there is no room for it. Without an agent nothing happens.
    pub(super) fn call(&mut self, call: CallId, method: String, params: RawBuf) -> bool {
        let Some(agent) = &self.agent else { return true };
        let key = agent.outbox.reserve_key();
        // Known before it is sent: the answer may be there before the sending returns.
        self.calls.insert(key, call);
        let sent = self.mail.send(&agent.outbox, Message::Request { key, method, params }).is_ok();
        if !sent {
            self.calls.remove(&key);
        }
        sent
    }

    /// Tells the agent something that it does not answer. Without an agent nothing happens.
    pub(super) fn tell(&mut self, message: Message) {
        if let Some(agent) = &self.agent {
            // The log of the bridge says what is dropped; nobody waits for it.
            let _ = self.mail.send(&agent.outbox, message);
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        while let Poll::Ready(dropped) = self.mail.poll(context) {
            if let Some(call) = dropped.key.and_then(|key| self.calls.remove(&key)) {
                return Poll::Ready(Happened::Unsent(call));
            }
        }
        if let Some(opening) = &mut self.opening
            && let Poll::Ready(opened) = Pin::new(opening).poll(context)
        {
            self.opening = None;
            let opened = opened.unwrap_or_else(|e| Err(failure(format!("starting the agent failed: {e}"))));
            return Poll::Ready(Happened::Opened(Box::new(opened)));
        }
        if let Some(awaiting) = &mut self.awaiting
            && let Poll::Ready(returned) = Pin::new(awaiting).poll(context)
        {
            self.awaiting = None;
            return Poll::Ready(Happened::Returned(Box::new(returned.unwrap_or_default())));
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

/// An agent that is not wanted any more, and is about to come back if it still runs. One that comes later is let go then.
async fn stop_if_it_comes(awaiting: JoinHandle<Option<Returned>>) -> String {
    let abort = awaiting.abort_handle();
    match timeout(COMES, awaiting).await {
        Ok(Ok(Some(returned))) => {
            returned.agent.process.kill();
            returned.agent.stop().await;
        }
        Ok(_) => {}
        Err(_) => abort.abort(),
    }
    String::new()
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

    /// Stops them all, but for those that run on without this host.
    pub(super) fn let_go(&mut self, kill: bool, tracker: &TaskTracker) {
        for lane in self.lanes.values_mut() {
            lane.let_go(kill, tracker);
        }
    }

    /// Everything that was taken in is in the log: agents need not keep it any longer.
    pub(super) fn settle(&mut self) {
        for lane in self.lanes.values_mut().filter(|lane| lane.heard > lane.settled) {
            lane.settled = lane.heard;
            if let Some(agent) = &lane.agent {
                agent.process.settle(lane.heard);
            }
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
