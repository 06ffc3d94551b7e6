//! The agents of a host that serve no session yet: started, authenticated, asked what they are, and handed to sessions.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acp_server::proto::RequestKey;
use acp_server::transport::child::ChildSpec;
use acp_types::method::v1;
use acp_types::record::body::{AgentStarted, Start};
use acp_types::{Raw, RawBuf, RequestId};
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout};

use super::agent::{Agent, CallError, millis};
use super::agent_opening;
use super::agent_slot::Returning;
use super::capacity::{AgentCapacity, CapacityPermit};
use super::config::Config;
use super::launcher::Launched;
use super::process::Process;
use super::services::Services;
use crate::log::SessionLog;
use crate::remote_agent::process::{RemoteProcess, Resumed};
use crate::remote_agent::registry::{AgentPlace, DiallerRegistry};
use crate::session::{AgentSource, Refusal, StartPlan};

/// What opening an agent comes to.
pub(super) type Opened = Result<(Agent, AgentStarted), Refusal>;

/// An agent that is back.
#[derive(Debug)]
pub(super) struct Returned {
    pub(super) agent: Agent,
    /// The prompt that it has and has not answered.
    pub(super) prompt: Option<RequestKey>,
    /// Its own requests that have no answer, with the number of the message of each.
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

    /// A new agent.
    async fn launch(&self, spec: &ChildSpec, initialize: RawBuf) -> Result<Agent, Refusal> {
        let limit = self.config.start_timeout;
        let permit = Some(self.permit().await?);
        let instance = uuid::Uuid::now_v7().to_string();
        // Expected before it is started: it may be quick.
        let mut expected = self.registry.expect(&instance, None);
        let agent = match self.config.launcher.launch(spec, &instance).await? {
            Launched::Child(transport, handle) => {
                Agent::begin(Process::Child(handle), transport, initialize, limit).await?
            }
            Launched::InProcess(transport, agent) => {
                Agent::begin(Process::Here(agent), transport, initialize, limit).await?
            }
            Launched::DialsIn => {
                let late = Refusal::LauncherLate { limit_ms: millis(limit) };
                let incoming = timeout(limit, expected.comes()).await.ok().flatten().ok_or(late)?;
                let (transport, remote) = RemoteProcess::start(incoming, None, &self.registry);
                Agent::begin(Process::Remote(remote), transport, initialize, limit).await?
            }
        };
        Ok(agent.placed(permit))
    }

    /// Room for an agent more. The one that waits for a session is given up for it.
    async fn permit(&self) -> Result<CapacityPermit, Refusal> {
        if let Some(permit) = self.capacity.try_take() {
            return Ok(permit);
        }
        if let Some(spare) = self.take_spare(None) {
            spare.stop().await;
        }
        self.capacity.take().await
    }

    /// The agents that run.
    pub(super) fn capacity(&self) -> &AgentCapacity {
        &self.capacity
    }

    /// An agent that its dialler has started.
    async fn begin_dialled(&self, place: AgentPlace, name: Option<&str>, initialize: RawBuf) -> Result<Agent, Refusal> {
        let limit = self.config.start_timeout;
        let Some(incoming) = self.registry.take(&place, limit).await else {
            let (session, lane) = (place.0, place.1.to_string());
            let agent = name.unwrap_or(&lane).to_owned();
            return Err(Refusal::NotDialledIn { agent, session, lane, limit_ms: millis(limit) });
        };
        let (transport, remote) = RemoteProcess::start(incoming, Some(place), &self.registry);
        Agent::begin(Process::Remote(remote), transport, initialize, limit).await
    }

    /// An agent that has gone on since an earlier host has gone; `None` if it does not come back in time, or in another
    /// state. It is expected from the call on.
    pub(super) fn returning(
        self: Arc<Self>,
        place: AgentPlace,
        returning: Returning,
    ) -> impl Future<Output = Option<Returned>> + Send + use<> {
        let Returning { link, initialize, description, received, patient, dialled, call: _ } = returning;
        let mut expected = self.registry.expect(&link.instance, Some(place.clone()));
        let kept = Duration::from_millis(link.keep_ms);
        let others = self.registry.reconnect_deadline().saturating_duration_since(Instant::now());
        let limit = if patient { kept } else { kept.min(others) };
        async move {
            let incoming = timeout(limit, expected.comes()).await.ok().flatten()?;
            let resumed = RemoteProcess::resume(incoming, place, received, &self.registry);
            let Resumed { transport, remote, unfinished, first_request, base, prompt, asked } = resumed;
            let mut config = acp_server::Config::default();
            config.first_request = first_request;
            let connection = acp_server::resume(transport, config, unfinished);
            let agent = Agent::resume(Process::Remote(remote), connection, initialize, description, base);
            // It runs already. One that was dialled in by somebody else has no place here.
            let permit = (!dialled).then(|| self.capacity.take_anyway());
            Some(Returned { agent: agent.placed(permit), prompt, asked })
        }
    }

    /// The diallers that are there.
    pub(super) fn registry(&self) -> &DiallerRegistry {
        &self.registry
    }

    /// The `initialize` params that agents are given for a client with these.
    pub(super) fn initialize(&self, client: Raw<'_>) -> RawBuf {
        agent_opening::initialize_params(client, self.config.session.services)
    }

    /// An agent with its services, in the directories of the session that it has opened.
    fn served(&self, mut agent: Agent, started: &AgentStarted, params: Raw<'_>) -> Agent {
        // A dialler serves its agent where that is.
        if matches!(agent.process, Process::Remote(_)) {
            return agent;
        }
        let session = started.agent_session.clone().unwrap_or_default();
        let allowed = Arc::clone(&self.config.allowed);
        let (services, prints) = Services::start(self.config.services, allowed, session, params, agent.outbox.clone());
        (agent.services, agent.prints) = (Some(services), Some(prints));
        agent
    }

    async fn start(&self, initialize: RawBuf) -> Result<Agent, Refusal> {
        let mut agent = self.launch(&self.config.agent, initialize).await?;
        let credentials = lock(&self.credentials).clone();
        if let Some(params) = credentials
            && agent.call(v1::Authenticate::NAME, Some(params), Some(self.config.start_timeout)).await.is_err()
        {
            tracing::warn!("a new agent process refused the authentication that an earlier one accepted");
        }
        Ok(agent)
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
