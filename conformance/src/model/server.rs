//! HTTP: connections, routes, and playing a response.

mod accept;
mod control;
mod guard;
mod play;
mod routes;
mod state;

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::book::Book;
use super::gates::Gates;
use super::ids::Ids;
use super::journal::Journal;
use super::script::Script;
use state::{Model, State};

/// Serves `script` on `listener` until `shutdown`.
///
/// Only requests whose `Host` names this machine's loopback are served; others get 403. At shutdown, and when the future
/// is dropped, streams that still run are cut.
///
/// # Errors
/// When `listener` cannot accept any more.
pub async fn serve(listener: TcpListener, script: Script, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    serve_with(listener, script, Journal::default(), shutdown).await
}

/// [`serve`] with a journal of your own, to keep the requests in a file.
///
/// # Errors
/// When `listener` cannot accept any more.
pub async fn serve_with(
    listener: TcpListener,
    script: Script,
    journal: Journal,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let gates = Arc::new(Gates::new(script.gates()));
    let state = State { book: Book::new(script), ids: Ids::default(), journal };
    let model = Model { state: Arc::new(Mutex::new(state)), gates, stop: CancellationToken::new() };
    let router = routes::router(model.clone());
    accept::run(listener, router, &model.stop, shutdown).await
}
