//! An ACP agent that hands its prompt to a sub-agent, which is a child session to clients that take them: announced on its
//! parent, with messages under an id of its own, told as idle at its end, and stopped by a `session/cancel` of its own.
//! Other clients see the parent alone. "wait" has the child work until it is stopped.

use std::sync::OnceLock;

use acp_server::types::v1::{
    CancelNotification, IdleStateUpdate, IdleStopReason, InitializeRequest, InitializeResponse, NewSessionRequest,
    NewSessionResponse, PromptRequest, PromptResponse, ProtocolVersion, RunningStateUpdate, SessionCancelCapabilities,
    SessionId, SessionNotification, SessionUpdate, StateUpdate, StopReason, SubagentSessionCapabilities,
    SubagentUpdate,
};
use acp_server::{Agent, AgentContext, Answer, serve, stdio};
use tokio::sync::Notify;

const CHILD: &str = "the only child";

#[derive(Default)]
struct Delegating {
    takes_children: OnceLock<bool>,
    stop: Notify,
}

impl Agent for Delegating {
    async fn initialize(&self, params: InitializeRequest, _: &AgentContext) -> Answer<InitializeResponse> {
        let _ = self.takes_children.set(params.client_capabilities.subagents.is_some());
        Ok(InitializeResponse::new(ProtocolVersion::V1))
    }

    async fn new_session(&self, _: NewSessionRequest, _: &AgentContext) -> Answer<NewSessionResponse> {
        Ok(NewSessionResponse::new("the only session"))
    }

    async fn prompt(&self, turn: PromptRequest, context: &AgentContext) -> Answer<PromptResponse> {
        let waits = format!("{:?}", turn.prompt).contains("wait");
        let shown = self.takes_children.get().is_some_and(|takes| *takes);
        if shown {
            let can_be_stopped = SubagentSessionCapabilities::new().cancel(SessionCancelCapabilities::new());
            let child = SubagentUpdate::new(CHILD).title("Helper".to_owned()).capabilities(can_be_stopped);
            let child = child.state(StateUpdate::Running(RunningStateUpdate::new()));
            tell(context, &turn.session_id, SessionUpdate::SubagentUpdate(child)).await?;
            context.client().say(&SessionId::new(CHILD), "I help.").await?;
        }
        let mut end = IdleStopReason::EndTurn;
        if waits {
            tokio::select! {
                () = self.stop.notified() => end = IdleStopReason::Cancelled,
                () = context.cancelled() => end = IdleStopReason::Cancelled,
            }
        }
        if shown {
            let idle = StateUpdate::Idle(IdleStateUpdate::new().stop_reason(end));
            let child = SubagentUpdate::new(CHILD).state(idle);
            tell(context, &turn.session_id, SessionUpdate::SubagentUpdate(child)).await?;
        }
        context.client().say(&turn.session_id, "My helper has ended.").await?;
        Ok(PromptResponse::new(if context.is_cancelled() { StopReason::Cancelled } else { StopReason::EndTurn }))
    }

    async fn cancel(&self, params: CancelNotification, _: &AgentContext) {
        if params.session_id == SessionId::new(CHILD) {
            self.stop.notify_one();
        }
    }
}

async fn tell(context: &AgentContext, session: &SessionId, update: SessionUpdate) -> Answer<()> {
    Ok(context.client().session_update(SessionNotification::new(session.clone(), update)).await?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    serve(Delegating::default(), stdio()?).await;
    Ok(())
}
