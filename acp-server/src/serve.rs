//! Agents and clients on a transport.

use std::future::Future;

use tokio_util::sync::CancellationToken;

use crate::agent::{Agent, AgentSide};
use crate::client::{Client, ClientSide};
use crate::config::Config;
use crate::dispatch::{Dispatcher, Side};
use crate::driver::{Link, start};
use crate::peer::{AgentPeer, Peer};
use crate::proto::CloseReason;
use crate::transport::Transport;

/// Serves an agent until the client is gone, and returns why it ended.
///
/// Handlers that still run then get [`Config::drain_grace`] to finish and as much again once they are cancelled.
/// Dropping the future closes the connection.
pub async fn serve(agent: impl Agent, transport: impl Transport) -> CloseReason {
    serve_until(agent, transport, Config::default(), std::future::pending()).await
}

/// [`serve`] with bounds of your own, and until `shutdown` fires at the latest.
pub async fn serve_until(
    agent: impl Agent,
    transport: impl Transport,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> CloseReason {
    let (peer, dispatch) = open(AgentSide(agent), transport, config);
    tokio::pin!(dispatch);
    tokio::select! {
        reason = &mut dispatch => return reason,
        () = shutdown => drop(peer),
    }
    dispatch.await
}

/// Connects a client to an agent and returns the handle to call it with. It must be called within a Tokio runtime,
/// which then runs the handlers of `client`.
///
/// The connection closes when the last handle is dropped.
pub fn connect(client: impl Client, transport: impl Transport) -> AgentPeer {
    connect_with(client, transport, Config::default())
}

/// [`connect`] with bounds of your own.
pub fn connect_with(client: impl Client, transport: impl Transport, config: Config) -> AgentPeer {
    let (peer, dispatch) = open(ClientSide(client), transport, config);
    tokio::spawn(dispatch);
    peer.into()
}

fn open<S: Side, T: Transport>(
    side: S,
    transport: T,
    config: Config,
) -> (Peer, impl Future<Output = CloseReason> + Send + use<S, T>) {
    let Link { outbox, inbox } = start(transport, config);
    let abandoned = CancellationToken::new();
    let peer = Peer::new(outbox, abandoned.clone());
    let dispatch = Dispatcher::new(side, &peer, abandoned, &config).run(inbox);
    (peer, dispatch)
}
