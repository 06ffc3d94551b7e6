//! A subscription whose client is there to answer what the agent asks.

use std::sync::Arc;

use acp_types::api::jsonrpsee::core::server::PendingSubscriptionSink;
use acp_types::record::Seq;
use acp_types::{ErrorObjectOwned, Raw, SessionId};

use super::call::Peer;
use super::subscription;
use crate::command::Commander;
use crate::log::SessionLog;
use crate::session::Command;

/// Delivers as [`subscription::deliver`] does. The session's host knows for as long that a controller is there, however
/// the subscription ends; it is told before the client is.
pub(super) async fn deliver(
    log: Arc<dyn SessionLog>,
    commander: &Commander,
    peer: &Peer,
    pending: PendingSubscriptionSink,
    session: SessionId,
    after: Seq,
) {
    // Each subscription is somebody of its own: one that ends takes nothing from another of the same client.
    let who: Arc<str> = uuid::Uuid::now_v7().to_string().into();
    let tell = |command| commander.submit(Some(session.clone()), Arc::clone(&who), command);
    if let Err(why) = tell(Command::Attend { present: true }).await {
        return pending.reject(ErrorObjectOwned::from(why)).await;
    }
    // As when an ACP client comes: what waits for one goes on.
    match tell(Command::Attach { params: Raw::EMPTY_OBJECT.to_owned() }).await {
        Ok(_) => subscription::deliver(Arc::clone(&log), peer, pending, session.clone(), after).await,
        Err(why) => pending.reject(ErrorObjectOwned::from(why)).await,
    }
    // A host that is gone has no need to know, nor that of a session that was deleted.
    let _ = tell(Command::Attend { present: false }).await;
}
