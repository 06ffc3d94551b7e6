//! The one owner of a connection.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::trace;

use super::lookout::{Lookout, look};
use super::outbox::{Command, Queued};
use super::silence::{Due, Silence};
use crate::codec::Input;
use crate::config::Config;
use crate::proto::{CloseReason, Connection, Event, Rejection, RespondError, ResponseError, SendError};
use crate::telemetry::HOP;
use crate::transport::{FrameReader, FrameWriter, Reading, TransportError};

/// Taken from the queue at a time. Bounds how long one turn of the loop takes.
const COMMANDS: usize = 256;
/// Collected for the next write while one runs, in bytes. Together with the same amount being written it keeps a pipe
/// busy; more only costs memory.
const STAGED: usize = 256 * 1024;
/// Answers that the connection core made by itself may pile up to this, in bytes. A peer that sends nonsense and does
/// not read what we say to it is not read any further.
const UNREAD_ANSWERS: usize = 1024 * 1024;

/// Frames on their way out, with what has to happen once they are written.
#[derive(Default)]
struct Outgoing {
    frames: VecDeque<Bytes>,
    credit: usize,
    flushes: Vec<oneshot::Sender<()>>,
}

impl Outgoing {
    fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.flushes.is_empty() && self.credit == 0
    }

    fn written(&mut self, credit: &Semaphore) {
        credit.add_permits(std::mem::take(&mut self.credit));
        for flush in self.flushes.drain(..) {
            // Whoever asked may have lost interest.
            let _ = flush.send(());
        }
    }
}

/// What comes from the outboxes.
pub(super) struct Queue {
    pub(super) commands: mpsc::Receiver<Queued>,
    pub(super) credit: Arc<Semaphore>,
    /// Somebody wants the connection closed.
    pub(super) closing: CancellationToken,
    /// The last outbox is gone, which a full queue would tell only once it is taken.
    pub(super) released: CancellationToken,
}

pub(super) struct Task<R, W> {
    reader: R,
    writer: W,
    config: Config,
    connection: Connection,
    queue: Queue,
    commands_ended: bool,
    released: bool,
    batches: mpsc::Sender<Vec<Event>>,
    inbox_dropped: bool,
    events: Vec<Event>,
    event_bytes: usize,
    /// Filled while `writing` is written.
    staged: Outgoing,
    writing: Outgoing,
    /// Bytes among what is staged that the core sends by itself.
    answers: usize,
    /// The peer has stopped taking messages; what it still says is heard until then.
    linger: Option<Instant>,
    /// Nothing more is to be sent; what is queued is written until then.
    close_by: Option<Instant>,
    closing: Option<CloseReason>,
    silence: Option<Silence>,
    lookout: Lookout,
    /// A ping is to be written.
    ping: bool,
    finished: DropGuard,
}

/// What one turn of the loop was woken by.
enum Step {
    Delivered,
    InboxDropped,
    Written(Result<(), TransportError>),
    Commands(usize),
    Read(Result<Reading, TransportError>),
    Close,
    Released,
    Lingered,
    Overdue,
    Silent,
    InVain,
}

impl<R: FrameReader, W: FrameWriter> Task<R, W> {
    pub(super) fn new(
        reader: R,
        writer: W,
        mut connection: Connection,
        config: Config,
        queue: Queue,
        batches: mpsc::Sender<Vec<Event>>,
        finished: CancellationToken,
    ) -> Self {
        if reader.is_noisy() {
            connection.tolerate_noise();
        }
        Self {
            reader,
            writer,
            config,
            connection,
            queue,
            commands_ended: false,
            released: false,
            batches,
            inbox_dropped: false,
            events: Vec::new(),
            event_bytes: 0,
            staged: Outgoing::default(),
            writing: Outgoing::default(),
            answers: 0,
            linger: None,
            close_by: None,
            closing: None,
            silence: config.keep_alive.map(|limits| Silence::new(limits, Instant::now())),
            lookout: Lookout::default(),
            ping: false,
            finished: finished.drop_guard(),
        }
    }

    pub(super) async fn run(mut self) {
        let mut inputs = Vec::new();
        // Empty until something is sent: most of many connections say nothing.
        let mut queued = Vec::new();
        loop {
            self.collect();
            if self.closing.is_some() || self.all_said() {
                break;
            }
            match self.step(&mut inputs, &mut queued).await {
                Step::Delivered => {}
                Step::InboxDropped => {
                    self.inbox_dropped = true;
                    self.events = Vec::new();
                    self.event_bytes = 0;
                }
                Step::Written(Ok(())) => {
                    trace!(name: "written", target: HOP, "");
                    self.lookout.wrote(std::time::Instant::now());
                    self.ping = false;
                    self.writing.written(&self.queue.credit);
                }
                Step::Written(Err(error)) => self.stop_writing(&error),
                Step::Commands(0) => self.commands_ended = true,
                Step::Commands(_) => self.execute(&mut queued),
                Step::Read(outcome) => {
                    trace!(name: "read", target: HOP, "");
                    self.lookout.heard(std::time::Instant::now());
                    if let Some(silence) = &mut self.silence {
                        silence.heard(Instant::now());
                    }
                    self.take(&mut inputs);
                    self.after_read(outcome);
                }
                Step::Close => {
                    self.queue.commands.close();
                    self.close_by = Some(Instant::now() + self.config.close_timeout);
                }
                Step::Released => self.released = true,
                Step::Lingered => self.closing = Some(CloseReason::Peer),
                Step::Silent => self.silent(),
                Step::InVain => self.lookout.in_vain(),
                Step::Overdue => self.closing = Some(CloseReason::Local),
            }
        }
        // Boxed, so that a connection has no room for its end before that comes.
        Box::pin(self.finish()).await;
    }

    async fn step(&mut self, inputs: &mut Vec<Input>, queued: &mut Vec<Queued>) -> Step {
        let deliver = !self.events.is_empty() && !self.inbox_dropped;
        let write = !self.writing.is_empty() || self.ping;
        let command = !self.commands_ended && self.staged_bytes() < STAGED;
        let room = self.events.len() < self.config.inbox_events && self.event_bytes < self.config.inbox_bytes;
        let read = self.connection.is_open() && !self.inbox_dropped && room && self.answers < UNREAD_ANSWERS;
        let (linger, close_by) = (self.linger, self.close_by);
        let never = Instant::now();
        if !read && let Some(silence) = &mut self.silence {
            silence.heard(never);
        }
        let check = self.silence.as_ref().map(Silence::next).filter(|_| read);
        let until = self.lookout.until().filter(|_| read && !write && !deliver);
        tokio::select! {
            permit = self.batches.reserve(), if deliver => {
                let Ok(permit) = permit else { return Step::InboxDropped };
                permit.send(std::mem::take(&mut self.events));
                self.event_bytes = 0;
                Step::Delivered
            }
            outcome = self.writer.write(&mut self.writing.frames), if write => Step::Written(outcome),
            count = self.queue.commands.recv_many(queued, COMMANDS), if command => Step::Commands(count),
            outcome = self.reader.read(inputs), if read => Step::Read(outcome),
            () = self.queue.closing.cancelled(), if close_by.is_none() => Step::Close,
            () = self.queue.released.cancelled(), if !self.released => Step::Released,
            () = sleep_until(linger.unwrap_or(never)), if linger.is_some() => Step::Lingered,
            () = sleep_until(close_by.unwrap_or(never)), if close_by.is_some() => Step::Overdue,
            () = sleep_until(check.unwrap_or(never)), if check.is_some() => Step::Silent,
            () = look(until.unwrap_or_else(std::time::Instant::now)), if until.is_some() => Step::InVain,
            () = self.batches.closed(), if !deliver && !self.inbox_dropped => Step::InboxDropped,
        }
    }

    fn silent(&mut self) {
        let Some(silence) = &mut self.silence else { return };
        match silence.due(Instant::now()) {
            Due::Nothing => {}
            Due::Ping => {
                self.writer.ping();
                self.ping = true;
            }
            Due::GiveUp => {
                let limit = self.config.keep_alive.map_or(0, |limits| limits.lost.as_secs());
                let reason = format!("nothing was heard of the peer for {limit} s");
                self.closing = Some(CloseReason::Transport(reason));
            }
        }
    }

    /// Moves what the core has produced to where it goes.
    fn collect(&mut self) {
        let before = self.events.len();
        self.connection.take_events(&mut self.events);
        if self.reader.is_noisy() {
            self.hear_noise(before);
        }
        if self.inbox_dropped {
            self.events.clear();
        } else {
            self.event_bytes += self.events[before..].iter().map(Event::weight).sum::<usize>();
        }
        if self.writing.is_empty() {
            std::mem::swap(&mut self.writing, &mut self.staged);
            self.connection.take_frames(&mut self.writing.frames);
            self.answers = 0;
        }
    }

    /// Noise is the transport's affair: the application is not woken for each line of it.
    fn hear_noise(&mut self, from: usize) {
        let is_noise = |event: &Event| matches!(event, Event::Rejected { reason: Rejection::Noise { .. } });
        if !self.events[from..].iter().any(is_noise) {
            return;
        }
        for event in self.events.split_off(from) {
            match event {
                Event::Rejected { reason: Rejection::Noise { head } } => self.reader.noise(&head),
                event => self.events.push(event),
            }
        }
    }

    fn staged_bytes(&self) -> usize {
        self.staged.credit.max(self.connection.outgoing_bytes())
    }

    /// Everything queued is written, and nothing can follow or be heard. From the moment when nothing can follow, a
    /// peer that does not read has a deadline.
    fn all_said(&mut self) -> bool {
        let closed_here = self.queue.closing.is_cancelled();
        let heard_all = closed_here || !self.connection.is_open() || self.inbox_dropped;
        if !heard_all || !(self.commands_ended || self.released) {
            return false;
        }
        self.close_by.get_or_insert_with(|| Instant::now() + self.config.close_timeout);
        self.commands_ended
            && self.writing.is_empty()
            && self.staged.is_empty()
            && self.connection.outgoing_bytes() == 0
    }

    fn take(&mut self, inputs: &mut Vec<Input>) {
        let before = self.connection.outgoing_bytes();
        for input in inputs.drain(..) {
            match input {
                Input::Frame(frame) => self.connection.receive(frame),
                Input::Refused(refusal) => self.connection.refuse(refusal),
            }
        }
        self.answers += self.connection.outgoing_bytes() - before;
    }

    fn after_read(&mut self, outcome: Result<Reading, TransportError>) {
        let reason = match outcome {
            Ok(Reading::Open) => return,
            Ok(Reading::Ended(reason)) => reason,
            Err(error) => CloseReason::Transport(error.to_string()),
        };
        tracing::debug!(%reason, "input ended");
        if self.linger.is_some() || !matches!(reason, CloseReason::Peer) {
            // Only a stream with two independent directions can still take answers.
            self.closing = Some(reason);
        } else {
            self.connection.end_input(reason);
        }
    }

    /// The peer takes no more, but what it said before it left may still be on the way.
    fn stop_writing(&mut self, error: &TransportError) {
        tracing::debug!(%error, "output ended");
        self.queue.commands.close();
        self.commands_ended = true;
        self.writing.frames.clear();
        self.writing.credit = 0;
        self.writing.flushes.clear();
        if self.connection.is_open() && !self.inbox_dropped && self.close_by.is_none() {
            self.linger = Some(Instant::now() + self.config.linger);
        } else {
            self.closing = Some(CloseReason::Transport(error.to_string()));
        }
    }

    fn execute(&mut self, queued: &mut Vec<Queued>) {
        for Queued { command, credit } in queued.drain(..) {
            self.staged.credit += credit as usize;
            match command {
                Command::Frame(frame) => self.forward(frame),
                Command::Frames(frames) => frames.into_iter().for_each(|frame| self.forward(frame)),
                Command::Request { key, method, params } => {
                    if let Err(error) = self.connection.request(key, &method, Some(params.as_raw())) {
                        let outcome = Err(match error {
                            SendError::TooMany { limit } => ResponseError::TooMany { limit },
                            SendError::Closed | SendError::KeyInUse(_) => ResponseError::Closed,
                        });
                        self.report(Event::Response { key, outcome, ordinal: None });
                    }
                }
                Command::Respond { id, outcome } => {
                    let outcome = outcome.as_ref().map(acp_types::RawBuf::as_raw);
                    match self.connection.respond_raw(&id, outcome) {
                        // Nobody waits on a closed connection, which its events tell.
                        Ok(()) | Err(RespondError::Closed) => {}
                        Err(error) => tracing::warn!(%error, "an answer was not sent"),
                    }
                }
                Command::Cancel(key) => {
                    self.connection.cancel_request(key);
                }
                Command::Flush(done) => self.staged.flushes.push(done),
            }
        }
    }

    fn forward(&mut self, frame: Bytes) {
        // It fails on a closed connection only, which its events tell.
        let _ = self.connection.forward(frame);
    }

    fn report(&mut self, event: Event) {
        // What the core has reported so far came first.
        self.connection.take_events(&mut self.events);
        self.event_bytes += event.weight();
        self.events.push(event);
    }

    /// Writes what is left, lets go of the transport, and tells the application.
    async fn finish(mut self) {
        self.queue.commands.close();
        let close_by = self.close_by.unwrap_or_else(|| Instant::now() + self.config.close_timeout);
        let reason = self.closing.take().unwrap_or(CloseReason::Local);
        self.connection.close(reason.clone());
        let last_words = async {
            if self.linger.is_none() {
                self.writer.write(&mut self.writing.frames).await?;
                self.writing.written(&self.queue.credit);
                self.connection.take_frames(&mut self.staged.frames);
                self.writer.write(&mut self.staged.frames).await?;
                self.staged.written(&self.queue.credit);
            }
            self.writer.close(&reason).await?;
            if matches!(reason, CloseReason::TooLarge { .. }) {
                self.reader.discard().await;
            }
            Ok::<_, TransportError>(())
        };
        match timeout_at(close_by, last_words).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the connection broke while it was being closed"),
            Err(_) => tracing::debug!("the peer did not take the last messages in time"),
        }
        self.queue.credit.close();
        let Self { reader, writer, queue, mut connection, mut events, batches, finished, .. } = self;
        drop((reader, writer, queue, finished));
        connection.take_events(&mut events);
        if !events.is_empty() {
            // An inbox that is gone wants no events.
            let _ = batches.send(events).await;
        }
    }
}
