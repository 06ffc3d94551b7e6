//! Connections: as many as are allowed, until the end.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Open connections. A harness with sub-agents needs a handful; one more waits to be accepted.
const MAX_CONNECTIONS: usize = 256;
/// Limit for a client to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after the operating system refused a connection, out of descriptors perhaps.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Limit for responses to end at shutdown.
const DRAIN: Duration = Duration::from_secs(1);

/// Accepts connections until `shutdown`, then cancels `stop` and ends those that exist.
pub(super) async fn run(
    listener: TcpListener,
    router: Router,
    stop: &CancellationToken,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let _cut = stop.clone().drop_guard();
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    let accepted = loop {
        let next = async {
            // Never closed.
            let permit = Arc::clone(&permits).acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = &mut shutdown => break Ok(()),
            Some(_) = connections.join_next() => continue,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let speak = speak_http(stream, router.clone(), stop.clone());
                connections.spawn(async move {
                    speak.await;
                    drop(permit);
                });
            }
            Err(error) if is_fatal(&error) => break Err(error),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    };
    drop(listener);
    stop.cancel();
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, ended).await.is_err() {
        tracing::debug!("some connections did not end in time and are cut");
    }
    connections.shutdown().await;
    accepted
}

/// Returns whether accepting cannot work again. Everything else concerns one connection or passes.
fn is_fatal(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotConnected)
}

async fn speak_http(stream: TcpStream, router: Router, stop: CancellationToken) {
    // Events are small; waiting for more only adds latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection broke at once");
        return;
    }
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}
