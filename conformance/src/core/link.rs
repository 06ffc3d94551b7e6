//! The bytes to and from a subject, as they are: what a library would refuse to send has to go out, and what it would
//! hide has to be seen.

mod http;
mod port;
mod socket;

use std::pin::Pin;

use acp_server::transport::child::{ChildHandle, ChildOutput, ChildSpec, Deadlines, SpawnError};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::core::stub::Arrived;

pub(crate) use http::Http;
pub use port::Offer;
pub(crate) use port::Port;
pub use socket::ConnectError;
pub(crate) use socket::Socket;

/// Lines of stderr that wait to be recorded; more are dropped.
const STDERR: usize = 1024;
/// Read at a time of what a client prints, in bytes.
const PRINTED: usize = 4096;

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
    /// The task of a subject in this process, whose end is its exit.
    pub(crate) task: Option<JoinHandle<()>>,
    /// How the agent was started, by a client that did.
    pub(crate) hello: Option<Value>,
    pub(crate) socket: Option<Socket>,
    pub(crate) http: Option<Http>,
}

impl Link {
    /// Over any two streams, of a subject in this process for example.
    pub fn over(source: impl AsyncRead + Send + 'static, sink: impl AsyncWrite + Send + 'static) -> Self {
        let (source, sink) = (Box::pin(source), Some(Box::pin(sink) as Sink));
        Self { source, sink, process: None, task: None, hello: None, socket: None, http: None }
    }

    /// This link, to the subject that the task is. The task's end is its exit.
    pub(crate) fn with_task(mut self, task: JoinHandle<()>) -> Self {
        self.task = Some(task);
        self
    }

    /// To the agent's end of a client that was started.
    pub(crate) fn client(arrived: Arrived, process: Process) -> Self {
        let Arrived { hello, source, sink } = arrived;
        let (process, hello) = (Some(process), Some(hello));
        Self { source, sink: Some(sink), process, task: None, hello, socket: None, http: None }
    }

    /// Starts a program and talks to its stdin and stdout. It ends, with all that it started, when the link is dropped.
    pub(crate) async fn start(spec: ChildSpec) -> Result<Self, SpawnError> {
        let (sender, stderr) = mpsc::channel(STDERR);
        // What is dropped at the limit is only missing in the transcript.
        let spec = spec.on_stderr(move |text| drop(sender.try_send(text.to_owned())));
        let (transport, handle) = spec.spawn().await?;
        let (source, sink) = transport.into_streams();
        let mut link = Self::over(source, sink);
        link.process = Some(Process { handle, stderr });
        Ok(link)
    }
}

/// A subject's process.
pub(crate) struct Process {
    pub(crate) handle: ChildHandle,
    pub(crate) stderr: mpsc::Receiver<String>,
}

impl Process {
    /// Starts a program that has nothing to read on its stdin. What it prints is kept as its stderr is.
    pub(crate) async fn start(spec: &ChildSpec) -> Result<Self, SpawnError> {
        let (sender, stderr) = mpsc::channel(STDERR);
        let (output, handle) = spec.spawn_captured().await?;
        tokio::spawn(printed(output, sender));
        Ok(Self { handle, stderr })
    }

    /// What it has printed so far, for whoever has to say why it did not start.
    pub(crate) fn said(&mut self) -> String {
        std::iter::from_fn(|| self.stderr.try_recv().ok()).collect()
    }
    /// Ends it: politely, then not.
    pub(crate) async fn end(&mut self) {
        let quick = std::time::Duration::from_millis(300);
        let deadlines = Deadlines { stdin_close: quick, term: quick, ..Deadlines::default() };
        self.handle.shutdown(deadlines).await;
    }
}

/// Passes on what a program prints until nobody can print any more.
async fn printed(mut output: ChildOutput, to: mpsc::Sender<String>) {
    let mut block = vec![0; PRINTED];
    while let Ok(read @ 1..) = output.read(&mut block).await {
        // What is dropped at the limit is only missing in the transcript.
        drop(to.try_send(String::from_utf8_lossy(&block[..read]).into_owned()));
    }
}
