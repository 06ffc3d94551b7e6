//! Plan for the start of a lane's agent, and who waits for it.

use std::sync::Arc;

use acp_types::RawBuf;
use acp_types::record::body::{AgentStarted, LaneJoined};
use acp_types::record::{Kind, Origin};

use super::super::{AgentSource, CommandId, LaneState, Refusal, Reply, StartPlan, mcp};
use super::transition::Transition;

/// A start that is under way.
#[derive(Debug)]
pub(super) struct Starting {
    /// True if it may come back without its memory.
    pub(super) accepts_loss: bool,
    /// The one that waits to hear of the lane's first agent.
    pub(super) joining: Option<Joining>,
}

/// Client that has added a lane, or dialled in to it. A lane that the log does not have is nobody's business until its
/// first agent serves: if it does not, there never was a lane.
#[derive(Debug)]
pub(super) struct Joining {
    command: CommandId,
    client: Arc<str>,
    source: AgentSource,
}

impl Joining {
    pub(super) fn new(command: CommandId, client: Arc<str>, source: AgentSource) -> Self {
        Self { command, client, source }
    }

    /// Source of that agent.
    pub(super) fn source(&self) -> &AgentSource {
        &self.source
    }

    /// The first agent is there: so is the lane. The command that waits for it.
    pub(super) fn join(self, cx: &mut Transition<'_>) -> CommandId {
        if cx.logged().is_none() {
            let agent = self.source.name().unwrap_or_default().to_owned();
            let joined = LaneJoined { agent, by: Some(Arc::clone(&self.client)), dialled: self.source.dials_in() };
            cx.record(Kind::LaneJoined, Origin::Client(self.client), None, &joined);
        }
        self.command
    }

    /// The first agent does not come.
    pub(super) fn fail(self, cx: &mut Transition<'_>, why: &Refusal) {
        cx.refuse(self.command, why.clone());
    }
}

/// Records that an agent serves the lane, and tells whoever waits for that.
pub(super) fn record_start(cx: &mut Transition<'_>, starting: Starting, started: &AgentStarted) {
    let command = starting.joining.map(|joining| joining.join(cx));
    let started = as_logged(cx, started);
    cx.record(Kind::AgentStarted, Origin::Host, None, &started);
    if let Some(command) = command {
        let result = cx.logged().map(LaneState::session_result);
        cx.reply(command, Ok(Reply::State(result.unwrap_or_default())));
    }
}

/// Start of an agent, as the log has it: what it repeats of MCP servers only names them.
fn as_logged(cx: &Transition<'_>, started: &AgentStarted) -> AgentStarted {
    let named = |said: &RawBuf| {
        mcp::name_definitions(said.as_raw(), &cx.config().fingerprint_key, mcp::Of::Agent)
            .unwrap_or_else(|| said.clone())
    };
    AgentStarted { initialize: named(&started.initialize), state: named(&started.state), ..started.clone() }
}

/// Plan to start the lane's agent; `None` if the log does not say. Before the first one of a lane whose agent dials in
/// there is no session of an agent to go back to.
pub(super) fn plan(cx: &Transition<'_>, accept_context_loss: bool) -> Option<StartPlan> {
    let logged = cx.logged()?;
    let first = logged.awaits_first_agent();
    let agent_session = if first { None } else { logged.agent()?.agent_session.clone() };
    Some(StartPlan {
        initialize: cx.initialize()?,
        params: cx.start_params().clone(),
        source: logged.source().clone(),
        first,
        agent_session,
        accept_context_loss,
    })
}

/// Plan to start the first agent of a lane that the log does not have yet.
pub(super) fn first_plan(cx: &Transition<'_>, source: AgentSource) -> StartPlan {
    StartPlan {
        initialize: cx.initialize().unwrap_or_default(),
        params: cx.start_params().clone(),
        source,
        first: true,
        agent_session: None,
        accept_context_loss: false,
    }
}

/// The launch profile of a lane that came with a session that nobody has trusted.
pub(super) fn untrusted_profile(cx: &Transition<'_>) -> Option<String> {
    let logged = cx.logged().filter(|lane| lane.disarmed())?;
    logged.source().profile().map(str::to_owned)
}
