//! What a broken peer does wrong.

use std::collections::BTreeSet;

/// Ids of the checks that a peer is to fail. Empty: a good peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breaks(BTreeSet<String>);

/// A peer cannot be broken that way.
#[derive(Debug, thiserror::Error)]
#[error("no mock can break {0} so; `acp-conformance list` shows which checks have a broken peer")]
#[non_exhaustive]
pub struct UnknownBreak(pub String);

/// Every check that the mock agent can be made to fail, with the others that the same fault makes fail or warn because
/// they are about the same thing.
pub(crate) const AGENT: &[(&str, &[&str])] = &[
    ("RPC-01", &["ERR-09", "TRANSPORT-stdio-03"]),
    ("RPC-02", &[]),
    ("RPC-03", &["RPC-09", "ERR-01"]),
    ("RPC-04", &["CANCEL-14", "CANCEL-16", "EXT-08"]),
    ("RPC-05", &[]),
    ("RPC-06", &["CANCEL-21"]),
    ("RPC-09", &[]),
    ("RPC-14", &[]),
    ("ERR-04", &[]),
    ("ERR-05", &[]),
    ("ERR-06", &["CLOSE-07"]),
    ("ERR-09", &[]),
    ("TRANSPORT-stdio-01", &["TRANSPORT-stdio-03"]),
    ("TRANSPORT-stdio-02", &["TRANSPORT-stdio-03"]),
    ("TRANSPORT-stdio-03", &[]),
    ("TRANSPORT-stdio-07", &[]),
    ("TRANSPORT-stdio-08", &["RPC-13"]),
    ("TRANSPORT-stdio-09", &[]),
    ("TRANSPORT-stdio-14", &[]),
    ("INIT-04", &["INIT-06", "INIT-08", "INIT-09", "RPC-09"]),
    ("INIT-05", &[]),
    ("INIT-06", &["INIT-08", "INIT-09", "RPC-09"]),
    ("INIT-08", &[]),
    ("INIT-09", &["RPC-09"]),
    ("INIT-11", &["INIT-12"]),
    ("INIT-12", &[]),
    ("INIT-15", &["ERR-05", "SESS-03"]),
    ("INIT-18", &[]),
    ("AUTH-01", &[]),
    ("AUTH-09", &[]),
    ("SESS-03", &["LOAD-03"]),
    ("SESS-21", &[]),
    ("SESS-23", &[]),
    ("LOAD-03", &[]),
    ("LOAD-04", &[]),
    ("LOAD-05", &["LOAD-03", "SESS-22"]),
    ("LOAD-07", &[]),
    ("LOAD-10", &[]),
    ("RESUME-03", &[]),
    ("RESUME-04", &[]),
    ("RESUME-06", &[]),
    ("RESUME-07", &[]),
    ("CLOSE-03", &[]),
    ("CLOSE-05", &["RPC-09"]),
    ("CLOSE-07", &[]),
    ("LIST-03", &[]),
    ("LIST-04", &["LIST-08"]),
    ("LIST-06", &["LIST-08", "RPC-09"]),
    ("LIST-07", &["LIST-04", "RPC-11"]),
    ("LIST-08", &[]),
    ("LIST-11", &[]),
    ("LIST-13", &[]),
    ("LIST-17", &[]),
    ("DELETE-02", &["RPC-09"]),
    ("DELETE-03", &[]),
    ("DELETE-04", &[]),
    ("PROMPT-03", &["CANCEL-12", "PROMPT-04", "PROMPT-16", "RPC-09", "SESS-21"]),
    ("PROMPT-04", &["RPC-09"]),
    ("PROMPT-05", &[]),
    ("PROMPT-07", &["SESS-22"]),
    ("PROMPT-16", &["CONTENT-12", "RPC-13"]),
    ("CANCEL-06", &["CLOSE-03"]),
    ("CANCEL-07", &["CLOSE-03"]),
    ("CANCEL-08", &["PROMPT-06"]),
    ("CANCEL-10", &[]),
    ("CANCEL-12", &[]),
    ("CANCEL-13", &[]),
    ("CANCEL-14", &["RPC-04"]),
    ("CANCEL-16", &["RPC-04"]),
    ("EXT-06", &["EXT-07", "RPC-13"]),
    ("EXT-07", &[]),
    ("EXT-08", &["RPC-04"]),
    ("CONTENT-01", &[]),
    ("CONTENT-02", &[]),
    ("CONTENT-03", &[]),
    ("CONTENT-04", &[]),
    ("CONTENT-05", &[]),
    ("CONTENT-12", &[]),
    ("PLAN-02", &["RPC-09"]),
    ("PLAN-03", &[]),
    ("PLAN-04", &[]),
    ("PERM-02", &["RPC-09"]),
    ("PERM-03", &["RPC-09"]),
    ("PERM-04", &[]),
    ("PERM-07", &[]),
    ("PERM-08", &[]),
    ("PERM-09", &["CANCEL-13"]),
    ("PERM-10", &[]),
    ("PERM-11", &[]),
    ("MODE-02", &["CONFIG-10"]),
    ("MODE-03", &[]),
    ("MODE-05", &["MODE-06"]),
    ("CONFIG-02", &["RPC-09"]),
    ("CONFIG-03", &["CONFIG-06", "CONFIG-10"]),
    ("CONFIG-04", &[]),
    ("CONFIG-05", &["CONFIG-06", "CONFIG-07"]),
    ("CONFIG-06", &[]),
    ("CONFIG-09", &[]),
    ("RPC-07", &["RPC-13"]),
    ("RPC-08", &[]),
    ("RPC-11", &["TOOL-12"]),
    ("RPC-12", &[]),
    ("RPC-13", &["AUTH-09"]),
    ("ERR-01", &["RPC-03", "RPC-09"]),
    ("ERR-03", &[]),
    ("ERR-12", &[]),
    ("ERR-04/b", &[]),
    ("ERR-02", &[]),
    ("INIT-13", &["ELICIT-01"]),
    ("INIT-16", &[]),
    ("SESS-05", &["PERM-08"]),
    ("SESS-06", &[]),
    ("SESS-09", &[]),
    ("SESS-11", &[]),
    ("SESS-11/a", &[]),
    ("SESS-12", &[]),
    ("SESS-22", &[]),
    ("LIST-15", &[]),
    ("LIST-18", &["EXT-04"]),
    ("LOAD-08", &[]),
    ("CLOSE-04", &[]),
    ("PROMPT-06", &[]),
    ("PROMPT-08", &[]),
    ("PROMPT-09", &[]),
    ("PROMPT-10", &["RPC-09"]),
    ("PROMPT-12", &[]),
    ("PROMPT-13", &["PROMPT-18"]),
    ("PROMPT-14", &[]),
    ("PROMPT-15", &[]),
    ("PROMPT-17", &[]),
    ("PROMPT-18", &[]),
    ("CANCEL-05", &["RPC-13"]),
    ("CANCEL-11", &[]),
    ("CANCEL-17", &["RPC-05", "PROMPT-06"]),
    ("CANCEL-20", &["RPC-09", "CANCEL-21", "EXT-04"]),
    ("CANCEL-21", &[]),
    ("TOOL-01", &["TOOL-06"]),
    ("TOOL-02", &["RPC-09"]),
    ("TOOL-03", &[]),
    ("TOOL-04", &["RPC-09"]),
    ("TOOL-05", &["RPC-09"]),
    ("TOOL-06", &["PROMPT-18"]),
    ("TOOL-07", &[]),
    ("TOOL-08", &["RPC-09"]),
    ("TOOL-09", &["RPC-09", "EXT-04"]),
    ("TOOL-10", &["RPC-09"]),
    ("TOOL-11", &[]),
    ("TOOL-12", &["RPC-11"]),
    ("PLAN-01", &[]),
    ("CMD-02", &["RPC-09"]),
    ("CMD-03", &[]),
    ("CONTENT-06", &["RPC-09"]),
    ("CONTENT-07", &[]),
    ("CONTENT-08", &["CONTENT-06", "RPC-09"]),
    ("FS-01", &["INIT-13"]),
    ("FS-02", &["RPC-11"]),
    ("FS-08", &[]),
    ("FS-10", &["RPC-13"]),
    ("TERM-01", &["INIT-13"]),
    ("TERM-02", &["RPC-09"]),
    ("TERM-06", &[]),
    ("TERM-13", &["TERM-06"]),
    ("TERM-17", &[]),
    ("ELICIT-01", &["INIT-13"]),
    ("ELICIT-02", &[]),
    ("ELICIT-03", &["RPC-09"]),
    ("ELICIT-05", &["RPC-09"]),
    ("ELICIT-15", &[]),
    ("ELICIT-16", &[]),
    ("ELICIT-17", &[]),
    ("ELICIT-20", &[]),
    ("ELICIT-21", &[]),
    ("CONFIG-07", &[]),
    ("CONFIG-08", &[]),
    ("CONFIG-12", &[]),
    ("MODE-04", &[]),
    ("MODE-06", &["CONFIG-10"]),
    ("EXT-01", &["RPC-09"]),
    ("EXT-02", &[]),
    ("EXT-03", &[]),
    ("EXT-04", &[]),
    ("EXT-05", &[]),
    ("NOTICE-01", &[]),
    ("NOTICE-02", &["RPC-09"]),
    ("COMPACT-01", &[]),
    ("COMPACT-02", &["RPC-09"]),
    ("COMPACT-03", &[]),
    ("COMPACT-04", &[]),
    ("ERR-08", &[]),
    ("AUTH-03", &[]),
    ("SESS-07", &[]),
    ("SESS-18", &[]),
    ("SESS-19", &[]),
    ("SESS-20", &[]),
    ("LOAD-06", &["PROMPT-09"]),
    ("LIST-14", &["PROMPT-06", "PROMPT-09"]),
    ("ELICIT-07", &[]),
    ("ELICIT-14", &[]),
    ("ELICIT-14/a", &[]),
    ("CONFIG-10", &[]),
    ("NOTICE-03", &[]),
];

/// The same for the mock client.
pub(crate) const CLIENT: &[(&str, &[&str])] = &[
    ("RPC-01", &["TRANSPORT-stdio-04"]),
    ("RPC-02", &[]),
    ("RPC-03", &["RPC-09"]),
    ("RPC-04", &[]),
    ("RPC-05", &["CANCEL-17"]),
    ("RPC-06", &[]),
    ("RPC-07", &[]),
    ("RPC-09", &[]),
    ("RPC-14", &[]),
    ("RPC-14/a", &[]),
    ("ERR-02", &[]),
    ("ERR-04", &[]),
    ("ERR-05", &[]),
    ("ERR-07", &[]),
    ("ERR-07/a", &[]),
    ("ERR-09", &[]),
    ("ERR-11", &["CANCEL-17/a"]),
    ("TRANSPORT-stdio-01", &["TRANSPORT-stdio-04"]),
    ("TRANSPORT-stdio-02", &["TRANSPORT-stdio-04"]),
    ("TRANSPORT-stdio-04", &[]),
    ("TRANSPORT-stdio-05", &[]),
    ("TRANSPORT-stdio-06", &[]),
    ("TRANSPORT-stdio-07", &["RPC-01", "TRANSPORT-stdio-04"]),
    ("TRANSPORT-stdio-08", &["RPC-14"]),
    ("TRANSPORT-stdio-09", &[]),
    ("TRANSPORT-stdio-14", &[]),
    ("INIT-01", &[]),
    ("INIT-02", &[]),
    ("INIT-03", &[]),
    ("INIT-10", &[]),
    ("INIT-12", &[]),
    ("INIT-13", &["INIT-17", "AUTH-10"]),
    ("INIT-17", &[]),
    ("INIT-18", &[]),
    ("INIT-20", &[]),
    ("AUTH-05", &[]),
    ("SESS-01", &["INIT-01"]),
    ("SESS-02", &["RPC-09"]),
    ("SESS-04", &[]),
    ("SESS-13", &[]),
    ("SESS-14", &[]),
    ("SESS-16", &[]),
    ("SESS-17", &[]),
    ("LIST-02", &["INIT-01", "INIT-13", "INIT-17", "LIST-01"]),
    ("LIST-01", &["INIT-13", "INIT-17"]),
    ("PROMPT-01", &[]),
    ("PROMPT-02", &[]),
    ("PROMPT-20", &[]),
    ("PROMPT-20/a", &[]),
    ("CANCEL-16", &["RPC-04"]),
    ("CANCEL-17", &["RPC-05"]),
    ("CANCEL-17/a", &["RPC-05"]),
    ("PERM-05", &[]),
    ("PERM-13", &["PERM-05"]),
    ("FS-03", &[]),
    ("FS-04", &[]),
    ("FS-06", &[]),
    ("FS-07", &[]),
    ("FS-08", &["RPC-09"]),
    ("FS-09", &["ERR-04"]),
    ("TERM-03", &["TERM-12"]),
    ("TERM-04", &[]),
    ("TERM-05", &[]),
    ("TERM-07", &[]),
    ("TERM-08", &[]),
    ("TERM-09", &[]),
    ("TERM-10", &[]),
    ("TERM-11", &[]),
    ("TERM-12", &[]),
    ("TERM-14", &[]),
    ("TERM-15", &[]),
    ("TERM-18", &["ERR-07/a"]),
    ("ELICIT-18", &["RPC-04"]),
    ("ELICIT-19", &[]),
    ("ELICIT-25", &[]),
    ("CONFIG-11", &[]),
    ("CONFIG-13", &[]),
    ("EXT-02", &[]),
    ("EXT-06", &[]),
    ("EXT-07", &[]),
    ("EXT-08", &["RPC-04"]),
    ("RPC-08", &[]),
    ("AUTH-10", &["INIT-13", "INIT-17"]),
    ("LOAD-01", &["INIT-13", "INIT-17"]),
    ("LOAD-02", &["RPC-09"]),
    ("RESUME-01", &["INIT-13", "INIT-17"]),
    ("RESUME-02", &["RPC-09", "SESS-04"]),
    ("CLOSE-01", &["INIT-13", "INIT-17"]),
    ("CLOSE-02", &["RPC-09"]),
    ("DELETE-01", &["INIT-13", "INIT-17"]),
    ("LIST-05", &[]),
    ("CANCEL-02", &["RPC-09"]),
    ("CANCEL-04", &[]),
    ("CANCEL-09", &[]),
    ("FS-11", &[]),
    ("ELICIT-12", &["RPC-09"]),
    ("ELICIT-13", &[]),
    ("CONFIG-14", &[]),
    ("MODE-07", &[]),
];

impl Breaks {
    /// A peer that fails this check.
    ///
    /// # Errors
    /// When no peer is broken that way.
    pub fn of(id: &str) -> Result<Self, UnknownBreak> {
        let known = AGENT
            .iter()
            .chain(super::socket::BREAKS)
            .chain(super::bridge::BREAKS)
            .chain(super::durable::BREAKS)
            .chain(super::http::BREAKS);
        if !known.map(|(known, _)| *known).any(|known| known == id) {
            return Err(UnknownBreak(id.to_owned()));
        }
        Ok(Self(BTreeSet::from([id.to_owned()])))
    }

    /// An agent of version 2 that fails this check.
    ///
    /// # Errors
    /// When no such agent is broken that way.
    pub fn of_agent2(id: &str) -> Result<Self, UnknownBreak> {
        if !super::agent2::BREAKS.iter().any(|(known, _)| *known == id) {
            return Err(UnknownBreak(id.to_owned()));
        }
        Ok(Self(BTreeSet::from([id.to_owned()])))
    }

    /// A client that fails this check.
    ///
    /// # Errors
    /// When no client is broken that way.
    pub fn of_client(id: &str) -> Result<Self, UnknownBreak> {
        if !CLIENT.iter().chain(super::client::REMOTE_BREAKS).any(|(known, _)| *known == id) {
            return Err(UnknownBreak(id.to_owned()));
        }
        Ok(Self(BTreeSet::from([id.to_owned()])))
    }

    /// A client of version 2 that fails this check.
    ///
    /// # Errors
    /// When no such client is broken that way.
    pub fn of_client2(id: &str) -> Result<Self, UnknownBreak> {
        if !super::client2::BREAKS.iter().any(|(known, _)| *known == id) {
            return Err(UnknownBreak(id.to_owned()));
        }
        Ok(Self(BTreeSet::from([id.to_owned()])))
    }

    /// Whether this one is to be failed.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.0.contains(id)
    }
}
