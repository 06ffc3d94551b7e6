//! WebSocket: one message per text frame, client and server.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{FrameReader, FrameWriter, Reading, Transport, TransportError};
use crate::codec::{Input, ndjson};
use crate::proto::{CloseReason, Refusal};

/// Handed on at most per call while more is ready, in messages and bytes: a peer that never pauses must not fill memory.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 64 * 1024;
/// Bytes that are collected before they are written to the socket.
const WRITE: usize = 128 * 1024;
/// A message that is longer goes in fragments of this size, in bytes: what was handed to the socket's own buffer is a copy,
/// and a peer that does not read must not be worth one of the whole message.
const FRAGMENT: usize = 128 * 1024;
/// Time without anything after which a message that is not read counts as over.
const QUIET: Duration = Duration::from_millis(500);
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
        let stream = Shared(Arc::new(Mutex::new(self.stream)));
        (
            SocketReader { stream: stream.clone(), limit: self.limit.min(limit) },
            SocketWriter { stream, ping: false, rest: Bytes::new() },
        )
    }
}

/// The stream of both halves, which one task polls in turn: nobody ever waits for the lock.
#[derive(Debug)]
struct Shared<S>(Arc<Mutex<WebSocketStream<S>>>);

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, WebSocketStream<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Receiving half of a [`Socket`].
#[derive(Debug)]
pub struct SocketReader<S> {
    stream: Shared<S>,
    limit: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> FrameReader for SocketReader<S> {
    async fn read(&mut self, inputs: &mut Vec<Input>) -> Result<Reading, TransportError> {
        poll_fn(|context| self.poll_read(context, inputs)).await
    }

    async fn discard(&mut self) {
        let mut scratch = vec![0; 16 * 1024];
        loop {
            let read = poll_fn(|context| {
                let mut buffer = ReadBuf::new(&mut scratch);
                let outcome = ready!(Pin::new(self.stream.lock().get_mut()).poll_read(context, &mut buffer));
                Poll::Ready(outcome.map(|()| buffer.filled().len()))
            });
            if !matches!(timeout(QUIET, read).await, Ok(Ok(1..))) {
                return;
            }
        }
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
            let message = match Pin::new(&mut *self.stream.lock()).poll_next(context) {
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
                Some(Err(error)) => return Poll::Ready(ended(error, self.limit, inputs)),
                None => return Poll::Ready(Ok(Reading::Ended(abnormal()))),
            }
        }
        Poll::Ready(Ok(Reading::Open))
    }

    fn input(&self, frame: Bytes) -> Input {
        if frame.len() <= self.limit {
            return Input::Frame(frame);
        }
        Input::Refused(ndjson::too_large(&frame, self.limit))
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

/// Reads what an error of the stream means. A message that is too long even to be skipped is refused all the same, so
/// that its sender is told before the connection closes.
fn ended(error: tungstenite::Error, limit: usize, inputs: &mut Vec<Input>) -> Result<Reading, TransportError> {
    use tungstenite::error::{CapacityError, ProtocolError};
    match error {
        tungstenite::Error::ConnectionClosed
        | tungstenite::Error::AlreadyClosed
        | tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ok(Reading::Ended(abnormal())),
        tungstenite::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
            Ok(Reading::Ended(abnormal()))
        }
        tungstenite::Error::Capacity(CapacityError::MessageTooLong { size, .. }) => {
            let (head, end) = (Bytes::new(), Bytes::new());
            inputs.push(Input::Refused(Refusal::TooLarge { bytes: size, limit, head, end }));
            Ok(Reading::Ended(CloseReason::TooLarge { limit }))
        }
        other => Err(other.into()),
    }
}

/// Sending half of a [`Socket`].
#[derive(Debug)]
pub struct SocketWriter<S> {
    stream: Shared<S>,
    /// One is to be sent.
    ping: bool,
    /// The rest of a message whose first fragments have been sent.
    rest: Bytes,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> FrameWriter for SocketWriter<S> {
    async fn write(&mut self, frames: &mut VecDeque<Bytes>) -> Result<(), TransportError> {
        poll_fn(|context| self.poll_write(context, frames)).await
    }

    fn ping(&mut self) {
        self.ping = true;
    }

    async fn close(&mut self, reason: &CloseReason) -> Result<(), TransportError> {
        // A reason has at most 123 bytes (RFC 6455 section 5.5).
        let (code, text) = match reason {
            CloseReason::TooLarge { limit } => {
                (CloseCode::Size, Utf8Bytes::from(format!("a message may have at most {limit} bytes")))
            }
            CloseReason::WebSocket { code: GOING_AWAY, .. } => {
                (CloseCode::Away, Utf8Bytes::from_static("this side is going away"))
            }
            _ => (CloseCode::Normal, Utf8Bytes::default()),
        };
        let mut frame = Some(Message::Close(Some(CloseFrame { code, reason: text })));
        match poll_fn(|context| self.poll_close(context, &mut frame)).await {
            Ok(()) => Ok(()),
            // The peer closed first; what is left is to send our half of its handshake.
            Err(_) => match poll_fn(|context| Pin::new(&mut *self.stream.lock()).poll_flush(context)).await {
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
        let mut stream = self.stream.lock();
        let mut sink = Pin::new(&mut *stream);
        if self.ping {
            ready!(sink.as_mut().poll_ready(context))?;
            sink.as_mut().start_send(Message::Ping(Bytes::new()))?;
            self.ping = false;
        }
        loop {
            while !self.rest.is_empty() {
                ready!(sink.as_mut().poll_ready(context))?;
                let piece = cut(&mut self.rest);
                let frame = Frame::message(piece, OpCode::Data(Data::Continue), self.rest.is_empty());
                sink.as_mut().start_send(Message::Frame(frame))?;
            }
            if frames.is_empty() {
                break;
            }
            ready!(sink.as_mut().poll_ready(context))?;
            let Some(frame) = frames.pop_front() else { break };
            match Utf8Bytes::try_from(frame) {
                Ok(text) if text.len() <= FRAGMENT => sink.as_mut().start_send(Message::Text(text))?,
                Ok(text) => {
                    self.rest = text.into();
                    let piece = cut(&mut self.rest);
                    let frame = Frame::message(piece, OpCode::Data(Data::Text), false);
                    sink.as_mut().start_send(Message::Frame(frame))?;
                }
                // Frames are made of strings, so this is a fault of this program.
                Err(error) => tracing::error!(%error, "a message that is no text was not sent"),
            }
        }
        sink.poll_flush(context).map_err(TransportError::from)
    }

    fn poll_close(
        &mut self,
        context: &mut Context<'_>,
        frame: &mut Option<Message>,
    ) -> Poll<Result<(), tungstenite::Error>> {
        let mut stream = self.stream.lock();
        let mut sink = Pin::new(&mut *stream);
        if frame.is_some() {
            ready!(sink.as_mut().poll_ready(context))?;
        }
        if let Some(frame) = frame.take() {
            sink.as_mut().start_send(frame)?;
        }
        sink.poll_flush(context)
    }
}

/// Takes the first fragment off a text. Between characters, for peers that look at each fragment by itself.
fn cut(text: &mut Bytes) -> Bytes {
    let mut at = text.len().min(FRAGMENT);
    while text.get(at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {
        at -= 1;
    }
    text.split_to(at)
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{FRAGMENT, cut};

    #[test]
    fn a_text_is_cut_between_characters_and_shared() {
        for shift in 0..4 {
            let whole = "x".repeat(shift) + &"\u{1f600}".repeat(FRAGMENT);
            let mut rest = Bytes::from(whole.clone());
            let mut pieces = Vec::new();
            while !rest.is_empty() {
                pieces.push(cut(&mut rest));
            }
            assert!(pieces.len() > 2 && pieces.iter().all(|piece| piece.len() <= FRAGMENT));
            let texts = pieces.iter().map(|piece| std::str::from_utf8(piece).unwrap());
            assert_eq!(texts.collect::<String>(), whole);
        }
    }
}
