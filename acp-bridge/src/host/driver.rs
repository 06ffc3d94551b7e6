//! The task that drives one session.

use std::collections::HashMap;
use std::sync::Arc;

use acp_server::HOP;
use acp_types::record::Epoch;
use acp_types::record::body::AgentLink;
use acp_types::{Raw, RawBuf, RawError, RequestId, SessionId};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use tokio::sync::{Notify, mpsc, oneshot};
use tracing::trace;

use super::agent::Agent;
use super::agent_outbox::Message;
use super::agent_slot::{Coming, Returning};
use super::context::Context;
use super::door::Undone;
use super::inbox::Envelope;
use super::lane_agent::Happened;
use super::lane_tasks::Means;
use super::lanes::LaneAgents;
use super::{agent_events, idle, recovery, unlogged};
use crate::command::CommandAnswer;
use crate::log::LogError;
use crate::session::{CallId, Command, CommandId, Effect, FromAgent, Input, LaneState, Machine, Output, Reply};

/// Commands taken in one go; they share one commit.
const COMMAND_BATCH: usize = 64;

/// Commits of what agents said that run or wait: while the log makes one durable, the next one is made ready. A command
/// waits for all of them.
const COMMITS: usize = 2;

/// Why a session's task ended.
#[derive(Debug)]
pub(super) enum End {
    /// The host has lost it, or the bridge goes down.
    Done,
    /// It was deleted.
    Deleted,
    /// The log refused a write or another host has taken the session over.
    Lost(LogError),
}

/// What came of an append, and what was to be done after it.
type Committed = (Result<(), LogError>, Vec<(Arc<str>, u64)>, Vec<Effect>);

/// One session while this host owns it.
#[derive(Debug)]
pub(super) struct Driver {
    context: Context,
    session: SessionId,
    machine: Machine,
    out: Output,
    /// Handed to the log and not known to be durable, oldest first.
    commits: FuturesOrdered<BoxFuture<'static, Committed>>,
    lanes: LaneAgents,
    replies: HashMap<CommandId, oneshot::Sender<CommandAnswer>>,
    next_command: u64,
    /// Calls that there was no room for; the machine hears of them next.
    unsent: Vec<(Arc<str>, CallId)>,
    closed: bool,
    /// Since when its agents are idle, as the others of the host know it.
    idle_since: Option<u64>,
    /// When it was seen last that somebody looks on, so that idle agents stay.
    followed_at: u64,
    /// Its idle agents are to make room for others.
    rest: Arc<Notify>,
}

impl Driver {
    /// Claims a session that exists and closes what a crash left open.
    pub(super) async fn open(context: Context, session: SessionId) -> Result<Self, LogError> {
        let (machine, out) = recovery::open(&context.log, &context.member, &session, &context.config).await?;
        let mut driver = Self::new(context, session, machine, out, None);
        driver.flush().await?;
        Ok(driver)
    }

    /// Takes over a session that was just created, with the agent of `main` unless that dials in.
    pub(super) fn new(
        context: Context,
        session: SessionId,
        machine: Machine,
        out: Output,
        agent: Option<Agent>,
    ) -> Self {
        let (pool, stopping) = (Arc::clone(&context.pool), context.stopping.clone());
        let lanes = LaneAgents::new(Means { session: session.clone(), pool, stopping }, agent);
        Self {
            context,
            session,
            machine,
            out,
            commits: FuturesOrdered::new(),
            lanes,
            replies: HashMap::new(),
            next_command: 0,
            unsent: Vec::new(),
            closed: false,
            idle_since: None,
            followed_at: 0,
            rest: Arc::new(Notify::new()),
        }
    }

    /// Serves commands and the agent until the session is closed, lost, or the bridge goes down.
    /// `first` is taken before all others.
    pub(super) async fn serve(
        &mut self,
        first: Option<Box<Envelope>>,
        commands: &mut mpsc::Receiver<Box<Envelope>>,
    ) -> End {
        if let Some(envelope) = first {
            self.take(*envelope).await;
        }
        // A session that was just created may have effects waiting, such as the answer to an early request.
        if let Err(error) = self.flush().await {
            return End::Lost(error);
        }
        let (shutdown, clock) = (self.context.shutdown.clone(), self.context.config.clock);
        let mut batch = Vec::with_capacity(COMMAND_BATCH);
        loop {
            self.note_idle();
            // Only what agents say is taken while commits run; whatever may have effects on it finds all of them done.
            let settled = self.commits.is_empty();
            let hears = settled || self.commits.len() < COMMITS && !self.lanes.changing();
            let mut wait = true;
            tokio::select! {
                biased;
                () = shutdown.cancelled() => {
                    self.machine.shutdown(clock.now(), &mut self.out);
                    return self.flush().await.map_or_else(End::Lost, |()| End::Done);
                }
                taken = commands.recv_many(&mut batch, COMMAND_BATCH) => {
                    if taken == 0 {
                        return End::Done;
                    }
                    for envelope in batch.drain(..) {
                        self.take(*envelope).await;
                    }
                }
                () = clock.until(self.machine.deadline()) => self.handle(Input::Tick),
                () = clock.until(self.rest_at()) => self.rest().await,
                () = self.rest.notified() => self.rest().await,
                Some(committed) = self.commits.next() => {
                    wait = false;
                    if let Err(error) = self.committed(committed).await {
                        return End::Lost(error);
                    }
                }
                (lane, happened) = self.lanes.next(settled), if hears => {
                    wait = !matches!(happened, Happened::Said(_) | Happened::Printed(_));
                    self.happened(lane, happened);
                }
            }
            self.submit();
            if wait && let Err(error) = self.flush().await {
                return End::Lost(error);
            }
            if self.closed {
                return End::Deleted;
            }
        }
    }

    /// Tells the others of the host whether its agents could make room.
    fn note_idle(&mut self) {
        let idle = self.machine.idle_since();
        if idle != self.idle_since {
            self.context.pool.capacity().idle(&self.session, self.idle_since, idle, &self.rest);
            self.idle_since = idle;
        }
    }

    /// When its agents have been idle for long enough.
    fn rest_at(&self) -> Option<u64> {
        let limit = u64::try_from(self.context.config.agent_idle?.as_micros()).unwrap_or(u64::MAX);
        Some(self.machine.idle_since()?.max(self.followed_at).saturating_add(limit))
    }

    /// Stops its agents if nobody needs them. Those who look on are known to the log alone.
    async fn rest(&mut self) {
        if self.is_followed().await {
            self.followed_at = self.context.config.clock.now();
        } else {
            self.handle(Input::Rest);
        }
    }

    /// A log that cannot say counts as one with readers: what is in use is not stopped by mistake.
    async fn is_followed(&mut self) -> bool {
        self.context.log.is_followed(&self.session).await.unwrap_or(true)
    }

    /// The epoch in which it owns the session.
    pub(super) fn epoch(&self) -> Epoch {
        self.machine.epoch()
    }

    /// Lets go of the session; ready when the agents that were stopped are gone.
    pub(super) fn leave(mut self: Box<Self>) -> impl Future<Output = ()> + Send + use<> {
        self.lanes.leave()
    }

    async fn take(&mut self, envelope: Envelope) {
        if envelope.is_late() {
            return idle::late(envelope);
        }
        // Those who look on are known to the log alone.
        if matches!(envelope.command, Command::DeleteIdle { .. }) && self.is_followed().await {
            return idle::refuse(envelope);
        }
        let id = CommandId(self.next_command);
        self.next_command += 1;
        self.replies.insert(id, envelope.reply);
        self.handle(Input::Command { id, client: envelope.client, command: envelope.command });
    }

    fn handle(&mut self, input: Input) {
        self.machine.handle(self.context.config.clock.now(), input, &mut self.out);
    }

    fn hear(&mut self, lane: &Arc<str>, position: Option<u64>, event: FromAgent) {
        self.handle(Input::Agent { lane: Arc::clone(lane), position, event });
    }

    fn happened(&mut self, lane: Arc<str>, happened: Happened) {
        match happened {
            Happened::Started { started, position, early } => {
                self.hear(&lane, position, FromAgent::Started(started));
                self.said(&lane, early);
            }
            Happened::StartFailed(error) => {
                let why = error.to_string();
                self.hear(&lane, None, FromAgent::StartFailed { error });
                self.forget_if_left(&lane, &why);
            }
            Happened::Said(agent_events::Portion { said, over }) => {
                trace!(name: "heard", target: HOP, "");
                self.said(&lane, said);
                if over {
                    self.lanes.closed(&lane);
                }
            }
            Happened::Returned { has_prompt, asked } => {
                self.hear(&lane, None, FromAgent::Returned { has_prompt, asked });
            }
            Happened::NotBack => {
                let reason = "it did not come back after the bridge was started again".to_owned();
                self.hear(&lane, None, FromAgent::Exited { reason });
            }
            Happened::Printed(params) => self.hear(&lane, None, FromAgent::Update(params.into())),
            Happened::Exited(reason) => self.hear(&lane, None, FromAgent::Exited { reason }),
            Happened::Unsent(call) => self.unsent(&lane, call),
        }
    }

    fn said(&mut self, lane: &Arc<str>, said: Vec<agent_events::Said>) {
        for agent_events::Said { position, event } in said {
            self.hear(lane, position, event);
        }
    }

    /// Hands what the machine has recorded to the log; what it wants done waits until that is durable.
    fn submit(&mut self) {
        let Output { records, effects } = std::mem::take(&mut self.out);
        let heard = self.lanes.heard();
        if records.is_empty() && effects.is_empty() && heard.is_empty() {
            return;
        }
        trace!(name: "recorded", target: HOP, "");
        let (log, session) = (Arc::clone(&self.context.log), self.session.clone());
        self.commits.push_back(Box::pin(async move {
            let appended = if records.is_empty() { Ok(()) } else { log.append(&session, records).await };
            (appended, heard, effects)
        }));
    }

    fn unsent(&mut self, lane: &Arc<str>, call: CallId) {
        let error = RawError::from(Undone::Unread);
        self.hear(lane, None, FromAgent::Answered { call, outcome: Err(error.into_raw()) });
    }

    /// Appends what the machine has recorded, then does what it wants done, until nothing new comes of it.
    pub(super) async fn flush(&mut self) -> Result<(), LogError> {
        self.submit();
        while let Some(committed) = self.commits.next().await {
            self.committed(committed).await?;
            self.submit();
        }
        Ok(())
    }

    /// Does what waited for a commit.
    async fn committed(&mut self, (appended, heard, effects): Committed) -> Result<(), LogError> {
        if let Err(error) = appended {
            self.give_up(&error, effects).await;
            return Err(error);
        }
        for effect in effects {
            self.run(effect).await;
        }
        self.lanes.settle(&heard);
        for (lane, call) in std::mem::take(&mut self.unsent) {
            self.unsent(&lane, call);
        }
        Ok(())
    }

    async fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Reply { command, reply } => self.reply(command, reply),
            Effect::StartAgent { lane, plan } => self.lanes.bring(lane, Coming::Start(plan)),
            Effect::AwaitAgent { lane, link, received, call } => self.await_agent(lane, link, received, call),
            Effect::StopAgent { lane, kill } => {
                self.lanes.stop(&lane, kill);
                self.forget_if_left(&lane, "the lane was removed");
            }
            Effect::Call { lane, call, method, params } => {
                let params = for_agent(params);
                if let Some(serving) = self.lanes.get(&lane)
                    && !serving.call(call, method, params)
                {
                    self.unsent.push((lane, call));
                }
            }
            Effect::Notify { lane, method, params } => {
                self.tell(&lane, Message::Notification { method, params: for_agent(params) });
            }
            Effect::Respond { lane, id, answer } => {
                let answer = answer.map(RawBuf::into_well_formed).map_err(|error| raw_error(error.into_well_formed()));
                self.tell(&lane, Message::Answer { id, answer });
            }
            Effect::Serve { lane, id, method, params } => self.serve_agent(&lane, id, method, params),
            Effect::Unserve { lane, id } => {
                if let Some(services) = self.agent(&lane).and_then(|agent| agent.services.as_ref()) {
                    services.withdraw(id);
                }
            }
            Effect::KeepStart { params } => self.context.config.secrets.keep(&self.session, params).await,
            Effect::Delete { command } => {
                let deleted = idle::forget(&*self.context.log, &self.context.config.secrets, &self.session).await;
                self.closed = true;
                self.context.pool.registry().dismiss(&self.session, None, "the session was deleted");
                self.reply(command, deleted.map(|_| Reply::Done).map_err(|e| unlogged::failed(&e)));
            }
        }
    }

    /// Waits for an agent that the log says was there, and that has gone on since.
    fn await_agent(&mut self, lane: Arc<str>, link: AgentLink, received: u64, call: Option<CallId>) {
        let initialize = self.machine.state().created().map(|created| created.initialize.clone());
        let logged = self.machine.state().lane(&lane);
        let description = logged.and_then(LaneState::agent);
        let dialled = logged.is_some_and(|lane| lane.source().dials_in());
        let returning = Returning {
            link,
            call,
            initialize: initialize.unwrap_or_default(),
            description: description.map(|agent| agent.initialize.clone()).unwrap_or_default(),
            received,
            patient: dialled && call.is_some(),
            dialled,
        };
        self.lanes.bring(lane, Coming::Return(returning));
    }

    /// A lane that is no more leaves nothing here. Its agent's process, if any, is on its way out.
    fn forget_if_left(&mut self, lane: &str, why: &str) {
        if self.machine.state().lane(lane).is_none() {
            self.context.pool.registry().dismiss(&self.session, Some(lane), why);
            self.lanes.forget(lane);
        }
    }

    fn agent(&mut self, lane: &str) -> Option<&Agent> {
        self.lanes.get(lane)?.agent()
    }

    fn tell(&mut self, lane: &str, message: Message) {
        if let Some(serving) = self.lanes.get(lane) {
            serving.tell(message);
        }
    }

    /// Hands a request for files or commands to the agent's own services, which answer it.
    fn serve_agent(&mut self, lane: &str, id: RequestId, method: String, params: Option<RawBuf>) {
        let Some(agent) = self.agent(lane) else { return };
        if let Err((id, why)) = agent.serve(id, method, params) {
            self.tell(lane, Message::Answer { id, answer: Err(why.into()) });
        }
    }

    fn reply(&mut self, command: CommandId, reply: CommandAnswer) {
        if let Some(waiting) = self.replies.remove(&command) {
            // The gateway may have gone; nobody waits then.
            let _ = waiting.send(reply);
        }
    }

    /// The log refused a batch: nothing of it happened, and everybody who waits is told.
    async fn give_up(&mut self, error: &LogError, effects: Vec<Effect>) {
        let reason = match error {
            LogError::Unwritable { reason } => reason.clone(),
            other => other.to_string(),
        };
        self.context.log.fault(&self.session, &reason).await;
        for effect in effects {
            if let Effect::Reply { command, .. } | Effect::Delete { command } = effect {
                self.reply(command, Err(unlogged::failed(error)));
            }
        }
        for (_, waiting) in self.replies.drain() {
            let _ = waiting.send(Err(unlogged::failed(error)));
        }
        self.lanes.let_go(true);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.context.pool.capacity().idle(&self.session, self.idle_since, None, &self.rest);
        self.lanes.let_go(false);
    }
}

/// What a client sent, as an agent can read it: many refuse half a surrogate pair, and with it the whole message.
fn for_agent(params: Option<RawBuf>) -> RawBuf {
    params.map_or_else(|| RawBuf::from(Raw::EMPTY_OBJECT), RawBuf::into_well_formed)
}

/// An answer's error object; one that is none becomes an internal error.
fn raw_error(error: RawBuf) -> RawError {
    RawError::new(error).unwrap_or_else(|_| Undone::MalformedAnswer.into())
}
