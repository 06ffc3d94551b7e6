//! A harness as a child process that reads and writes one JSON message per line.

use std::collections::VecDeque;
use std::time::Duration;

use acp_server::codec::Input;
use acp_server::transport::child::{ChildHandle, ChildSpec, ChildTransport, Deadlines};
use acp_server::transport::{FrameReader, FrameWriter, Reading, Transport};
use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::channel::{Channel, FromHarness};
use crate::failure::{Failure, FailureKind};

/// The longest line accepted, in bytes; harnesses put whole files and images into one. Longer ones are skipped.
const LINE: usize = 16 * 1024 * 1024;
/// Messages that wait on each way. Little, because one can be long; a full queue stops the sender.
const QUEUE: usize = 16;
/// Length of the end of stderr that goes into an error, in bytes.
const STDERR: usize = 4 * 1024;
/// Time limit of a process that closed its stdout to end before it is killed.
const LINGER: Duration = Duration::from_secs(5);
/// Time limit of each way to stop it.
const STOP: Deadlines =
    Deadlines { stdin_close: Duration::from_secs(3), term: Duration::from_secs(2), kill: Duration::from_secs(5) };

#[derive(Debug)]
enum Order {
    Kill,
    Stop(oneshot::Sender<()>),
}

/// A running harness. Dropping it kills the process and everything that it started.
#[derive(Debug)]
pub struct Process {
    /// Messages to its stdin.
    pub to: mpsc::Sender<Bytes>,
    /// Messages from its stdout.
    pub from: mpsc::Receiver<FromHarness>,
    orders: mpsc::Sender<Order>,
    tasks: JoinSet<()>,
}

impl Process {
    /// Starts it. `who` is its name in messages.
    ///
    /// # Errors
    /// When it cannot be started; the failure says what to do.
    pub async fn start(spec: &ChildSpec, who: &str) -> Result<Self, Failure> {
        let (transport, handle) = spec.spawn().await.map_err(|error| {
            Failure::new(FailureKind::Unavailable, format!("{who}: {error}"))
                .with("program", spec.program().display().to_string())
        })?;
        let (reader, writer) = ChildTransport::split(transport, LINE);
        let (to, to_child) = mpsc::channel(QUEUE);
        let (from_child, from) = mpsc::channel(QUEUE);
        let (orders, taken) = mpsc::channel(4);
        let (ended, end) = oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(write(writer, to_child));
        tasks.spawn(read(reader, from_child, end, orders.downgrade()));
        tasks.spawn(keep(handle, taken, ended, who.to_owned()));
        Ok(Self { to, from, orders, tasks })
    }

    /// Kills it at once when called; its end is reported as always.
    pub fn killer(&self) -> Box<dyn Fn() + Send + Sync> {
        let orders = self.orders.clone();
        // A full queue holds an order to kill or to stop already.
        Box::new(move || drop(orders.try_send(Order::Kill)))
    }

    /// Ends it: closes its stdin, then SIGTERM, then SIGKILL, each with a deadline.
    pub async fn shutdown(self) {
        let Self { orders, mut tasks, from, to } = self;
        // Nobody reads any more; a harness that waits for a reader would not see the end of its stdin.
        drop((from, to));
        let (done, wait) = oneshot::channel();
        if orders.send(Order::Stop(done)).await.is_ok() {
            // The sender is lost only when the process is.
            let _ = wait.await;
        }
        tasks.shutdown().await;
    }

    /// The process as the channel of its only session.
    #[must_use]
    pub fn into_channel(mut self) -> Channel {
        let kill = self.killer();
        let to = self.to.clone();
        let (_, empty) = mpsc::channel(1);
        let from = std::mem::replace(&mut self.from, empty);
        Channel { to, from, kill, shutdown: Box::new(move || self.shutdown().boxed()) }
    }
}

async fn write(mut writer: impl FrameWriter, mut messages: mpsc::Receiver<Bytes>) {
    let mut frames = VecDeque::new();
    while let Some(message) = messages.recv().await {
        frames.push_back(message);
        while frames.len() < QUEUE
            && let Ok(message) = messages.try_recv()
        {
            frames.push_back(message);
        }
        if let Err(error) = writer.write(&mut frames).await {
            // Its end is reported by whoever reads.
            tracing::debug!(%error, "the harness takes no more messages");
            return;
        }
    }
}

async fn read(
    mut reader: impl FrameReader,
    to: mpsc::Sender<FromHarness>,
    end: oneshot::Receiver<Failure>,
    orders: mpsc::WeakSender<Order>,
) {
    let mut inputs = Vec::new();
    loop {
        let reading = reader.read(&mut inputs).await;
        for input in inputs.drain(..) {
            match input {
                // When nobody listens any more, the rest is still read, so that the process can end.
                Input::Frame(line) => drop(to.send(FromHarness::Line(line)).await),
                Input::Refused(refusal) => {
                    tracing::warn!(?refusal, "a message of the harness was skipped");
                    // It is no message, and whoever waits for it has to know.
                    drop(to.send(FromHarness::Line(Bytes::from_static(b"a line that was skipped"))).await);
                }
            }
        }
        if !matches!(reading, Ok(Reading::Open)) {
            break;
        }
    }
    tokio::pin!(end);
    let mut failure = timeout(LINGER, &mut end).await;
    if failure.is_err()
        && let Some(orders) = orders.upgrade()
    {
        drop(orders.try_send(Order::Kill));
        failure = Ok(end.await);
    }
    let failure = failure.ok().and_then(Result::ok);
    let failure = failure.unwrap_or_else(|| Failure::new(FailureKind::Harness, "the harness ended, nobody knows how"));
    drop(to.send(FromHarness::Exited(failure)).await);
}

/// Owns the process until its end.
async fn keep(
    mut handle: ChildHandle,
    mut orders: mpsc::Receiver<Order>,
    ended: oneshot::Sender<Failure>,
    who: String,
) {
    let mut end = Box::pin(handle.watch());
    let report = loop {
        tokio::select! {
            report = &mut end => break report,
            order = orders.recv() => match order {
                Some(Order::Kill) => handle.kill(),
                Some(Order::Stop(done)) => {
                    let report = handle.shutdown(STOP).await;
                    drop(done);
                    break report;
                }
                None => break handle.shutdown(STOP).await,
            },
        }
    };
    let tail = handle.stderr_tail();
    let from = (tail.len().saturating_sub(STDERR)..).find(|at| tail.is_char_boundary(*at)).unwrap_or(tail.len());
    let tail = &tail[from..];
    let mut failure = Failure::new(FailureKind::Harness, format!("{who} {report}; the next prompt starts it again"))
        .with("exitCode", report.code)
        .with("signal", report.signal);
    if !tail.trim().is_empty() {
        failure = failure.with("stderr", tail.trim());
    }
    // Nobody may be there to read it.
    let _ = ended.send(failure);
}
