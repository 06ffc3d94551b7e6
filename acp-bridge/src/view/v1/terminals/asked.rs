//! Output of terminals that clients run, as their answers have it. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use acp_types::Raw;
use acp_types::method::v1;
use acp_types::record::body::{Requested, Resolved};
use acp_types::record::{Kind, Record, Seq};

use super::text::{Text, literal};

/// Requests for the output of a client's terminal that have no answer yet.
const MAX: usize = 64;

const OUTPUT: &str = v1::TerminalOutput::NAME;

/// Requests for output that have no answer, oldest first.
#[derive(Debug, Default)]
pub(super) struct AskedOutput(VecDeque<Asked>);

#[derive(Debug)]
struct Asked {
    request: Seq,
    lane: Arc<str>,
    terminal: String,
}

/// Output of a terminal so far.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) lane: Arc<str>,
    pub(super) terminal: String,
    pub(super) text: Text,
}

impl AskedOutput {
    /// Takes a record that is no update; the output, if it is the answer to a request for some.
    pub(super) fn control(&mut self, record: &Record) -> Option<Answered> {
        match record.kind {
            Kind::Request => {
                let Ok(Requested { method, params: Some(params) }) = record.decode() else { return None };
                let terminal = params.as_raw().member("terminalId").and_then(Raw::as_string);
                let terminal = terminal.filter(|_| method == OUTPUT)?.into_owned();
                if self.0.len() >= MAX {
                    self.0.pop_front();
                }
                self.0.push_back(Asked { request: record.seq, lane: Arc::clone(&record.lane), terminal });
                None
            }
            Kind::Response => {
                let Resolved { request, result, .. } = record.decode().ok()?;
                let at = self.0.iter().position(|asked| asked.request == request)?;
                let Asked { lane, terminal, .. } = self.0.remove(at)?;
                let result = result?;
                let [output, cut] = result.as_raw().pick(["output", "truncated"]);
                let output = output.and_then(literal)?;
                let mut text = if cut.and_then(Raw::as_bool).unwrap_or(false) { Text::late() } else { Text::default() };
                text.push(output);
                Some(Answered { lane, terminal, text })
            }
            _ => None,
        }
    }
}
