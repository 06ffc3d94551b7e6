//! Commands on their way to the host.

use std::sync::Arc;

use acp_types::meta::QueuedPrompt;
use acp_types::record::{Seq, Turn};
use acp_types::{Raw, RawBuf, SessionId};

use super::{Caller, Denied, Operation, ServiceError, SessionService, command};
use crate::command::By;
use crate::session::{Command, Refusal, Reply};

/// Session that is new.
#[derive(Debug)]
pub(crate) struct Created {
    pub(crate) session: SessionId,
    /// The agent's `session/new` result.
    pub(crate) result: RawBuf,
}

/// Answer to a submitted command.
pub(crate) type ServiceAnswer = Result<Reply, ServiceError>;

impl SessionService {
    /// Submits a command, if the caller may have done what it does: the only way from a door to a host.
    pub(crate) async fn submit(&self, caller: &Caller, session: Option<SessionId>, command: Command) -> ServiceAnswer {
        let principal = caller.principal();
        let operation = Operation::of(&command, session.as_ref());
        let may = match &session {
            Some(session) => principal.may_in(operation, session),
            None => principal.may(operation),
        };
        let identity = &*principal.identity;
        if let Err(denied) = may {
            tracing::info!(identity, role = %principal.role, %operation, "a caller was refused");
            return Err(denied.into());
        }
        tracing::trace!(identity, role = %principal.role, client = %caller.client(), %operation, "a command");
        let by = By { principal: Arc::clone(caller.shared_principal()), client: Arc::clone(caller.client()) };
        self.commander.submit(by, session, command).await.map_err(ServiceError::Host)
    }

    /// Submits a command that is done or refused.
    pub(crate) async fn order(
        &self,
        caller: &Caller,
        session: SessionId,
        command: Command,
    ) -> Result<(), ServiceError> {
        match self.submit(caller, Some(session), command).await? {
            Reply::Done => Ok(()),
            _ => Err(ServiceError::Unfit),
        }
    }

    pub(crate) async fn create(
        &self,
        caller: &Caller,
        params: Raw<'_>,
        initialize: RawBuf,
    ) -> Result<Created, ServiceError> {
        match self.submit(caller, None, command::create(Some(params), initialize)?).await? {
            Reply::Created { session, result } => Ok(Created { session, result }),
            Reply::Agent(Err(error)) => Err(ServiceError::Agent(error)),
            _ => Err(ServiceError::Unfit),
        }
    }

    /// Submits a prompt; its turn.
    pub(crate) async fn prompt(
        &self,
        caller: &Caller,
        session: SessionId,
        prompt: command::Prompt,
    ) -> Result<Turn, ServiceError> {
        match self.submit(caller, Some(session), command::prompt(prompt)?).await? {
            Reply::Turn(turn) => Ok(turn),
            _ => Err(ServiceError::Unfit),
        }
    }

    /// Answers what an agent asks; whether this was the answer that counted.
    pub(crate) async fn answer(
        &self,
        caller: &Caller,
        session: SessionId,
        request: Seq,
        answer: Result<RawBuf, RawBuf>,
    ) -> Result<bool, ServiceError> {
        match self.submit(caller, Some(session), command::answer(request, answer)).await? {
            Reply::Answered(counted) => Ok(counted),
            _ => Err(ServiceError::Unfit),
        }
    }

    /// Lists the prompts that wait.
    pub(crate) async fn queue(&self, caller: &Caller, session: SessionId) -> Result<Vec<QueuedPrompt>, ServiceError> {
        match self.submit(caller, Some(session), command::queue()).await? {
            Reply::Queue(queue) => Ok(queue),
            _ => Err(ServiceError::Unfit),
        }
    }

    /// Adds an agent; its modes and options.
    pub(crate) async fn lane_add(
        &self,
        caller: &Caller,
        session: SessionId,
        lane: String,
        agent: String,
    ) -> Result<RawBuf, ServiceError> {
        match self.submit(caller, Some(session), command::lane_add(lane, agent)).await? {
            Reply::State(state) => Ok(state),
            _ => Err(ServiceError::Unfit),
        }
    }

    /// Calls the agent of `main`.
    pub(crate) async fn call(
        &self,
        caller: &Caller,
        session: SessionId,
        method: &str,
        params: RawBuf,
    ) -> Result<RawBuf, ServiceError> {
        match self.submit(caller, Some(session), command::call(None, method, Some(params))).await? {
            Reply::Agent(Ok(result)) => Ok(result),
            Reply::Agent(Err(error)) => Err(ServiceError::Agent(error)),
            _ => Err(ServiceError::Unfit),
        }
    }

    /// Tells the host that a client comes, with the params of a `session/load`; modes and options as a load is answered
    /// with.
    pub(crate) async fn attach(
        &self,
        caller: &Caller,
        session: SessionId,
        params: RawBuf,
    ) -> Result<RawBuf, ServiceError> {
        match self.submit(caller, Some(session), command::attach(params)).await? {
            Reply::State(result) => Ok(result),
            _ => Err(ServiceError::Unfit),
        }
    }

    /// Closes a session; seq of its last record.
    pub(crate) async fn close(&self, caller: &Caller, session: &SessionId) -> Result<Seq, ServiceError> {
        self.submit(caller, Some(session.clone()), command::close()).await?;
        Ok(self.info(session).await?.head)
    }

    /// Deletes a session; `false` when there was none.
    pub(crate) async fn delete(&self, caller: &Caller, session: SessionId) -> Result<bool, ServiceError> {
        match self.submit(caller, Some(session), command::delete()).await {
            Ok(_) => Ok(true),
            Err(ServiceError::Denied(Denied::NoSession { .. })) => Ok(false),
            Err(ServiceError::Host(Refusal::UnknownSession { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
