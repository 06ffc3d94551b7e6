//! Agents that dial in come by HTTP as clients do. What they say is no business of the gateway: it hands their sockets on.

use acp_server::transport::ws;
use async_trait::async_trait;
use hyper::upgrade::{Parts, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;

/// Serves the WebSockets of agents that dial in.
#[async_trait]
pub trait AgentRoute: Send + Sync + std::fmt::Debug + 'static {
    /// Bytes of the longest frame where messages have at most so many.
    fn frame_limit(&self, message: usize) -> usize;

    /// Serves one until it goes, or the gateway does. Its frames have at most `limit` bytes.
    async fn serve(&self, socket: ws::Socket<TcpStream>, limit: usize, shutdown: CancellationToken);
}

/// Serves a connection that was upgraded. Messages have at most `max_message` bytes.
pub(super) async fn serve(route: &dyn AgentRoute, upgraded: Upgraded, max_message: usize, shutdown: CancellationToken) {
    let Ok(Parts { io, read_buf, .. }) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        tracing::warn!("a dialler came over something that is no TCP connection");
        return;
    };
    let limit = route.frame_limit(max_message);
    let settings = Some(ws::config(limit));
    let stream = WebSocketStream::from_partially_read(io.into_inner(), read_buf.into(), Role::Server, settings).await;
    route.serve(ws::Socket::from_stream(stream, limit), limit, shutdown).await;
}
