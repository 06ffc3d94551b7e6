//! What sessions and clients cost that do nothing.

use serde_json::{Value, json};

use super::client::Client;
use super::measure::resident;

/// Sessions that one connection may have attached.
const PER_CONNECTION: usize = 250;

/// Makes `sessions`, closed so that they have no agent, then attaches `clients` to them: bytes that each adds to the
/// process `pid`.
pub(crate) async fn run(url: &str, sessions: u64, clients: u64, pid: u64) -> anyhow::Result<Value> {
    let mut warm = Client::connect(url).await?;
    let first = warm.new_session().await?;
    warm.call("session/close", json!({ "sessionId": first })).await?;
    let empty = resident(pid)?;
    let mut made = Vec::new();
    for _ in 0..sessions {
        let session = warm.new_session().await?;
        warm.call("session/close", json!({ "sessionId": session })).await?;
        made.push(session);
    }
    let closed = resident(pid)?;
    let mut holders = Vec::new();
    for some in made.chunks(PER_CONNECTION) {
        let mut holder = Client::connect(url).await?;
        for session in some {
            holder.resume(session, None).await?;
        }
        holders.push(holder);
    }
    let open = resident(pid)?;
    let mut crowd = Vec::new();
    for at in 0..clients {
        let mut client = Client::connect(url).await?;
        let session = &made[usize::try_from(at)? % made.len()];
        client.resume(session, None).await?;
        crowd.push(client);
    }
    let full = resident(pid)?;
    let each = |more: u64, less: u64, count: u64| more.saturating_sub(less) / count.max(1);
    Ok(json!({
        "closed_session_bytes": each(closed, empty, sessions),
        "open_session_bytes": each(open, empty, sessions),
        "client_bytes": each(full, open, clients),
        "total_bytes": full,
    }))
}
