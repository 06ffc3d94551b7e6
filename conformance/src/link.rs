//! The bytes to and from a subject, as they are: what a library would refuse to send has to go out, and what it would
//! hide has to be seen.

mod socket;

use std::pin::Pin;

use acp_server::transport::child::{ChildHandle, ChildSpec, Deadlines, SpawnError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

pub use socket::ConnectError;
pub(crate) use socket::Socket;

/// Lines of stderr that wait to be recorded; more are dropped.
const STDERR: usize = 1024;

/// Where the subject's output comes from.
pub(crate) type Source = Pin<Box<dyn AsyncRead + Send>>;
/// Where its input goes.
pub(crate) type Sink = Pin<Box<dyn AsyncWrite + Send>>;

/// An open connection to a subject.
#[expect(missing_debug_implementations, reason = "streams have nothing to show")]
pub struct Link {
    pub(crate) source: Source,
    pub(crate) sink: Option<Sink>,
    pub(crate) process: Option<Process>,
    pub(crate) socket: Option<Socket>,
}

impl Link {
    /// Over any two streams, of a subject in this process for example.
    pub fn over(source: impl AsyncRead + Send + 'static, sink: impl AsyncWrite + Send + 'static) -> Self {
        Self { source: Box::pin(source), sink: Some(Box::pin(sink)), process: None, socket: None }
    }

    /// Starts a program and talks to its stdin and stdout. It ends, with all that it started, when the link is dropped.
    pub(crate) async fn start(spec: ChildSpec) -> Result<Self, SpawnError> {
        let (sender, stderr) = mpsc::channel(STDERR);
        // What is dropped at the limit is only missing in the transcript.
        let spec = spec.on_stderr(move |text| drop(sender.try_send(text.to_owned())));
        let (transport, handle) = spec.spawn().await?;
        let (source, sink) = transport.into_streams();
        let process = Some(Process { handle, stderr });
        Ok(Self { source: Box::pin(source), sink: Some(Box::pin(sink)), process, socket: None })
    }
}

/// A subject's process.
pub(crate) struct Process {
    pub(crate) handle: ChildHandle,
    pub(crate) stderr: mpsc::Receiver<String>,
}

impl Process {
    /// Ends it: politely, then not.
    pub(crate) async fn end(&mut self) {
        let quick = std::time::Duration::from_millis(300);
        let deadlines = Deadlines { stdin_close: quick, term: quick, ..Deadlines::default() };
        self.handle.shutdown(deadlines).await;
    }
}
