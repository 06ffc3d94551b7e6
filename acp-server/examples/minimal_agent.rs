//! A whole ACP agent: greets, and repeats what it is told until it is stopped. Run it from any ACP client, or with
//! `cargo run --example one_shot_client -- hello target/debug/examples/minimal_agent`.

use acp_server::types::v1::{ContentBlock, NewSessionRequest, NewSessionResponse};
use acp_server::types::v1::{PromptRequest, PromptResponse, StopReason};
use acp_server::{Agent, AgentContext, Answer, serve, stdio};

struct Echo;

impl Agent for Echo {
    async fn new_session(&self, _: NewSessionRequest, _: &AgentContext) -> Answer<NewSessionResponse> {
        Ok(NewSessionResponse::new("the only session"))
    }

    async fn prompt(&self, turn: PromptRequest, context: &AgentContext) -> Answer<PromptResponse> {
        for block in turn.prompt {
            let ContentBlock::Text(text) = block else { continue };
            context.client().say(&turn.session_id, format!("You said: {}", text.text)).await?;
        }
        Ok(PromptResponse::new(if context.is_cancelled() { StopReason::Cancelled } else { StopReason::EndTurn }))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    serve(Echo, stdio()?).await;
    Ok(())
}
