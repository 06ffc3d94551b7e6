//! The WebSocket of a connection, which says goodbye in the gateway's words.

use std::collections::VecDeque;

use acp_server::proto::CloseReason;
use acp_server::transport::ws::{GOING_AWAY, Socket, SocketReader, SocketWriter};
use acp_server::transport::{FrameWriter, Transport, TransportError};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

/// Socket of a client, closed with code 1001 once the gateway shuts down.
#[derive(Debug)]
pub(super) struct ClientSocket<S> {
    pub(super) socket: Socket<S>,
    pub(super) shutdown: CancellationToken,
}

/// Sending half of a [`ClientSocket`].
#[derive(Debug)]
pub(super) struct ClientWriter<S> {
    writer: SocketWriter<S>,
    shutdown: CancellationToken,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for ClientSocket<S> {
    type Reader = SocketReader<S>;
    type Writer = ClientWriter<S>;

    fn split(self, limit: usize) -> (SocketReader<S>, ClientWriter<S>) {
        let (reader, writer) = self.socket.split(limit);
        (reader, ClientWriter { writer, shutdown: self.shutdown })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> FrameWriter for ClientWriter<S> {
    async fn write(&mut self, frames: &mut VecDeque<Bytes>) -> Result<(), TransportError> {
        self.writer.write(frames).await
    }

    fn ping(&mut self) {
        self.writer.ping();
    }

    async fn close(&mut self, reason: &CloseReason) -> Result<(), TransportError> {
        if self.shutdown.is_cancelled() {
            let away = CloseReason::WebSocket { code: GOING_AWAY, reason: "the bridge is stopping".to_owned() };
            return self.writer.close(&away).await;
        }
        self.writer.close(reason).await
    }
}
