//! Lines of all mocks: one loop that reads them, one output that writes them.

use std::io::Result;
use std::pin::{Pin, pin};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::io::{DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

use super::answers::{RpcAnswer, invalid_request, parse_error};
use super::breaks::Breaks;
use crate::core::link::Link;

/// Held between the two ends of a mock in this process, in bytes, in each direction.
const PIPE: usize = 256 * 1024;
/// A line that is too long for a peer with a limit, in bytes.
const LARGE: usize = 512 * 1024;

/// A mock that takes one line after the other.
pub(super) trait Peer: Send {
    /// Takes a line; false if it wants no more.
    fn take(&mut self, line: &str) -> impl Future<Output = Result<bool>> + Send;
}

/// The line loop of every mock: until the input ends, the peer wants no more, or `over` is ready between two lines. True if
/// the input ended.
pub(super) async fn each_line(
    input: impl AsyncRead + Unpin + Send,
    breaks: &Breaks,
    peer: &mut impl Peer,
    over: impl Future<Output = ()> + Send,
) -> Result<bool> {
    let mut lines = BufReader::new(input).lines();
    let mut over = pin!(over);
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line?,
            () = &mut over => return Ok(false),
        };
        let Some(line) = line else { return Ok(true) };
        if breaks.has("TRANSPORT-stdio-08") {
            forget_buffered(lines.get_mut());
        }
        if breaks.has("TRANSPORT-stdio-14") && line.len() > LARGE {
            return Ok(false);
        }
        if !peer.take(&line).await? {
            return Ok(false);
        }
    }
}

/// Takes what one read gave for one message.
fn forget_buffered<R: AsyncRead + Unpin>(reader: &mut BufReader<R>) {
    let more = reader.buffer().len();
    reader.consume(more);
}

/// The output of a mock.
pub(super) struct Output(Mutex<Pin<Box<dyn AsyncWrite + Send>>>);

impl Output {
    /// Writes there.
    pub(super) fn new(output: impl AsyncWrite + Send + 'static) -> Self {
        Self(Mutex::new(Box::pin(output)))
    }

    /// Keeps everyone else from writing.
    pub(super) async fn hold(&self) -> MutexGuard<'_, Pin<Box<dyn AsyncWrite + Send>>> {
        self.0.lock().await
    }

    /// Writes bytes as they are.
    pub(super) async fn raw(&self, bytes: &[u8]) -> Result<()> {
        let mut output = self.0.lock().await;
        output.write_all(bytes).await?;
        output.flush().await
    }

    /// Writes a message as a line.
    pub(super) async fn send(&self, message: &Value) -> Result<()> {
        self.raw(format!("{message}\n").as_bytes()).await
    }

    /// Answers a request.
    pub(super) async fn answer(&self, id: &Value, outcome: RpcAnswer, breaks: &Breaks) -> Result<()> {
        let mut message = json!({ "jsonrpc": "2.0", "id": id });
        match outcome {
            Ok(result) => message["result"] = result,
            Err(error) => message["error"] = error,
        }
        if breaks.has("RPC-02") && id.is_string() {
            message["id"] = json!(id.as_str().map(str::len));
        }
        if breaks.has("RPC-03") && message["error"]["code"] == -32601 {
            message["error"]["message"] = json!(7);
        }
        self.send(&message).await?;
        if breaks.has("RPC-05") {
            self.send(&message).await?;
        }
        Ok(())
    }

    /// Answers a line that is no message, but perhaps JSON.
    pub(super) async fn refuse(&self, is_json: bool, breaks: &Breaks) -> Result<()> {
        let answer = match is_json {
            _ if breaks.has("ERR-09") => json!({ "jsonrpc": "2.0", "id": null, "result": {} }),
            true => json!({ "jsonrpc": "2.0", "id": null, "error": invalid_request() }),
            false => json!({ "jsonrpc": "2.0", "id": null, "error": parse_error() }),
        };
        self.send(&answer).await
    }
}

/// A link to a mock in this process, which is the future that `serve` makes of its input and output, and the task that it
/// is.
pub(super) fn linked<F>(
    serve: impl FnOnce(ReadHalf<DuplexStream>, WriteHalf<DuplexStream>) -> F,
) -> (Link, JoinHandle<()>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (near, far) = tokio::io::duplex(PIPE);
    let (source, sink) = tokio::io::split(near);
    let (input, output) = tokio::io::split(far);
    let task = tokio::spawn(serve(input, output));
    (Link::over(source, sink), task)
}
