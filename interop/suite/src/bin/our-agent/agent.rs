//! The agent's methods.

use std::sync::Arc;

use acp_server::types::v1::{
    AgentCapabilities, ContentBlock, Implementation, InitializeRequest, InitializeResponse, LoadSessionRequest,
    LoadSessionResponse, NewSessionRequest, NewSessionResponse, PromptRequest, PromptResponse, ProtocolVersion,
    SessionNotification, SessionUpdate, SetSessionModeRequest, SetSessionModeResponse,
};
use acp_server::{Agent, AgentContext, Answer};

use crate::sessions::{Sessions, modes};
use crate::turn::{Turn, chunk};

#[derive(Clone)]
pub(crate) struct OurAgent(pub(crate) Arc<Sessions>);

impl Agent for OurAgent {
    async fn initialize(&self, _: InitializeRequest, _: &AgentContext) -> Answer<InitializeResponse> {
        Ok(InitializeResponse::new(ProtocolVersion::V1)
            .agent_info(Implementation::new("our-agent", "1.0.0"))
            .agent_capabilities(AgentCapabilities::new().load_session(self.0.persistent())))
    }

    async fn new_session(&self, _: NewSessionRequest, _: &AgentContext) -> Answer<NewSessionResponse> {
        let (id, session) = self.0.create()?;
        Ok(NewSessionResponse::new(id).modes(modes(&session)))
    }

    async fn load_session(&self, load: LoadSessionRequest, context: &AgentContext) -> Answer<LoadSessionResponse> {
        let session = self.0.load(&load.session_id)?;
        for (user, text) in &session.transcript {
            let update = if *user {
                SessionUpdate::UserMessageChunk(chunk(text))
            } else {
                SessionUpdate::AgentMessageChunk(chunk(text))
            };
            context.client().session_update(SessionNotification::new(load.session_id.clone(), update)).await?;
        }
        Ok(LoadSessionResponse::new().modes(modes(&session)))
    }

    async fn set_session_mode(&self, set: SetSessionModeRequest, _: &AgentContext) -> Answer<SetSessionModeResponse> {
        self.0.change(&set.session_id, |session| session.mode = set.mode_id.to_string())?;
        Ok(SetSessionModeResponse::new())
    }

    async fn prompt(&self, prompt: PromptRequest, context: &AgentContext) -> Answer<PromptResponse> {
        let texts = prompt.prompt.iter().filter_map(|block| match block {
            ContentBlock::Text(text) => Some(text.text.as_str()),
            _ => None,
        });
        let text: String = texts.collect();
        self.0.change(&prompt.session_id, |session| session.transcript.push((true, text.clone())))?;
        let turn = Turn { sessions: &self.0, session: prompt.session_id, context };
        turn.run(&text).await.map(PromptResponse::new)
    }
}
