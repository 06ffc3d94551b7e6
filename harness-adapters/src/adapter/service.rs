//! The sessions of a harness: opened, asked, and opened again when their harness was lost.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use acp_server::{AgentContext, ClientPeer};
use acp_types::v1;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::chosen::Chosen;
use super::fit::fit;
use super::harness::{Harness, Open};
use super::sessions::{Lost, Sessions};
use crate::failure::{Failure, FailureKind};
use crate::translate::{Answer, Request, Told};

/// A harness and its open sessions.
pub(super) struct Service<H> {
    pub(super) harness: H,
    pub(super) sessions: Sessions,
    /// Clients may set titles of sessions: the harness offered it in `initialize`.
    pub(super) titles: AtomicBool,
}

/// The answer to the client about a session that was opened.
pub(super) struct Introduction {
    pub(super) session: v1::SessionId,
    pub(super) modes: Option<v1::SessionModeState>,
    pub(super) options: Vec<v1::SessionConfigOption>,
}

impl<H: Harness> Service<H> {
    /// Opens a session.
    pub(super) async fn open(&self, how: Open, context: &AgentContext) -> Result<Introduction, Failure> {
        let Self { harness, sessions, .. } = self;
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

    /// Asks a session for something. A session that has lost its harness is opened again first.
    pub(super) async fn ask(
        &self,
        session: &v1::SessionId,
        request: Request,
        context: &AgentContext,
    ) -> Result<Answer, Failure> {
        self.reopen(session, context.client()).await?;
        self.sessions.ask(session, request, context.token()).await
    }

    /// Opens a session again whose harness was lost, with the mode and the options that were in force. The next prompt
    /// then works as before.
    async fn reopen(&self, session: &v1::SessionId, client: &ClientPeer) -> Result<(), Failure> {
        let Self { harness, sessions, .. } = self;
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

/// The request that opens the same session once more.
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
    mut history: mpsc::Receiver<Result<Told, Failure>>,
    client: &ClientPeer,
) -> Result<(), Failure> {
    while let Some(told) = history.recv().await {
        let Told { child, update } = told?;
        let session = child.as_ref().unwrap_or(session);
        for update in fit(update) {
            let notification = v1::SessionNotification::new(session.clone(), update);
            if client.session_update(notification).await.is_err() {
                return Err(Failure::new(FailureKind::Harness, "the client is gone"));
            }
        }
    }
    Ok(())
}
