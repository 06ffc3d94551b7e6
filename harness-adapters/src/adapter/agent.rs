//! A harness as an ACP agent.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acp_server::transport::Transport;
use acp_server::{Agent, AgentContext, Answer, ClientPeer, serve_until};
use acp_types::{Raw, RawBuf, v1};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::chosen::Chosen;
use super::fit::fit;
use super::sessions::{Lost, Sessions};
use super::{Harness, Open};
use crate::failure::{Failure, FailureKind};
use crate::translate::{self, Request, Steered};

/// After this time a request that its client has cancelled is answered without its session, which is stuck.
const CANCEL: Duration = Duration::from_secs(30);
/// Steering, as the official adapters call it.
const STEER: &str = "_session/steering";
/// Ending work in the background, as the official adapters call it.
const STOP_TASK: &str = "_session/async_task/stop";

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
    let shared = Arc::new(Shared { harness, sessions: Sessions::new(recordings) });
    serve_until(Adapter(Arc::clone(&shared)), transport, config, shutdown).await;
    shared.sessions.close_all().await;
    shared.harness.shutdown().await;
}

struct Shared<H> {
    harness: H,
    sessions: Sessions,
}

struct Adapter<H>(Arc<Shared<H>>);

/// What the client is told of a session that was opened.
struct Introduction {
    session: v1::SessionId,
    modes: Option<v1::SessionModeState>,
    options: Vec<v1::SessionConfigOption>,
}

impl<H: Harness> Adapter<H> {
    async fn open(&self, how: Open, context: &AgentContext) -> Result<Introduction, Failure> {
        let Shared { harness, sessions } = &*self.0;
        sessions.room()?;
        if let Open::Load(v1::LoadSessionRequest { session_id, .. })
        | Open::Resume(v1::ResumeSessionRequest { session_id, .. }) = &how
        {
            sessions.make_way(session_id).await?;
        }
        let again = again(&how);
        let mut opened = harness.open(how).await?;
        let told = Introduction {
            session: opened.session.clone(),
            modes: opened.modes.take(),
            options: std::mem::take(&mut opened.options),
        };
        if let Some(history) = opened.history.take()
            && let Err(failure) = replay(&told.session, history, context.client()).await
        {
            Sessions::discard(opened.channel).await;
            return Err(failure);
        }
        let chosen = Arc::<Mutex<Chosen>>::default();
        sessions.start(opened, again(told.session.clone()), chosen, context.client(), context.answered())?;
        Ok(told)
    }

    async fn ask(
        &self,
        session: &v1::SessionId,
        request: Request,
        context: &AgentContext,
    ) -> Result<translate::Answer, Failure> {
        self.reopen(session, context.client()).await?;
        self.0.sessions.ask(session, request, context.token()).await
    }

    /// Opens a session again whose harness was lost, so that the next prompt works as if nothing had been: with the mode
    /// and the options that were in force.
    async fn reopen(&self, session: &v1::SessionId, client: &ClientPeer) -> Result<(), Failure> {
        let Shared { harness, sessions } = &*self.0;
        let Some(lost) = sessions.lost(session).await else { return Ok(()) };
        let Lost { again, chosen, .. } = &lost;
        tracing::info!(%session, "the harness was lost; opening the session again");
        let again = v1::ResumeSessionRequest::clone(again);
        let mut opened = harness.open(Open::Resume(again.clone())).await?;
        // How it begins, in case what was chosen cannot be set again.
        let mode = opened.modes.take().map(|modes| modes.current_mode_id);
        if let Some(mode) = mode.clone() {
            let mode = v1::CurrentModeUpdate::new(mode);
            opened.updates.push(v1::SessionUpdate::CurrentModeUpdate(mode));
        }
        let options = std::mem::take(&mut opened.options);
        let missing = chosen.lock().unwrap_or_else(PoisonError::into_inner).again(mode.as_ref(), &options);
        opened.updates.push(v1::SessionUpdate::ConfigOptionUpdate(v1::ConfigOptionUpdate::new(options)));
        let now = CancellationToken::new();
        now.cancel();
        sessions.start(opened, again, Arc::clone(chosen), client, now)?;
        for request in missing {
            if let Err(failure) = sessions.ask(session, request.clone(), CancellationToken::new()).await {
                tracing::warn!(%failure, ?request, "what was chosen before the harness was lost is not in force");
                chosen.lock().unwrap_or_else(PoisonError::into_inner).forget(&request);
            }
        }
        Ok(())
    }
}

/// How to open the same session once more.
fn again(how: &Open) -> impl FnOnce(v1::SessionId) -> v1::ResumeSessionRequest + use<> {
    let (cwd, servers, directories) = match how {
        Open::New(v1::NewSessionRequest { cwd, mcp_servers, additional_directories, .. })
        | Open::Load(v1::LoadSessionRequest { cwd, mcp_servers, additional_directories, .. })
        | Open::Resume(v1::ResumeSessionRequest { cwd, mcp_servers, additional_directories, .. })
        | Open::Fork(v1::ForkSessionRequest { cwd, mcp_servers, additional_directories, .. }) => {
            (cwd.clone(), mcp_servers.clone(), additional_directories.clone())
        }
    };
    move |session| v1::ResumeSessionRequest::new(session, cwd).mcp_servers(servers).additional_directories(directories)
}

async fn replay(
    session: &v1::SessionId,
    mut history: mpsc::Receiver<Result<v1::SessionUpdate, Failure>>,
    client: &ClientPeer,
) -> Result<(), Failure> {
    while let Some(update) = history.recv().await {
        for update in fit(update?) {
            let notification = v1::SessionNotification::new(session.clone(), update);
            if client.session_update(notification).await.is_err() {
                return Err(Failure::new(FailureKind::Harness, "the client is gone"));
            }
        }
    }
    Ok(())
}

impl<H: Harness> Agent for Adapter<H> {
    async fn initialize(&self, params: v1::InitializeRequest, _: &AgentContext) -> Answer<v1::InitializeResponse> {
        Ok(self.0.harness.initialize(&params).await?)
    }

    async fn authenticate(
        &self,
        params: v1::AuthenticateRequest,
        _: &AgentContext,
    ) -> Answer<v1::AuthenticateResponse> {
        self.0.harness.authenticate(params).await?;
        Ok(v1::AuthenticateResponse::default())
    }

    async fn logout(&self, _: v1::LogoutRequest, _: &AgentContext) -> Answer<v1::LogoutResponse> {
        self.0.harness.logout().await?;
        Ok(v1::LogoutResponse::default())
    }

    async fn new_session(
        &self,
        params: v1::NewSessionRequest,
        context: &AgentContext,
    ) -> Answer<v1::NewSessionResponse> {
        let told = self.open(Open::New(params), context).await?;
        Ok(v1::NewSessionResponse::new(told.session).modes(told.modes).config_options(told.options))
    }

    async fn load_session(
        &self,
        params: v1::LoadSessionRequest,
        context: &AgentContext,
    ) -> Answer<v1::LoadSessionResponse> {
        let told = self.open(Open::Load(params), context).await?;
        Ok(v1::LoadSessionResponse::new().modes(told.modes).config_options(told.options))
    }

    async fn resume_session(
        &self,
        params: v1::ResumeSessionRequest,
        context: &AgentContext,
    ) -> Answer<v1::ResumeSessionResponse> {
        let told = self.open(Open::Resume(params), context).await?;
        Ok(v1::ResumeSessionResponse::new().modes(told.modes).config_options(told.options))
    }

    async fn fork_session(
        &self,
        params: v1::ForkSessionRequest,
        context: &AgentContext,
    ) -> Answer<v1::ForkSessionResponse> {
        let told = self.open(Open::Fork(params), context).await?;
        Ok(v1::ForkSessionResponse::new(told.session).modes(told.modes).config_options(told.options))
    }

    async fn list_sessions(
        &self,
        params: v1::ListSessionsRequest,
        _: &AgentContext,
    ) -> Answer<v1::ListSessionsResponse> {
        Ok(self.0.harness.list(params).await?)
    }

    async fn close_session(
        &self,
        params: v1::CloseSessionRequest,
        _: &AgentContext,
    ) -> Answer<v1::CloseSessionResponse> {
        self.0.sessions.close(&params.session_id).await?;
        Ok(v1::CloseSessionResponse::default())
    }

    async fn delete_session(
        &self,
        params: v1::DeleteSessionRequest,
        _: &AgentContext,
    ) -> Answer<v1::DeleteSessionResponse> {
        // One that is not open need not be closed.
        let _ = self.0.sessions.close(&params.session_id).await;
        self.0.harness.delete(params.session_id).await?;
        Ok(v1::DeleteSessionResponse::default())
    }

    async fn prompt(&self, params: v1::PromptRequest, context: &AgentContext) -> Answer<v1::PromptResponse> {
        let session = params.session_id.clone();
        match self.ask(&session, Request::Prompt(params), context).await? {
            translate::Answer::Prompt(response) => Ok(response),
            other => Err(unexpected(&other).into()),
        }
    }

    async fn set_session_mode(
        &self,
        params: v1::SetSessionModeRequest,
        context: &AgentContext,
    ) -> Answer<v1::SetSessionModeResponse> {
        self.ask(&params.session_id, Request::SetMode(params.mode_id), context).await?;
        Ok(v1::SetSessionModeResponse::default())
    }

    async fn set_session_config_option(
        &self,
        params: v1::SetSessionConfigOptionRequest,
        context: &AgentContext,
    ) -> Answer<v1::SetSessionConfigOptionResponse> {
        let request = Request::SetConfig { option: params.config_id, value: params.value };
        match self.ask(&params.session_id, request, context).await? {
            translate::Answer::Config(options) => Ok(v1::SetSessionConfigOptionResponse::new(options)),
            other => Err(unexpected(&other).into()),
        }
    }

    async fn set_session_title(
        &self,
        params: v1::SetSessionTitleRequest,
        context: &AgentContext,
    ) -> Answer<v1::SetSessionTitleResponse> {
        self.ask(&params.session_id, Request::SetTitle(params.title.clone()), context).await?;
        Ok(v1::SetSessionTitleResponse::new(params.title))
    }

    async fn cancel(&self, params: v1::CancelNotification, _: &AgentContext) {
        // Its prompts are cancelled by their own contexts; this is for what runs without one.
        self.0.sessions.stop(&params.session_id).await;
    }

    async fn ext_method(&self, method: &str, params: Option<Raw<'_>>, context: &AgentContext) -> Answer<RawBuf> {
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
    async fn steer(&self, params: Option<Raw<'_>>, context: &AgentContext) -> Answer<RawBuf> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Params {
            session_id: v1::SessionId,
            prompt: Vec<v1::ContentBlock>,
        }
        #[derive(Serialize)]
        struct Response {
            outcome: Steered,
        }
        let Params { session_id, prompt } = read(STEER, "sessionId and prompt", params)?;
        match self.ask(&session_id, Request::Steer(prompt), context).await? {
            translate::Answer::Steer(outcome) => write(STEER, &Response { outcome }),
            other => Err(unexpected(&other).into()),
        }
    }

    async fn stop_task(&self, params: Option<Raw<'_>>, context: &AgentContext) -> Answer<RawBuf> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Params {
            session_id: v1::SessionId,
            async_task_id: String,
        }
        #[derive(Serialize)]
        struct Response {
            stopped: bool,
        }
        let Params { session_id, async_task_id } = read(STOP_TASK, "sessionId and asyncTaskId", params)?;
        match self.ask(&session_id, Request::StopTask(async_task_id), context).await? {
            translate::Answer::Stopped(stopped) => write(STOP_TASK, &Response { stopped }),
            other => Err(unexpected(&other).into()),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(method: &str, needs: &str, params: Option<Raw<'_>>) -> Result<T, Failure> {
    let invalid = |what: String| Failure::new(FailureKind::InvalidParams, format!("{method}: {what}"));
    let params = params.ok_or_else(|| invalid(format!("it needs {needs}")))?;
    params.decode().map_err(|error| invalid(error.to_string()))
}

fn write(method: &str, response: &impl Serialize) -> Answer<RawBuf> {
    RawBuf::encode(response).map_err(|error| Failure::new(FailureKind::Harness, format!("{method}: {error}")).into())
}

fn unexpected(answer: &translate::Answer) -> Failure {
    tracing::error!(?answer, "a translator gave an answer of another request");
    Failure::new(FailureKind::Harness, "the adapter gave an answer of another request; this is a bug in it")
}
