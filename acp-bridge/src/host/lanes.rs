//! The agents of one session, by lane.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use acp_types::record::Record;
use futures_util::future::join_all;

use super::agent::Agent;
use super::agent_slot::Coming;
use super::agent_traffic::Traffic;
use super::context::SessionLogic;
use super::lane_agent::{Happened, LaneAgent};
use super::lane_tasks::Means;

/// Agents of one session. A lane is here from the first start of its agent on.
#[derive(Debug)]
pub(super) struct LaneAgents {
    /// Boxed, because a node of the tree has room for more than most sessions have.
    lanes: BTreeMap<Arc<str>, Box<LaneAgent>>,
    /// Lane at which the next look begins, so that one with much to say does not keep the others from being heard.
    first: usize,
    means: Means,
}

impl LaneAgents {
    /// Agents of a session, which may have one for `main` already.
    pub(super) fn new(means: Means, main: Option<Agent>) -> Self {
        let connected = |agent| (Record::MAIN_LANE.into(), Box::new(LaneAgent::connected(agent)));
        Self { lanes: main.map(connected).into_iter().collect(), first: 0, means }
    }

    /// Traffic with the agent of a lane; `None` while it has none.
    pub(super) fn traffic(&mut self, lane: &str) -> Option<&mut Traffic> {
        self.lanes.get_mut(lane)?.traffic()
    }

    /// Has the agent of a lane come, which may be a new one.
    pub(super) fn bring(&mut self, lane: Arc<str>, coming: Coming) {
        let name = Arc::clone(&lane);
        self.lanes.entry(lane).or_default().bring(&name, coming, &self.means);
    }

    /// Stops the agent of a lane.
    pub(super) fn stop(&mut self, lane: &Arc<str>, kill: bool) {
        if let Some(agent) = self.lanes.get_mut(lane) {
            agent.stop(lane, kill, &self.means);
        }
    }

    /// A lane is no more. Its agent's process, if any, is on its way out.
    pub(super) fn forget(&mut self, lane: &str) {
        self.lanes.remove(lane);
    }

    /// Stops them all, but for those that run on without this host.
    pub(super) fn let_go(&mut self, kill: bool) {
        for (lane, agent) in &mut self.lanes {
            agent.let_go(lane, kill, &self.means);
        }
    }

    /// Lets go of them all; ready when those that were stopped are gone.
    pub(super) fn leave(&mut self) -> impl Future<Output = ()> + Send + use<> {
        self.let_go(false);
        let gone = std::mem::take(&mut self.lanes).into_values().map(|agent| agent.gone());
        let gone = join_all(gone.collect::<Vec<_>>());
        async move {
            gone.await;
        }
    }

    /// Last messages of remote agents that these do not know to be safe, by ordinal.
    pub(super) fn heard(&self) -> Vec<(Arc<str>, u64)> {
        self.lanes.iter().filter_map(|(name, lane)| Some((Arc::clone(name), lane.unsettled()?))).collect()
    }

    /// Marks these messages as in the log: the agents need not keep them any longer.
    pub(super) fn settle(&mut self, heard: &[(Arc<str>, u64)]) {
        for (name, ordinal) in heard {
            if let Some(agent) = self.traffic(name) {
                agent.settle(*ordinal);
            }
        }
    }

    /// Returns whether an agent has come or gone, which [`Self::next`] tells once the session is settled.
    pub(super) fn changing(&self) -> bool {
        self.lanes.values().any(|lane| lane.is_changing())
    }

    /// Waits for something to happen in any lane; for ever if none has an agent. Until the session is `settled`, what
    /// waits for the log having taken effect, it is only something that an agent said. Cancel-safe: what happened has been
    /// heard when this is ready.
    pub(super) async fn next(&mut self, settled: bool, logic: &mut SessionLogic) -> (Arc<str>, Happened) {
        poll_fn(|context| self.poll(context, settled, logic)).await
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        settled: bool,
        logic: &mut SessionLogic,
    ) -> Poll<(Arc<str>, Happened)> {
        for later in [true, false] {
            for (at, (name, lane)) in self.lanes.iter_mut().enumerate() {
                if (at >= self.first) != later {
                    continue;
                }
                if let Poll::Ready(happened) = lane.poll(context, settled, name, &self.means, logic) {
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
    use std::sync::Arc;

    use acp_server::transport::child::ChildSpec;
    use acp_types::RawBuf;
    use futures_util::FutureExt;
    use tokio_util::task::TaskTracker;

    use super::{Happened, LaneAgents};
    use crate::host::agent_pool::AgentPool;
    use crate::host::agent_slot::Coming;
    use crate::host::clock::Clock;
    use crate::host::config::Config;
    use crate::host::context::SessionLogic;
    use crate::host::lane_tasks::Means;
    use crate::log::MemoryLog;
    use crate::session::{AgentSource, Machine, StartPlan};

    #[tokio::test]
    async fn that_an_agent_has_come_is_told_once_the_session_is_settled() {
        let config = Config::new(ChildSpec::new("/nowhere/an-agent"));
        let pool = AgentPool::new(config, Arc::new(MemoryLog::new()));
        let mut lanes = LaneAgents::new(Means { session: "s".into(), pool, stopping: TaskTracker::new() }, None);
        let plan = StartPlan {
            initialize: RawBuf::default(),
            params: RawBuf::default(),
            source: AgentSource::Command,
            first: true,
            agent_session: None,
            accept_context_loss: false,
        };
        let (params, limits) = (RawBuf::default(), crate::session::Config::default());
        let (machine, out) = Machine::create_without_agent("s".into(), limits, 0, &params, RawBuf::default());
        let mut logic = SessionLogic { machine, clock: Clock::System, out };
        lanes.bring("main".into(), Coming::Start(plan));
        assert!(!lanes.changing());
        while !lanes.changing() {
            assert!(lanes.next(false, &mut logic).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        assert!(lanes.next(false, &mut logic).now_or_never().is_none());
        let (lane, happened) = lanes.next(true, &mut logic).now_or_never().unwrap();
        assert!(matches!(happened, Happened::NotStarted(why) if why.contains("an-agent")) && &*lane == "main");
        assert!(!lanes.changing());
    }
}
