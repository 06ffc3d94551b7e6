//! The part of a message that says where it belongs.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::codex::wire;

/// The beginning of a message, before its parameters are read.
#[derive(Deserialize)]
pub(super) struct Head<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) result: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) error: Option<wire::RpcError>,
}

/// The thread that a message is about, and threads that it tells of.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct About<'a> {
    #[serde(borrow)]
    pub(super) thread_id: Option<Cow<'a, str>>,
    pub(super) thread: Option<Started>,
    pub(super) item: Option<Spawn>,
}

/// A thread that was started, by another thread or not.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Started {
    pub(super) id: String,
    #[serde(default)]
    pub(super) parent_thread_id: Option<String>,
}

/// The threads that an item started.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spawn {
    #[serde(default)]
    pub(super) receiver_thread_ids: Vec<String>,
    #[serde(default)]
    pub(super) agent_thread_id: Option<String>,
}

impl<'a> About<'a> {
    /// Reads it from parameters. A message whose other members do not read still gets to its thread.
    pub(super) fn read(params: &'a RawValue) -> Self {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Thread<'a> {
            #[serde(borrow)]
            thread_id: Cow<'a, str>,
        }
        serde_json::from_str(params.get()).unwrap_or_else(|_| {
            let thread = serde_json::from_str::<Thread<'a>>(params.get()).ok();
            Self { thread_id: thread.map(|thread| thread.thread_id), ..Self::default() }
        })
    }
}
