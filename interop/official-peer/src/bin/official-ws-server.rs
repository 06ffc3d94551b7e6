//! The official SDK's WebSocket transport in front of an agent command: one agent process per connection, no log.
//!
//! ```text
//! official-ws-server AGENT CMD…
//! ```
//!
//! Prints `{"event":"listening","url":"http://127.0.0.1:PORT"}` and serves until it is killed.

use agent_client_protocol::AcpAgent;
use agent_client_protocol_http::AcpHttpServer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let command: Vec<String> = std::env::args().skip(1).collect();
    // A command line that cannot be read is to fail here, not at the first connection.
    AcpAgent::from_args(&command)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("{}", serde_json::json!({ "event": "listening", "url": url }));
    let agent = move || AcpAgent::from_args(&command).expect("read the same command line before");
    axum::serve(listener, AcpHttpServer::new(agent).into_router()).await?;
    Ok(())
}
