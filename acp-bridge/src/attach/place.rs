//! Place of a message of the bridge in a session's log.

use acp_types::meta::META_KEY;
use acp_types::record::{Seq, Turn};
use acp_types::{Raw, RawBuf, RawError, SessionId, rewrite};

/// `_meta["acp-bridge"]` of params or of a result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LogPlace {
    pub(super) seq: Option<Seq>,
    pub(super) turn: Option<Turn>,
}

impl LogPlace {
    pub(super) fn read(value: Raw<'_>) -> Self {
        let Some(ours) = value.path(&["_meta", META_KEY]) else { return Self::default() };
        let [seq, turn] = ours.pick(["seq", "turn"]);
        Self { seq: seq.and_then(Raw::as_u64), turn: turn.and_then(Raw::as_u64) }
    }
}

/// The session that params or a result name.
pub(super) fn session(value: Raw<'_>) -> Option<SessionId> {
    value.member("sessionId").and_then(Raw::as_string).map(|id| SessionId::from(&*id))
}

/// Params that come to `session` behind `after`; the rest of them stays.
pub(super) fn behind(params: Raw<'_>, session: &SessionId, after: Seq) -> RawBuf {
    let after = after.to_string();
    let params = rewrite::set_path(params, &["_meta", META_KEY, "after"], Raw::trusted(&after));
    named(params.as_raw(), session)
}

/// An object with this `sessionId`.
pub(super) fn named(object: Raw<'_>, session: &SessionId) -> RawBuf {
    let edit = rewrite::ParamsEdit { session_id: Some(session.as_str()), meta: None };
    rewrite::params(object, &edit)
}

/// The cursor that the bridge names in an error about another one: the oldest that it still can serve, or its last.
pub(super) fn offered(error: &RawError) -> Option<Seq> {
    let [oldest, latest] = error.data()?.pick(["oldest", "latest"]);
    oldest.or(latest).and_then(Raw::as_u64)
}
