//! Drives the translator of one session: the only place where a session meets I/O and time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acp_server::ClientPeer;
use acp_types::{Raw, v1};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::channel::{Channel, FromHarness};
use super::children::Children;
use super::chosen::Chosen;
use super::client_queue::{ClientQueue, RequestResult, ToClient};
use super::questions::Questions;
use super::record::Recording;
use crate::failure::Failure;
use crate::translate::{Answer, AskId, Effect, Effects, Input, Reply, Request, RequestId, Timer, Translator};

/// Limit of messages that wait for the client or the harness. At the limit, the harness is no longer read.
const BACKLOG: usize = 64;
/// Time limit of a session that is closed to stop its work, and then again to end.
const FAREWELL: Duration = Duration::from_secs(10);

/// A command of the agent to a session's driver.
#[derive(Debug)]
pub(super) enum Command {
    Request { id: RequestId, request: Request, reply: oneshot::Sender<RequestResult> },
    Cancel(RequestId),
    Stop,
    StopChild(v1::SessionId),
}

/// One open session.
pub(super) struct Driver<T> {
    translator: T,
    client: ClientPeer,
    commands: mpsc::Receiver<Command>,
    recording: Option<Recording>,
    /// The options in force. They outlive the driver.
    chosen: Arc<Mutex<Chosen>>,
    children: Children,
    queue: ClientQueue,
    questions: Questions,
    state: State,
}

#[derive(Default)]
struct State {
    effects: Effects,
    to_harness: VecDeque<Bytes>,
    replies: HashMap<RequestId, oneshot::Sender<RequestResult>>,
    /// Requests that choose an option.
    choices: HashMap<RequestId, Request>,
    timers: HashMap<Timer, Instant>,
    kill: bool,
    /// The request to close, once it came.
    closing: Option<RequestId>,
    /// Deadline of a session that is to be closed.
    deadline: Option<Instant>,
    closed: bool,
}

impl<T: Translator> Driver<T> {
    pub(super) fn new(
        translator: T,
        session: v1::SessionId,
        client: ClientPeer,
        commands: mpsc::Receiver<Command>,
        recording: Option<Recording>,
        chosen: Arc<Mutex<Chosen>>,
        children: Children,
    ) -> Self {
        let queue = ClientQueue::new(session);
        let (questions, state) = (Questions::default(), State::default());
        Self { translator, client, commands, recording, chosen, children, queue, questions, state }
    }

    /// Runs until the session is closed or its harness gone. Nothing is said before `answered` fires; then come
    /// `updates`.
    pub(super) async fn run(
        mut self,
        mut channel: Channel,
        answered: CancellationToken,
        updates: Vec<v1::SessionUpdate>,
    ) {
        updates.into_iter().for_each(|update| self.queue.update(None, update));
        let mut held = true;
        let mut exited = false;
        while !(self.state.closed || (exited && self.queue.is_empty())) {
            let listening = !held && !exited && self.queue.len() < BACKLOG && self.state.to_harness.len() < BACKLOG;
            let due = self.state.timers.iter().min_by_key(|(_, at)| **at).map(|(timer, at)| (*timer, *at));
            tokio::select! {
                () = answered.cancelled(), if held => held = false,
                command = self.commands.recv(), if self.state.closing.is_none() => self.command(command),
                line = channel.from.recv(), if listening => exited = self.line(line),
                Some((ask, reply)) = self.questions.next(), if !self.questions.is_empty() => self.replied(ask, reply),
                () = sleep_until(due.map_or_else(Instant::now, |(_, at)| at)), if due.is_some() => {
                    let Some((timer, _)) = due else { continue };
                    self.state.timers.remove(&timer);
                    self.step(Input::Fired { timer });
                }
                () = sleep_until(self.state.deadline.unwrap_or_else(Instant::now)), if self.state.deadline.is_some() => {
                    tracing::warn!("the harness does not stop; its session is closed all the same");
                    self.state.closed = true;
                }
                sent = self.queue.send_first(&self.client), if !held && !self.queue.is_empty() => {
                    if let Some(out) = self.queue.pop() {
                        self.hand_over(out, sent);
                    }
                }
                slot = channel.to.reserve(), if !exited && !self.state.to_harness.is_empty() => match slot {
                    Ok(slot) => {
                        if let Some(message) = self.state.to_harness.pop_front() {
                            slot.send(message);
                        }
                    }
                    Err(_) => self.state.to_harness.clear(),
                },
            }
            if std::mem::take(&mut self.state.kill) {
                (channel.kill)();
            }
        }
        // Whoever asks from now on is told that the session is not open.
        self.commands.close();
        if timeout(FAREWELL, (channel.shutdown)()).await.is_err() {
            tracing::warn!("the harness did not end in time");
        }
        if let Some(reply) = self.state.closing.and_then(|id| self.state.replies.remove(&id)) {
            // Nobody has to wait for it.
            let _ = reply.send(Ok(Answer::Done));
        }
    }

    fn command(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Request { id, request, reply }) => {
                if request == Request::Close {
                    self.state.closing = Some(id);
                    self.state.deadline = Some(Instant::now() + FAREWELL);
                }
                if matches!(request, Request::SetMode(_) | Request::SetConfig { .. }) {
                    self.state.choices.insert(id, request.clone());
                }
                self.state.replies.insert(id, reply);
                self.step(Input::Request { id, request });
            }
            Some(Command::Cancel(id)) => self.step(Input::Cancel { id }),
            Some(Command::Stop) => self.step(Input::Stop),
            Some(Command::StopChild(child)) => self.step(Input::StopChild(child)),
            // Nobody can ask any more, which is as good as a close.
            None => self.state.closed = true,
        }
    }

    /// Takes a message of the harness; true if it was the last.
    fn line(&mut self, line: Option<FromHarness>) -> bool {
        match line {
            Some(FromHarness::Line(line)) => {
                let text = String::from_utf8_lossy(&line);
                match Raw::parse(&text) {
                    Ok(message) => self.step(Input::Native(message.to_owned())),
                    Err(error) => {
                        tracing::warn!(%error, "a line of the harness is not JSON and was skipped");
                        if let Some(message) = T::unreadable(&text) {
                            self.step(Input::Native(message));
                        }
                    }
                }
                false
            }
            Some(FromHarness::Exited(failure)) => {
                self.step(Input::Exited(failure));
                true
            }
            None => {
                let failure = Failure::new(crate::FailureKind::Harness, "the harness is gone; load the session again");
                self.step(Input::Exited(failure));
                true
            }
        }
    }

    fn replied(&mut self, ask: AskId, reply: Option<Reply>) {
        if let Some(answer) = reply {
            self.step(Input::Answered { ask, answer });
        }
    }

    fn step(&mut self, input: Input) {
        if let Some(recording) = &mut self.recording
            && let Err(error) = recording.input(&input)
        {
            tracing::warn!(%error, "the recording ends here");
            self.recording = None;
        }
        let mut effects = std::mem::take(&mut self.state.effects);
        self.translator.step(input, &mut effects);
        for effect in effects.take() {
            self.perform(effect);
        }
        self.state.effects = effects;
    }

    fn perform(&mut self, effect: Effect) {
        let state = &mut self.state;
        match effect {
            Effect::Update(update) => {
                self.chosen.lock().unwrap_or_else(PoisonError::into_inner).told(&update);
                self.children.told(&update);
                self.queue.update(None, update);
            }
            Effect::Child { session, update } => {
                self.children.told(&update);
                self.queue.update(Some(session), update);
            }
            Effect::Send(message) => state.to_harness.push_back(Bytes::from(message.as_str().to_owned())),
            Effect::Ask { ask, question } => {
                if !self.queue.ask(ask, question) {
                    tracing::error!("a question is too long for the client and cannot be cut; it is refused");
                    self.questions.fail(ask);
                }
            }
            Effect::Withdraw(ask) => {
                self.queue.withdraw(ask);
                self.questions.withdraw(ask);
            }
            Effect::Answer { id, answer } => {
                if let (Some(request), Ok(_)) = (state.choices.remove(&id), &answer) {
                    self.chosen.lock().unwrap_or_else(PoisonError::into_inner).granted(&request);
                }
                self.queue.answer(id, answer);
            }
            Effect::Arm { timer, after } => {
                state.timers.insert(timer, Instant::now() + after);
            }
            Effect::Disarm(timer) => {
                state.timers.remove(&timer);
            }
            Effect::Kill => state.kill = true,
        }
    }

    /// Goes on with the message that stood first in the queue. An update has been sent by then.
    fn hand_over(&mut self, out: ToClient, sent: Result<(), acp_server::Closed>) {
        if sent.is_err() {
            tracing::debug!("the client is gone");
        }
        match out {
            ToClient::Update(_) => {}
            ToClient::Ask(ask, question) => {
                let reply = self.questions.ask(&self.client, ask, *question);
                self.replied(ask, reply);
            }
            ToClient::Answer(id, _) if self.state.closing == Some(id) => self.state.closed = true,
            ToClient::Answer(id, answer) => {
                if let Some(reply) = self.state.replies.remove(&id) {
                    // The request may have been dropped with its connection.
                    let _ = reply.send(answer);
                }
            }
        }
    }
}
