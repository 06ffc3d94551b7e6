//! General commands: those about the agent as such, and new sessions.

use std::sync::Arc;

use acp_types::meta::{MainAgent, RequestMeta};
use acp_types::record::Record;
use acp_types::{Raw, RawBuf, SessionId};

use super::Supervisor;
use super::task::Finished;
use crate::command::CommandAnswer;
use crate::host::agent::Agent;
use crate::host::context::Context;
use crate::host::driver::Driver;
use crate::host::envelope::Envelope;
use crate::host::{agent_traffic, unlogged};
use crate::session::{Command, FirstAgent, Machine, Output, Refusal, Reply, for_agents};

impl Supervisor {
    /// Has a command answered that concerns no session, or makes one.
    pub(super) fn general(&mut self, envelope: Box<Envelope>) {
        let Ok(permit) = Arc::clone(&self.general).try_acquire_owned() else {
            envelope.refuse(Refusal::AgentRequestsFull);
            return;
        };
        let context = self.context.clone();
        self.tasks.spawn(async move {
            let _permit = permit;
            general(context, envelope).await
        });
    }
}

/// Answers a command that concerns no session, or makes one.
async fn general(context: Context, envelope: Box<Envelope>) -> Finished {
    let Envelope { command, reply, .. } = *envelope;
    let answer = match command {
        Command::Create { params, initialize } => match create(&context, &initialize, params).await {
            Ok((driver, session, result)) => return Finished::Created { driver, session, result, reply },
            Err(answer) => answer,
        },
        command => describe_or_pass(&context, command).await,
    };
    // Whoever asked may have gone.
    let _ = reply.send(answer);
    Finished::General
}

async fn describe_or_pass(context: &Context, command: Command) -> CommandAnswer {
    match command {
        Command::Describe { initialize } => context.pool.describe(&initialize).await.map(|raw| Reply::Agent(Ok(raw))),
        Command::Call { method, params, .. } => context.pool.call(&method, params).await.map(Reply::Agent),
        Command::Notify { method, params, .. } => {
            context.pool.notify(&method, params).await;
            Ok(Reply::Done)
        }
        _ => Err(Refusal::NeedsSession),
    }
}

/// Makes a session, or says what the client is to be told instead.
async fn create(
    context: &Context,
    initialize: &RawBuf,
    params: RawBuf,
) -> Result<(Box<Driver>, SessionId, RawBuf), CommandAnswer> {
    // The gateway refuses what cannot be read.
    let meta = RequestMeta::read(params.as_raw()).unwrap_or_default();
    if meta.agent == Some(MainAgent::DialsIn) {
        return create_without_agent(context, initialize, &params).await.map_err(Err);
    }
    let opened = context.pool.open_new(initialize, for_agents(params.as_raw())).await.map_err(Err)?;
    let (mut agent, started) = opened.map_err(|error| Ok(Reply::Agent(Err(error))))?;
    let session = SessionId::from(uuid::Uuid::now_v7().to_string());
    let early = std::mem::take(&mut agent.early);
    let early = early.into_iter().filter_map(|event| {
        let position = agent.position(event.ordinal());
        Some((position, agent_traffic::from_agent(event, |_| None)?))
    });
    let early = early.collect();
    agent.process.assign(&(session.clone(), Record::MAIN_LANE.into()));
    let id = RawBuf::encode(&session).map_err(|e| Err(Refusal::Encoding { why: e.to_string() }))?;
    let result = acp_types::rewrite::set_member(started.state.as_raw(), "sessionId", id.as_raw());
    let position = agent.position(agent.opened);
    let first = FirstAgent { initialize: agent.initialize.clone(), started, position, early };
    let made =
        Machine::create(session.clone(), context.config.session.clone(), context.config.clock.now(), &params, first);
    let driver = record(context, &session, made, Some(agent)).await.map_err(Err)?;
    Ok((driver, session, result))
}

/// Makes a session whose agent is to dial in.
async fn create_without_agent(
    context: &Context,
    initialize: &RawBuf,
    params: &RawBuf,
) -> Result<(Box<Driver>, SessionId, RawBuf), Refusal> {
    let session = SessionId::from(uuid::Uuid::now_v7().to_string());
    let id = RawBuf::encode(&session).map_err(|e| Refusal::Encoding { why: e.to_string() })?;
    let result = acp_types::rewrite::set_member(Raw::EMPTY_OBJECT, "sessionId", id.as_raw());
    let initialize = context.pool.initialize(initialize.as_raw());
    let config = context.config.session.clone();
    let now = context.config.clock.now();
    let (machine, out) = Machine::create_without_agent(session.clone(), config, now, params, initialize);
    let driver = record(context, &session, (machine, out), None).await?;
    Ok((driver, session, result))
}

/// A new session comes to be. The client is not told of it before it is known how its agent is started again.
async fn record(
    context: &Context,
    session: &SessionId,
    (machine, mut out): (Machine, Output),
    agent: Option<Agent>,
) -> Result<Box<Driver>, Refusal> {
    let records = std::mem::take(&mut out.records);
    context.log.create(session, &context.member, records).await.map_err(|e| unlogged::failed(&e))?;
    let mut driver = Driver::new(context.clone(), session.clone(), machine, out, agent);
    driver.flush().await.map_err(|e| unlogged::failed(&e))?;
    Ok(Box::new(driver))
}
