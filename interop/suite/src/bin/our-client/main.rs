//! A client on `acp-server`, driven by steps and observed by JSON lines, like `official-client`.
//!
//! ```text
//! our-client ws://127.0.0.1:PORT/acp < steps    over WebSocket
//! our-client -- AGENT CMD… < steps              over stdio, starting the agent
//! ```
//!
//! Besides the steps of `official-client`, `"stall_ms"` in a `measure` step is for how long the first update is not
//! taken.

mod handler;
mod steps;

use std::sync::Arc;

use acp_server::transport::child::{ChildSpec, Deadlines};
use acp_server::transport::ws;
use acp_server::{Config, connect, guard};
use tokio::io::{AsyncBufReadExt, BufReader};

use handler::{OurClient, State};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    guard::init();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let state = Arc::new(State::default());
    let client = OurClient(Arc::clone(&state));
    let mut child = None;
    let agent = match arguments.split_first() {
        Some((dashes, command)) if dashes == "--" => {
            let (program, arguments) = command.split_first().ok_or("no agent command after --")?;
            let (transport, handle) = ChildSpec::new(program).args(arguments).spawn().await?;
            child = Some(handle);
            connect(client, transport)
        }
        Some((url, _)) => connect(client, ws::connect(url, Config::default().limits.frame.max_bytes).await?),
        None => return Err("see the top of the file for the arguments".into()),
    };
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        steps::step(&state, &agent, &serde_json::from_str(&line)?).await?;
    }
    agent.close().await;
    if let Some(mut child) = child {
        child.shutdown(Deadlines::default()).await;
    }
    Ok(())
}
