//! Listener of a gateway: connections are accepted, and each speaks HTTP in a task of its own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections that speak plain HTTP at once, beside the WebSockets. One more waits to be accepted.
const MAX_HTTP: usize = 256;

/// Time that a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after the operating system refused a connection, out of descriptors perhaps.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Every task of the gateway; none outlives the listener.
#[derive(Debug, Clone, Default)]
pub(super) struct Tasks {
    pub(super) tracker: TaskTracker,
    pub(super) abort: CancellationToken,
}

impl Tasks {
    /// Starts a task, which is aborted with the others.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let abort = self.abort.clone();
        // Boxed, since each future around it would have room for it once more.
        let task = Box::pin(task);
        self.tracker.spawn(async move { abort.run_until_cancelled(task).await });
    }
}

/// Accepts connections until the shutdown, each with a task that speaks HTTP.
///
/// # Errors
/// When accepting cannot work again.
pub(super) async fn accept(
    listener: &TcpListener,
    tasks: &Tasks,
    router: Router,
    shutdown: &CancellationToken,
) -> io::Result<()> {
    let http = Arc::new(Semaphore::new(MAX_HTTP));
    loop {
        let next = async {
            // Never closed.
            let permit = Arc::clone(&http).acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            next = next => next,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) if is_fatal(&error) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (router, shutdown) = (router.clone(), shutdown.clone());
        tasks.spawn(async move {
            speak_http(stream, router, shutdown).await;
            drop(permit);
        });
    }
}

/// Returns whether accepting cannot work again. Everything else concerns one connection or passes.
fn is_fatal(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotConnected)
}

async fn speak_http(stream: TcpStream, router: Router, shutdown: CancellationToken) {
    // Frames are small and written in batches: waiting for more only adds latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection broke at once");
        return;
    }
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    tokio::pin!(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "an HTTP connection ended early");
    }
}
