//! A socket to the bridge.

use std::time::Duration;

use acp_server::transport::ws;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::remote_agent::transport::{Socket, frame_limit, pair};

/// Time limit of one connection, handshake included.
const CONNECT: Duration = Duration::from_secs(10);

/// Endpoint for diallers, beside the one for clients.
pub(super) fn endpoint(clients: &str) -> String {
    format!("{}/dial", clients.trim_end_matches("/acp"))
}

/// Waits, then connects.
pub(super) async fn dial(address: String, wait: Duration) -> Result<Socket, String> {
    sleep(wait).await;
    let limit = frame_limit(acp_server::Config::default().limits.frame.max_bytes);
    match timeout(CONNECT, ws::connect(&address, limit)).await {
        Ok(Ok(transport)) => {
            let (socket, carrier) = pair();
            tokio::spawn(carrier.run(transport, limit, CancellationToken::new()));
            Ok(socket)
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it did not answer within {} s", CONNECT.as_secs())),
    }
}
