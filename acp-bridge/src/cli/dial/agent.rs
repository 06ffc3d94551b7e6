//! The agent: its process and its end of the link.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use acp_server::transport::Transport;
use acp_server::transport::child::{ChildHandle, ChildSpec, ChildTransport, Deadlines};
use acp_types::Raw;
use acp_types::method::v1;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use memchr::memmem;
use tokio::time::timeout;

use super::served::{Out, Served};
use crate::cli::exit::{Exit, coded};
use crate::host::Allowed;
use crate::remote_agent::protocol::{Broken, End, Exited, Frame, Hello, Open, Serve, Side};
use crate::remote_agent::transport::{MessagePump, PumpEvent, Socket};
use crate::session::HOST_TERMINAL;

/// Time that the bridge has to answer that the agent could not be started.
const HEARD: Duration = Duration::from_secs(2);
/// Notification by which agents say what they do.
const UPDATE: &str = v1::SessionUpdate::NAME;
/// Longest message, both ways.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;

type Reader = <ChildTransport as Transport>::Reader;
type Writer = <ChildTransport as Transport>::Writer;

/// An agent that runs, or has ended and the bridge has not heard of it yet.
pub(super) struct Agent {
    instance: String,
    process: Process,
    pump: MessagePump<Reader, Writer>,
    open: Open,
    served: Served,
}

/// Its process.
enum Process {
    Runs(ChildHandle),
    Stopping(BoxFuture<'static, Exited>),
    Ended(Exited),
}

/// Event that is not seen to here.
pub(super) enum Said {
    /// The bridge says what is no message.
    Frames(Vec<Frame>),
    /// The socket is gone.
    Lost,
}

impl Agent {
    /// Starts one, and connects it to the socket on which the bridge asked for it. If it does not start, the bridge is
    /// told as well.
    pub(super) async fn start(
        spec: &ChildSpec,
        instance: String,
        serve: Serve,
        allowed: Arc<Allowed>,
        mut socket: Socket,
    ) -> anyhow::Result<Self> {
        let (transport, handle) = match spec.spawn().await {
            Ok(started) => started,
            Err(error) => {
                let report = format!("could not be started: {error}");
                socket.tell(&Frame::Exited(Exited { instance, report: report.clone(), stderr: String::new() }));
                // The bridge closes when it has heard of it; one that does not is left.
                let _ = timeout(HEARD, async { while socket.next().await.is_some() {} }).await;
                return Err(coded(Exit::Unreachable, format!("the agent {report}")));
            }
        };
        let (reader, writer) = transport.split(MAX_MESSAGE);
        let mut pump = MessagePump::new(End::default(), reader, writer);
        if let Err(broken) = pump.connect(socket, 0, None) {
            // Not for an end that has sent nothing.
            tracing::error!(%broken, "a new link does not begin at its beginning");
        }
        let (open, served) = (Open::new(serve), Served::start(allowed));
        Ok(Self { instance, process: Process::Runs(handle), pump, open, served })
    }

    /// Returns whether this is its name.
    pub(super) fn is(&self, instance: &str) -> bool {
        self.instance == instance
    }

    /// Adds to a hello what a host needs to know of it.
    pub(super) fn describe(&self, hello: &mut Hello) {
        hello.instance = Some(self.instance.clone());
        hello.received = self.pump.end().taken();
        hello.acknowledged = self.pump.end().acknowledged();
        hello.calls = self.open.calls();
        hello.asked = self.open.asked();
    }

    /// Returns whether it has ever had a session.
    pub(super) fn has_served(&self) -> bool {
        self.served.is_open()
    }

    /// Its end, by itself or by our hand; `None` while it runs.
    pub(super) fn why_it_ended(&self) -> Option<String> {
        let Process::Ended(Exited { report, stderr, .. }) = &self.process else { return None };
        let stderr = stderr.trim();
        let said = if stderr.is_empty() { String::new() } else { format!("; its stderr ends: {stderr}") };
        Some(format!("the agent {report} before it had a session{said}"))
    }

    /// Connects it to another socket, of a host that has received so much of what it said.
    pub(super) fn connect(&mut self, socket: Socket, received: u64) -> Result<(), Broken> {
        self.pump.connect(socket, received, None)
    }

    /// Returns whether it has a socket.
    pub(super) fn is_connected(&self) -> bool {
        self.pump.is_connected()
    }

    /// Takes its socket away.
    pub(super) fn disconnect(&mut self) -> Option<Socket> {
        self.pump.disconnect()
    }

    /// Begins to stop it, politely or at once. The bridge is told of the end behind everything that it says until then.
    pub(super) fn begin_stop(&mut self, kill: bool) {
        match &self.process {
            Process::Runs(handle) if kill => handle.kill(),
            Process::Runs(_) => {}
            Process::Stopping(_) | Process::Ended(_) => return,
        }
        let instance = self.instance.clone();
        let ended = Exited { instance: instance.clone(), report: String::new(), stderr: String::new() };
        if let Process::Runs(mut handle) = std::mem::replace(&mut self.process, Process::Ended(ended)) {
            let stopping = async move {
                let report = handle.shutdown(Deadlines::default()).await.to_string();
                Exited { instance, report, stderr: handle.stderr_tail() }
            };
            self.process = Process::Stopping(stopping.boxed());
        }
    }

    /// Stops it and what it has started.
    pub(super) async fn stop(mut self) {
        self.begin_stop(false);
        if let Process::Stopping(ended) = self.process {
            ended.await;
        }
        self.served.stop().await;
    }

    /// Runs it until something happens that others see to. Cancel-safe.
    pub(super) async fn next(&mut self) -> Said {
        loop {
            tokio::select! {
                event = self.pump.next() => match event {
                    PumpEvent::Said(messages) => messages.iter().for_each(|message| self.says(message)),
                    PumpEvent::Ended => self.begin_stop(false),
                    PumpEvent::Lost => return Said::Lost,
                    PumpEvent::Came(frames) => {
                        let frames = self.hears(frames);
                        if !frames.is_empty() {
                            return Said::Frames(frames);
                        }
                    }
                },
                out = self.served.next() => match out {
                    Out::Answers(answers) => answers.into_iter().for_each(|answer| self.pump.give(answer)),
                    Out::Printed(params) => {
                        let update = acp_types::frame::notification(UPDATE, Some(params.as_raw()));
                        self.pump.say(update.as_bytes());
                    }
                },
                exited = ended(&mut self.process) => {
                    tracing::info!(instance = self.instance, report = exited.report, "the agent has ended");
                    self.served.end();
                    self.pump.conclude(&Frame::Exited(exited.clone()));
                    self.process = Process::Ended(exited);
                }
            }
            if self.pump.is_idle() {
                self.pump.settle(self.pump.end().taken());
            }
            self.open.acknowledged(self.pump.end().acknowledged());
        }
    }

    fn says(&mut self, message: &Bytes) {
        let side = self.open.side(message);
        if side != Side::Host {
            self.served.take(message.clone());
        }
        if let Some(params) = update_in(message) {
            self.served.said(params);
        }
        if side != Side::Services {
            let number = self.pump.say(message);
            self.open.agent_says(number, message);
            if let Some((session, params)) = self.open.take_opened() {
                self.served.open(session, &params);
            }
        }
    }

    /// Gives the agent its messages, and the rest back.
    fn hears(&mut self, frames: Vec<Frame>) -> Vec<Frame> {
        let mut rest = Vec::new();
        for frame in frames {
            match frame {
                Frame::Message { message, .. } => {
                    if self.open.host_says(&message) {
                        self.pump.give(message);
                    }
                }
                other => rest.push(other),
            }
        }
        rest
    }
}

/// The params of a `session/update`.
fn update_in(message: &[u8]) -> Option<Raw<'_>> {
    memmem::find(message, HOST_TERMINAL.as_bytes())?;
    match acp_types::frame::Frame::parse(message, &acp_types::frame::Limits::default()).ok()? {
        acp_types::frame::Frame::Notification(notification) if notification.method == UPDATE => notification.params,
        _ => None,
    }
}

/// Waits for the end of a process that is being stopped. Cancel-safe.
async fn ended(process: &mut Process) -> Exited {
    match process {
        Process::Stopping(ended) => ended.await,
        Process::Runs(_) | Process::Ended(_) => pending().await,
    }
}
