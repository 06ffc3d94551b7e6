//! A subscription whose client is there to answer what the agent asks.

use acp_types::api::jsonrpsee::core::server::PendingSubscriptionSink;
use acp_types::record::Seq;
use acp_types::{Raw, SessionId};

use super::call::{Outlet, Peer};
use super::{fault, subscription};
use crate::service::{SessionService, command};

/// Delivers as [`subscription::deliver`] does. The session's host knows for as long that a controller is there, however
/// the subscription ends; it is told before the client is.
pub(super) async fn deliver(
    service: &SessionService,
    peer: &Peer,
    outlet: &Outlet,
    pending: PendingSubscriptionSink,
    session: SessionId,
    after: Seq,
) {
    // Each subscription is somebody of its own: one that ends takes nothing from another of the same client.
    let who = peer.caller.renamed(uuid::Uuid::now_v7().to_string().into());
    let tell = |command| service.submit(&who, Some(session.clone()), command);
    if let Err(error) = tell(command::attend(true)).await {
        return pending.reject(fault::refused(error)).await;
    }
    // As when an ACP client comes: what waits for one goes on.
    match tell(command::attach(Raw::EMPTY_OBJECT.to_owned())).await {
        Ok(_) => subscription::deliver(service, peer, outlet, pending, session.clone(), after).await,
        Err(error) => pending.reject(fault::refused(error)).await,
    }
    // A host that is gone has no need to know, nor that of a session that was deleted.
    let _ = tell(command::attend(false)).await;
}
