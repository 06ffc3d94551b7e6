//! WebSocket: one message per text frame, client and server.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{FrameReader, FrameWriter, Reading, Transport, TransportError};
use crate::codec::Input;
use crate::proto::{CloseReason, Refusal};

/// Handed on at most per call while more is ready, in messages and bytes: a peer that never pauses must not fill memory.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 64 * 1024;
/// How much is collected before it is written to the socket, in bytes.
const WRITE: usize = 128 * 1024;
/// RFC 6455 section 7.4.1: a server that goes down, or a page that is left. As the code of a close reason it is what
/// [`SocketWriter`] sends.
pub const GOING_AWAY: u16 = 1001;
/// RFC 6455 section 7.4.1: a close frame without a code.
const NO_STATUS: u16 = 1005;
/// RFC 6455 section 7.4.1: the connection broke without a close frame.
const ABNORMAL: u16 = 1006;

/// A WebSocket after its handshake.
#[derive(Debug)]
pub struct Socket<S> {
    stream: WebSocketStream<S>,
    limit: usize,
}

/// A WebSocket of [`connect`].
pub type ClientSocket = Socket<MaybeTlsStream<TcpStream>>;

/// The settings that [`Socket`] relies on, for those who make the stream themselves.
///
/// Messages of up to twice `limit` bytes are read, so that one over the limit can be answered; a bigger one ends the
/// connection with code 1009.
#[must_use]
pub fn config(limit: usize) -> WebSocketConfig {
    let most = limit.saturating_mul(2);
    WebSocketConfig::default()
        .read_buffer_size(32 * 1024)
        .write_buffer_size(WRITE)
        .max_write_buffer_size(usize::MAX)
        .max_message_size(Some(most))
        .max_frame_size(Some(most))
}

/// Connects to a `ws://` URL and refuses messages over `limit` bytes.
///
/// # Errors
/// When the address cannot be reached or does not speak WebSocket.
pub async fn connect(url: &str, limit: usize) -> Result<ClientSocket, TransportError> {
    let (stream, _) = tokio_tungstenite::connect_async_with_config(url, Some(config(limit)), true).await?;
    Ok(Socket { stream, limit })
}

/// Accepts the WebSocket handshake on a connection just accepted and refuses messages over `limit` bytes.
///
/// It checks neither origin nor credentials: for a server that others can reach, do that in its HTTP layer and use
/// [`Socket::from_stream`].
///
/// # Errors
/// When the peer does not speak WebSocket.
pub async fn accept(stream: TcpStream, limit: usize) -> Result<Socket<TcpStream>, TransportError> {
    stream.set_nodelay(true)?;
    let stream = tokio_tungstenite::accept_async_with_config(stream, Some(config(limit))).await?;
    Ok(Socket { stream, limit })
}

impl<S> Socket<S> {
    /// Takes a stream whose handshake is done; make it with [`config`] of the same `limit`.
    #[must_use]
    pub fn from_stream(stream: WebSocketStream<S>, limit: usize) -> Self {
        Self { stream, limit }
    }
}

impl Socket<TcpStream> {
    /// The address of the peer.
    ///
    /// # Errors
    /// When the connection is gone already.
    pub fn peer_addr(&self) -> std::io::Result<SocketAddr> {
        self.stream.get_ref().peer_addr()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for Socket<S> {
    type Reader = SocketReader<S>;
    type Writer = SocketWriter<S>;

    fn split(self, limit: usize) -> (SocketReader<S>, SocketWriter<S>) {
        let (sink, stream) = self.stream.split();
        (SocketReader { stream, limit: self.limit.min(limit) }, SocketWriter { sink, ping: false })
    }
}

/// Receiving half of a [`Socket`].
#[derive(Debug)]
pub struct SocketReader<S> {
    stream: SplitStream<WebSocketStream<S>>,
    limit: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> FrameReader for SocketReader<S> {
    async fn read(&mut self, inputs: &mut Vec<Input>) -> Result<Reading, TransportError> {
        poll_fn(|context| self.poll_read(context, inputs)).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> SocketReader<S> {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        inputs: &mut Vec<Input>,
    ) -> Poll<Result<Reading, TransportError>> {
        let (before, mut bytes, mut lives) = (inputs.len(), 0, false);
        while inputs.len() < before + BATCH && bytes < BATCH_BYTES {
            let message = match Pin::new(&mut self.stream).poll_next(context) {
                Poll::Ready(message) => message,
                Poll::Pending if inputs.len() > before || lives => break,
                Poll::Pending => return Poll::Pending,
            };
            match message {
                Some(Ok(Message::Text(text))) => {
                    bytes += text.len();
                    inputs.push(self.input(text.into()));
                }
                // "Binary frames are ignored" (RFD "Streamable HTTP and WebSocket transport").
                Some(Ok(Message::Binary(_))) => lives = true,
                Some(Ok(Message::Close(frame))) => return Poll::Ready(Ok(Reading::Ended(closed(frame)))),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => lives = true,
                Some(Err(error)) => return Poll::Ready(ended(error, self.limit)),
                None => return Poll::Ready(Ok(Reading::Ended(abnormal()))),
            }
        }
        Poll::Ready(Ok(Reading::Open))
    }

    fn input(&self, frame: Bytes) -> Input {
        if frame.len() <= self.limit {
            return Input::Frame(frame);
        }
        let head = Bytes::copy_from_slice(&frame[..frame.len().min(4096)]);
        Input::Refused(Refusal::TooLarge { bytes: frame.len(), limit: self.limit, head })
    }
}

fn closed(frame: Option<CloseFrame>) -> CloseReason {
    frame.map_or(CloseReason::WebSocket { code: NO_STATUS, reason: String::new() }, |frame| CloseReason::WebSocket {
        code: frame.code.into(),
        reason: frame.reason.as_str().to_owned(),
    })
}

fn abnormal() -> CloseReason {
    CloseReason::WebSocket { code: ABNORMAL, reason: "the connection broke".to_owned() }
}

fn ended(error: tungstenite::Error, limit: usize) -> Result<Reading, TransportError> {
    use tungstenite::error::{CapacityError, ProtocolError};
    match error {
        tungstenite::Error::ConnectionClosed
        | tungstenite::Error::AlreadyClosed
        | tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ok(Reading::Ended(abnormal())),
        tungstenite::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
            Ok(Reading::Ended(abnormal()))
        }
        tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            Ok(Reading::Ended(CloseReason::TooLarge { limit }))
        }
        other => Err(other.into()),
    }
}

/// Sending half of a [`Socket`].
#[derive(Debug)]
pub struct SocketWriter<S> {
    sink: SplitSink<WebSocketStream<S>, Message>,
    /// One is to be sent.
    ping: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> FrameWriter for SocketWriter<S> {
    async fn write(&mut self, frames: &mut VecDeque<Bytes>) -> Result<(), TransportError> {
        poll_fn(|context| self.poll_write(context, frames)).await
    }

    fn ping(&mut self) {
        self.ping = true;
    }

    async fn close(&mut self, reason: &CloseReason) -> Result<(), TransportError> {
        let (code, text) = match reason {
            CloseReason::TooLarge { .. } => (CloseCode::Size, "the message is too large"),
            CloseReason::WebSocket { code: GOING_AWAY, .. } => (CloseCode::Away, "this side is going away"),
            _ => (CloseCode::Normal, ""),
        };
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(text) };
        match self.sink.send(Message::Close(Some(frame))).await {
            Ok(()) => Ok(()),
            // The peer closed first; what is left is to send our half of its handshake.
            Err(_) => match self.sink.flush().await {
                Ok(()) | Err(tungstenite::Error::ConnectionClosed) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> SocketWriter<S> {
    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        frames: &mut VecDeque<Bytes>,
    ) -> Poll<Result<(), TransportError>> {
        let mut sink = Pin::new(&mut self.sink);
        if self.ping {
            ready!(sink.as_mut().poll_ready(context))?;
            sink.as_mut().start_send(Message::Ping(Bytes::new()))?;
            self.ping = false;
        }
        while !frames.is_empty() {
            ready!(sink.as_mut().poll_ready(context))?;
            let Some(frame) = frames.pop_front() else { break };
            // Frames are made of strings; should one not be text after all, the peer is spared it.
            if let Ok(text) = Utf8Bytes::try_from(frame) {
                sink.as_mut().start_send(Message::Text(text))?;
            }
        }
        sink.poll_flush(context).map_err(TransportError::from)
    }
}

impl From<tungstenite::Error> for TransportError {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Io(error) => Self::Io(error),
            tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => Self::Gone,
            other => Self::WebSocket(Box::new(other)),
        }
    }
}
