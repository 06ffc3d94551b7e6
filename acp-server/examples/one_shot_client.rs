//! Asks an ACP agent one question and prints what it says:
//! `cargo run --example one_shot_client -- "What is in here?" AGENT [ARGS..]`.

use std::io::{self, Write};

use acp_server::transport::child::{ChildSpec, Deadlines};
use acp_server::types::v1::{ContentBlock, Implementation, InitializeRequest, NewSessionRequest, PromptRequest};
use acp_server::types::v1::{ProtocolVersion, SessionNotification, SessionUpdate};
use acp_server::{Client, ClientContext, connect, guard};

struct Print;

impl Client for Print {
    async fn session_update(&self, event: SessionNotification, _: &ClientContext) {
        if let SessionUpdate::AgentMessageChunk(chunk) = event.update
            && let ContentBlock::Text(text) = chunk.content
        {
            let _ = write!(io::stdout(), "{}", text.text);
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    guard::init();
    let mut args = std::env::args().skip(1);
    let (Some(question), Some(program)) = (args.next(), args.next()) else {
        return Err("usage: one_shot_client QUESTION AGENT [ARGS..]".into());
    };
    let (transport, mut child) = ChildSpec::new(program).args(args).spawn().await?;
    let agent = connect(Print, transport);
    let me = Implementation::new("one-shot-client", env!("CARGO_PKG_VERSION"));
    agent.initialize(InitializeRequest::new(ProtocolVersion::V1).client_info(me)).await?;
    let session = agent.new_session(NewSessionRequest::new(std::env::current_dir()?)).await?;
    agent.prompt(PromptRequest::new(session.session_id, vec![question.into()])).await?;
    agent.close().await;
    child.shutdown(Deadlines::default()).await;
    Ok(())
}
