//! The agents of one session, by lane.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use acp_server::proto::{Event, RequestKey};
use acp_types::RawBuf;
use acp_types::record::body::AgentStarted;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::agent::Agent;
use super::agent_outbox::{AgentOutbox, Message};
use super::agent_pool::Returned;
use super::event_batch::EventBatch;
use super::process::Process;
use crate::session::{CallId, Refusal};

/// How long another agent waits for one to come back that is to be stopped: diallers try every two seconds.
const COMES: Duration = Duration::from_secs(5);

/// What opening an agent comes to.
pub(super) type Opened = Result<(Agent, AgentStarted), Refusal>;

/// What happened in a lane.
#[derive(Debug)]
pub(super) enum Happened {
    /// Opening its agent is over.
    Opened(Box<Opened>),
    /// Its agent, which was waited for, is back; `None` if it does not come.
    Returned(Box<Option<Returned>>),
    /// Its agent said something; `None` once it will say no more.
    Events(Option<Vec<Event>>),
    /// A command of its agent has printed something, in params of a `session/update`.
    Printed(RawBuf),
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
    outbox: AgentOutbox,
    /// What it said and the session has not taken.
    batch: EventBatch,
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
            self.batch = EventBatch::default();
            self.calls.clear();
            self.outbox.clear();
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
        self.outbox.clear();
        if let Some(exiting) = self.exiting.take() {
            self.stopped = Some(exiting);
        }
        self.batch = EventBatch::default();
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
        let sent = self.outbox.send(&agent.outbox, Message::Request { key, method, params }).is_ok();
        if !sent {
            self.calls.remove(&key);
        }
        sent
    }

    /// Tells the agent something that it does not answer. Without an agent nothing happens.
    pub(super) fn tell(&mut self, message: Message) {
        if let Some(agent) = &self.agent {
            // The log of the bridge says what is dropped; nobody waits for it.
            let _ = self.outbox.send(&agent.outbox, message);
        }
    }

    /// `settled`: what the log has been told so far has taken effect.
    fn poll(&mut self, context: &mut Context<'_>, settled: bool) -> Poll<Happened> {
        while let Poll::Ready(dropped) = self.outbox.poll(context) {
            if let Some(call) = dropped.key.and_then(|key| self.calls.remove(&key)) {
                return Poll::Ready(Happened::Unsent(call));
            }
        }
        if settled
            && let Some(opening) = &mut self.opening
            && let Poll::Ready(opened) = Pin::new(opening).poll(context)
        {
            self.opening = None;
            let opened = opened.unwrap_or_else(|e| Err(Refusal::StartBroke { why: e.to_string() }));
            return Poll::Ready(Happened::Opened(Box::new(opened)));
        }
        if settled
            && let Some(awaiting) = &mut self.awaiting
            && let Poll::Ready(returned) = Pin::new(awaiting).poll(context)
        {
            self.awaiting = None;
            return Poll::Ready(Happened::Returned(Box::new(returned.unwrap_or_default())));
        }
        if settled
            && let Some(exiting) = &mut self.exiting
            && let Poll::Ready(reason) = Pin::new(exiting).poll(context)
        {
            self.exiting = None;
            let reason = reason.unwrap_or_else(|e| format!("waiting for its exit failed: {e}"));
            return Poll::Ready(Happened::Exited(reason));
        }
        if let Some(stopped) = &mut self.stopped
            && Pin::new(stopped).poll(context).is_ready()
        {
            // Its task is kept for as long as somebody may ask how it ended.
            self.stopped = None;
        }
        match &mut self.agent {
            Some(agent) => loop {
                if let Some(prints) = &mut agent.prints
                    && let Poll::Ready(Some(params)) = prints.poll_recv(context)
                {
                    return Poll::Ready(Happened::Printed(params));
                }
                if let Some(portion) = self.batch.next_portion() {
                    return Poll::Ready(Happened::Events(Some(portion)));
                }
                match ready!(pin!(agent.inbox.next_batch()).poll(context)) {
                    Some(batch) => self.batch = EventBatch::new(batch),
                    None => return Poll::Ready(Happened::Events(None)),
                }
            },
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
    /// Boxed, because a node of the tree has room for more than most sessions have.
    lanes: BTreeMap<Arc<str>, Box<LaneAgent>>,
    /// Where the next look begins, so that a lane with much to say does not keep the others from being heard.
    first: usize,
}

impl LaneAgents {
    pub(super) fn get(&mut self, lane: &str) -> Option<&mut LaneAgent> {
        self.lanes.get_mut(lane).map(Box::as_mut)
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

    /// What agents over links have said so far and do not know to be safe: the last message of each, by ordinal.
    pub(super) fn heard(&self) -> Vec<(Arc<str>, u64)> {
        let remote =
            |lane: &LaneAgent| matches!(&lane.agent, Some(agent) if matches!(agent.process, Process::Remote(_)));
        let open = self.lanes.iter().filter(|(_, lane)| lane.heard > lane.settled && remote(lane));
        open.map(|(name, lane)| (Arc::clone(name), lane.heard)).collect()
    }

    /// That is in the log: these agents need not keep it any longer.
    pub(super) fn settle(&mut self, heard: &[(Arc<str>, u64)]) {
        for (name, ordinal) in heard {
            let Some(lane) = self.lanes.get_mut(name) else { continue };
            if let (Some(agent), true) = (&lane.agent, *ordinal > lane.settled) {
                lane.settled = *ordinal;
                agent.process.settle(*ordinal);
            }
        }
    }

    /// Whether an agent has come or gone, which [`Self::next`] tells once the session is settled.
    pub(super) fn changing(&self) -> bool {
        let over = |lane: &LaneAgent| {
            lane.opening.as_ref().is_some_and(JoinHandle::is_finished)
                || lane.awaiting.as_ref().is_some_and(JoinHandle::is_finished)
                || lane.exiting.as_ref().is_some_and(JoinHandle::is_finished)
        };
        self.lanes.values().any(|lane| over(lane))
    }

    /// Waits for something to happen in any lane; for ever if none has an agent. Until the session is `settled`, what
    /// waits for the log having taken effect, it is only something that an agent said. Cancel-safe.
    pub(super) async fn next(&mut self, settled: bool) -> (Arc<str>, Happened) {
        poll_fn(|context| self.poll(context, settled)).await
    }

    fn poll(&mut self, context: &mut Context<'_>, settled: bool) -> Poll<(Arc<str>, Happened)> {
        for later in [true, false] {
            for (at, (name, lane)) in self.lanes.iter_mut().enumerate() {
                if (at >= self.first) != later {
                    continue;
                }
                if let Poll::Ready(happened) = lane.poll(context, settled) {
                    self.first = at + 1;
                    return Poll::Ready((Arc::clone(name), happened));
                }
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::{Happened, LaneAgents};
    use crate::session::Refusal;

    #[tokio::test]
    async fn that_an_agent_has_come_is_told_once_the_session_is_settled() {
        let mut lanes = LaneAgents::default();
        lanes.of("main".into()).open(async { Err(Refusal::StartUnknown) });
        assert!(!lanes.changing());
        while !lanes.changing() {
            assert!(lanes.next(false).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        assert!(lanes.next(false).now_or_never().is_none());
        let (lane, happened) = lanes.next(true).now_or_never().unwrap();
        assert!(matches!(happened, Happened::Opened(opened) if opened.is_err()) && &*lane == "main");
        assert!(!lanes.changing());
    }
}
