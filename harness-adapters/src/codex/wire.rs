//! The part of the app-server protocol that this adapter uses.
//!
//! Tolerant: unknown members are ignored, unknown variants read as `Other`. It is JSON-RPC without the `jsonrpc` member,
//! one message per line.

mod ask;
mod config;
mod event;
mod input;
mod item;
mod outgoing;
mod thread;

pub(super) use ask::{
    CommandAsk, ElicitationAsk, ElicitationMode, FileAsk, NetworkAmendment, PermissionsAsk, Question, QuestionsAsk,
};
pub(super) use config::{ActiveProfile, ConfigRead, Origin, PermissionProfile, Workspace};
pub(super) use event::{
    Delta, ErrorEvent, ItemEvent, Named, Place, PlanEvent, Resolved, SettingsEvent, Step, StepStatus, Summarized,
    TokenUsage, Tokens, TurnEvent, Unreadable, Usage, Warning,
};
pub(super) use input::{File, Files, UserInput};
pub(super) use item::{AgentTool, Change, ChangeKind, Command, CommandAction, Item, McpCall, Status};
pub(super) use outgoing::{UNREADABLE, answer, bytes, call, notify, refuse, unreadable};
pub(super) use thread::{
    Account, Model, Page, Policy, Reviewer, Sandbox, SandboxPolicy, Skills, Started, Thread, Turn, TurnError,
    TurnStatus,
};

use std::borrow::Cow;
use std::collections::BTreeMap;

use acp_types::{RawBuf, json};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// Any message of the app-server.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    /// Of a request, then with a method, or of what it answers.
    #[serde(default)]
    pub(super) id: Option<RawBuf>,
    #[serde(default)]
    pub(super) method: Option<String>,
    #[serde(default)]
    pub(super) params: Option<RawBuf>,
    #[serde(default)]
    pub(super) result: Option<RawBuf>,
    #[serde(default)]
    pub(super) error: Option<RpcError>,
    /// Not of the app-server: the files that the message is about, as its reader found them.
    #[serde(default, rename = "_files")]
    pub(super) files: Files,
    /// Nor this: what commands had printed when the model was first told of them, by their call.
    #[serde(default, rename = "_began")]
    pub(super) began: BTreeMap<String, String>,
}

/// A JSON-RPC error. Its code says nothing: it is the same for everything.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct RpcError {
    #[serde(default, deserialize_with = "nullable")]
    pub(super) message: String,
}

impl Message {
    /// As much of a message as can be read of one that does not fit: an answer, which somebody waits for, is an error.
    pub(super) fn salvaged(raw: &RawBuf) -> Option<Self> {
        #[derive(Deserialize)]
        struct Id {
            id: RawBuf,
            #[serde(default)]
            method: Option<String>,
        }
        let Id { id, method } = json::from_str(raw.as_str()).ok()?;
        let error = method.is_none().then(|| RpcError { message: "the answer cannot be read".to_owned() });
        Some(Self {
            id: Some(id),
            method,
            params: None,
            result: None,
            error,
            files: Files::default(),
            began: BTreeMap::new(),
        })
    }
}

/// A line as it can be read: text, without half surrogate pairs.
pub(super) fn repaired(line: Bytes) -> Bytes {
    let line = match std::str::from_utf8(&line) {
        Ok(_) => line,
        Err(_) => String::from_utf8_lossy(&line).into_owned().into(),
    };
    let repaired = match json::well_formed_slice(&line) {
        Cow::Borrowed(_) => None,
        Cow::Owned(bytes) => Some(bytes.into()),
    };
    repaired.unwrap_or(line)
}

/// Reads params or a result; what does not fit is worth a line in the log, not more.
pub(super) fn read<T: DeserializeOwned>(raw: Option<&RawBuf>, what: &str) -> Option<T> {
    let text = raw.map_or("{}", RawBuf::as_str);
    json::from_str(text)
        .inspect_err(|error| tracing::warn!(what, at = error.column(), "a message of Codex does not read"))
        .ok()
}

/// `null` as the default.
fn nullable<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}
