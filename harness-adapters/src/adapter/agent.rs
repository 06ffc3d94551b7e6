//! A harness as an ACP agent.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use acp_server::transport::Transport;
use acp_server::{Agent, AgentContext, serve_until};
use acp_types::method::v1 as method;
use acp_types::{Raw, RawBuf, v1};

use super::extension::{STEER, STOP_TASK, SteerRequest, StopTaskRequest};
use super::harness::{Harness, Open, unsupported};
use super::service::Service;
use super::sessions::Sessions;
use crate::failure::{Failure, FailureKind};
use crate::translate::{Answer, Request};

/// Time limit of a session to answer a request that its client has cancelled. A session that is stuck does not.
const CANCEL: Duration = Duration::from_secs(30);

/// Serves a harness until the client is gone or `shutdown` fires, and leaves no process behind.
///
/// With `recordings`, the inputs of each session are written into a file there, prompts and file contents included.
/// Dropping the future kills the harness's processes.
pub async fn serve<H: Harness>(
    harness: H,
    transport: impl Transport,
    recordings: Option<PathBuf>,
    shutdown: impl Future<Output = ()>,
) {
    let mut config = acp_server::Config::default();
    config.cancel_grace = CANCEL;
    // Without a client there is nobody to finish for; sessions are closed below.
    config.drain_grace = Duration::ZERO;
    let service = Arc::new(Service { harness, sessions: Sessions::new(recordings), titles: AtomicBool::new(false) });
    serve_until(Adapter(Arc::clone(&service)), transport, config, shutdown).await;
    service.sessions.close_all().await;
    service.harness.shutdown().await;
}

struct Adapter<H>(Arc<Service<H>>);

impl<H: Harness> Agent for Adapter<H> {
    async fn initialize(
        &self,
        params: v1::InitializeRequest,
        _: &AgentContext,
    ) -> acp_server::Answer<v1::InitializeResponse> {
        let response = self.0.harness.initialize(&params).await?;
        self.0.titles.store(response.agent_capabilities.session_capabilities.title.is_some(), Ordering::Relaxed);
        Ok(response)
    }

    async fn authenticate(
        &self,
        params: v1::AuthenticateRequest,
        _: &AgentContext,
    ) -> acp_server::Answer<v1::AuthenticateResponse> {
        self.0.harness.authenticate(params).await?;
        Ok(v1::AuthenticateResponse::default())
    }

    async fn logout(&self, _: v1::LogoutRequest, _: &AgentContext) -> acp_server::Answer<v1::LogoutResponse> {
        self.0.harness.logout().await?;
        Ok(v1::LogoutResponse::default())
    }

    async fn new_session(
        &self,
        params: v1::NewSessionRequest,
        context: &AgentContext,
    ) -> acp_server::Answer<v1::NewSessionResponse> {
        let told = self.0.open(Open::New(params), context).await?;
        Ok(v1::NewSessionResponse::new(told.session).modes(told.modes).config_options(told.options))
    }

    async fn load_session(
        &self,
        params: v1::LoadSessionRequest,
        context: &AgentContext,
    ) -> acp_server::Answer<v1::LoadSessionResponse> {
        let told = self.0.open(Open::Load(params), context).await?;
        Ok(v1::LoadSessionResponse::new().modes(told.modes).config_options(told.options))
    }

    async fn resume_session(
        &self,
        params: v1::ResumeSessionRequest,
        context: &AgentContext,
    ) -> acp_server::Answer<v1::ResumeSessionResponse> {
        let told = self.0.open(Open::Resume(params), context).await?;
        Ok(v1::ResumeSessionResponse::new().modes(told.modes).config_options(told.options))
    }

    async fn fork_session(
        &self,
        params: v1::ForkSessionRequest,
        context: &AgentContext,
    ) -> acp_server::Answer<v1::ForkSessionResponse> {
        let told = self.0.open(Open::Fork(params), context).await?;
        Ok(v1::ForkSessionResponse::new(told.session).modes(told.modes).config_options(told.options))
    }

    async fn list_sessions(
        &self,
        params: v1::ListSessionsRequest,
        _: &AgentContext,
    ) -> acp_server::Answer<v1::ListSessionsResponse> {
        Ok(self.0.harness.list(params).await?)
    }

    async fn close_session(
        &self,
        params: v1::CloseSessionRequest,
        _: &AgentContext,
    ) -> acp_server::Answer<v1::CloseSessionResponse> {
        self.0.sessions.close(&params.session_id).await?;
        Ok(v1::CloseSessionResponse::default())
    }

    async fn delete_session(
        &self,
        params: v1::DeleteSessionRequest,
        _: &AgentContext,
    ) -> acp_server::Answer<v1::DeleteSessionResponse> {
        // One that is not open need not be closed.
        let _ = self.0.sessions.close(&params.session_id).await;
        self.0.harness.delete(params.session_id).await?;
        Ok(v1::DeleteSessionResponse::default())
    }

    async fn prompt(
        &self,
        params: v1::PromptRequest,
        context: &AgentContext,
    ) -> acp_server::Answer<v1::PromptResponse> {
        let session = params.session_id.clone();
        match self.0.ask(&session, Request::Prompt(params), context).await? {
            Answer::Prompt(response) => Ok(response),
            other => Err(unexpected(&other).into()),
        }
    }

    async fn set_session_mode(
        &self,
        params: v1::SetSessionModeRequest,
        context: &AgentContext,
    ) -> acp_server::Answer<v1::SetSessionModeResponse> {
        self.0.ask(&params.session_id, Request::SetMode(params.mode_id), context).await?;
        Ok(v1::SetSessionModeResponse::default())
    }

    async fn set_session_config_option(
        &self,
        params: v1::SetSessionConfigOptionRequest,
        context: &AgentContext,
    ) -> acp_server::Answer<v1::SetSessionConfigOptionResponse> {
        let request = Request::SetConfig { option: params.config_id, value: params.value };
        match self.0.ask(&params.session_id, request, context).await? {
            Answer::Config(options) => Ok(v1::SetSessionConfigOptionResponse::new(options)),
            other => Err(unexpected(&other).into()),
        }
    }

    async fn set_session_title(
        &self,
        params: v1::SetSessionTitleRequest,
        context: &AgentContext,
    ) -> acp_server::Answer<v1::SetSessionTitleResponse> {
        if !self.0.titles.load(Ordering::Relaxed) {
            return Err(unsupported(method::SetSessionTitle::NAME).into());
        }
        self.0.ask(&params.session_id, Request::SetTitle(params.title.clone()), context).await?;
        Ok(v1::SetSessionTitleResponse::new(params.title))
    }

    async fn cancel(&self, params: v1::CancelNotification, _: &AgentContext) {
        // Its prompts are cancelled by their own contexts; this is for what runs without one.
        self.0.sessions.stop(&params.session_id).await;
    }

    async fn ext_method(
        &self,
        method: &str,
        params: Option<Raw<'_>>,
        context: &AgentContext,
    ) -> acp_server::Answer<RawBuf> {
        match method {
            STEER => self.steer(params, context).await,
            STOP_TASK => self.stop_task(params, context).await,
            _ => {
                let params = params.map(Raw::to_owned);
                self.0.harness.extension(method, params).await?.ok_or_else(|| {
                    let message = format!("method not found: {method}");
                    acp_types::error::error(acp_types::ErrorCode::METHOD_NOT_FOUND, message, None)
                })
            }
        }
    }
}

impl<H: Harness> Adapter<H> {
    async fn steer(&self, params: Option<Raw<'_>>, context: &AgentContext) -> acp_server::Answer<RawBuf> {
        let SteerRequest { session_id, prompt } = SteerRequest::read(params)?;
        match self.0.ask(&session_id, Request::Steer(prompt), context).await? {
            Answer::Steer(outcome) => Ok(SteerRequest::respond(outcome)?),
            other => Err(unexpected(&other).into()),
        }
    }

    async fn stop_task(&self, params: Option<Raw<'_>>, context: &AgentContext) -> acp_server::Answer<RawBuf> {
        let StopTaskRequest { session_id, async_task_id } = StopTaskRequest::read(params)?;
        match self.0.ask(&session_id, Request::StopTask(async_task_id), context).await? {
            Answer::Stopped(stopped) => Ok(StopTaskRequest::respond(stopped)?),
            other => Err(unexpected(&other).into()),
        }
    }
}

fn unexpected(answer: &Answer) -> Failure {
    tracing::error!(?answer, "a translator gave an answer of another request");
    Failure::new(FailureKind::Harness, "the adapter gave an answer of another request; this is a bug in it")
}
