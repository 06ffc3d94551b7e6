//! A small agent on `acp-server` with the prompts of `official-agent`, over stdio or, with `--listen`, WebSocket.
//!
//! With `--listen` it prints `{"event":"listening","url":"http://127.0.0.1:PORT"}` and serves until it is killed.

mod agent;
mod sessions;
mod turn;

use std::sync::Arc;

use acp_server::transport::ws;
use acp_server::{Config, serve, stdio};
use tokio::net::TcpListener;

use agent::OurAgent;
use sessions::Sessions;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let agent = OurAgent(Arc::new(Sessions::open()?));
    if std::env::args().nth(1).as_deref() != Some("--listen") {
        serve(agent, stdio()?).await;
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("{}", serde_json::json!({ "event": "listening", "url": url }));
    loop {
        let (stream, _) = listener.accept().await?;
        let agent = agent.clone();
        tokio::spawn(async move {
            match ws::accept(stream, Config::default().limits.frame.max_bytes).await {
                Ok(socket) => drop(serve(agent, socket).await),
                Err(error) => eprintln!("our-agent: a connection is no WebSocket: {error}"),
            }
        });
    }
}
