//! An open connection to a subject, whatever carries it.

use std::pin::Pin;

use acp_server::transport::child::{ChildSpec, SpawnError};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::handle::{Http, Socket};
use super::process::{Process, STDERR};

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
    /// The agent's own report of how a client started it.
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

    /// To the agent's end of a client that was started, whose agent said `hello`.
    pub(crate) fn client(source: Source, sink: Sink, hello: Value, process: Process) -> Self {
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
