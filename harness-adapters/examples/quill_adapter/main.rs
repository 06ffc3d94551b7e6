//! Quill, a small command line with a protocol of its own, as an ACP agent: `quill_adapter QUILL [RECORDINGS]`.

mod translate;
mod wire;

use std::path::PathBuf;

use acp_server::transport::child::ChildSpec;
use acp_server::types::v1;
use harness_adapters::adapter::{Harness, Open, Opened, process::Process};
use harness_adapters::{Failure, FailureKind, adapter};
use translate::Session;

struct Quill(PathBuf);

impl Harness for Quill {
    type Translator = Session;

    async fn initialize(&self, _: &v1::InitializeRequest) -> Result<v1::InitializeResponse, Failure> {
        let sessions = v1::SessionCapabilities::new().close(v1::SessionCloseCapabilities::new());
        Ok(v1::InitializeResponse::new(v1::ProtocolVersion::V1)
            .agent_info(v1::Implementation::new("quill-adapter", env!("CARGO_PKG_VERSION")))
            .agent_capabilities(v1::AgentCapabilities::new().session_capabilities(sessions)))
    }

    async fn open(&self, how: Open) -> Result<Opened<Session>, Failure> {
        let Open::New(request) = how else {
            return Err(Failure::new(FailureKind::Unsupported, "Quill keeps no sessions: start a new one"));
        };
        let servers = serde_json::to_string(&request.mcp_servers).unwrap_or_default();
        let spec = ChildSpec::new(&self.0).cwd(request.cwd).env("QUILL_MCP_SERVERS", servers);
        let process = Process::start(&spec, "Quill").await?;
        let session = v1::SessionId::new(uuid::Uuid::new_v4().to_string());
        Ok(Opened::new(session.clone(), session, process.into_channel()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    acp_server::guard::init();
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let program = args.next().ok_or("usage: quill_adapter QUILL [RECORDINGS]")?;
    adapter::serve(Quill(program), acp_server::stdio()?, args.next(), std::future::pending()).await;
    Ok(())
}
