//! Driver: the task of one session.

use std::sync::Arc;

use acp_server::HOP;
use acp_types::record::Epoch;
use acp_types::{RawBuf, SessionId};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use tokio::sync::mpsc;
use tracing::trace;

use super::agent::Agent;
use super::agent_slot::Coming;
use super::context::{Context, SessionLogic};
use super::envelope::{Envelope, Replies};
use super::idle::{self, IdleWatch};
use super::lane_agent::Happened;
use super::lane_tasks::Means;
use super::lanes::LaneAgents;
use super::{agent_traffic, door, recovery, unlogged};
use crate::log::LogError;
use crate::session::{CallId, Command, Effect, Input, Machine, Output, Refusal, Reply};

/// Commands taken in one go; they share one commit.
const COMMAND_BATCH: usize = 64;

/// Commits of what agents said that run or wait: while the log makes one durable, the next one is made ready. A command
/// waits for all of them.
const COMMITS: usize = 2;

/// End of a session's task.
#[derive(Debug)]
pub(super) enum End {
    /// The host has lost the session, or the bridge goes down.
    Done,
    /// The session was deleted.
    Deleted,
    /// The log refused a write or another host has taken the session over.
    Lost(LogError),
}

/// Result of an append, and what was to be done after it.
type Committed = (Result<(), LogError>, Vec<(Arc<str>, u64)>, Vec<Effect>);

/// A session while this host owns it.
#[derive(Debug)]
pub(super) struct Driver {
    context: Context,
    session: SessionId,
    logic: SessionLogic,
    /// Handed to the log and not known to be durable, oldest first.
    commits: FuturesOrdered<BoxFuture<'static, Committed>>,
    lanes: LaneAgents,
    replies: Replies,
    /// Calls that there was no room for; the machine hears of them next.
    unsent: Vec<(Arc<str>, CallId)>,
    closed: bool,
    idle: IdleWatch,
}

impl Driver {
    /// Drives a session that was just created or claimed, with the agent of `main` if that is there already.
    pub(super) fn new(
        context: Context,
        session: SessionId,
        machine: Machine,
        out: Output,
        agent: Option<Agent>,
    ) -> Self {
        let (pool, stopping) = (Arc::clone(&context.pool), context.stopping.clone());
        let logic = SessionLogic { machine, clock: context.config.clock, out };
        let idle = IdleWatch::new(session.clone(), Arc::clone(&pool));
        let lanes = LaneAgents::new(Means { session: session.clone(), pool, stopping }, agent);
        Self {
            context,
            session,
            logic,
            commits: FuturesOrdered::new(),
            lanes,
            replies: Replies::default(),
            unsent: Vec::new(),
            closed: false,
            idle,
        }
    }

    /// Serves commands, `first` before all others, and the agents until the session is deleted, lost, or the bridge goes
    /// down.
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
        let (shutdown, clock) = (self.context.shutdown.clone(), self.logic.clock);
        let mut batch = Vec::with_capacity(COMMAND_BATCH);
        loop {
            self.idle.note(self.logic.machine.idle_since());
            // Only what agents say is taken while commits run; whatever may have effects on it finds all of them done.
            let settled = self.commits.is_empty();
            let hears = settled || self.commits.len() < COMMITS && !self.lanes.changing();
            let mut wait = true;
            tokio::select! {
                biased;
                () = shutdown.cancelled() => {
                    self.logic.machine.shutdown(clock.now(), &mut self.logic.out);
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
                () = clock.until(self.logic.machine.deadline()) => self.handle(Input::Tick),
                () = clock.until(self.idle.deadline(self.context.config.agent_idle)) => self.rest().await,
                () = self.idle.asked() => self.rest().await,
                Some(committed) = self.commits.next() => {
                    wait = false;
                    if let Err(error) = self.committed(committed).await {
                        return End::Lost(error);
                    }
                }
                (lane, happened) = self.lanes.next(settled, &mut self.logic), if hears => match happened {
                    Happened::Said => wait = false,
                    Happened::Changed => {}
                    Happened::NotStarted(why) => self.forget_if_left(&lane, &why),
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

    /// Stops its agents if nobody needs them. Those who look on are known to the log alone.
    async fn rest(&mut self) {
        if self.is_followed().await {
            self.idle.followed(self.logic.clock.now());
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
        self.logic.machine.epoch()
    }

    /// Lets go of the session; ready when the agents that were stopped are gone.
    pub(super) fn leave(mut self: Box<Self>) -> impl Future<Output = ()> + Send + use<> {
        self.lanes.leave()
    }

    async fn take(&mut self, envelope: Envelope) {
        if envelope.is_late() {
            return envelope.refuse(Refusal::DeadlinePassed);
        }
        // Those who look on are known to the log alone.
        if matches!(envelope.command, Command::DeleteIdle { .. }) && self.is_followed().await {
            return envelope.refuse(Refusal::InUse);
        }
        let id = self.replies.expect(envelope.reply);
        self.handle(Input::Command { id, client: envelope.client, command: envelope.command });
    }

    fn handle(&mut self, input: Input) {
        self.logic.machine.handle(self.logic.clock.now(), input, &mut self.logic.out);
    }

    /// Hands what the machine has recorded to the log; what it wants done waits until that is durable.
    fn submit(&mut self) {
        let Output { records, effects } = std::mem::take(&mut self.logic.out);
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
            self.give_up(&error).await;
            return Err(error);
        }
        for effect in effects {
            self.run(effect).await;
        }
        self.lanes.settle(&heard);
        for (lane, call) in std::mem::take(&mut self.unsent) {
            self.logic.hear(&lane, None, agent_traffic::unread(call));
        }
        Ok(())
    }

    async fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Reply { command, reply } => self.replies.answer(command, reply),
            Effect::StartAgent { lane, plan } => self.lanes.bring(lane, Coming::Start(plan)),
            Effect::AwaitAgent { lane, link, received, call } => {
                let returning = recovery::returning(self.logic.machine.state(), &lane, link, received, call);
                self.lanes.bring(lane, Coming::Return(returning));
            }
            Effect::StopAgent { lane, kill } => {
                self.lanes.stop(&lane, kill);
                self.forget_if_left(&lane, "the lane was removed");
            }
            Effect::Call { lane, call, method, params } => {
                if let Some(agent) = self.lanes.traffic(&lane)
                    && !agent.call(call, method, params)
                {
                    self.unsent.push((lane, call));
                }
            }
            Effect::Notify { lane, method, params } => {
                if let Some(agent) = self.lanes.traffic(&lane) {
                    agent.notify(method, params);
                }
            }
            Effect::Respond { lane, id, answer } => {
                let answer = answer.map(RawBuf::into_well_formed).map_err(door::error_for_agent);
                if let Some(agent) = self.lanes.traffic(&lane) {
                    agent.respond(id, answer);
                }
            }
            Effect::Serve { lane, id, method, params } => {
                if let Some(agent) = self.lanes.traffic(&lane) {
                    agent.serve(id, method, params);
                }
            }
            Effect::Unserve { lane, id } => {
                if let Some(agent) = self.lanes.traffic(&lane) {
                    agent.withdraw(id);
                }
            }
            Effect::KeepStart { params } => self.context.config.secrets.keep(&self.session, params).await,
            Effect::Delete { command } => {
                let deleted = idle::forget(&*self.context.log, &self.context.config.secrets, &self.session).await;
                self.closed = true;
                self.context.pool.registry().dismiss(&self.session, None, "the session was deleted");
                self.replies.answer(command, deleted.map(|_| Reply::Done).map_err(|e| unlogged::failed(&e)));
            }
        }
    }

    /// A lane that is no more leaves nothing here. Its agent's process, if any, is on its way out.
    fn forget_if_left(&mut self, lane: &str, why: &str) {
        if self.logic.machine.state().lane(lane).is_none() {
            self.context.pool.registry().dismiss(&self.session, Some(lane), why);
            self.lanes.forget(lane);
        }
    }

    /// The log refused a batch: nothing of it happened, and everybody who waits is told.
    async fn give_up(&mut self, error: &LogError) {
        let reason = match error {
            LogError::Unwritable { reason } => reason.clone(),
            other => other.to_string(),
        };
        self.context.log.fault(&self.session, &reason).await;
        self.replies.refuse_all(&unlogged::failed(error));
        self.lanes.let_go(true);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.lanes.let_go(false);
    }
}
