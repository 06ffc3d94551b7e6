//! The facts that a session begins with.

use std::path::PathBuf;

use acp_types::v1;
use serde::{Deserialize, Serialize};

use super::commands::Commands;
use super::options::Options;
use super::plan::Plan;
use crate::translate::ClientFeatures;

/// A session when it is open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Setup {
    /// Its id.
    pub(crate) session: v1::SessionId,
    /// Its workspace.
    pub(crate) cwd: PathBuf,
    /// A UUID that no other process had.
    pub(crate) seed: String,
    /// The client's features.
    #[serde(default)]
    pub(crate) features: ClientFeatures,
    /// Its options, and their values.
    pub(crate) options: Options,
    /// Its commands.
    #[serde(default)]
    pub(crate) commands: Commands,
    /// Its list of tasks.
    #[serde(default)]
    pub(crate) plan: Plan,
    /// Its title.
    #[serde(default)]
    pub(crate) title: Option<String>,
}
