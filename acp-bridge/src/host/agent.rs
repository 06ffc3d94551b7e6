//! Agent process: its connection and the calls that are made before a session's driver takes it over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use acp_server::proto::{Event, RequestKey, ResponseError};
use acp_server::transport::Transport;
use acp_server::{Inbox, Link, Outbox};
use acp_types::method::v1;
use acp_types::{Raw, RawBuf, RequestId};
use tokio::sync::mpsc;

use super::capacity::CapacityPermit;
use super::door::{self, Undone};
use super::process::Process;
use super::services::Services;
use super::silence::{self, GivenUp, MOST};
use crate::session::{LastWords, Refusal, clean_outcome, unsupported_version};

/// Events kept while a call of ours is in flight. Of more, requests are refused; the rest is dropped with a warning, which
/// only costs updates of an unopened session.
const MAX_EARLY: usize = 256;

/// An agent process that has answered `initialize`.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) process: Process,
    pub(super) outbox: Outbox,
    pub(super) inbox: Inbox,
    /// Params of its `initialize`: what it was told about the client.
    pub(super) initialize: RawBuf,
    /// Answer to that.
    pub(super) description: RawBuf,
    /// Events from before anybody listened, oldest first.
    pub(super) early: Vec<Event>,
    /// Services for files and commands, once it has a session.
    pub(super) services: Option<Services>,
    /// Params of updates that tell what its commands print.
    pub(super) prints: Option<mpsc::Receiver<RawBuf>>,
    /// The number of its last message before those of this connection, if it is at the other end of a link.
    pub(super) base: Option<u64>,
    /// The ordinal of the message that answered the last call, and of that which opened its session.
    pub(super) answered: Option<u64>,
    pub(super) opened: Option<u64>,
    /// Test for early events that are not worth keeping, while a session is being restored.
    pub(super) drop_early: Option<fn(&Event) -> bool>,
    /// Permit to run, if this host has started it.
    permit: Option<CapacityPermit>,
    /// Batches of what it said, while a call of ours is in flight.
    batches: Arc<AtomicU64>,
}

/// Reason why a call to an agent came to nothing.
#[derive(Debug)]
pub(super) enum CallError {
    /// The agent answered with this error object.
    Agent(RawBuf),
    /// No answer came, and the process is of no more use.
    Lost(Refusal),
    /// The agent had its time, and was stopped.
    Late(Refusal),
}

impl CallError {
    /// Refusal for the client.
    pub(super) fn into_refusal(self) -> Refusal {
        match self {
            Self::Agent(error) => Refusal::Agent { error },
            Self::Lost(refusal) | Self::Late(refusal) => refusal,
        }
    }
}

impl Agent {
    /// Initializes a process that has just been started.
    pub(super) async fn begin(
        process: Process,
        transport: impl Transport,
        initialize: RawBuf,
        timeout: Duration,
    ) -> Result<Self, Refusal> {
        let link = acp_server::start(transport, acp_server::Config::default());
        let mut agent = Self {
            outbox: link.outbox,
            inbox: link.inbox,
            description: RawBuf::from(Raw::NULL),
            initialize: initialize.clone(),
            early: Vec::new(),
            services: None,
            prints: None,
            base: matches!(process, Process::Remote(_)).then_some(0),
            answered: None,
            opened: None,
            drop_early: None,
            permit: None,
            batches: Arc::default(),
            process,
        };
        match agent.call(v1::Initialize::NAME, Some(initialize), Some(timeout)).await {
            Ok(description) => {
                if let Some(version) = unsupported_version(description.as_raw()) {
                    agent.process.kill();
                    return Err(Refusal::AgentVersion { version: version.to_owned() });
                }
                agent.description = description;
                Ok(agent)
            }
            Err(e) => {
                agent.process.kill();
                Err(e.into_refusal())
            }
        }
    }

    /// Goes on with one that an earlier host has started. `base` is the number of its last message that is in the log.
    pub(super) fn resume(process: Process, link: Link, initialize: RawBuf, description: RawBuf, base: u64) -> Self {
        Self {
            process,
            outbox: link.outbox,
            inbox: link.inbox,
            initialize,
            description,
            early: Vec::new(),
            services: None,
            prints: None,
            base: Some(base),
            answered: None,
            opened: None,
            drop_early: None,
            permit: None,
            batches: Arc::default(),
        }
    }

    /// The agent with its permit to run.
    pub(super) fn placed(mut self, permit: Option<CapacityPermit>) -> Self {
        self.permit = permit;
        self
    }

    /// Sends a request and waits for its answer; what else the agent says meanwhile is kept in `early`.
    pub(super) async fn call(
        &mut self,
        method: &str,
        params: Option<RawBuf>,
        timeout: Option<Duration>,
    ) -> Result<RawBuf, CallError> {
        let (written, batches) = (self.process.written(), Arc::clone(&self.batches));
        let count = || written().saturating_add(batches.load(Ordering::Relaxed));
        let answer = async {
            let params = params.map_or_else(|| RawBuf::from(Raw::EMPTY_OBJECT), RawBuf::into_well_formed);
            match self.outbox.request(method, params).await {
                Ok(key) => self.answer_to(key).await,
                Err(_) => None,
            }
        };
        let answer = match timeout {
            Some(limit) => match silence::unless_silent(answer, limit, count).await {
                Ok(answer) => answer,
                Err(given_up) => {
                    self.process.kill();
                    return Err(CallError::Late(too_late(method, limit, given_up, self.last_words())));
                }
            },
            None => answer.await,
        };
        match answer {
            Some(Ok(result)) => Ok(result),
            Some(Err(error)) => Err(CallError::Agent(error)),
            None => {
                let exit = self.exit_reason().await;
                Err(CallError::Lost(Refusal::AgentExited { method: method.to_owned(), exit }))
            }
        }
    }

    async fn answer_to(&mut self, wanted: RequestKey) -> Option<Result<RawBuf, RawBuf>> {
        while let Some(batch) = self.inbox.next_batch().await {
            self.batches.fetch_add(1, Ordering::Relaxed);
            let mut found = None;
            for event in batch {
                let ordinal = event.ordinal();
                match event {
                    Event::Response { key, outcome, .. } if key == wanted => {
                        self.answered = ordinal;
                        found = Some(match outcome {
                            Ok(payload) => Some(clean_outcome(Ok(payload.raw().to_owned()))),
                            Err(ResponseError::Peer(error)) => Some(clean_outcome(Err(error.into_raw()))),
                            Err(ResponseError::Closed) => None,
                            Err(other) => Some(Err(door::unanswered(&other))),
                        });
                    }
                    Event::Closed(_) => return found.flatten(),
                    other => self.keep(other),
                }
            }
            if let Some(answer) = found {
                return answer;
            }
        }
        None
    }

    fn keep(&mut self, event: Event) {
        if self.drop_early.is_some_and(|unwanted| unwanted(&event)) {
            return;
        }
        if self.early.len() < MAX_EARLY {
            self.early.push(event);
            return;
        }
        if let Event::Request(request) = event {
            let why = Undone::Early { max: MAX_EARLY };
            // Whoever does not read its input either is given up when the call is.
            let _ = self.outbox.try_respond(request.id().clone(), Err(why.into()));
        } else {
            tracing::warn!("a message of an agent that has no session yet is lost: {MAX_EARLY} came before it");
        }
    }

    /// Waits for the process to be gone and says how it ended, with the end of its stderr.
    pub(super) async fn exit_reason(&mut self) -> String {
        // Its commands go with it.
        drop(self.services.take());
        let report = self.process.shutdown().await;
        format!("{report}{}", self.last_words())
    }

    /// Stops the process politely: stdin closed, then TERM, then KILL.
    pub(super) async fn stop(self) {
        // Its place is free once it is gone.
        let Self { mut process, outbox, inbox, services, prints, permit: _permit, .. } = self;
        // Nobody takes what is printed any more.
        drop(prints);
        drop((outbox, inbox));
        if let Some(services) = services {
            services.stop().await;
        }
        process.shutdown().await;
    }

    /// Lets go of an agent that runs on without this host.
    pub(super) fn leave(self) {
        let Self { process, .. } = self;
        process.leave();
    }

    /// The number that a message of this ordinal has on its link; `None` for a child.
    pub(super) fn position(&self, ordinal: Option<u64>) -> Option<u64> {
        Some(self.base? + ordinal?)
    }

    /// Serves a request for files or commands; the error is what the agent is to be told instead.
    pub(super) fn serve(
        &self,
        id: RequestId,
        method: String,
        params: Option<RawBuf>,
    ) -> Result<(), (RequestId, Undone)> {
        let Some(services) = &self.services else { return Err((id, Undone::NoSession)) };
        services.serve(id, method, params).map_err(|id| (id, Undone::ServicesBusy))
    }

    /// The end of its stderr, and of what it wrote to stdout that was no message.
    fn last_words(&self) -> LastWords {
        LastWords::new(&self.process.stderr_tail(), &self.process.noise())
    }
}

fn too_late(method: &str, limit: Duration, given_up: GivenUp, words: LastWords) -> Refusal {
    let (method, limit_ms) = (method.to_owned(), millis(limit));
    match given_up {
        GivenUp::Silent => Refusal::AgentSilent { method, limit_ms, words },
        GivenUp::TooLong => Refusal::AgentSlow { method, limit_ms, times: MOST, words },
    }
}

/// A time as a refusal names it.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
