//! Drives the translator of one session: the only place where a session meets I/O and time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acp_server::ClientPeer;
use acp_types::method::{Notification as _, v1 as method};
use acp_types::{Raw, RawBuf, frame, v1};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable, BoxFuture, FutureExt};
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::chosen::Chosen;
use super::fit::{self, fit};
use super::record::Recording;
use super::{Channel, FromHarness};
use crate::failure::Failure;
use crate::translate::{Answer, AskId, Effect, Effects, Input, Question, Reply, Request, RequestId, Timer, Translator};

/// From this many messages on that wait for the client or the harness, nothing more is read from the harness.
const BACKLOG: usize = 64;
/// How long a session that is closed may take to stop what runs, and then again to end.
const FAREWELL: Duration = Duration::from_secs(10);

/// The result of a request.
pub(super) type Outcome = Result<Answer, Failure>;

/// What the agent asks of a session's driver.
#[derive(Debug)]
pub(super) enum Command {
    Request { id: RequestId, request: Request, reply: oneshot::Sender<Outcome> },
    Cancel(RequestId),
    Stop,
}

/// What waits for the client, in order.
enum ToClient {
    Update(Bytes),
    Ask(AskId, Box<Question>),
    Answer(RequestId, Outcome),
}

type Answered = BoxFuture<'static, (AskId, Option<Reply>)>;

/// One open session.
pub(super) struct Driver<T> {
    pub(super) translator: T,
    pub(super) session: v1::SessionId,
    pub(super) client: ClientPeer,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) recording: Option<Recording>,
    /// What is in force; outlives the driver.
    chosen: Arc<Mutex<Chosen>>,
    state: State,
}

#[derive(Default)]
struct State {
    effects: Effects,
    to_client: VecDeque<ToClient>,
    to_harness: VecDeque<Bytes>,
    replies: HashMap<RequestId, oneshot::Sender<Outcome>>,
    /// Requests that choose something.
    choices: HashMap<RequestId, Request>,
    asks: FuturesUnordered<Answered>,
    asked: HashMap<AskId, AbortHandle>,
    timers: HashMap<Timer, Instant>,
    kill: bool,
    /// The request to close, once it came.
    closing: Option<RequestId>,
    /// Until when a session that is to be closed may take to stop what runs.
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
    ) -> Self {
        Self { translator, session, client, commands, recording, chosen, state: State::default() }
    }

    /// Runs until the session is closed or its harness gone. Nothing is said before `answered` fires; then come
    /// `updates`.
    pub(super) async fn run(
        mut self,
        mut channel: Channel,
        answered: CancellationToken,
        updates: Vec<v1::SessionUpdate>,
    ) {
        updates.into_iter().for_each(|update| self.update(update));
        let mut held = true;
        let mut exited = false;
        while !(self.state.closed || (exited && self.state.to_client.is_empty())) {
            let listening =
                !held && !exited && self.state.to_client.len() < BACKLOG && self.state.to_harness.len() < BACKLOG;
            let due = self.state.timers.iter().min_by_key(|(_, at)| **at).map(|(timer, at)| (*timer, *at));
            tokio::select! {
                () = answered.cancelled(), if held => held = false,
                command = self.commands.recv(), if self.state.closing.is_none() => self.command(command),
                line = channel.from.recv(), if listening => exited = self.line(line),
                Some((ask, reply)) = self.state.asks.next(), if !self.state.asks.is_empty() => self.replied(ask, reply),
                () = sleep_until(due.map_or_else(Instant::now, |(_, at)| at)), if due.is_some() => {
                    let Some((timer, _)) = due else { continue };
                    self.state.timers.remove(&timer);
                    self.step(Input::Fired { timer });
                }
                () = sleep_until(self.state.deadline.unwrap_or_else(Instant::now)), if self.state.deadline.is_some() => {
                    tracing::warn!("the harness does not stop; its session is closed all the same");
                    self.state.closed = true;
                }
                sent = front(&self.state.to_client, &self.client), if !held && !self.state.to_client.is_empty() => {
                    if let Some(out) = self.state.to_client.pop_front() {
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
            // Nobody can ask any more, which is as good as a close.
            None => self.state.closed = true,
        }
    }

    /// Whether it was the last.
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
        self.state.asked.remove(&ask);
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
                self.update(update);
            }
            Effect::Send(message) => state.to_harness.push_back(Bytes::from(message.as_str().to_owned())),
            Effect::Ask { ask, question } => match fitting(question) {
                Some(question) => state.to_client.push_back(ToClient::Ask(ask, Box::new(question))),
                None => {
                    tracing::error!("a question is too long for the client and cannot be cut; it is refused");
                    state.asks.push(std::future::ready((ask, Some(Reply::Failed))).boxed());
                }
            },
            Effect::Withdraw(ask) => {
                state.to_client.retain(|out| !matches!(out, ToClient::Ask(waiting, _) if *waiting == ask));
                if let Some(open) = state.asked.remove(&ask) {
                    open.abort();
                }
            }
            Effect::Answer { id, answer } => {
                if let (Some(request), Ok(_)) = (state.choices.remove(&id), &answer) {
                    self.chosen.lock().unwrap_or_else(PoisonError::into_inner).granted(&request);
                }
                state.to_client.push_back(ToClient::Answer(id, answer));
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

    fn update(&mut self, update: v1::SessionUpdate) {
        let notification = v1::SessionNotification::new(self.session.clone(), update);
        match written(&notification) {
            Some(frame) if frame.len() <= fit::MESSAGE => self.state.to_client.push_back(ToClient::Update(frame)),
            Some(_) => {
                for part in fit(notification.update) {
                    let frame = written(&v1::SessionNotification::new(self.session.clone(), part));
                    match frame.filter(|frame| frame.len() <= fit::LONGEST) {
                        Some(frame) => self.state.to_client.push_back(ToClient::Update(frame)),
                        None => tracing::error!("an update is too long for the client and cannot be cut; it is lost"),
                    }
                }
            }
            None => {}
        }
    }

    /// Goes on with what stood first in the queue; updates have been sent by then.
    fn hand_over(&mut self, out: ToClient, sent: Result<(), acp_server::Closed>) {
        if sent.is_err() {
            tracing::debug!("the client is gone");
        }
        match out {
            ToClient::Update(_) => {}
            ToClient::Ask(ask, question) => {
                let (abort, registration) = AbortHandle::new_pair();
                self.state.asked.insert(ask, abort);
                let asked = Abortable::new(put(self.client.clone(), *question), registration);
                let mut answered: Answered = asked.map(move |reply| (ask, reply.ok())).boxed();
                // Polled at once, so that the question is in the queue to the client before what follows it.
                if let Some((ask, reply)) = (&mut answered).now_or_never() {
                    self.replied(ask, reply);
                } else {
                    self.state.asks.push(answered);
                }
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

fn written(notification: &v1::SessionNotification) -> Option<Bytes> {
    let params = RawBuf::encode(notification)
        .inspect_err(|error| tracing::error!(%error, "an update cannot be written"))
        .ok()?;
    Some(Bytes::from(frame::notification(method::SessionUpdate::METHOD.name, Some(params.as_raw()))))
}

/// The question as the client can take it.
fn fitting(question: Question) -> Option<Question> {
    match question {
        Question::Permission(question) => fit(question).pop().map(Question::Permission),
        Question::Form(question) => fit(question).pop().map(Question::Form),
    }
}

/// Sends the first message if it is an update. Dropping the future sends nothing.
async fn front(queue: &VecDeque<ToClient>, client: &ClientPeer) -> Result<(), acp_server::Closed> {
    match queue.front() {
        Some(ToClient::Update(frame)) => client.peer().outbox().frame(frame.clone()).await,
        _ => Ok(()),
    }
}

/// Asks the client. Dropping the future takes the question back.
async fn put(client: ClientPeer, question: Question) -> Reply {
    let reply = match question {
        Question::Permission(question) => {
            client.request_permission(question).await.map(|response| Reply::Permission(response.outcome))
        }
        Question::Form(question) => client.peer().call::<method::CreateElicitation>(&question).await.map(Reply::Form),
    };
    reply.unwrap_or_else(|error| {
        tracing::info!(%error, "a question to the client has no answer");
        Reply::Failed
    })
}
