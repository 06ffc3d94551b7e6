//! Services next to the agent: files and commands, on a connection of their own within this process.

use std::collections::VecDeque;
use std::sync::Arc;

use acp_server::codec::Input;
use acp_server::proto::Event;
use acp_server::transport::memory::{self, MemoryReader, MemoryWriter};
use acp_server::transport::{FrameReader, FrameWriter, Transport};
use acp_server::{Inbox, Link, Outbox};
use acp_types::error::{ErrorCode, error};
use acp_types::{Raw, RawBuf};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::host::services::Services;
use crate::host::{Allowed, Limits};
use crate::remote_agent::transport::{StandIn, stand_in};

/// Messages on their way in each direction.
const CAPACITY: usize = 64;
/// Longest message, both ways.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// The agent's requests for files and commands go in, answers come out.
pub(super) struct Served {
    /// Paths that the agent may reach beside its session's directories.
    allowed: Arc<Allowed>,
    /// Time limit of the connection.
    asked: VecDeque<Bytes>,
    writer: MemoryWriter,
    reader: MemoryReader,
    inputs: Vec<Input>,
    outbox: Outbox,
    inbox: Inbox,
    /// The session of the agent, once it has one.
    services: Option<Services>,
    prints: Option<mpsc::Receiver<RawBuf>>,
    opened: bool,
}

/// Message that comes out.
pub(super) enum Out {
    /// Messages for the agent.
    Answers(Vec<Bytes>),
    /// Params of a `session/update`, as if the agent said it: what its commands print.
    Printed(RawBuf),
}

impl Served {
    /// Serves nothing yet.
    pub(super) fn start(allowed: Arc<Allowed>) -> Self {
        let (ours, theirs) = memory::pair(CAPACITY);
        let (reader, writer) = ours.split(MAX_MESSAGE);
        let Link { outbox, inbox } = acp_server::start(theirs, acp_server::Config::default());
        Self {
            allowed,
            asked: VecDeque::new(),
            writer,
            reader,
            inputs: Vec::new(),
            outbox,
            inbox,
            services: None,
            prints: None,
            opened: false,
        }
    }

    /// The agent has opened a session, which it knows by this id, with these params.
    pub(super) fn open(&mut self, session: String, params: &RawBuf) {
        self.opened = true;
        let (limits, allowed) = (Limits::default(), Arc::clone(&self.allowed));
        let (services, prints) = Services::start(limits, allowed, session, params.as_raw(), self.outbox.clone());
        (self.services, self.prints) = (Some(services), Some(prints));
    }

    /// The agent has said this in a `session/update`.
    pub(super) fn said(&self, params: Raw<'_>) {
        if let Some(services) = &self.services {
            services.said(params);
        }
    }

    /// Returns whether the agent has ever had one.
    pub(super) fn is_open(&self) -> bool {
        self.opened
    }

    /// Takes a request of the agent, or the withdrawal of one.
    pub(super) fn take(&mut self, message: Bytes) {
        self.asked.push_back(message);
    }

    /// Waits for answers to the agent, and for what its commands print. Cancel-safe.
    pub(super) async fn next(&mut self) -> Out {
        loop {
            tokio::select! {
                written = self.writer.write(&mut self.asked), if !self.asked.is_empty() => {
                    if written.is_err() {
                        self.asked.clear();
                    }
                }
                events = self.inbox.next_batch() => match events {
                    Some(events) => for event in events {
                        self.event(event);
                    },
                    None => return std::future::pending().await,
                },
                read = self.reader.read(&mut self.inputs) => {
                    let answers: Vec<_> = self.inputs.drain(..).map(frame).collect();
                    if read.is_err() || answers.is_empty() {
                        return std::future::pending().await;
                    }
                    return Out::Answers(answers);
                }
                Some(params) = printed(&mut self.prints) => return Out::Printed(params),
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Request(request) => {
                let refused = match &self.services {
                    Some(services) => {
                        let (method, params) = (request.method().to_owned(), request.params().map(Raw::to_owned));
                        let served = services.serve(request.id().clone(), method, params);
                        served
                            .map_err(|id| (id, "too many requests for files and terminals wait; wait for one of them"))
                    }
                    None => Err((request.id().clone(), "the agent has no session yet")),
                };
                if let Err((id, why)) = refused {
                    // It fits: there is room for as many answers as for requests.
                    let _ = self.outbox.try_respond(id, Err(error(ErrorCode::INTERNAL_ERROR, why, None)));
                }
            }
            Event::Cancelled { id, .. } => {
                if let Some(services) = &self.services {
                    services.withdraw(id);
                }
            }
            _ => {}
        }
    }

    /// Ends every command of the agent.
    pub(super) fn end(&mut self) {
        self.services = None;
    }

    /// Ends it as [`Self::end`] does, and waits for that.
    pub(super) async fn stop(self) {
        if let Some(services) = self.services {
            services.stop().await;
        }
    }
}

async fn printed(prints: &mut Option<mpsc::Receiver<RawBuf>>) -> Option<RawBuf> {
    match prints {
        Some(prints) => prints.recv().await,
        None => None,
    }
}

/// An answer for the agent. One that is too long is an error that says so: it is nobody's but the agent's.
fn frame(input: Input) -> Bytes {
    match input {
        Input::Frame(frame) => frame,
        Input::Refused(reason) => match stand_in(&reason) {
            StandIn::Peer(frame) | StandIn::Sender(frame) => frame,
        },
    }
}
