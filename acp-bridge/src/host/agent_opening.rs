//! Opening of an agent's session: a new one, or the one that it had.

use std::time::Duration;

use acp_server::proto::Event;
use acp_types::capability::Return;
use acp_types::method::v1;
use acp_types::record::body::{AgentStarted, Start};
use acp_types::{Raw, RawBuf, rewrite};

use super::agent::{Agent, CallError};
use crate::session::{Forgotten, Refusal, Services, StartPlan, for_agents, without_subagents};

/// The `initialize` params for an agent: the client's own, as protocol version 1, with what is served here, and without
/// what the bridge cannot pass on.
pub(super) fn initialize_params(client: Raw<'_>, services: Services) -> RawBuf {
    let params = rewrite::set_member(for_agents(client).as_raw(), "protocolVersion", Raw::trusted("1"));
    without_subagents(services.tell(params.as_raw()))
}

/// Opens a new session on an agent.
pub(super) async fn open_new(
    agent: &mut Agent,
    params: RawBuf,
    start: Start,
    timeout: Duration,
) -> Result<AgentStarted, CallError> {
    let state = agent.call(v1::NewSession::NAME, Some(params), Some(timeout)).await?;
    let id = state.as_raw().member("sessionId").and_then(Raw::as_string).map(String::from);
    let Some(agent_session) = id else {
        return Err(CallError::Lost(Refusal::NoSessionId));
    };
    Ok(opened(agent, agent_session, start, state))
}

/// Brings an agent to its lane: with a new session if the lane had no agent before, else back to the one it had.
pub(super) async fn open(agent: &mut Agent, plan: &StartPlan, timeout: Duration) -> Result<AgentStarted, Refusal> {
    if plan.first {
        return open_new(agent, plan.params.clone(), Start::New, timeout).await.map_err(CallError::into_refusal);
    }
    match &plan.agent_session {
        Some(session) => reopen(agent, plan, session, timeout).await,
        None if plan.accept_context_loss => forget(agent, plan, timeout).await,
        None => Err(Refusal::ContextLost { forgotten: Forgotten::Imported }),
    }
}

/// Brings an agent back to a session that it had: by resume, by load, or anew where that is accepted.
async fn reopen(
    agent: &mut Agent,
    plan: &StartPlan,
    session: &str,
    timeout: Duration,
) -> Result<AgentStarted, Refusal> {
    let way = match Return::best(agent.description.as_raw()) {
        Some(Return::Resume) => Some((v1::ResumeSession::NAME, Start::Resume)),
        Some(Return::Load) => Some((v1::LoadSession::NAME, Start::Load)),
        _ => None,
    };
    match way {
        Some((method, start)) => match restore(agent, plan, session, (method, start), timeout).await {
            Err(CallError::Agent(_)) if plan.accept_context_loss => forget(agent, plan, timeout).await,
            other => other.map_err(CallError::into_refusal),
        },
        None if plan.accept_context_loss => forget(agent, plan, timeout).await,
        None => Err(Refusal::ContextLost { forgotten: Forgotten::Incapable }),
    }
}

async fn restore(
    agent: &mut Agent,
    plan: &StartPlan,
    session: &str,
    (method, start): (&str, Start),
    timeout: Duration,
) -> Result<AgentStarted, CallError> {
    let id = RawBuf::encode(session).map_err(|e| CallError::Lost(Refusal::Encoding { why: e.to_string() }))?;
    let params = rewrite::set_member(plan.params.as_raw(), "sessionId", id.as_raw());
    agent.drop_early = Some(is_replay);
    let state = agent.call(method, Some(params), Some(timeout)).await;
    agent.drop_early = None;
    let state = state?;
    let state = if state.as_raw() == Raw::NULL { RawBuf::from(Raw::EMPTY_OBJECT) } else { state };
    Ok(opened(agent, session.to_owned(), start, state))
}

/// The agent has just answered that it serves a session.
fn opened(agent: &mut Agent, agent_session: String, start: Start, state: RawBuf) -> AgentStarted {
    agent.opened = agent.answered;
    let agent_session = Some(agent_session);
    AgentStarted { agent_session, start, initialize: agent.description.clone(), state, link: agent.process.link() }
}

async fn forget(agent: &mut Agent, plan: &StartPlan, timeout: Duration) -> Result<AgentStarted, Refusal> {
    open_new(agent, plan.params.clone(), Start::ContextLost, timeout).await.map_err(CallError::into_refusal)
}

/// Returns whether an event is the agent's own replay of the conversation: the log has it already.
fn is_replay(event: &Event) -> bool {
    let Event::Notification(notification) = event else { return false };
    let kind = notification.params().and_then(|p| p.path(&["update", "sessionUpdate"])).and_then(Raw::as_string);
    matches!(
        kind.as_deref(),
        Some(
            "user_message_chunk"
                | "agent_message_chunk"
                | "agent_thought_chunk"
                | "tool_call"
                | "tool_call_update"
                | "plan"
        )
    )
}
