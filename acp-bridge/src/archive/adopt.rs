//! Taking over a log that somebody else may have written.

use acp_types::RawBuf;
use acp_types::record::Kind;
use acp_types::record::body::SessionDisarmed;

use super::disarm;
use crate::log::{Adopted, Adoption, LogError, SqliteLog};
use crate::session::{self, FingerprintKey};

const REASON: &str = "the log was not written by a bridge of this user, or is a copy of one that was";

/// Takes over a log that may have been written by somebody else: gives it an id, takes definitions of MCP servers out of
/// its records, and disarms its sessions at `at`, so that nothing is started because of what they say. A session that its
/// newest record disarms already stays as it is.
///
/// # Errors
/// When the log cannot be written.
pub async fn adopt(log: &SqliteLog, id: &str, at: u64, key: FingerprintKey) -> Result<Adopted, LogError> {
    let disarmed = SessionDisarmed { reason: REASON.to_owned(), disarmed: Vec::new() };
    let adoption = Adoption {
        id: id.to_owned(),
        at,
        last: (Kind::SessionDisarmed, RawBuf::encode(&disarmed).unwrap_or_default()),
        kinds: disarm::WITH_DEFINITIONS.to_vec(),
        rewrite: Box::new(move |body| session::without_definitions(body, &key)),
    };
    log.adopt(adoption).await
}
