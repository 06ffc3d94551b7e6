//! `/control`: what a test asks and tells the server.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use super::state::Model;

pub(super) fn routes() -> Router<Model> {
    Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/requests", get(requests))
        .route("/release/{gate}", post(release))
}

/// The last requests, oldest first.
async fn requests(State(model): State<Model>) -> Response {
    let entries = model.state().journal.list();
    match serde_json::to_string(&entries) {
        Ok(list) => ([(header::CONTENT_TYPE, "application/json")], list).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Lets streams pass that wait at the gate, now and later.
async fn release(State(model): State<Model>, Path(gate): Path<String>) -> Response {
    if model.gates.release(&gate) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let known = model.gates.names();
    let message = format!("no reply waits at {gate:?}; the script has {known:?}");
    (StatusCode::NOT_FOUND, Json(serde_json::json!({ "error": message }))).into_response()
}
