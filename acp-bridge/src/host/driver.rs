//! The task that drives one session.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use acp_server::Closed;
use acp_server::proto::Event;
use acp_types::record::Record;
use acp_types::{Raw, RawBuf, RawError, RequestId, SessionId};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::agent::{Agent, failure};
use super::broker::Broker;
use super::lanes::{Happened, LaneAgents};
use super::{Config, clock, effects, opening};
use crate::log::{Answer, Envelope, LogError, SessionLog};
use crate::session::{CallId, CommandId, Effect, FromAgent, Input, Machine, Output, Reply};

/// Commands taken in one go; they share one commit.
const COMMAND_BATCH: usize = 64;

/// How long a message to an agent waits when the agent has not read what was sent before. The session's other work,
/// a cancel among it, waits as long.
const AGENT_READS: Duration = Duration::from_secs(1);

/// What every session's task works with.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) log: Arc<dyn SessionLog>,
    pub(super) broker: Arc<Broker>,
    pub(super) config: Config,
    /// Agent processes on their way out.
    pub(super) stopping: TaskTracker,
    pub(super) shutdown: CancellationToken,
}

/// Why a session's task ended.
#[derive(Debug)]
pub(super) enum End {
    /// Closed, deleted, or the bridge goes down.
    Done,
    /// The log refused a write or another host has taken the session over.
    Lost(LogError),
}

/// One session while this host owns it.
#[derive(Debug)]
pub(super) struct Driver {
    context: Context,
    session: SessionId,
    machine: Machine,
    out: Output,
    lanes: LaneAgents,
    replies: HashMap<CommandId, oneshot::Sender<Answer>>,
    next_command: u64,
    /// What an effect has come to already; the machine hears of it next.
    unheard: Vec<(Arc<str>, FromAgent)>,
    closed: bool,
}

impl Driver {
    /// Claims a session that exists and closes what a crash left open.
    pub(super) async fn open(context: Context, session: SessionId) -> Result<Self, LogError> {
        let (machine, out) = opening::open(&context.log, &session, context.config.session.clone()).await?;
        let mut driver = Self::new(context, session, machine, out, None);
        driver.flush().await?;
        Ok(driver)
    }

    /// Takes over a session that was just created, with the agent of `main`.
    pub(super) fn new(
        context: Context,
        session: SessionId,
        machine: Machine,
        out: Output,
        agent: Option<Agent>,
    ) -> Self {
        let mut lanes = LaneAgents::default();
        if let Some(agent) = agent {
            lanes.of(Record::MAIN_LANE.into()).agent = Some(agent);
        }
        Self {
            context,
            session,
            machine,
            out,
            lanes,
            replies: HashMap::new(),
            next_command: 0,
            unheard: Vec::new(),
            closed: false,
        }
    }

    /// Serves commands and the agent until the session is closed, lost, or the bridge goes down.
    /// `first` is taken before all others.
    pub(super) async fn serve(&mut self, first: Option<Envelope>, commands: &mut mpsc::Receiver<Envelope>) -> End {
        if let Some(envelope) = first {
            self.take(envelope);
        }
        // A session that was just created may have effects waiting, such as the answer to an early request.
        if let Err(error) = self.flush().await {
            return End::Lost(error);
        }
        let shutdown = self.context.shutdown.clone();
        let mut batch = Vec::with_capacity(COMMAND_BATCH);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => {
                    self.machine.shutdown(clock::now(), &mut self.out);
                    return self.flush().await.map_or_else(End::Lost, |()| End::Done);
                }
                taken = commands.recv_many(&mut batch, COMMAND_BATCH) => {
                    if taken == 0 {
                        return End::Done;
                    }
                    for envelope in batch.drain(..) {
                        self.take(envelope);
                    }
                }
                () = clock::until(self.machine.deadline()) => self.handle(Input::Tick),
                (lane, happened) = self.lanes.next() => self.happened(lane, happened),
            }
            if let Err(error) = self.flush().await {
                return End::Lost(error);
            }
            if self.closed {
                return End::Done;
            }
        }
    }

    fn take(&mut self, envelope: Envelope) {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        self.replies.insert(id, envelope.reply);
        self.handle(Input::Command { id, client: envelope.client, command: envelope.command });
    }

    fn handle(&mut self, input: Input) {
        self.machine.handle(clock::now(), input, &mut self.out);
    }

    fn hear(&mut self, lane: &Arc<str>, event: FromAgent) {
        self.handle(Input::Agent { lane: Arc::clone(lane), position: None, event });
    }

    fn happened(&mut self, lane: Arc<str>, happened: Happened) {
        match happened {
            Happened::Opened(opened) => match *opened {
                Ok((mut agent, started)) => {
                    let early = std::mem::take(&mut agent.early);
                    self.lanes.of(Arc::clone(&lane)).agent = Some(agent);
                    self.hear(&lane, FromAgent::Started(started));
                    self.agent_events(&lane, early);
                }
                Err(error) => {
                    let why = error.message().to_owned();
                    self.hear(&lane, FromAgent::StartFailed { error });
                    self.forget_if_left(&lane, &why);
                }
            },
            Happened::Events(events) => {
                let gone = events.as_ref().is_none_or(|events| events.iter().any(|e| matches!(e, Event::Closed(_))));
                self.agent_events(&lane, events.unwrap_or_default());
                if gone {
                    self.lanes.of(lane).closed(&self.context.stopping);
                }
            }
            Happened::Exited(reason) => self.hear(&lane, FromAgent::Exited { reason }),
        }
    }

    fn agent_events(&mut self, lane: &Arc<str>, events: Vec<Event>) {
        for event in events {
            let call = |key| self.lanes.get(lane)?.calls.remove(&key);
            if let Some(event) = effects::from_agent(event, call) {
                self.hear(lane, event);
            }
        }
    }

    /// Appends what the machine has recorded, then does what it wants done, until nothing new comes of it.
    async fn flush(&mut self) -> Result<(), LogError> {
        loop {
            self.flush_once().await?;
            let unheard = std::mem::take(&mut self.unheard);
            if unheard.is_empty() {
                return Ok(());
            }
            for (lane, event) in unheard {
                self.hear(&lane, event);
            }
        }
    }

    async fn flush_once(&mut self) -> Result<(), LogError> {
        let Output { records, effects } = std::mem::take(&mut self.out);
        if !records.is_empty()
            && let Err(error) = self.context.log.append(&self.session, records).await
        {
            self.give_up(&error, effects);
            return Err(error);
        }
        for effect in effects {
            self.run(effect).await;
        }
        Ok(())
    }

    async fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Reply { command, reply } => self.reply(command, reply),
            Effect::StartAgent { lane, plan } => {
                let broker = Arc::clone(&self.context.broker);
                let place = (self.session.clone(), Arc::clone(&lane));
                self.lanes.of(lane).open(async move { broker.open(place, &plan).await });
            }
            Effect::AwaitAgent { lane, .. } => {
                let reason = "the host cannot wait for agents yet".to_owned();
                self.unheard.push((lane, FromAgent::Exited { reason }));
            }
            Effect::StopAgent { lane, kill } => {
                if let Some(serving) = self.lanes.get(&lane) {
                    serving.stop(kill, &self.context.stopping);
                }
                self.forget_if_left(&lane, "the lane was removed");
            }
            Effect::Call { lane, call, method, params } => self.call(lane, call, &method, params).await,
            Effect::Notify { lane, method, params } => {
                let params = params.unwrap_or_else(|| RawBuf::from(Raw::EMPTY_OBJECT));
                if let Some(agent) = self.agent(&lane) {
                    read_in_time(&method, agent.outbox.notify(&method, params)).await;
                }
            }
            Effect::Respond { lane, id, answer } => {
                if let Some(agent) = self.agent(&lane) {
                    let answer = answer.map_err(raw_error);
                    read_in_time("answer", agent.outbox.respond_raw(id, answer)).await;
                }
            }
            Effect::Serve { lane, id, method, params } => self.serve_agent(&lane, id, method, params).await,
            Effect::Unserve { lane, id } => {
                if let Some(services) = self.agent(&lane).and_then(|agent| agent.services.as_ref()) {
                    services.withdraw(id);
                }
            }
            Effect::Delete { command } => {
                let deleted = self.context.log.delete(&self.session).await;
                self.closed = true;
                self.context.broker.links().dismiss(&self.session, None, "the session was deleted");
                self.reply(command, deleted.map(|_| Reply::Done).map_err(|e| failure(e.to_string())));
            }
        }
    }

    /// A lane that is no more leaves nothing here. Its agent's process, if any, is on its way out.
    fn forget_if_left(&mut self, lane: &str, why: &str) {
        if self.machine.state().lane(lane).is_none() {
            self.context.broker.links().dismiss(&self.session, Some(lane), why);
            self.lanes.forget(lane);
        }
    }

    fn agent(&mut self, lane: &str) -> Option<&Agent> {
        self.lanes.get(lane)?.agent.as_ref()
    }

    /// Hands a request for files or commands to the agent's own services, which answer it.
    async fn serve_agent(&mut self, lane: &str, id: RequestId, method: String, params: Option<RawBuf>) {
        let Some(agent) = self.agent(lane) else { return };
        if let Err((id, error)) = agent.serve(id, method, params) {
            read_in_time("answer", agent.outbox.respond(id, Err(error))).await;
        }
    }

    async fn call(&mut self, lane: Arc<str>, call: CallId, method: &str, params: Option<RawBuf>) {
        let Some(serving) = self.lanes.get(&lane) else { return };
        let Some(agent) = &serving.agent else { return };
        let params = params.unwrap_or_else(|| RawBuf::from(Raw::EMPTY_OBJECT));
        let key = agent.outbox.reserve_key();
        // Known before it is sent: the answer may be there before the sending returns.
        serving.calls.insert(key, call);
        if !read_in_time(method, agent.outbox.request_as(key, method, params)).await {
            serving.calls.remove(&key);
            let error = RawError::from(&failure("the agent does not read its input; cancel the turn, or try again"));
            self.unheard.push((lane, FromAgent::Answered { call, outcome: Err(error.into_raw()) }));
        }
    }

    fn reply(&mut self, command: CommandId, reply: Answer) {
        if let Some(waiting) = self.replies.remove(&command) {
            // The gateway may have gone; nobody waits then.
            let _ = waiting.send(reply);
        }
    }

    /// The log refused a batch: nothing of it happened, and everybody who waits is told.
    fn give_up(&mut self, error: &LogError, effects: Vec<Effect>) {
        let reason = match error {
            LogError::Unwritable { reason } => reason.clone(),
            other => other.to_string(),
        };
        self.context.log.fault(&self.session, &reason);
        for effect in effects {
            if let Effect::Reply { command, .. } | Effect::Delete { command } = effect {
                self.reply(command, Err(failure(error.to_string())));
            }
        }
        for (_, waiting) in self.replies.drain() {
            let _ = waiting.send(Err(failure(error.to_string())));
        }
        self.lanes.stop_all(true, &self.context.stopping);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.lanes.stop_all(false, &self.context.stopping);
    }
}

/// Whether a message was taken before the agent's time to read was over. A closed connection counts as taken: the
/// agent's exit follows and says what is open.
async fn read_in_time(what: &str, sending: impl Future<Output = Result<(), Closed>>) -> bool {
    let taken = tokio::time::timeout(AGENT_READS, sending).await.is_ok();
    if !taken {
        tracing::warn!(what, "the agent does not read its input; a message to it was dropped");
    }
    taken
}

/// An answer's error object; one that is none becomes an internal error.
fn raw_error(error: RawBuf) -> RawError {
    RawError::new(error).unwrap_or_else(|_| RawError::from(&failure("the client answered with a malformed error")))
}
