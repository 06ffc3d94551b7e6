//! The facts that a session begins with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::contact;
use crate::codex::options::Settings;
use crate::translate::ClientFeatures;

/// A session when it is open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Setup {
    /// The thread, which is also the session's id.
    pub(crate) thread: String,
    /// Beginning of the ids of its calls.
    pub(crate) prefix: String,
    pub(crate) cwd: PathBuf,
    pub(crate) features: ClientFeatures,
    pub(crate) settings: Settings,
    pub(crate) skills: Vec<Skill>,
    #[serde(default)]
    pub(crate) servers: ServerNames,
    /// True if it has a title. Otherwise the first prompt gives one.
    pub(crate) titled: bool,
    /// True if it is shown from its history, with the user's messages.
    pub(crate) replay: bool,
    /// Time limit for a model that cannot be reached, in seconds.
    #[serde(default = "contact::default_patience")]
    pub(crate) give_up_secs: u64,
    /// Hooks that Codex does not run, because nobody has trusted them.
    #[serde(default)]
    pub(crate) untrusted_hooks: Vec<String>,
}

/// The client's names of its MCP servers, by those that Codex knows, where the two differ.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ServerNames(pub(crate) BTreeMap<String, String>);

impl ServerNames {
    /// The client's name of a server.
    pub(crate) fn of_client<'a>(&'a self, name: &'a str) -> &'a str {
        self.0.get(name).map_or(name, String::as_str)
    }
}

/// A skill, which can be called like a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Skill {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) path: String,
}
