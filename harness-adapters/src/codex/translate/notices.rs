//! Warnings, retries, compaction: news that are neither text nor a call.

use std::collections::BTreeSet;

use acp_types::RawBuf;
use acp_types::v1::{CompactionStatus, CompactionUpdate, Notice, NoticeSeverity, SessionUpdate};
use serde::Deserialize;

use super::controls::Controls;
use super::setup::ServerNames;
use super::text;
use crate::codex::wire::{self, Summarized, Warning};
use crate::failure::Failure;
use crate::translate::{ClientFeatures, Effects};

/// Limit of warnings that are remembered, so that each comes once.
const REMEMBERED: usize = 64;

/// The notices of one session.
#[derive(Debug)]
pub(super) struct Notices {
    features: ClientFeatures,
    /// Warnings that the client has had.
    told: BTreeSet<String>,
    /// The compaction that runs.
    compacting: Option<String>,
    /// Hooks that do not run, until the client is told of them.
    untrusted_hooks: Vec<String>,
}

/// `mcpServer/startupStatus/updated`.
#[derive(Debug, Deserialize)]
struct Startup {
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    error: Option<String>,
}

/// `model/rerouted`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rerouted {
    from_model: String,
    to_model: String,
}

impl Notices {
    /// No notices yet, but for these hooks.
    pub(super) fn new(features: ClientFeatures, untrusted_hooks: Vec<String>) -> Self {
        Self { features, told: BTreeSet::new(), compacting: None, untrusted_hooks }
    }

    /// A notification that may be a warning.
    pub(super) fn warned(&mut self, method: &str, params: Option<&RawBuf>, servers: &ServerNames, out: &mut Effects) {
        match method {
            "warning" | "guardianWarning" => {
                if let Some(Warning { message }) = wire::read(params, method) {
                    self.once(&message, None, out);
                }
            }
            "configWarning" | "deprecationNotice" => {
                if let Some(Summarized { summary, details }) = wire::read(params, method) {
                    self.once(&summary, details, out);
                }
            }
            "mcpServer/startupStatus/updated" => {
                if let Some(Startup { name, status, error }) = wire::read(params, method)
                    && status == "failed"
                {
                    self.once(&format!("MCP server {} did not start", servers.of_client(&name)), error, out);
                }
            }
            "model/rerouted" => {
                if let Some(Rerouted { from_model, to_model }) = wire::read(params, method) {
                    self.once(&format!("{to_model} answers in place of {from_model}"), None, out);
                }
            }
            _ => tracing::trace!(method, "a notification was left out"),
        }
    }

    fn once(&mut self, title: &str, description: Option<String>, out: &mut Effects) {
        if self.told.len() < REMEMBERED && self.told.insert(title.to_owned()) {
            self.notice(title, description, out);
        }
    }

    /// Tells something that people must know. A client without notices gets a thought, which every client shows and
    /// nobody takes for the answer.
    pub(super) fn tell(&self, title: &str, description: Option<String>, controls: &mut Controls, out: &mut Effects) {
        if self.features.notices {
            return self.notice(title, description, out);
        }
        let description = description.map(|description| format!(": {description}")).unwrap_or_default();
        let id = controls.unique();
        out.update(SessionUpdate::AgentThoughtChunk(text::chunk(&id, &format!("{title}{description}"))));
    }

    /// Tells once which hooks do not run.
    pub(super) fn tell_hooks(&mut self, controls: &mut Controls, out: &mut Effects) {
        let hooks = std::mem::take(&mut self.untrusted_hooks);
        if !hooks.is_empty() {
            let title = "Hooks that nobody has trusted do not run";
            let how = "trust them with _codex/hooks/trust, or with /hooks in Codex's own terminal";
            self.tell(title, Some(format!("{}; {how}", hooks.join("; "))), controls, out);
        }
    }

    fn notice(&self, title: &str, description: Option<String>, out: &mut Effects) {
        if self.features.notices {
            let notice = Notice::new(NoticeSeverity::Warning, title).description(description);
            out.update(SessionUpdate::Notice(notice));
        } else {
            tracing::info!("Codex has a warning or tries again");
        }
    }

    /// A compaction begins or ends.
    pub(super) fn compaction(&mut self, id: &str, done: bool, out: &mut Effects) {
        self.compacting = (!done).then(|| id.to_owned());
        if self.features.compaction {
            let status = if done { CompactionStatus::Completed } else { CompactionStatus::InProgress };
            out.update(SessionUpdate::CompactionUpdate(CompactionUpdate::new(id.to_owned(), status)));
        } else if done {
            out.update(SessionUpdate::AgentThoughtChunk(text::chunk(id, "The conversation was compacted.")));
        }
    }

    /// Ends a compaction with its turn, of which Codex says no more.
    pub(super) fn end_turn(&mut self, failure: Option<&Failure>, out: &mut Effects) {
        let Some(id) = self.compacting.take().filter(|_| self.features.compaction) else { return };
        let update = match failure {
            Some(failure) => CompactionUpdate::new(id, CompactionStatus::Failed).error(failure.message.clone()),
            None => CompactionUpdate::new(id, CompactionStatus::Cancelled),
        };
        out.update(SessionUpdate::CompactionUpdate(update));
    }
}
