//! Tasks for the slot of a lane's agent while no agent is connected: one for each start, return, exit and stop.

use std::sync::Arc;
use std::time::Duration;

use acp_types::SessionId;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::agent::Agent;
use super::agent_pool::{AgentPool, Opened, Returned};
use super::agent_slot::Coming;

/// Time that another agent waits for one to come back that is to be stopped: diallers try every two seconds.
const COMES: Duration = Duration::from_secs(5);

/// The means by which the agents of a session are started and stopped.
#[derive(Debug, Clone)]
pub(super) struct Means {
    pub(super) session: SessionId,
    pub(super) pool: Arc<AgentPool>,
    /// Agent processes on their way out.
    pub(super) stopping: TaskTracker,
}

/// Result of a task of a slot.
#[derive(Debug)]
pub(super) enum Done {
    Opened(Box<Opened>),
    Returned(Box<Option<Returned>>),
    Exited(String),
    Gone,
}

impl Means {
    /// Has an agent come to a lane.
    pub(super) fn bring(&self, lane: &Arc<str>, coming: Coming) -> JoinHandle<Done> {
        let place = (self.session.clone(), Arc::clone(lane));
        let pool = Arc::clone(&self.pool);
        match coming {
            Coming::Start(plan) => tokio::spawn(async move { Done::Opened(Box::new(pool.open(place, &plan).await)) }),
            Coming::Return(returning) => {
                // From now on, whether or not this is polled, the agent is expected.
                let returning = pool.returning(place, returning);
                tokio::spawn(async move { Done::Returned(Box::new(returning.await)) })
            }
        }
    }

    /// Stops an agent: politely, or at once.
    pub(super) fn stop(&self, agent: Agent, kill: bool) -> JoinHandle<Done> {
        self.stopping.spawn(async move {
            if kill {
                agent.process.kill();
            }
            agent.stop().await;
            Done::Gone
        })
    }

    /// Waits for the process of an agent that has closed its connection.
    pub(super) fn wait_for_exit(&self, mut agent: Agent) -> JoinHandle<Done> {
        self.stopping.spawn(async move { Done::Exited(agent.exit_reason().await) })
    }

    /// Stops an agent that is awaited, if it comes soon.
    pub(super) fn stop_if_it_comes(&self, awaiting: JoinHandle<Done>) -> JoinHandle<Done> {
        self.stopping.spawn(stop_if_it_comes(awaiting))
    }

    /// Waits for an agent no longer.
    pub(super) fn leave_awaited(&self, awaiting: JoinHandle<Done>) {
        self.stopping.spawn(leave_if_it_came(awaiting));
    }
}

/// An agent that is not wanted any more, and is about to come back if it still runs. One that comes later is let go then.
async fn stop_if_it_comes(awaiting: JoinHandle<Done>) -> Done {
    let abort = awaiting.abort_handle();
    match timeout(COMES, awaiting).await {
        Ok(Ok(Done::Returned(returned))) => {
            if let Some(Returned { agent, .. }) = *returned {
                agent.process.kill();
                agent.stop().await;
            }
        }
        Ok(_) => {}
        Err(_) => abort.abort(),
    }
    Done::Gone
}

/// An agent that is waited for no longer goes on without this host, also when it has just come back.
async fn leave_if_it_came(awaiting: JoinHandle<Done>) {
    awaiting.abort();
    if let Ok(Done::Returned(returned)) = awaiting.await
        && let Some(Returned { agent, .. }) = *returned
    {
        agent.leave();
    }
}
