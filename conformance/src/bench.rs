//! Benchmark of an agent, or of a server in front of one: time to a session, round trips, updates, and what a reader that
//! stalls costs.

mod memory;

use std::path::Path;
use std::time::{Duration, Instant};

use acp_server::proto::{Event, RequestKey};
use acp_server::transport::Lines;
use acp_server::types::RawBuf;
use acp_server::types::error::{ErrorCode, error};
use acp_server::{Config, Inbox, Outbox};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::core::link::{Http, Link, Process, Socket};
use crate::core::subject::{StartError, Subject};
use crate::prompts;

/// Work of one benchmark.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out")]
pub struct Load {
    /// Updates that the agent is asked for in one turn.
    pub updates: u64,
    /// Requests that are sent one after the other.
    pub requests: u64,
    /// Pause in which nothing is read while a turn writes; no such turn without it.
    pub stall: Option<Duration>,
    /// A prompt that makes the agent write, for one that does not know [`prompts::numbered`].
    pub prompt: Option<String>,
    /// Process whose memory is looked at; the started one by default.
    pub pid: Option<u32>,
    /// Until anything that is waited for has come.
    pub limit: Duration,
}

/// Results of a benchmark.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Figures {
    /// From the start to the answer to `initialize`, in milliseconds.
    pub ready_ms: f64,
    /// From there to the answer to `session/new`, in milliseconds.
    pub session_ms: f64,
    /// Round trip of a request that nobody knows, in microseconds: the median.
    pub round_trip_p50_us: u64,
    /// The same, of the slowest hundredth.
    pub round_trip_p99_us: u64,
    /// Updates of the turn.
    pub updates: u64,
    /// They came so many a second.
    pub updates_per_second: f64,
    /// Cost of a reader that stalled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stalled: Option<Stalled>,
}

/// Cost of a reader that stalled.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Stalled {
    /// Memory of the process before, in bytes. 0 where the system does not tell.
    pub before_bytes: u64,
    /// The most that it had while nothing was read.
    pub peak_bytes: u64,
    /// Updates that came once reading went on.
    pub updates: u64,
}

/// A measurement that came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The subject did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It ended.
    #[error("the subject ended before {0} was answered")]
    Ended(&'static str),
    /// It took too long.
    #[error("{what} was not answered within {} s", limit.as_secs())]
    Late {
        /// The event that was waited for.
        what: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// It refused.
    #[error("{what} was answered with {error}")]
    Refused {
        /// The request.
        what: &'static str,
        /// The error object.
        error: String,
    },
}

/// Measures one subject. Dropping the future ends it.
///
/// # Errors
/// When it does not start, ends, refuses what every agent does, or takes longer than the limit.
pub async fn run(subject: &Subject, directory: &Path, load: &Load) -> Result<Figures, BenchError> {
    let begun = Instant::now();
    let link = subject.open(directory, 0, load.limit).await?;
    let mut talk = Talk::over(link, load.limit);
    let params = json!({ "protocolVersion": 1, "clientCapabilities": {} });
    talk.call("initialize", &params).await?;
    let mut figures = Figures { ready_ms: millis(begun), ..Figures::default() };
    let asked = Instant::now();
    let session = talk.call("session/new", &json!({ "cwd": directory, "mcpServers": [] })).await?;
    figures.session_ms = millis(asked);
    let mut trips = Vec::new();
    for _ in 0..load.requests {
        let asked = Instant::now();
        // An error is as good an answer as any.
        let _ = talk.outcome("_conformance/ping", &json!({})).await?;
        trips.push(u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    trips.sort_unstable();
    let at = |share: usize| trips.get(trips.len() * share / 100).copied().unwrap_or_default();
    (figures.round_trip_p50_us, figures.round_trip_p99_us) = (at(50), at(99));
    let text = load.prompt.clone().unwrap_or_else(|| prompts::numbered(load.updates));
    let prompt = json!({ "sessionId": session["sessionId"], "prompt": [{ "type": "text", "text": text }] });
    let asked = Instant::now();
    talk.updates = 0;
    talk.call("session/prompt", &prompt).await?;
    figures.updates = talk.updates;
    figures.updates_per_second = talk.updates as f64 / asked.elapsed().as_secs_f64();
    if let Some(stall) = load.stall {
        figures.stalled = Some(talk.stall(&prompt, stall, load.pid).await?);
    }
    talk.end().await;
    Ok(figures)
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// One connection.
struct Talk {
    outbox: Outbox,
    inbox: Inbox,
    process: Option<Process>,
    /// Held for as long as the connection is wanted.
    _held: (Option<Socket>, Option<Http>),
    limit: Duration,
    /// Updates since it was last set to zero.
    updates: u64,
}

impl Talk {
    fn over(link: Link, limit: Duration) -> Self {
        let Link { source, sink, process, socket, http, .. } = link;
        let sink = sink.unwrap_or_else(|| Box::pin(tokio::io::sink()));
        let acp_server::Link { outbox, inbox } = acp_server::start(Lines::new(source, sink), Config::default());
        Self { outbox, inbox, process, _held: (socket, http), limit, updates: 0 }
    }

    async fn call(&mut self, method: &'static str, params: &Value) -> Result<Value, BenchError> {
        let answer = self.outcome(method, params).await?;
        answer.map_err(|error| BenchError::Refused { what: method, error })
    }

    /// Result, or error object as text.
    async fn outcome(&mut self, method: &'static str, params: &Value) -> Result<Result<Value, String>, BenchError> {
        let params = RawBuf::encode(params).map_err(|_| BenchError::Ended(method))?;
        let key = self.outbox.request(method, params).await.map_err(|_| BenchError::Ended(method))?;
        self.answer(method, key).await
    }

    async fn answer(&mut self, what: &'static str, wanted: RequestKey) -> Result<Result<Value, String>, BenchError> {
        let limit = self.limit;
        timeout(limit, self.until(wanted))
            .await
            .map_err(|_| BenchError::Late { what, limit })?
            .ok_or(BenchError::Ended(what))
    }

    async fn until(&mut self, wanted: RequestKey) -> Option<Result<Value, String>> {
        let mut found = None;
        while found.is_none() {
            for event in self.inbox.next_batch().await? {
                match event {
                    Event::Notification(notification) if notification.method() == "session/update" => self.updates += 1,
                    Event::Request(request) => {
                        let refusal = error(ErrorCode::METHOD_NOT_FOUND, "a measurement serves nothing", None);
                        // An agent that is gone shows at the next batch.
                        let _ = self.outbox.respond(request.id().clone(), Err(refusal)).await;
                    }
                    Event::Response { key, outcome, .. } if key == wanted => {
                        found = Some(match outcome {
                            Ok(payload) => Ok(payload.raw().decode().unwrap_or_default()),
                            Err(error) => Err(error.to_string()),
                        });
                    }
                    Event::Closed(_) => return found,
                    _ => {}
                }
            }
        }
        found
    }

    /// Lets a turn write to nobody for a while, then reads it.
    async fn stall(&mut self, prompt: &Value, stall: Duration, pid: Option<u32>) -> Result<Stalled, BenchError> {
        let pid = pid.or_else(|| self.process.as_ref().and_then(|process| process.handle.id()));
        let before_bytes = memory::of(pid);
        let what = "session/prompt";
        let params = RawBuf::encode(prompt).map_err(|_| BenchError::Ended(what))?;
        self.updates = 0;
        let key = self.outbox.request(what, params).await.map_err(|_| BenchError::Ended(what))?;
        let begun = Instant::now();
        let mut peak_bytes = before_bytes;
        while begun.elapsed() < stall {
            tokio::time::sleep(Duration::from_millis(50)).await;
            peak_bytes = peak_bytes.max(memory::of(pid));
        }
        let answer = self.answer(what, key).await?;
        answer.map_err(|error| BenchError::Refused { what, error })?;
        Ok(Stalled { before_bytes, peak_bytes, updates: self.updates })
    }

    async fn end(self) {
        let Self { outbox, inbox, process, _held, .. } = self;
        outbox.close().await;
        drop(inbox);
        if let Some(mut process) = process {
            process.end().await;
        }
    }
}
