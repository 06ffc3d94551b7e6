//! The requests that came in, for those who want to see what a harness sent.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// Requests that are kept in memory.
const MAX_KEPT: usize = 200;
/// Bytes of bodies that are kept in memory.
const MAX_BYTES: usize = 128 * 1024 * 1024;

/// The last requests, and a file to write all of them to.
#[derive(Debug, Default)]
pub struct Journal {
    kept: VecDeque<Arc<RawValue>>,
    bytes: usize,
    file: Option<File>,
}

/// One request and how it was answered.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    pub(super) api: &'static str,
    pub(super) path: &'a str,
    pub(super) model: &'a str,
    /// Index of the prompt in the script.
    pub(super) prompt: Option<usize>,
    /// Number of this call for its prompt, from 1.
    pub(super) call: Option<usize>,
    /// Kind of a call that the harness makes for itself.
    pub(super) side: Option<&'static str>,
    pub(super) body: &'a RawValue,
}

impl Journal {
    /// A journal that also appends each request to a file, one JSON object per line.
    #[must_use]
    pub fn appending_to(file: File) -> Self {
        Self { file: Some(file), ..Self::default() }
    }

    /// Notes a request.
    pub(super) fn note(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let entry = to_raw_value(entry)?;
        let written = match &mut self.file {
            // A body may be spread over lines; JSON has no raw newline within strings.
            Some(file) => file.write_all(format!("{}\n", entry.get().replace(['\n', '\r'], " ")).as_bytes()),
            None => Ok(()),
        };
        self.bytes += entry.get().len();
        self.kept.push_back(entry.into());
        while self.kept.len() > MAX_KEPT || (self.bytes > MAX_BYTES && self.kept.len() > 1) {
            self.bytes -= self.kept.pop_front().map_or(0, |oldest| oldest.get().len());
        }
        written
    }

    /// The last requests, oldest first.
    pub(super) fn list(&self) -> Vec<Arc<RawValue>> {
        self.kept.iter().cloned().collect()
    }
}
