//! An agent that does everything to spoil its stdout: it prints, it logs to stdout, its child prints, and it panics in a
//! handler. What arrives on the other side is ACP all the same.

use acp_server::types::v1::{NewSessionRequest, NewSessionResponse, PromptRequest, PromptResponse};
use acp_server::{Agent, AgentContext, Answer, serve, stdio};

struct Noisy;

impl Agent for Noisy {
    async fn new_session(&self, _: NewSessionRequest, _: &AgentContext) -> Answer<NewSessionResponse> {
        noise();
        Ok(NewSessionResponse::new("noise"))
    }

    async fn prompt(&self, _: PromptRequest, _: &AgentContext) -> Answer<PromptResponse> {
        noise();
        panic!("a bug in the agent");
    }
}

#[expect(clippy::print_stdout, reason = "printing where one must not is the point")]
fn noise() {
    println!("printed to stdout");
    tracing::error!("logged to stdout");
    // Whether it runs does not matter, only where its words go.
    let _ = std::process::Command::new("echo").arg("printed by a child").status();
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stdout).init();
    let stdio = stdio()?;
    noise();
    serve(Noisy, stdio).await;
    noise();
    Ok(())
}
