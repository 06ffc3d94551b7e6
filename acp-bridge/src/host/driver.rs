//! The task that drives one session.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use acp_server::Closed;
use acp_server::proto::{Event, RequestKey};
use acp_types::record::body::AgentStarted;
use acp_types::{ErrorObjectOwned, Raw, RawBuf, RawError, SessionId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::agent::{Agent, failure};
use super::broker::Broker;
use super::{Config, clock, effects, opening};
use crate::log::{Answer, Envelope, LogError, SessionLog};
use crate::session::{CallId, CommandId, Effect, FromAgent, Input, Machine, Output, Reply, StartPlan};

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

type Opened = Result<(Agent, AgentStarted), ErrorObjectOwned>;

/// One session while this host owns it.
#[derive(Debug)]
pub(super) struct Driver {
    context: Context,
    session: SessionId,
    machine: Machine,
    out: Output,
    agent: Option<Agent>,
    calls: HashMap<RequestKey, CallId>,
    opening: Option<JoinHandle<Opened>>,
    stopped: Option<JoinHandle<()>>,
    replies: HashMap<CommandId, oneshot::Sender<Answer>>,
    next_command: u64,
    /// Calls that could not be given to the agent; the machine hears of them next.
    unsent: Vec<CallId>,
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

    /// Takes over a session that was just created.
    pub(super) fn new(
        context: Context,
        session: SessionId,
        machine: Machine,
        out: Output,
        agent: Option<Agent>,
    ) -> Self {
        Self {
            context,
            session,
            machine,
            out,
            agent,
            calls: HashMap::new(),
            opening: None,
            stopped: None,
            replies: HashMap::new(),
            next_command: 0,
            unsent: Vec::new(),
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
                opened = join(&mut self.opening) => self.opened(opened),
                events = next_batch(&mut self.agent) => self.agent_events(events).await,
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

    fn opened(&mut self, opened: Opened) {
        match opened {
            Ok((mut agent, started)) => {
                let early = std::mem::take(&mut agent.early);
                self.agent = Some(agent);
                self.handle(Input::Agent(FromAgent::Started(started)));
                for event in early {
                    self.agent_event(event);
                }
            }
            Err(error) => self.handle(Input::Agent(FromAgent::StartFailed { error })),
        }
    }

    async fn agent_events(&mut self, events: Option<Vec<Event>>) {
        let mut gone = events.is_none();
        for event in events.into_iter().flatten() {
            gone |= matches!(event, Event::Closed(_));
            self.agent_event(event);
        }
        if gone && let Some(mut agent) = self.agent.take() {
            self.calls.clear();
            let reason = agent.exit_reason().await;
            self.handle(Input::Agent(FromAgent::Exited { reason }));
        }
    }

    fn agent_event(&mut self, event: Event) {
        let calls = &mut self.calls;
        if let Some(input) = effects::from_agent(event, |key| calls.remove(&key)) {
            self.handle(Input::Agent(input));
        }
    }

    /// Appends what the machine has recorded, then does what it wants done, until nothing new comes of it.
    async fn flush(&mut self) -> Result<(), LogError> {
        loop {
            self.flush_once().await?;
            let unsent = std::mem::take(&mut self.unsent);
            if unsent.is_empty() {
                return Ok(());
            }
            for call in unsent {
                let error =
                    RawError::from(&failure("the agent does not read its input; cancel the turn, or try again"));
                self.handle(Input::Agent(FromAgent::Answered { call, outcome: Err(error.into_raw()) }));
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
            Effect::StartAgent(plan) => self.start_agent(plan),
            Effect::StopAgent { kill } => self.stop_agent(kill),
            Effect::Call { call, method, params } => self.call(call, &method, params).await,
            Effect::Notify { method, params } => {
                let params = params.unwrap_or_else(|| RawBuf::from(Raw::EMPTY_OBJECT));
                if let Some(agent) = &self.agent {
                    read_in_time(&method, agent.outbox.notify(&method, params)).await;
                }
            }
            Effect::Respond { id, answer } => {
                if let Some(agent) = &self.agent {
                    let answer = answer.map_err(raw_error);
                    read_in_time("answer", agent.outbox.respond_raw(id, answer)).await;
                }
            }
            Effect::Delete { command } => {
                let deleted = self.context.log.delete(&self.session).await;
                self.closed = true;
                self.reply(command, deleted.map(|_| Reply::Done).map_err(|e| failure(e.to_string())));
            }
        }
    }

    async fn call(&mut self, call: CallId, method: &str, params: Option<RawBuf>) {
        let Some(agent) = &self.agent else { return };
        let params = params.unwrap_or_else(|| RawBuf::from(Raw::EMPTY_OBJECT));
        let key = agent.outbox.reserve_key();
        // Known before it is sent: the answer may be there before the sending returns.
        self.calls.insert(key, call);
        if !read_in_time(method, agent.outbox.request_as(key, method, params)).await {
            self.calls.remove(&key);
            self.unsent.push(call);
        }
    }

    fn reply(&mut self, command: CommandId, reply: Answer) {
        if let Some(waiting) = self.replies.remove(&command) {
            // The gateway may have gone; nobody waits then.
            let _ = waiting.send(reply);
        }
    }

    fn start_agent(&mut self, plan: StartPlan) {
        let broker = Arc::clone(&self.context.broker);
        let stopped = self.stopped.take();
        self.opening = Some(tokio::spawn(async move {
            if let Some(stopped) = stopped {
                // Two processes on one agent session would damage it. A failed join means it is gone as well.
                let _ = stopped.await;
            }
            broker.reopen(&plan).await
        }));
    }

    fn stop_agent(&mut self, kill: bool) {
        if let Some(opening) = self.opening.take() {
            opening.abort();
        }
        self.calls.clear();
        if let Some(agent) = self.agent.take() {
            self.stopped = Some(self.context.stopping.spawn(async move {
                if kill {
                    agent.handle.kill();
                }
                agent.stop().await;
            }));
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
        self.stop_agent(true);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.stop_agent(false);
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

/// The next events of the agent; pending for ever when there is none.
async fn next_batch(agent: &mut Option<Agent>) -> Option<Vec<Event>> {
    match agent {
        Some(agent) => agent.inbox.next_batch().await,
        None => std::future::pending().await,
    }
}

/// The outcome of opening an agent; pending for ever when none is being opened. Cancel-safe.
async fn join(opening: &mut Option<JoinHandle<Opened>>) -> Opened {
    let Some(handle) = opening else { return std::future::pending().await };
    let opened = handle.await;
    *opening = None;
    opened.unwrap_or_else(|e| Err(failure(format!("starting the agent failed: {e}"))))
}
