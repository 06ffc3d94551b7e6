//! What is said beside the turn: warnings, retries, compaction.

use std::collections::BTreeSet;

use acp_types::RawBuf;
use acp_types::v1::{CompactionStatus, CompactionUpdate, Notice, NoticeSeverity, SessionUpdate};
use serde::Deserialize;

use super::{Translator, text};
use crate::codex::wire::{ErrorEvent, Summarized, Warning};
use crate::failure::Failure;
use crate::translate::Effects;

/// Warnings that are remembered, so that they come once.
const REMEMBERED: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Notices {
    /// Warnings that the client has had.
    told: BTreeSet<String>,
    /// The compaction that runs.
    compacting: Option<String>,
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

impl Translator {
    pub(super) fn noticed(&mut self, method: &str, params: Option<&RawBuf>, out: &mut Effects) {
        match method {
            "error" => self.with(params, method, |this, event: ErrorEvent| {
                if event.will_retry {
                    this.tries_again(&event, out);
                }
                this.errored(event.error);
            }),
            "warning" | "guardianWarning" => self.with(params, method, |this, event: Warning| {
                this.notice_once(&event.message, None, out);
            }),
            "configWarning" | "deprecationNotice" => self.with(params, method, |this, event: Summarized| {
                this.notice_once(&event.summary, event.details, out);
            }),
            "mcpServer/startupStatus/updated" => self.with(params, method, |this, event: Startup| {
                if event.status == "failed" {
                    let title = format!("MCP server {} did not start", this.setup.server(&event.name));
                    this.notice_once(&title, event.error, out);
                }
            }),
            "model/rerouted" => self.with(params, method, |this, event: Rerouted| {
                this.notice_once(&format!("{} answers in place of {}", event.to_model, event.from_model), None, out);
            }),
            _ => tracing::trace!(method, "a notification was left out"),
        }
    }

    fn notice_once(&mut self, title: &str, description: Option<String>, out: &mut Effects) {
        if self.notices.told.len() < REMEMBERED && self.notices.told.insert(title.to_owned()) {
            self.notice(NoticeSeverity::Warning, title, description, out);
        }
    }

    /// Tells something that has to be seen. A client without notices gets a thought, which every client shows and nobody
    /// takes for the answer.
    pub(super) fn tell(&mut self, title: &str, description: Option<String>, out: &mut Effects) {
        if self.setup.features.notices {
            return self.notice(NoticeSeverity::Warning, title, description, out);
        }
        let description = description.map(|description| format!(": {description}")).unwrap_or_default();
        let id = self.calls.unique();
        out.update(SessionUpdate::AgentThoughtChunk(text::chunk(&id, &format!("{title}{description}"))));
    }

    /// Tells once which hooks do not run.
    pub(super) fn tell_hooks(&mut self, out: &mut Effects) {
        let hooks = std::mem::take(&mut self.setup.untrusted_hooks);
        if !hooks.is_empty() {
            let title = "Hooks that nobody has trusted do not run";
            let how = "trust them with _codex/hooks/trust, or with /hooks in Codex's own terminal";
            self.tell(title, Some(format!("{}; {how}", hooks.join("; "))), out);
        }
    }

    fn notice(&self, severity: NoticeSeverity, title: &str, description: Option<String>, out: &mut Effects) {
        if self.setup.features.notices {
            out.update(SessionUpdate::Notice(Notice::new(severity, title).description(description)));
        } else {
            tracing::info!("Codex has a warning or tries again");
        }
    }

    pub(super) fn compaction(&mut self, id: &str, done: bool, out: &mut Effects) {
        self.notices.compacting = (!done).then(|| id.to_owned());
        if self.setup.features.compaction {
            let status = if done { CompactionStatus::Completed } else { CompactionStatus::InProgress };
            out.update(SessionUpdate::CompactionUpdate(CompactionUpdate::new(id.to_owned(), status)));
        } else if done {
            out.update(SessionUpdate::AgentThoughtChunk(text::chunk(id, "The conversation was compacted.")));
        }
    }

    /// The turn is over, and with it a compaction of which Codex says no more.
    pub(super) fn end_compaction(&mut self, failure: Option<&Failure>, out: &mut Effects) {
        let Some(id) = self.notices.compacting.take().filter(|_| self.setup.features.compaction) else { return };
        let update = match failure {
            Some(failure) => CompactionUpdate::new(id, CompactionStatus::Failed).error(failure.message.clone()),
            None => CompactionUpdate::new(id, CompactionStatus::Cancelled),
        };
        out.update(SessionUpdate::CompactionUpdate(update));
    }
}
