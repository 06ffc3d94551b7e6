//! The way of agents that dial in, from the gateway of this process to its host.

use std::time::Duration;

use acp_server::transport::ws;
use async_trait::async_trait;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::gateway::AgentRoute;
use crate::host::AgentDoor;
use crate::remote_agent::protocol::Frame;
use crate::remote_agent::transport::{IncomingAgent, Socket, frame_limit, pair};

/// Time that a dialler has to say hello.
const HELLO: Duration = Duration::from_secs(10);

/// Hands each dialler in at the host's door once it has said hello. Without a host it is sent away, and comes again.
#[derive(Debug)]
pub(super) struct ToHost {
    pub(super) door: Option<AgentDoor>,
}

#[async_trait]
impl AgentRoute for ToHost {
    fn frame_limit(&self, message: usize) -> usize {
        frame_limit(message)
    }

    async fn serve(&self, socket: ws::Socket<TcpStream>, limit: usize, shutdown: CancellationToken) {
        let (ours, carrier) = pair();
        tokio::join!(carrier.run(socket, limit, shutdown), self.hand_in(ours));
    }
}

impl ToHost {
    async fn hand_in(&self, mut socket: Socket) {
        let first = timeout(HELLO, socket.next()).await;
        let Ok(Some(first)) = first else {
            tracing::warn!("a dialler left before its hello, or did not say it in {} s", HELLO.as_secs());
            return;
        };
        match Frame::parse(&first) {
            Ok(Frame::Hello(hello)) => {
                let incoming = IncomingAgent { hello: *hello, socket };
                match &self.door {
                    Some(door) => door.hand_in(incoming),
                    None => incoming.refuse("this bridge has no host that agents can dial in to", false),
                }
            }
            Ok(_) => tracing::warn!("a dialler did not begin with a hello"),
            Err(error) => tracing::warn!(%error, "a dialler said what is no frame"),
        }
    }
}
