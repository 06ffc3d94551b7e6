//! The one owner of a connection.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::trace;

use super::inbox::{Delivery, Room};
use super::life::Life;
use super::lookout::{Lookout, look};
use super::outbox::{Command, Queued};
use super::sending::Sending;
use super::silence::{Due, Silence};
use crate::codec::Input;
use crate::config::Config;
use crate::proto::{CloseReason, Connection, Event, Rejection, RespondError, ResponseError, SendError};
use crate::telemetry::HOP;
use crate::transport::{FrameReader, FrameWriter, Reading, TransportError};

/// Taken from the queue at a time. Bounds how long one turn of the loop takes.
const COMMANDS: usize = 256;

/// Queue of what comes from the outboxes.
pub(super) struct Queue {
    pub(super) commands: mpsc::Receiver<Queued>,
    pub(super) credit: Arc<Semaphore>,
    /// Fires when somebody wants the connection closed.
    pub(super) closing: CancellationToken,
    /// Fires when the last outbox is gone, which a full queue would tell only once it is taken.
    pub(super) released: CancellationToken,
}

pub(super) struct Task<R, W> {
    reader: R,
    writer: W,
    config: Config,
    connection: Connection,
    queue: Queue,
    life: Life,
    sending: Sending,
    delivery: Delivery,
    silence: Option<Silence>,
    lookout: Lookout,
    finished: DropGuard,
}

/// Event that wakes the loop for one turn.
enum Step {
    /// The inbox has been emptied, or dropped.
    Inbox,
    Written(Result<(), TransportError>),
    Commands(usize),
    Read(Result<Reading, TransportError>),
    Close,
    Released,
    Late,
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
        delivery: Delivery,
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
            life: Life::Open,
            sending: Sending::default(),
            delivery,
            silence: config.keep_alive.map(|limits| Silence::new(limits, Instant::now())),
            lookout: Lookout::default(),
            finished: finished.drop_guard(),
        }
    }

    pub(super) async fn run(mut self) {
        let mut inputs = Vec::new();
        // Empty until something is sent: most of many connections say nothing.
        let mut queued = Vec::new();
        let reason = loop {
            self.collect();
            if self.all_said() {
                break CloseReason::Local;
            }
            let step = self.step(&mut inputs, &mut queued).await;
            if let ControlFlow::Break(reason) = self.take_step(step, &mut inputs, &mut queued) {
                break reason;
            }
        };
        // Boxed, so that a connection has no room for its end before that comes.
        Box::pin(self.finish(reason)).await;
    }

    fn take_step(&mut self, step: Step, inputs: &mut Vec<Input>, queued: &mut Vec<Queued>) -> ControlFlow<CloseReason> {
        match step {
            Step::Inbox => {}
            Step::Written(Ok(())) => {
                trace!(name: "written", target: HOP, "");
                self.lookout.wrote(std::time::Instant::now());
                self.sending.written(&self.queue.credit);
            }
            Step::Written(Err(error)) => return self.stop_writing(&error),
            Step::Commands(0) => self.life.all_taken(),
            Step::Commands(_) => self.execute(queued),
            Step::Read(outcome) => {
                trace!(name: "read", target: HOP, "");
                self.lookout.heard(std::time::Instant::now());
                if let Some(silence) = &mut self.silence {
                    silence.heard(Instant::now());
                }
                self.take(inputs);
                return self.after_read(outcome);
            }
            Step::Close => {
                self.queue.commands.close();
                self.life.close(Instant::now() + self.config.close_timeout);
            }
            Step::Released => self.life.released(),
            Step::Silent => return self.silent(),
            Step::InVain => self.lookout.in_vain(),
            Step::Late if self.life.is_broken() => return ControlFlow::Break(CloseReason::Peer),
            Step::Late => return ControlFlow::Break(CloseReason::Local),
        }
        ControlFlow::Continue(())
    }

    async fn step(&mut self, inputs: &mut Vec<Input>, queued: &mut Vec<Queued>) -> Step {
        let write = !self.life.is_broken() && self.sending.wants_to_write();
        let command = self.life.takes_commands() && self.sending.takes_more(&self.connection);
        let room = self.delivery.room(&self.config);
        let read = self.connection.is_open() && room == Room::Free && self.sending.is_read();
        let close = !matches!(self.life, Life::Closing { .. });
        let deadline = self.life.deadline();
        let never = Instant::now();
        if !read && let Some(silence) = &mut self.silence {
            silence.heard(never);
        }
        let check = self.silence.as_ref().map(Silence::next).filter(|_| read);
        let until = self.lookout.until().filter(|_| read && !write);
        tokio::select! {
            () = self.delivery.changed(), if room != Room::Gone => Step::Inbox,
            outcome = self.writer.write(&mut self.sending.batch), if write => Step::Written(outcome),
            count = self.queue.commands.recv_many(queued, COMMANDS), if command => Step::Commands(count),
            outcome = self.reader.read(inputs), if read => Step::Read(outcome),
            () = self.queue.closing.cancelled(), if close => Step::Close,
            () = self.queue.released.cancelled(), if self.life == Life::Open => Step::Released,
            () = sleep_until(deadline.unwrap_or(never)), if deadline.is_some() => Step::Late,
            () = sleep_until(check.unwrap_or(never)), if check.is_some() => Step::Silent,
            () = look(until.unwrap_or_else(std::time::Instant::now)), if until.is_some() => Step::InVain,
        }
    }

    fn silent(&mut self) -> ControlFlow<CloseReason> {
        let Some(silence) = &mut self.silence else { return ControlFlow::Continue(()) };
        match silence.due(Instant::now()) {
            Due::Nothing => {}
            Due::Ping => {
                self.writer.ping();
                self.sending.ping();
            }
            Due::GiveUp => {
                let limit = self.config.keep_alive.map_or(0, |limits| limits.lost.as_secs());
                let reason = format!("nothing was heard of the peer for {limit} s");
                return ControlFlow::Break(CloseReason::Transport(reason));
            }
        }
        ControlFlow::Continue(())
    }

    /// Moves what the core has produced to where it goes.
    fn collect(&mut self) {
        let reader = &mut self.reader;
        // Noise is the transport's affair.
        let noise = reader.is_noisy().then_some(|event: &Event| match event {
            Event::Rejected { reason: Rejection::Noise { head } } => {
                reader.noise(head);
                true
            }
            _ => false,
        });
        self.delivery.collect(&mut self.connection, noise);
        self.sending.next_batch(&mut self.connection);
        if self.life.is_broken() {
            self.sending.drop_batch();
        }
    }

    /// Returns whether everything queued is written, and nothing can follow or be heard. From the moment when nothing can follow, a
    /// peer that does not read has a deadline.
    fn all_said(&mut self) -> bool {
        let closed_here = self.queue.closing.is_cancelled();
        let heard_all = closed_here || !self.is_heard();
        if !heard_all || self.life == Life::Open {
            return false;
        }
        self.life.close(Instant::now() + self.config.close_timeout);
        !self.life.takes_commands() && self.sending.is_done(&self.connection)
    }

    /// Returns whether the peer may still say something that somebody takes.
    fn is_heard(&self) -> bool {
        self.connection.is_open() && !self.delivery.is_gone()
    }

    fn take(&mut self, inputs: &mut Vec<Input>) {
        let before = self.connection.outgoing_bytes();
        for input in inputs.drain(..) {
            match input {
                Input::Frame(frame) => self.connection.receive(frame),
                Input::Refused(refusal) => self.connection.refuse(refusal),
            }
        }
        self.sending.answered(self.connection.outgoing_bytes() - before);
    }

    fn after_read(&mut self, outcome: Result<Reading, TransportError>) -> ControlFlow<CloseReason> {
        let reason = match outcome {
            Ok(Reading::Open) => return ControlFlow::Continue(()),
            Ok(Reading::Ended(reason)) => reason,
            Err(error) => CloseReason::Transport(error.to_string()),
        };
        tracing::debug!(%reason, "input ended");
        if self.life.is_broken() || !matches!(reason, CloseReason::Peer) {
            // Only a stream with two independent directions can still take answers.
            return ControlFlow::Break(reason);
        }
        self.connection.end_input(reason);
        ControlFlow::Continue(())
    }

    /// Ends output: the peer takes no more, but what it said before it left may still be on the way.
    fn stop_writing(&mut self, error: &TransportError) -> ControlFlow<CloseReason> {
        tracing::debug!(%error, "output ended");
        self.queue.commands.close();
        self.sending.drop_batch();
        if !self.is_heard() || self.life.break_off(Instant::now() + self.config.linger) {
            return ControlFlow::Break(CloseReason::Transport(error.to_string()));
        }
        ControlFlow::Continue(())
    }

    fn execute(&mut self, queued: &mut Vec<Queued>) {
        for Queued { command, credit } in queued.drain(..) {
            self.sending.took(credit);
            match command {
                Command::Frame(frame) => self.forward(frame),
                Command::Frames(frames) => frames.into_iter().for_each(|frame| self.forward(frame)),
                Command::Request { key, method, params } => {
                    if let Err(error) = self.connection.request(key, &method, Some(params.as_raw())) {
                        let outcome = Err(match error {
                            SendError::TooMany { limit } => ResponseError::TooMany { limit },
                            SendError::Closed | SendError::KeyInUse(_) => ResponseError::Closed,
                        });
                        let event = Event::Response { key, outcome, ordinal: None };
                        self.delivery.report(&mut self.connection, event);
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
                Command::Flush(done) => self.sending.flush(done),
            }
        }
    }

    fn forward(&mut self, frame: Bytes) {
        // It fails on a closed connection only, which its events tell.
        let _ = self.connection.forward(frame);
    }

    /// Writes what is left, lets go of the transport, and tells the application.
    async fn finish(mut self, reason: CloseReason) {
        self.queue.commands.close();
        let close_by = match self.life {
            Life::Closing { by, .. } => by,
            _ => Instant::now() + self.config.close_timeout,
        };
        self.connection.close(reason.clone());
        let last_words = async {
            if !self.life.is_broken() {
                self.writer.write(&mut self.sending.batch).await?;
                self.sending.written(&self.queue.credit);
                self.sending.next_batch(&mut self.connection);
                self.writer.write(&mut self.sending.batch).await?;
                self.sending.written(&self.queue.credit);
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
        let Self { reader, writer, queue, mut connection, delivery, finished, .. } = self;
        drop((reader, writer, queue, finished));
        delivery.collect(&mut connection, None::<fn(&Event) -> bool>);
    }
}
