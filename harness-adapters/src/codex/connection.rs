//! One app-server process, shared by all sessions.

mod began;
mod files;
mod lease;
mod misread;
mod router;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acp_types::RawBuf;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::launch;
use super::options::Model;
use super::wire::{self, Page};
use crate::adapter::process::Process;
use crate::adapter::{Channel, FromHarness, Options};
use crate::failure::{Failure, FailureKind};
pub(super) use files::file;
pub(super) use lease::Lease;
use router::{Reply, Router};

/// How long a call may take; starting under load is slow, and so are threads with a long history.
const CALL: Duration = Duration::from_secs(60);
/// Messages that wait for one session. A full queue stops all sessions, so it has to be long enough for what comes while a
/// session is shown to a client that loads it.
const QUEUE: usize = 256;
/// Models that can be chosen at most.
const MODELS: u32 = 100;
/// Notifications that nobody here needs; some are long and come often.
const UNWANTED: [&str; 10] = [
    "account/rateLimits/updated",
    "app/list/updated",
    "item/fileChange/patchUpdated",
    "rawResponse/completed",
    "rawResponseItem/completed",
    "remoteControl/status/changed",
    "skills/changed",
    "thread/prediction/updated",
    "thread/readState/changed",
    "turn/diff/updated",
];

/// A call that failed.
#[derive(Debug)]
pub(super) enum CallError {
    /// Codex says no.
    Refused(String),
    /// There is no answer.
    Broken(Failure),
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(message) => Self::new(FailureKind::Harness, format!("Codex: {message}")),
            CallError::Broken(failure) => failure,
        }
    }
}

type Shutdown = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// The process and the ways through it. Dropping it kills the process.
pub(super) struct Connection {
    to: mpsc::Sender<Bytes>,
    router: Arc<Router>,
    next: AtomicU64,
    kill: Arc<dyn Fn() + Send + Sync>,
    shutdown: Mutex<Option<Shutdown>>,
    tasks: Mutex<JoinSet<()>>,
    models: OnceCell<Vec<Model>>,
    /// Where Codex has its files.
    home: OnceCell<PathBuf>,
}

impl Connection {
    /// Starts the process and shakes hands.
    pub(super) async fn start(options: &Options) -> Result<Arc<Self>, Failure> {
        let spec = launch::app_server(options)?;
        let Channel { to, from, kill, shutdown } = Process::start(&spec, "Codex").await?.into_channel();
        let router = Arc::new(Router::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(read(from, Arc::clone(&router), to.clone()));
        let connection = Arc::new(Self {
            to,
            router,
            next: AtomicU64::new(0),
            kill: kill.into(),
            shutdown: Mutex::new(Some(shutdown)),
            tasks: Mutex::new(tasks),
            models: OnceCell::new(),
            home: OnceCell::new(),
        });
        connection.initialize().await?;
        Ok(connection)
    }

    async fn initialize(&self) -> Result<(), Failure> {
        let params = json!({
            "clientInfo": { "name": "acp-harness", "title": "ACP harness", "version": env!("CARGO_PKG_VERSION") },
            "capabilities": {
                "experimentalApi": true,
                "requestAttestation": false,
                "optOutNotificationMethods": UNWANTED,
            },
        });
        let hello: Value = self.call("initialize", &params).await?;
        let version = launch::check_version(hello["userAgent"].as_str().unwrap_or_default())?;
        tracing::info!(version, "Codex is ready");
        if let Some(home) = hello["codexHome"].as_str() {
            // It is asked once.
            let _ = self.home.set(home.into());
        }
        // When the process is gone the next call says so.
        let _ = self.to.send(wire::bytes(&wire::notify("initialized"))).await;
        Ok(())
    }

    /// What it means when Codex refuses something because of its configuration.
    pub(super) fn misconfigured(&self, refusal: &str) -> Failure {
        misread::misread(refusal, self.router.misread().as_deref(), self.home.get().map(PathBuf::as_path))
    }

    /// Whether the process still runs, as far as is known.
    pub(super) fn is_alive(&self) -> bool {
        self.router.ended().is_none()
    }

    /// Calls a method and waits for its result.
    pub(super) async fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<R, CallError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        self.router.expect(number, reply).map_err(CallError::Broken)?;
        let message = wire::call(&router::own_id(number), method, params);
        if self.to.send(wire::bytes(&message)).await.is_err() {
            tracing::debug!(method, "the process takes no more calls");
        }
        let result = match timeout(CALL, answer).await {
            Ok(Ok(Reply::Result(result))) => result,
            Ok(Ok(Reply::Error(message))) => return Err(CallError::Refused(message)),
            Ok(Err(_)) => return Err(CallError::Broken(self.router.ended().unwrap_or_else(router::gone))),
            Err(_) => {
                self.router.forget(number);
                let message = format!("Codex did not answer {method} in {} s; try again", CALL.as_secs());
                return Err(CallError::Broken(Failure::new(FailureKind::Harness, message)));
            }
        };
        serde_json::from_str(result.as_str()).map_err(|error| {
            let message = format!("Codex's answer to {method} does not read: {error}; another version may help");
            CallError::Broken(Failure::new(FailureKind::Harness, message))
        })
    }

    /// Sends a call whose result does not matter, if there is room.
    pub(super) fn tell(&self, method: &str, params: &impl Serialize) {
        let id = router::own_id(self.next.fetch_add(1, Ordering::Relaxed));
        if self.to.try_send(wire::bytes(&wire::call(&id, method, params))).is_err() {
            tracing::debug!(method, "a call was left out");
        }
    }

    /// The models of the catalogue; it does not change while the process runs.
    pub(super) async fn models(&self) -> Result<Vec<Model>, Failure> {
        let models = self.models.get_or_try_init(|| async {
            let page: Page<wire::Model> = self.call("model/list", &json!({ "limit": MODELS })).await?;
            Ok::<_, Failure>(page.data.into_iter().filter(|model| !model.hidden).map(Model::from).collect())
        });
        models.await.cloned()
    }

    /// The way to and from a thread, and what the ids of its calls begin with. Its messages that came before are in it.
    /// Who has it has to read it, or everything stops.
    pub(super) fn attach(&self, lease: Lease) -> Result<(Channel, String), Failure> {
        let (to_session, from) = mpsc::channel(QUEUE);
        let thread = lease.thread().to_owned();
        let generation = self.next.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("{thread}#{generation}");
        let early = self.router.attach(&thread, &prefix, to_session.clone())?;
        // As much as fits; it is bounded by less than that.
        for line in early {
            if to_session.try_send(FromHarness::Line(line)).is_err() {
                tracing::debug!("an early message of a thread was left out");
            }
        }
        let (kill, mine) = (Arc::clone(&self.kill), prefix.clone());
        let channel = Channel {
            to: self.to.clone(),
            from,
            kill: Box::new(move || kill()),
            shutdown: Box::new(move || async move { lease.release(&mine).await }.boxed()),
        };
        Ok((channel, prefix))
    }

    /// Runs something that ends with the process.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// What becomes of a login; call it before the login is started.
    pub(super) fn logins(&self) -> mpsc::Receiver<router::Login> {
        self.router.logins()
    }

    /// Ends the process in order and waits for that.
    pub(super) async fn shutdown(&self) {
        let shutdown = self.shutdown.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(shutdown) = shutdown {
            shutdown().await;
        }
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("alive", &self.is_alive()).finish_non_exhaustive()
    }
}

/// Takes every message of the process to where it belongs, in order.
async fn read(mut from: mpsc::Receiver<FromHarness>, router: Arc<Router>, to: mpsc::Sender<Bytes>) {
    let mut began = began::Began::default();
    while let Some(message) = from.recv().await {
        match message {
            FromHarness::Line(line) => {
                let line = began.attach(files::attach(wire::repaired(line)).await, &router).await;
                deliver(line, &router, &to).await;
            }
            FromHarness::Exited(failure) => {
                for session in router.end(failure.clone()) {
                    // Whoever has closed the session meanwhile need not know.
                    let _ = session.send(FromHarness::Exited(failure.clone())).await;
                }
            }
        }
    }
}

async fn deliver(line: Bytes, router: &Router, to: &mpsc::Sender<Bytes>) {
    let Some(routed) = router.route(&line) else { return };
    if let Some(session) = routed.session
        && session.send(FromHarness::Line(routed.instead.unwrap_or(line))).await.is_ok()
    {
        for line in routed.after {
            // It was there a moment ago; if it is gone, so is whoever wants to know.
            let _ = session.send(FromHarness::Line(line)).await;
        }
        return;
    }
    router.forget_closed();
    if let Some(id) = routed.question {
        refuse(&id, to).await;
    }
}

/// Nobody is there to answer it; silence would stop a turn.
async fn refuse(id: &RawBuf, to: &mpsc::Sender<Bytes>) {
    let _ = to.send(wire::bytes(&wire::refuse(id, "this client cannot answer that"))).await;
}
