//! Events of one scenario, in order.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The note of why a scenario was not played to its end.
pub(crate) const ENDED_EARLY: &str = "ended early";

/// Everything that happened in one scenario, in order.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// The scenario's name.
    pub scenario: String,
    /// Its events.
    pub events: Vec<Event>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a line of the transcript, made by whoever records")]
pub struct Event {
    /// Microseconds since the scenario began.
    pub at: u64,
    /// Number of the scenario's connection, from 1 on: a scenario may start its subject more than once.
    pub on: u32,
    /// The event.
    #[serde(flatten)]
    pub what: What,
}

/// Kinds of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum What {
    /// The subject was started or connected to.
    Opened {
        /// Its command line or address.
        subject: String,
    },
    /// A line that we wrote.
    Sent {
        /// Without its line end.
        line: Line,
        /// Its label in the scenario.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
    },
    /// A line that the subject wrote.
    Received {
        /// Without its line end.
        line: Line,
    },
    /// A part of what the subject wrote to stderr.
    Stderr {
        /// Lossy where it is not UTF-8.
        text: String,
    },
    /// Something that was waited for did not come.
    Missed {
        /// Its label in the scenario.
        label: String,
        /// Length of the wait, in milliseconds.
        waited_ms: u64,
    },
    /// A window in which nothing was to come has passed.
    Quiet {
        /// Its label in the scenario.
        label: String,
        /// Its length in milliseconds.
        ms: u64,
    },
    /// We closed the subject's input.
    InputClosed,
    /// The subject closed its output.
    OutputClosed,
    /// The subject's process is gone.
    Exited {
        /// Its exit code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<i32>,
        /// The signal that ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
    },
    /// Something that was seen beside the wire: a file, a process, what an MCP server was told.
    Note {
        /// Its label in the scenario.
        label: String,
        /// The data.
        data: Value,
    },
    /// The suite or the machine did wrong, not the subject.
    Fault {
        /// The fault.
        why: String,
    },
}

/// One line of the wire: text, or bytes in hexadecimal where it is no UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "bytes are UTF-8 or they are not")]
pub enum Line {
    /// UTF-8.
    Text(String),
    /// Anything else.
    Hex(String),
}

impl Line {
    /// The line that these bytes are.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Hex(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Hex(_) => None,
        }
    }

    /// For a person.
    #[must_use]
    pub fn shown(&self) -> &str {
        match self {
            Self::Text(text) | Self::Hex(text) => text,
        }
    }
}

impl What {
    /// An arrow for the direction, and the event in a line, for a person.
    #[must_use]
    pub fn shown(&self) -> (char, String) {
        match self {
            Self::Sent { line, .. } => ('→', line.shown().to_owned()),
            Self::Received { line } => ('←', line.shown().to_owned()),
            Self::Opened { subject } => ('·', format!("started: {subject}")),
            Self::Stderr { text } => ('!', text.clone()),
            Self::Missed { label, waited_ms } => ('·', format!("{label} did not come within {waited_ms} ms")),
            Self::Quiet { label, ms } => ('·', format!("{label}: watched for {ms} ms")),
            Self::InputClosed => ('·', "its input was closed".to_owned()),
            Self::OutputClosed => ('·', "it closed its output".to_owned()),
            Self::Exited { code: Some(code), .. } => ('·', format!("it exited with code {code}")),
            Self::Exited { signal: Some(signal), .. } => ('·', format!("signal {signal} ended it")),
            Self::Exited { .. } => ('·', "it is gone".to_owned()),
            Self::Fault { why } => ('!', why.clone()),
            Self::Note { label, data } => ('·', format!("{label}: {data}")),
        }
    }
}
