//! The sessions that are open.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acp_server::ClientPeer;
use acp_types::v1;
use futures_util::future::join_all;
use tokio::sync::{MutexGuard as MutexGuardAsync, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::channel::Channel;
use super::children::Children;
use super::chosen::Chosen;
use super::client_queue::RequestResult;
use super::driver::{Command, Driver};
use super::harness::Opened;
use super::record::Recording;
use crate::failure::{Failure, FailureKind};
use crate::translate::{Request, RequestId, Translator};

/// Limit of sessions that are open at once. A harness process takes some 200 MB each.
const MOST: usize = 64;
/// Limit of requests that wait for a session's driver; more wait at the client.
const COMMANDS: usize = 64;

/// The sessions of one connection.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: Mutex<HashMap<v1::SessionId, Handle>>,
    next_request: AtomicU64,
    /// Held while a session is opened again, so that it is done once.
    reopening: tokio::sync::Mutex<()>,
    drivers: TaskTracker,
    recordings: Option<PathBuf>,
}

#[derive(Debug, Clone)]
struct Handle {
    commands: mpsc::Sender<Command>,
    /// Requests without an answer.
    busy: Arc<AtomicUsize>,
    /// The request that opens it again should its harness be lost.
    again: Arc<v1::ResumeSessionRequest>,
    /// The options to set in it then.
    chosen: Arc<Mutex<Chosen>>,
    /// The sessions of its sub-agents.
    children: Children,
}

/// A session that has lost its harness.
pub(super) struct Lost<'a> {
    /// The request that opens it again.
    pub(super) again: Arc<v1::ResumeSessionRequest>,
    /// The options that were in force.
    pub(super) chosen: Arc<Mutex<Chosen>>,
    /// Keeps others from opening it too.
    _guard: MutexGuardAsync<'a, ()>,
}

impl Sessions {
    /// No sessions yet. Each will be recorded in the directory `recordings`, if there is one.
    pub(super) fn new(recordings: Option<PathBuf>) -> Self {
        Self { recordings, ..Self::default() }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<v1::SessionId, Handle>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, session: &v1::SessionId) -> Result<Handle, Failure> {
        let open = self.open();
        match open.get(session) {
            Some(handle) if !handle.commands.is_closed() => Ok(handle.clone()),
            None if open.values().any(|handle| handle.children.has(session)) => Err(is_child(session)),
            _ => Err(not_open(session)),
        }
    }

    /// The session to open again, if it has lost its harness without having been closed.
    pub(super) async fn lost(&self, session: &v1::SessionId) -> Option<Lost<'_>> {
        let is_lost = || self.open().get(session).is_some_and(|handle| handle.commands.is_closed());
        if !is_lost() {
            return None;
        }
        let guard = self.reopening.lock().await;
        // Somebody else may have done it meanwhile.
        if !is_lost() {
            return None;
        }
        let handle = self.open().get(session).cloned();
        handle.map(|Handle { again, chosen, .. }| Lost { again, chosen, _guard: guard })
    }

    /// Fails if no more session may be opened.
    pub(super) fn room(&self) -> Result<(), Failure> {
        let mut open = self.open();
        if open.len() >= MOST {
            open.retain(|_, handle| !handle.commands.is_closed());
        }
        if open.len() < MOST {
            return Ok(());
        }
        let message = format!("{MOST} sessions are open already, which is the limit: close one first");
        Err(Failure::new(FailureKind::InvalidParams, message))
    }

    /// Makes way for opening a session that is open already, unless it is at work.
    pub(super) async fn make_way(&self, session: &v1::SessionId) -> Result<(), Failure> {
        let Ok(handle) = self.handle(session) else { return Ok(()) };
        if handle.busy.load(Ordering::Relaxed) > 0 {
            let message = format!("session {session} is open and at work: cancel its turn or wait for the end");
            return Err(Failure::new(FailureKind::InvalidParams, message));
        }
        self.close(session).await
    }

    /// Starts the driver of a session that has been opened; it says nothing before `answered` fires.
    pub(super) fn start<T: Translator>(
        &self,
        opened: Opened<T>,
        again: v1::ResumeSessionRequest,
        chosen: Arc<Mutex<Chosen>>,
        client: &ClientPeer,
        answered: CancellationToken,
    ) -> Result<(), Failure> {
        let Opened { session, setup, channel, updates, .. } = opened;
        let recording = self.recording::<T>(&session, &setup)?;
        let (commands, taken) = mpsc::channel(COMMANDS);
        let (client, children) = (client.clone(), Children::default());
        let (session_of, chosen_of) = (session.clone(), Arc::clone(&chosen));
        let driver = Driver::new(T::new(setup), session_of, client, taken, recording, chosen_of, children.clone());
        self.open()
            .insert(session, Handle { commands, busy: Arc::default(), again: Arc::new(again), chosen, children });
        self.drivers.spawn(driver.run(channel, answered, updates));
        Ok(())
    }

    fn recording<T: Translator>(
        &self,
        session: &v1::SessionId,
        setup: &T::Setup,
    ) -> Result<Option<Recording>, Failure> {
        let Some(directory) = &self.recordings else { return Ok(None) };
        let recording = Recording::create::<T>(directory, &session.0, setup);
        recording.map(Some).map_err(|error| {
            let message = format!("cannot record into {}: {error}; choose another directory", directory.display());
            Failure::new(FailureKind::Unavailable, message)
        })
    }

    /// Asks a session for something and waits for the answer. When `cancelled` fires, the request is taken back, and
    /// its answer awaited all the same.
    pub(super) async fn ask(
        &self,
        session: &v1::SessionId,
        request: Request,
        cancelled: CancellationToken,
    ) -> RequestResult {
        let handle = self.handle(session)?;
        let id = RequestId(self.next_request.fetch_add(1, Ordering::Relaxed));
        let (reply, mut answer) = oneshot::channel();
        let _busy = Busy::new(&handle.busy);
        let gone = || Failure::new(FailureKind::Harness, "the session was closed before it answered");
        handle.commands.send(Command::Request { id, request, reply }).await.map_err(|_| not_open(session))?;
        tokio::select! {
            answer = &mut answer => return answer.unwrap_or_else(|_| Err(gone())),
            () = cancelled.cancelled() => {}
        }
        // A session that has ended meanwhile has answered or will not.
        let _ = handle.commands.send(Command::Cancel(id)).await;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Stops the work of a session that no prompt waits for, or the work of one child session. A session that is not open
    /// does nothing.
    pub(super) async fn stop(&self, session: &v1::SessionId) {
        let (handle, command) = match self.handle(session) {
            Ok(handle) => (handle, Command::Stop),
            Err(_) => {
                let parent = self.open().values().find(|handle| handle.children.has(session)).cloned();
                let Some(parent) = parent else { return };
                (parent, Command::StopChild(session.clone()))
            }
        };
        // One that has ended meanwhile does nothing either.
        let _ = handle.commands.send(command).await;
    }

    /// Closes a session and waits until its harness has let go of it.
    pub(super) async fn close(&self, session: &v1::SessionId) -> Result<(), Failure> {
        let closed = match self.handle(session) {
            Ok(_) => self.ask(session, Request::Close, CancellationToken::new()).await.map(drop),
            // One that has lost its harness is closed by forgetting it.
            Err(not_open) => self.open().contains_key(session).then_some(()).ok_or(not_open),
        };
        self.open().remove(session);
        closed
    }

    /// Closes all sessions.
    pub(super) async fn close_all(&self) {
        let sessions: Vec<_> = self.open().keys().cloned().collect();
        for outcome in join_all(sessions.iter().map(|session| self.close(session))).await {
            if let Err(failure) = outcome {
                tracing::debug!(%failure, "a session ended while it was closed");
            }
        }
        self.drivers.close();
        self.drivers.wait().await;
    }

    /// Ends a session of a harness that nobody will use.
    pub(super) async fn discard(channel: Channel) {
        (channel.shutdown)().await;
    }
}

/// Counts a request for as long as it is open.
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn not_open(session: &v1::SessionId) -> Failure {
    Failure::new(FailureKind::NotFound, format!("session {session} is not open: load or resume it first"))
}

fn is_child(session: &v1::SessionId) -> Failure {
    let message =
        format!("session {session} is a sub-agent's: it can only be cancelled; ask the session that began it");
    Failure::new(FailureKind::InvalidParams, message)
}
