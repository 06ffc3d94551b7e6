//! A conversation that is compacted, whichever harness it is with.

use acp_server::types::v1::{
    ClientCapabilities, ClientSessionCapabilities, CompactionCapabilities, CompactionStatus, SessionUpdate,
};

/// A conversation that is worth a summary.
pub(crate) const SCRIPT: &str = r#"
    [[prompt]]
    match = "remember the violets"
    replies = [[{ shell = "echo violets" }], [{ say = "I remember." }]]
    [[prompt]]
    match = "and now"
    replies = [[{ say = "I go on." }]]
    [[prompt]]
    match = "once more"
    replies = [[{ say = "And on." }]]
    [[prompt]]
    match = "at last"
    replies = [[{ say = "I end." }]]
    [side]
    summary = "We spoke of violets."
"#;

/// The capabilities of a client that shows compactions.
pub(crate) fn with_compaction() -> ClientCapabilities {
    let session = ClientSessionCapabilities::new().compaction(CompactionCapabilities::new());
    ClientCapabilities::new().session(session)
}

/// Steps of compactions, in order.
pub(crate) fn compactions(updates: &[SessionUpdate]) -> Vec<(String, CompactionStatus)> {
    let compactions = updates.iter().filter_map(|update| match update {
        SessionUpdate::CompactionUpdate(update) => Some((update.compaction_id.0.to_string(), update.status.clone())),
        _ => None,
    });
    compactions.collect()
}
