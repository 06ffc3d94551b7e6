//! Retries, compaction, servers: news that are neither text nor a call.

use std::collections::BTreeSet;

use acp_types::v1;

use super::text::{Kind, chunk};
use crate::claude::wire::system::{ApiRetry, Compacted, McpServer, Status};
use crate::translate::{ClientFeatures, Effects};

/// Retries, compaction, servers that do not work.
#[derive(Debug, Default)]
pub(super) struct Notices {
    features: ClientFeatures,
    compactions: u64,
    /// Texts in place of notices.
    told: u64,
    /// The id of the one that runs.
    compacting: Option<String>,
    /// A compaction of this turn that did not succeed.
    failed: Option<Failed>,
    /// Servers that were spoken of.
    broken: BTreeSet<String>,
}

/// A compaction without a result.
#[derive(Debug)]
enum Failed {
    /// It failed with this error.
    Because(String),
    /// The client stopped it. The program has text of its own for that.
    Stopped,
}

impl Notices {
    pub(super) fn new(features: ClientFeatures) -> Self {
        Self { features, ..Self::default() }
    }

    /// A request to the model is tried again.
    pub(super) fn retry(&self, retry: &ApiRetry, out: &mut Effects) {
        let ApiRetry { attempt, max_retries, retry_delay_ms, error_status, error } = retry;
        tracing::info!(attempt, max_retries, status = error_status, "a request to the model is tried again");
        let status = error_status.map(|status| format!(" with status {status}")).unwrap_or_default();
        let word = error.as_deref().filter(|word| *word != "unknown").map(|word| format!(" ({word})"));
        let description = format!(
            "The request failed{status}{}. Attempt {attempt} of {max_retries} in {:.1} s.",
            word.unwrap_or_default(),
            retry_delay_ms / 1000.0,
        );
        self.notice(v1::NoticeSeverity::Warning, "The model is asked again", &description, out);
    }

    /// Something that people should know.
    pub(super) fn warn(&self, text: &str, out: &mut Effects) {
        tracing::info!("the harness warns");
        self.notice(v1::NoticeSeverity::Warning, "Claude Code", text, out);
    }

    /// Something that people must know, also those whose client shows no notices.
    pub(super) fn tell(&mut self, text: &str, out: &mut Effects) {
        if self.features.notices {
            self.warn(text, out);
        } else {
            self.told += 1;
            out.update(chunk(Kind::Thought, &format!("notice-{}", self.told), text));
        }
    }

    /// MCP servers, at the beginning of a turn.
    pub(super) fn servers(&mut self, servers: &[McpServer], out: &mut Effects) {
        for server in servers {
            if matches!(server.status.as_str(), "connected" | "pending") {
                self.broken.remove(&server.name);
            } else if self.broken.insert(server.name.clone()) {
                tracing::info!(status = server.status, "an MCP server does not work");
                let description = format!("MCP server {}: {}", server.name, server.status);
                self.notice(v1::NoticeSeverity::Warning, "An MCP server does not work", &description, out);
            }
        }
    }

    /// Compaction may have begun or failed. In a turn that is being stopped it fails because of the stop.
    pub(super) fn status(&mut self, status: &Status, stopping: bool, out: &mut Effects) {
        if status.status.as_deref() == Some("compacting") && self.compacting.is_none() {
            let id = self.compaction_id(status.uuid.as_ref());
            self.compaction(&id, v1::CompactionStatus::InProgress, None, out);
            self.compacting = Some(id);
        } else if status.compact_result.as_deref() == Some("failed")
            && let Some(id) = self.compacting.take()
        {
            if stopping {
                self.compaction(&id, v1::CompactionStatus::Cancelled, None, out);
                self.failed = Some(Failed::Stopped);
            } else {
                self.compaction(&id, v1::CompactionStatus::Failed, status.compact_error.clone(), out);
                self.failed = status.compact_error.clone().map(Failed::Because);
            }
        }
    }

    /// Compaction is done.
    pub(super) fn compacted(&mut self, compacted: &Compacted, out: &mut Effects) {
        let id = self.compacting.take().unwrap_or_else(|| self.compaction_id(compacted.uuid.as_ref()));
        self.compaction(&id, v1::CompactionStatus::Completed, None, out);
        if !self.features.compaction {
            out.update(chunk(Kind::Thought, &id, "The conversation was compacted."));
        }
    }

    /// A turn is over, and compaction with it.
    pub(super) fn finish(&mut self, out: &mut Effects) {
        self.failed = None;
        if let Some(id) = self.compacting.take() {
            self.compaction(&id, v1::CompactionStatus::Cancelled, None, out);
        }
    }

    /// True if a text of the program only says that compaction did not succeed.
    pub(super) fn is_failure(&self, text: &str) -> bool {
        match &self.failed {
            Some(Failed::Because(error)) => !error.is_empty() && text.ends_with(error.as_str()),
            Some(Failed::Stopped) => true,
            None => false,
        }
    }

    /// An id that no compaction of the session has had, also not before it was loaded.
    fn compaction_id(&mut self, message: Option<&String>) -> String {
        self.compactions += 1;
        message.cloned().unwrap_or_else(|| format!("compaction-{}", self.compactions))
    }

    fn compaction(&self, id: &str, status: v1::CompactionStatus, error: Option<String>, out: &mut Effects) {
        tracing::info!(?status, "compaction");
        if self.features.compaction {
            let mut update = v1::CompactionUpdate::new(id.to_owned(), status);
            if let Some(error) = error {
                update = update.error(error);
            }
            out.update(v1::SessionUpdate::CompactionUpdate(update));
        }
    }

    fn notice(&self, severity: v1::NoticeSeverity, title: &str, description: &str, out: &mut Effects) {
        if self.features.notices {
            let notice = v1::Notice::new(severity, title).description(description.to_owned());
            out.update(v1::SessionUpdate::Notice(notice));
        }
    }
}
