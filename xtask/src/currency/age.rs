//! How far the schema crate that we build on is behind.

use std::fmt;

use anyhow::Context;

/// A minor release: what comes before the second dot of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Minor(u64, u64);

impl Minor {
    /// That of a version or of a minor release as it is written.
    pub(super) fn of(version: &str) -> anyhow::Result<Self> {
        let mut parts = version.split('.').map(|part| part.parse().ok());
        match (parts.next().flatten(), parts.next().flatten()) {
            (Some(major), Some(minor)) => Ok(Self(major, minor)),
            _ => None.with_context(|| format!("{version:?} is no version")),
        }
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// What is to be said of the crate.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// Nothing newer is there.
    Current,
    /// Something newer is there, and no release of ours went out since it was seen.
    Waiting,
    /// A release of ours went out without it.
    Late {
        /// Our version when it was seen.
        since: String,
    },
}
