//! Transcripts: histories as JSON Lines.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};

use super::event::{Event, History};

/// Format that the first line of a transcript names.
const FORMAT: &str = "acp-conformance transcript";
/// Its version.
const VERSION: u32 = 1;
/// The longest line that is read, in bytes.
const MAX_LINE: usize = 64 * 1024 * 1024;
/// The most events that are read.
const MAX_EVENTS: usize = 4_000_000;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: String,
    version: u32,
    scenario: String,
}

/// A transcript that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read.
    #[error("the transcript cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error(
        "line {line} of the transcript is not what it should be: {reason}; only files that acp-conformance wrote can be \
         judged again"
    )]
    Malformed {
        /// From 1 on.
        line: usize,
        /// In what way.
        reason: String,
    },
}

/// Writes a history, one event per line behind a line that says what it is.
///
/// # Errors
/// When `to` cannot be written.
pub fn write(history: &History, mut to: impl Write) -> io::Result<()> {
    let head = Head { format: FORMAT.to_owned(), version: VERSION, scenario: history.scenario.clone() };
    serde_json::to_writer(&mut to, &head)?;
    to.write_all(b"\n")?;
    for event in &history.events {
        serde_json::to_writer(&mut to, event)?;
        to.write_all(b"\n")?;
    }
    to.flush()
}

/// Reads what [`write()`] wrote. Lines longer than 64 MiB and more than four million events are refused.
///
/// # Errors
/// When `from` cannot be read or holds something else.
pub fn read(mut from: impl BufRead) -> Result<History, ReadError> {
    let mut text = Vec::new();
    let mut number = 0;
    let mut history: Option<History> = None;
    loop {
        text.clear();
        number += 1;
        let malformed = |reason: String| ReadError::Malformed { line: number, reason };
        let read = (&mut from).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut text)?;
        if read == 0 {
            return history.ok_or_else(|| malformed("the file is empty".to_owned()));
        }
        if read > MAX_LINE {
            return Err(malformed(format!("it is longer than {MAX_LINE} bytes")));
        }
        let Some(history) = &mut history else {
            let head: Head = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
            if head.format != FORMAT || head.version != VERSION {
                return Err(malformed(format!("it says {} version {}", head.format, head.version)));
            }
            history = Some(History { scenario: head.scenario, events: Vec::new() });
            continue;
        };
        if history.events.len() == MAX_EVENTS {
            return Err(malformed(format!("there are more than {MAX_EVENTS} events")));
        }
        let event: Event = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
        history.events.push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Line, What};
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let what = [
            What::Opened { subject: "agent".into() },
            What::Sent { line: Line::new(b"{\"a\":1}"), label: Some("first".into()) },
            What::Received { line: Line::new(&[0xff, 0x0a]) },
            What::Exited { code: Some(3), signal: None },
            What::Note { label: "files".into(), data: serde_json::json!(["a"]) },
        ];
        let events = what.into_iter().map(|what| Event { at: 7, on: 1, what }).collect();
        let history = History { scenario: "handshake".into(), events };
        let mut file = Vec::new();
        write(&history, &mut file).expect("write to memory");
        assert_eq!(read(file.as_slice()).expect("read back"), history);
    }

    #[test]
    fn anything_else_is_refused_with_its_line() {
        let refused = |text: &str| read(text.as_bytes()).expect_err("refused").to_string();
        assert!(refused("").contains("line 1"));
        assert!(refused("{\"format\":\"x\",\"version\":1,\"scenario\":\"s\"}\n").contains("line 1"));
        let head = "{\"format\":\"acp-conformance transcript\",\"version\":1,\"scenario\":\"s\"}\n";
        assert!(refused(&format!("{head}{{}}\n")).contains("line 2"));
    }
}
