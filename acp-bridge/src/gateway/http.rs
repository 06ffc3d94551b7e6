//! HTTP: who may come in, and the way from a request to a WebSocket or to an answer.

pub(super) mod authenticate;
mod guard;
mod handshake;
mod listener;
pub(super) mod origin;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};
use hyper::upgrade::Upgraded;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use authenticate::{Authenticate, Unauthenticated};
pub use origin::{InvalidOrigin, Origin};

use self::handshake::Accept;
use self::listener::Tasks;
use super::config::Config;
use super::driver::{self, Context};
use super::joined::JoinedGateway;
use super::rpc::{self, Rpc};
use super::{agent_route, served};
use crate::log::SessionLog;
use crate::service::{Caller, Operation, Principal};

/// Time beyond [`Config::drain`], for tasks to end by themselves.
const LAST_CALL: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
struct Gateway {
    context: Context,
    rpc: Rpc,
    clients: Arc<Semaphore>,
    diallers: Arc<Semaphore>,
    tasks: Tasks,
}

/// Serves clients on `listener` until `shutdown`: ACP over WebSocket at `/acp`, the session API over WebSocket and POST
/// at `/rpc`, agents that dial in over WebSocket at `/dial`, whether it runs what is asked for
/// at `/served`, `ok` at `/healthz`.
///
/// Only requests whose `Host` names this machine's loopback, and whose `Origin`, if any, is that host or one of
/// [`Config::allow_origins`] are served; others get 403. At shutdown no more connections are accepted, those that exist
/// write what is committed, prompts' answers included, and are closed with WebSocket code 1001, within
/// [`Config::drain`]. To let clients see how their turns end, stop the host first. Dropping the future cuts every
/// connection.
///
/// # Errors
/// When `listener` cannot accept any more, or the log is closed or has no room for a gateway.
pub async fn serve(
    listener: TcpListener,
    log: Arc<dyn SessionLog>,
    config: Config,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let joined = JoinedGateway::join(log, config, shutdown.clone()).await.map_err(io::Error::other)?;
    let context = joined.context().clone();
    let gateway = Gateway {
        clients: Arc::new(Semaphore::new(context.config.max_connections.min(Semaphore::MAX_PERMITS))),
        diallers: Arc::new(Semaphore::new(context.config.max_diallers.min(Semaphore::MAX_PERMITS))),
        tasks: Tasks::default(),
        rpc: rpc::on(context.service.clone()),
        context,
    };
    let cut = gateway.tasks.abort.clone().drop_guard();
    let allowed = Arc::clone(&gateway.context.config.allow_origins);
    let authenticate = gateway.context.config.authenticate.clone();
    let router = Router::new()
        .route("/acp", any(acp))
        .route(acp_types::api::PATH, any(rpc))
        .route("/dial", any(dialled))
        .route("/served", get(compare))
        .route_layer(middleware::from_fn_with_state(authenticate, authenticate::by_head))
        // Says nothing about anybody, and is asked by those who are nobody.
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(gateway.clone())
        .layer(middleware::from_fn_with_state(allowed, guard::no_strangers));
    let accepted = listener::accept(&listener, &gateway.tasks, router, &shutdown).await;
    drop(listener);
    gateway.tasks.tracker.close();
    let last = gateway.context.config.drain + LAST_CALL;
    if tokio::time::timeout(last, gateway.tasks.tracker.wait()).await.is_err() {
        tracing::warn!("some connections did not end in time and are cut");
    }
    drop(cut);
    gateway.tasks.tracker.wait().await;
    joined.leave().await;
    accepted
}

/// Answers `/acp`: a WebSocket, or what is missing for one.
async fn acp(
    State(gateway): State<Gateway>,
    Extension(principal): Extension<Arc<Principal>>,
    request: Request,
) -> Response {
    match handshake::check(request.method(), request.headers()) {
        Ok(accept) => {
            let Ok(permit) = Arc::clone(&gateway.clients).try_acquire_owned() else { return full(&gateway) };
            let bounds = handshake::bounds(&gateway.context);
            upgrade(&gateway, request, accept, permit, move |upgraded, context| async move {
                let link = Box::pin(handshake::open(upgraded, bounds, &context)).await;
                driver::run(link, Caller::new(principal, Uuid::now_v7().to_string().into()), context).await;
            })
        }
        Err(refused) => refused.into_response(),
    }
}

/// Answers `/rpc`: a WebSocket, or a call in the body of a POST.
async fn rpc(
    State(gateway): State<Gateway>,
    Extension(principal): Extension<Arc<Principal>>,
    request: Request,
) -> Response {
    let context = gateway.context.clone();
    if request.method() == Method::POST {
        let Ok(_permit) = gateway.clients.try_acquire() else { return full(&gateway) };
        return rpc::post(&gateway.rpc, &context, principal, request).await;
    }
    match handshake::check(request.method(), request.headers()) {
        Ok(accept) => {
            let Ok(permit) = Arc::clone(&gateway.clients).try_acquire_owned() else { return full(&gateway) };
            let (server, tracker) = (gateway.rpc.clone(), gateway.tasks.tracker.clone());
            let bounds = rpc::bounds(handshake::bounds(&context));
            upgrade(&gateway, request, accept, permit, move |upgraded, context| async move {
                let link = Box::pin(handshake::open(upgraded, bounds, &context)).await;
                rpc::serve(link, server, context, principal, tracker).await;
            })
        }
        Err(handshake::NoHandshake::NotWebSocket) => rpc::usage(),
        Err(refused) => refused.into_response(),
    }
}

/// Answers `/dial`: a WebSocket with an agent at the other end.
async fn dialled(
    State(gateway): State<Gateway>,
    Extension(principal): Extension<Arc<Principal>>,
    request: Request,
) -> Response {
    if let Err(denied) = principal.may(Operation::Dial) {
        return (StatusCode::FORBIDDEN, format!("{denied}\n")).into_response();
    }
    let accept = match handshake::check(request.method(), request.headers()) {
        Ok(accept) => accept,
        Err(refused) => return refused.into_response(),
    };
    let Some(route) = gateway.context.config.agents.clone() else {
        return (StatusCode::NOT_FOUND, "no agent can dial in here\n").into_response();
    };
    match Arc::clone(&gateway.diallers).try_acquire_owned() {
        Ok(permit) => upgrade(&gateway, request, accept, permit, move |upgraded, context| async move {
            let max_message = context.config.max_message;
            agent_route::serve(&*route, upgraded, max_message, context.shutdown).await;
        }),
        Err(_) => {
            let limit = gateway.context.config.max_diallers;
            (StatusCode::SERVICE_UNAVAILABLE, format!("{limit} agents have dialled in, the limit\n")).into_response()
        }
    }
}

/// Answers `/served`: whether that is what runs here.
async fn compare(State(gateway): State<Gateway>, request: Request) -> Response {
    served::compare(&gateway.context.config.served, request.uri().query().unwrap_or_default())
}

/// Header that names a connection to whoever made it.
const CONNECTION_ID: HeaderName = HeaderName::from_static("acp-connection-id");

fn full(gateway: &Gateway) -> Response {
    let limit = gateway.context.config.max_connections;
    let body = format!("{limit} clients are connected, the limit: close one, or try again later\n");
    (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
}

/// Agrees to a handshake; `run` serves the client once it is done.
fn upgrade<F>(
    gateway: &Gateway,
    mut request: Request,
    accept: Accept,
    permit: OwnedSemaphorePermit,
    run: impl FnOnce(Upgraded, Context) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send,
{
    let upgrade = hyper::upgrade::on(&mut request);
    let context = gateway.context.clone();
    gateway.tasks.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => run(upgraded, context).await,
            Err(error) => tracing::debug!(%error, "a client left during the handshake"),
        }
        drop(permit);
    });
    let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "websocket")];
    let Accept { key, protocol } = accept;
    // Named in the answer as the RFD "Streamable HTTP and WebSocket transport" wants it; nothing is asked by it.
    let named = [(header::SEC_WEBSOCKET_ACCEPT, key), (CONNECTION_ID, Uuid::now_v7().to_string())];
    let chosen = protocol.map(|protocol| [(header::SEC_WEBSOCKET_PROTOCOL, protocol)]);
    match chosen {
        Some(chosen) => (StatusCode::SWITCHING_PROTOCOLS, headers, named, chosen).into_response(),
        None => (StatusCode::SWITCHING_PROTOCOLS, headers, named).into_response(),
    }
}
