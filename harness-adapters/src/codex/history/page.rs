//! Pages of a thread's turns.

use serde_json::json;

use crate::codex::connection::Connection;
use crate::codex::wire::{Page, Turn};
use crate::failure::Failure;

/// Turns on one page.
const PAGE: u32 = 20;

/// One page of a thread's turns.
pub(super) async fn page(
    connection: &Connection,
    thread: &str,
    cursor: Option<String>,
    direction: &str,
) -> Result<Page<Turn>, Failure> {
    let params = json!({
        "threadId": thread, "cursor": cursor, "limit": PAGE, "sortDirection": direction, "itemsView": "full",
    });
    Ok(connection.call("thread/turns/list", &params).await?)
}
