//! One message of the app-server, before its parameters are read.

use std::collections::BTreeMap;

use acp_types::{RawBuf, json};
use serde::Deserialize;

use super::input::Files;
use super::reading::nullable;

/// Any message of the app-server.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    /// Id of a request, which has a method, or of an answer.
    #[serde(default)]
    pub(crate) id: Option<RawBuf>,
    #[serde(default)]
    pub(crate) method: Option<String>,
    #[serde(default)]
    pub(crate) params: Option<RawBuf>,
    #[serde(default)]
    pub(crate) result: Option<RawBuf>,
    #[serde(default)]
    pub(crate) error: Option<RpcError>,
    /// Files that the message is about, as its reader found them. Added by the adapter.
    #[serde(default, rename = "_files")]
    pub(crate) files: Files,
    /// First output of commands, as the model was told, by their call. Added by the adapter.
    #[serde(default, rename = "_began")]
    pub(crate) began: BTreeMap<String, String>,
}

/// A JSON-RPC error. Its code says nothing: it is the same for everything.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RpcError {
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) message: String,
}

impl Message {
    /// The readable part of a message that does not fit. An answer, which somebody waits for, becomes an error.
    pub(crate) fn salvaged(raw: &RawBuf) -> Option<Self> {
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
