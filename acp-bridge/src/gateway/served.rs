//! Agent that this bridge runs, for programs that are about to use it and want that and nothing else.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// Agent and log that a bridge was started with. The fingerprints leave it in no form: others can only ask about
/// theirs, so that nobody who reads an answer can find out a short secret by trying.
#[derive(Debug, Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "made to be written out")]
pub struct Served {
    /// The agent's name for people.
    pub agent: String,
    /// Of its command line and all that decides what it can do.
    pub fingerprint: String,
    /// Of where its log is.
    pub log: String,
}

/// Answer to a comparison.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Compared {
    /// The agent's name for people.
    pub(crate) agent: String,
    /// It is the one that was asked for.
    pub(crate) same_agent: bool,
    /// So is the log, if one was asked for.
    pub(crate) same_log: bool,
}

/// `/served?fingerprint=…&log=…`: whether that is what runs here; about the log only if it is named.
pub(super) fn compare(served: &Served, query: &str) -> Response {
    // Fingerprints are written so that nothing of them needs an escape.
    let named = |name: &str| query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name));
    let compared = Compared {
        agent: served.agent.clone(),
        same_agent: named("fingerprint").is_some_and(|(_, fingerprint)| served.fingerprint == fingerprint),
        same_log: named("log").is_none_or(|(_, log)| served.log == log),
    };
    let body = serde_json::to_string(&compared).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
