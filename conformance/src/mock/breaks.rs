//! Breaks of a peer: what it does wrong.

use std::collections::BTreeSet;

/// Ids of the checks that a peer is to fail. Empty: a good peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breaks(BTreeSet<String>);

/// Ids of checks that a mock can be made to fail, each with the others that the same fault makes fail or warn because they
/// are about the same thing.
pub(super) type Table = &'static [(&'static str, &'static [&'static str])];

/// A peer cannot be broken that way.
#[derive(Debug, thiserror::Error)]
#[error("no mock can break {0} so; `acp-conformance list` shows which checks have a broken peer")]
#[non_exhaustive]
pub struct UnknownBreak(pub String);

impl Breaks {
    /// A peer that fails this check, if one of these tables has it.
    pub(super) fn known(id: &str, tables: &[Table]) -> Result<Self, UnknownBreak> {
        if tables.iter().any(|table| table.iter().any(|(known, _)| *known == id)) {
            return Ok(Self(BTreeSet::from([id.to_owned()])));
        }
        Err(UnknownBreak(id.to_owned()))
    }

    /// Returns whether this one is to be failed.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.0.contains(id)
    }
}
