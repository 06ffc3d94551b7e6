//! Agent that this bridge runs, for programs that are about to use it and want that and nothing else.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// Agent and log that a bridge was started with. The fingerprints leave it in no form: others can only ask about
/// theirs, so that nobody who reads an answer can find out a short secret by trying.
#[derive(Debug, Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "made to be written out")]
pub struct Served {
    /// Name of the agent, for people.
    pub agent: String,
    /// Fingerprint of its command line and all that decides what it can do.
    pub fingerprint: String,
    /// Fingerprint of where its log is.
    pub log: String,
}

/// Answer to a comparison.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Compared {
    /// Name of the agent, for people.
    pub(crate) agent: String,
    /// Flag: it is the agent that was asked for.
    pub(crate) same_agent: bool,
    /// Flag: so is the log, if one was asked for.
    pub(crate) same_log: bool,
}

/// Answers `/served?fingerprint=…&log=…`: whether that is what runs here; about the log only if it is named.
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
