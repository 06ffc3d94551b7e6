//! What a client can do, as far as a translator cares.

use acp_types::v1;
use serde::{Deserialize, Serialize};

/// Features of a client, as far as a translator cares; read from its `initialize`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "tests write it out")]
#[expect(clippy::struct_excessive_bools, reason = "each is one capability")]
pub struct ClientFeatures {
    /// `elicitation/create` with forms.
    pub forms: bool,
    /// `_meta.terminal_output`: output of commands as it comes, under `_meta.terminal_output` of a tool call.
    pub terminal_output: bool,
    /// `notice` updates.
    pub notices: bool,
    /// `compaction_update` updates.
    pub compaction: bool,
    /// Config options of type boolean.
    pub boolean_options: bool,
    /// Sessions of sub-agents: `subagent_update` and what belongs to it.
    pub subagents: bool,
}

impl ClientFeatures {
    /// Reads the features from the client's `initialize`.
    #[must_use]
    pub fn of(client: &v1::InitializeRequest) -> Self {
        let capabilities = &client.client_capabilities;
        let session = capabilities.session.as_ref();
        let marked = |key: &str| {
            let meta = capabilities.meta.as_ref();
            meta.and_then(|meta| meta.get(key)).and_then(serde_json::Value::as_bool).unwrap_or_default()
        };
        Self {
            forms: capabilities.elicitation.as_ref().is_some_and(|elicitation| elicitation.form.is_some()),
            terminal_output: marked("terminal_output"),
            notices: session.is_some_and(|session| session.notices.is_some()),
            compaction: session.is_some_and(|session| session.compaction.is_some()),
            boolean_options: session
                .and_then(|session| session.config_options.as_ref())
                .is_some_and(|options| options.boolean.is_some()),
            subagents: capabilities.subagents.is_some(),
        }
    }
}
