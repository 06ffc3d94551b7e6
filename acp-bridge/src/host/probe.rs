//! Probe of an agent: it is started to find out what it is.

use std::time::Duration;

use acp_server::transport::child::ChildSpec;
use acp_types::Raw;
use acp_types::capability::Return;

use super::agent::Agent;
use super::process::Process;
use super::{agent_opening, launcher};
use crate::session::{Refusal, Services};

/// Starts an agent, asks what it is, and stops it: its name and what it can do, in one line.
///
/// # Errors
/// When it cannot be started or does not answer `initialize` in time.
pub async fn probe(agent: &ChildSpec, timeout: Duration) -> Result<String, Refusal> {
    let initialize = agent_opening::initialize_params(Raw::EMPTY_OBJECT, Services::default());
    let (transport, handle) = launcher::spawn(agent).await?;
    let agent = Agent::begin(Process::Child(handle), transport, initialize, timeout).await?;
    let name = agent.description.as_raw().path(&["agentInfo", "name"]).and_then(Raw::as_string);
    let name = name.map_or_else(|| "the agent gives no name".to_owned(), String::from);
    let way = match Return::best(agent.description.as_raw()) {
        Some(Return::Resume) => "resumes sessions",
        Some(Return::Load) => "loads sessions",
        _ => "can neither load nor resume a session: after a crash of the agent its context is lost",
    };
    agent.stop().await;
    Ok(format!("{name}; {way}"))
}
