//! One app-server process, shared by all sessions.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::router::{self, Reply, Router};
use super::{misread, pump};
use crate::adapter::process::Process;
use crate::adapter::{Channel, FromHarness, Options};
use crate::codex::launch;
use crate::codex::options::Model;
use crate::codex::wire::{self, Page};
use crate::failure::{Failure, FailureKind};

/// Time limit of a call. Starting under load is slow, and so are threads with a long history.
const CALL: Duration = Duration::from_secs(60);
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
pub(crate) enum CallError {
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
pub(crate) struct Connection {
    to: mpsc::Sender<Bytes>,
    router: Arc<Router>,
    next: AtomicU64,
    kill: Arc<dyn Fn() + Send + Sync>,
    shutdown: Mutex<Option<Shutdown>>,
    tasks: Mutex<JoinSet<()>>,
    models: OnceCell<Vec<Model>>,
    /// Codex's home directory.
    home: OnceCell<PathBuf>,
}

impl Connection {
    /// Starts the process and shakes hands.
    pub(crate) async fn start(options: &Options) -> Result<Arc<Self>, Failure> {
        let spec = launch::app_server(options)?;
        let Channel { to, from, kill, shutdown } = Process::start(&spec, "Codex").await?.into_channel();
        let router = Arc::new(Router::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(pump::read(from, Arc::clone(&router), to.clone()));
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

    /// The failure when Codex refuses something because of its configuration.
    pub(crate) fn misconfigured(&self, refusal: &str) -> Failure {
        misread::misread(refusal, self.router.misread().as_deref(), self.home.get().map(PathBuf::as_path))
    }

    /// True while the process runs, as far as is known.
    pub(crate) fn is_alive(&self) -> bool {
        self.router.ended().is_none()
    }

    /// Calls a method and waits for its result.
    pub(crate) async fn call<R: DeserializeOwned>(
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
    pub(crate) fn tell(&self, method: &str, params: &impl Serialize) {
        let id = router::own_id(self.next.fetch_add(1, Ordering::Relaxed));
        if self.to.try_send(wire::bytes(&wire::call(&id, method, params))).is_err() {
            tracing::debug!(method, "a call was left out");
        }
    }

    /// The models of the catalogue; it does not change while the process runs.
    pub(crate) async fn models(&self) -> Result<Vec<Model>, Failure> {
        let models = self.models.get_or_try_init(|| async {
            let page: Page<wire::Model> = self.call("model/list", &json!({ "limit": MODELS })).await?;
            Ok::<_, Failure>(page.data.into_iter().filter(|model| !model.hidden).map(Model::from).collect())
        });
        models.await.cloned()
    }

    /// Gives the messages of a thread to a queue, those that came before first. Returns the beginning of the ids of the
    /// session's calls.
    pub(super) fn route(&self, thread: &str, to: &mpsc::Sender<FromHarness>) -> Result<String, Failure> {
        let generation = self.next.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("{thread}#{generation}");
        // As much as fits. The router keeps less than that.
        for line in self.router.attach(thread, &prefix, to.clone())? {
            if to.try_send(FromHarness::Line(line)).is_err() {
                tracing::debug!("an early message of a thread was left out");
            }
        }
        Ok(prefix)
    }

    /// The queue of messages to the process.
    pub(super) fn outbox(&self) -> mpsc::Sender<Bytes> {
        self.to.clone()
    }

    /// Ends the process at once.
    pub(super) fn killer(&self) -> Arc<dyn Fn() + Send + Sync> {
        Arc::clone(&self.kill)
    }

    /// The directory of threads and sessions.
    pub(super) fn router(&self) -> &Router {
        &self.router
    }

    /// Runs something that ends with the process.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Results of logins. Call it before a login is started.
    pub(crate) fn logins(&self) -> mpsc::Receiver<router::Login> {
        self.router.logins()
    }

    /// Ends the process in order and waits for that.
    pub(crate) async fn shutdown(&self) {
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
