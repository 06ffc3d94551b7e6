//! Starts of agents: as a process of their own, by a dialler, or by their return.

use std::sync::Arc;
use std::time::Duration;

use acp_server::transport::child::ChildSpec;
use acp_types::method::v1;
use acp_types::record::body::AgentStarted;
use acp_types::{Raw, RawBuf};
use tokio::time::{Instant, timeout};

use super::{AgentPool, Returned, lock};
use crate::host::agent::{Agent, millis};
use crate::host::agent_slot::Returning;
use crate::host::capacity::CapacityPermit;
use crate::host::launcher::Launched;
use crate::host::process::Process;
use crate::host::services::Services;
use crate::remote_agent::process::{RemoteProcess, Resumed};
use crate::remote_agent::registry::AgentPlace;
use crate::session::Refusal;

impl AgentPool {
    /// A new agent by the host's own command, authenticated as the one before.
    pub(super) async fn start(&self, initialize: RawBuf) -> Result<Agent, Refusal> {
        let mut agent = self.launch(&self.config.agent, initialize).await?;
        let credentials = lock(&self.credentials).clone();
        if let Some(params) = credentials
            && agent.call(v1::Authenticate::NAME, Some(params), Some(self.config.start_timeout)).await.is_err()
        {
            tracing::warn!("a new agent process refused the authentication that an earlier one accepted");
        }
        Ok(agent)
    }

    /// A new agent.
    pub(super) async fn launch(&self, spec: &ChildSpec, initialize: RawBuf) -> Result<Agent, Refusal> {
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

    /// An agent that its dialler has started.
    pub(super) async fn begin_dialled(
        &self,
        place: AgentPlace,
        name: Option<&str>,
        initialize: RawBuf,
    ) -> Result<Agent, Refusal> {
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
    pub(in crate::host) fn returning(
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

    /// An agent with its services, in the directories of the session that it has opened.
    pub(super) fn served(&self, mut agent: Agent, started: &AgentStarted, params: Raw<'_>) -> Agent {
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
}
