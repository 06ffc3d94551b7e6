//! Agents of a host that serve no session yet: started, authenticated, asked what they are, and handed to sessions.

mod starts;

use std::sync::{Arc, Mutex, PoisonError};

use acp_server::proto::RequestKey;
use acp_types::method::v1;
use acp_types::record::body::{AgentStarted, Start};
use acp_types::{Raw, RawBuf, RequestId};
use tokio::sync::{OnceCell, Semaphore};

use super::agent::{Agent, CallError};
use super::agent_opening;
use super::capacity::AgentCapacity;
use super::config::Config;
use crate::log::SessionLog;
use crate::remote_agent::registry::{AgentPlace, DiallerRegistry};
use crate::session::{AgentSource, Refusal, StartPlan};

/// Result of opening an agent.
pub(super) type Opened = Result<(Agent, AgentStarted), Refusal>;

/// An agent that is back.
#[derive(Debug)]
pub(super) struct Returned {
    pub(super) agent: Agent,
    /// The prompt that it has and has not answered.
    pub(super) prompt: Option<RequestKey>,
    /// Requests of the agent that have no answer, with the number of the message of each.
    pub(super) asked: Vec<(u64, RequestId)>,
}

/// Starts agents, and keeps the one that was started to learn what the agent is for the first session.
#[derive(Debug)]
pub(super) struct AgentPool {
    config: Config,
    spare: Mutex<Option<Agent>>,
    described: OnceCell<RawBuf>,
    /// Params of the last `authenticate` that succeeded: given to each new process, and never to the log.
    credentials: Mutex<Option<RawBuf>>,
    calls: Semaphore,
    registry: Arc<DiallerRegistry>,
    capacity: Arc<AgentCapacity>,
}

/// Requests to the agent that name no session, at once: each holds a process of its own until it is answered, and an
/// `authenticate` may wait for a person. More are refused.
const MAX_CALLS: usize = 4;

impl AgentPool {
    pub(super) fn new(config: Config, log: Arc<dyn SessionLog>) -> Arc<Self> {
        let capacity = AgentCapacity::new(config.max_agents, log);
        let registry = DiallerRegistry::new(config.session.services);
        Arc::new(Self {
            config,
            registry,
            capacity,
            spare: Mutex::new(None),
            described: OnceCell::new(),
            credentials: Mutex::new(None),
            calls: Semaphore::new(MAX_CALLS),
        })
    }

    /// The agent's `initialize` result; the process that gave it becomes the spare one.
    pub(super) async fn describe(&self, client: &RawBuf) -> Result<RawBuf, Refusal> {
        let description = self.described.get_or_try_init(|| async {
            let agent = self.start(self.initialize(client.as_raw())).await?;
            let description = agent.description.clone();
            self.park(agent);
            Ok(description)
        });
        description.await.cloned()
    }

    /// A request to the agent that names no session, such as `authenticate`.
    pub(super) async fn call(&self, method: &str, params: Option<RawBuf>) -> Result<Result<RawBuf, RawBuf>, Refusal> {
        let Ok(_permit) = self.calls.try_acquire() else {
            return Err(Refusal::AgentCallsFull { max: MAX_CALLS });
        };
        let mut agent = match self.take_spare(None) {
            Some(agent) => agent,
            None => self.start(self.initialize(Raw::EMPTY_OBJECT)).await?,
        };
        let answer = agent.call(method, params.clone(), None).await;
        match answer {
            Ok(result) => {
                match method {
                    v1::Authenticate::NAME => *lock(&self.credentials) = params,
                    v1::Logout::NAME => *lock(&self.credentials) = None,
                    _ => {}
                }
                self.park(agent);
                Ok(Ok(result))
            }
            Err(CallError::Agent(error)) => {
                self.park(agent);
                Ok(Err(error))
            }
            Err(error) => Err(error.into_refusal()),
        }
    }

    /// A notification to the agent that names no session; lost when no process is waiting.
    pub(super) async fn notify(&self, method: &str, params: Option<RawBuf>) {
        if let Some(agent) = self.take_spare(None) {
            // A closed connection shows at the next call.
            let params = params.unwrap_or_else(|| RawBuf::from(Raw::EMPTY_OBJECT));
            let _ = agent.outbox.notify(method, params).await;
            self.park(agent);
        }
    }

    /// An agent with a new session. The outer error is the bridge's own, the inner one the agent's.
    pub(super) async fn open_new(
        &self,
        client: &RawBuf,
        params: RawBuf,
    ) -> Result<Result<(Agent, AgentStarted), RawBuf>, Refusal> {
        let initialize = self.initialize(client.as_raw());
        let timeout = self.config.start_timeout;
        if let Some(mut agent) = self.take_spare(Some(&initialize)) {
            match agent_opening::open_new(&mut agent, params.clone(), Start::New, timeout).await {
                Ok(started) => return Ok(Ok((self.served(agent, &started, params.as_raw()), started))),
                Err(CallError::Agent(error)) => {
                    self.park(agent);
                    return Ok(Err(error));
                }
                // It had all the time that there is: another one would take as much again.
                Err(CallError::Late(error)) => return Err(error),
                // It may have died while it waited: a fresh one decides.
                Err(CallError::Lost(_)) => {}
            }
        }
        let mut agent = self.start(initialize).await?;
        match agent_opening::open_new(&mut agent, params.clone(), Start::New, timeout).await {
            Ok(started) => Ok(Ok((self.served(agent, &started, params.as_raw()), started))),
            Err(CallError::Agent(error)) => {
                self.park(agent);
                Ok(Err(error))
            }
            Err(error) => Err(error.into_refusal()),
        }
    }

    /// An agent for a lane of a session that exists.
    pub(super) async fn open(&self, place: AgentPlace, plan: &StartPlan) -> Opened {
        // The bridge may serve other things by now than when the session was made.
        let initialize = self.initialize(plan.initialize.as_raw());
        let mut agent = match &plan.source {
            AgentSource::DialsIn(name) => self.begin_dialled(place.clone(), name.as_deref(), initialize).await?,
            AgentSource::Command => self.start(initialize).await?,
            // Another agent: what this one was told for its authentication is none of its business.
            AgentSource::Profile(profile) => {
                let spec = self.config.profiles.agent(profile).await?;
                self.launch(&spec, initialize).await?
            }
        };
        agent.process.assign(&place);
        let started = agent_opening::open(&mut agent, plan, self.config.start_timeout).await?;
        Ok((self.served(agent, &started, plan.params.as_raw()), started))
    }

    /// The agents that run.
    pub(super) fn capacity(&self) -> &AgentCapacity {
        &self.capacity
    }

    /// The diallers that are there.
    pub(super) fn registry(&self) -> &DiallerRegistry {
        &self.registry
    }

    /// The `initialize` params that agents are given for a client with these.
    pub(super) fn initialize(&self, client: Raw<'_>) -> RawBuf {
        agent_opening::initialize_params(client, self.config.session.services)
    }

    /// The waiting process, if it was initialized the same way. Another one stays for whoever it fits.
    fn take_spare(&self, initialize: Option<&RawBuf>) -> Option<Agent> {
        let mut spare = lock(&self.spare);
        if let (Some(agent), Some(wanted)) = (spare.as_ref(), initialize)
            && agent.initialize != *wanted
        {
            return None;
        }
        spare.take()
    }

    /// Keeps a process for the next need. One waits at most; dropping the other stops it.
    fn park(&self, mut agent: Agent) {
        agent.early.clear();
        *lock(&self.spare) = Some(agent);
    }

    /// Stops the waiting process.
    pub(super) async fn shutdown(&self) {
        let spare = lock(&self.spare).take();
        if let Some(agent) = spare {
            agent.stop().await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
