//! Routes of requests.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request as HttpRequest, State};
use axum::http::{HeaderMap, Uri};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::state::Model;
use super::{control, guard, play};
use crate::model::book::Found;
use crate::model::journal::Entry;
use crate::model::request::Request;
use crate::model::script::Api;
use crate::model::steps::ModelAnswer;
use crate::model::{anthropic, gemini, openai};

/// Largest request that is read.
const MAX_BODY: usize = 64 * 1024 * 1024;

pub(super) fn router(model: Model) -> Router {
    let api = Router::new()
        .route("/responses", post(responses))
        .route("/messages", post(messages))
        .route("/messages/count_tokens", post(|| async { Json(json!({ "input_tokens": 10 })) }))
        .route("/models", get(models));
    Router::new()
        .merge(api.clone())
        .nest("/v1", api)
        .route("/v1beta/models/{call}", post(generate))
        .nest("/control", control::routes())
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(announced_size))
        .layer(middleware::from_fn(guard::loopback_only))
        .with_state(model)
}

/// Refuses a request that says it is too large before any of it is read.
async fn announced_size(request: HttpRequest, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_BODY as u64) {
        let message = format!("more than {MAX_BODY} bytes");
        return (StatusCode::PAYLOAD_TOO_LARGE, Json(anthropic::error(413, None, &message))).into_response();
    }
    next.run(request).await
}

/// No models: harnesses then use the ones they know. In the shape of either API, and of Codex.
async fn models() -> Json<Value> {
    Json(json!({
        "object": "list", "data": [], "models": [], "has_more": false, "first_id": null, "last_id": null
    }))
}

async fn unknown(uri: Uri) -> Response {
    tracing::debug!(path = uri.path(), "nothing is here");
    let message = format!("nothing is at {}", uri.path());
    (StatusCode::NOT_FOUND, Json(anthropic::error(404, None, &message))).into_response()
}

async fn responses(State(model): State<Model>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    answer(model, Api::OpenAi, uri.path(), &headers, body).await
}

async fn messages(State(model): State<Model>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    answer(model, Api::Anthropic, uri.path(), &headers, body).await
}

/// `MODEL:METHOD`.
async fn generate(State(model): State<Model>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    if uri.path().ends_with(":countTokens") {
        return Json(json!({ "totalTokens": 10 })).into_response();
    }
    answer(model, Api::Gemini, uri.path(), &headers, body).await
}

async fn answer(model: Model, api: Api, path: &str, headers: &HeaderMap, body: Bytes) -> Response {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return refuse(api, StatusCode::UNSUPPORTED_MEDIA_TYPE, "a compressed request; switch compression off");
    }
    let request = match acp_server::types::json::from_slice::<Value>(&body) {
        Ok(value) => Request::read(api, path, &value),
        Err(error) => Err(format!("the request is no JSON: {error}")),
    };
    let request = match request {
        Ok(request) => request,
        Err(message) => return refuse(api, StatusCode::BAD_REQUEST, &message),
    };
    let streaming = request.turn().stream;
    let path = path.to_owned();
    let prepared = {
        let model = model.clone();
        // The journal may be a file.
        tokio::task::spawn_blocking(move || prepare(&model, api, &path, &request, &body)).await
    };
    match prepared {
        Ok(answer) => play::response(model, answer, streaming).await,
        Err(_) => refuse(api, StatusCode::INTERNAL_SERVER_ERROR, "the scripted model panicked; this is a bug"),
    }
}

/// Finds the answer and notes the request.
fn prepare(model: &Model, api: Api, path: &str, request: &Request, body: &[u8]) -> ModelAnswer {
    let turn = request.turn();
    let mut state = model.state();
    let found = state.book.find(turn);
    let (prompt, call, side) = match &found {
        Found::Side(side) => (None, None, Some(side.name())),
        Found::Reply { prompt, call, .. } => (Some(*prompt), Some(*call), None),
        Found::Nothing => (None, None, None),
    };
    tracing::debug!(api = api.name(), prompt, call, side, bytes = body.len(), "a request");
    if let Ok(body) = serde_json::from_slice::<&RawValue>(body) {
        let entry = Entry { api: api.name(), path, model: &turn.model, prompt, call, side, body };
        if let Err(error) = state.journal.note(&entry) {
            tracing::warn!(%error, "a request could not be written to the file");
        }
    }
    let state = &mut *state;
    request.answer(&found, state.book.script(), &mut state.ids)
}

fn refuse(api: Api, status: StatusCode, message: &str) -> Response {
    tracing::debug!(api = api.name(), status = status.as_u16(), message, "a request is refused");
    let body = match api {
        Api::OpenAi => openai::error(status.as_u16(), None, message),
        Api::Anthropic => anthropic::error(status.as_u16(), None, message),
        Api::Gemini => gemini::error(status.as_u16(), None, message),
    };
    (status, Json(body)).into_response()
}
