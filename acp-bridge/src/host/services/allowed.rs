//! Paths that agents may reach beside the directories of their sessions.

use std::path::PathBuf;

/// Files and directories that agents may reach beside the directories of their sessions. They are confined as those are:
/// no link leads out of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out")]
pub struct Allowed {
    /// To be read.
    pub read: Vec<PathBuf>,
    /// To be read and written.
    pub write: Vec<PathBuf>,
}
