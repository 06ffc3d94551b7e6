//! The API over HTTP POST: one call or a batch of them in a body, the answers in the other.

use std::sync::Arc;
use std::time::Duration;

use acp_types::api::jsonrpsee::core::server::ConnectionId;
use acp_types::error::{ErrorCode, error};
use acp_types::{Frame, Id, Raw, RawError, RequestId, frame};
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::call::{Peer, Rpc};
use crate::gateway::driver::Context;
use crate::service::{Caller, Principal};
use crate::view::door;

/// Calls in one body.
const MAX_BATCH: usize = 64;

/// Bytes of the answers to a batch: what comes after that is not called.
const MAX_ANSWERS: usize = 16 * 1024 * 1024;

/// Time that a client has to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Answer that says how the API is used, for those who do something else.
pub(in crate::gateway) fn usage() -> Response {
    let body = "the session API is here: POST a JSON-RPC request, or connect a WebSocket to ws://HOST:PORT/rpc\n";
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")], body).into_response()
}

/// Answers a POST.
pub(in crate::gateway) async fn post(
    rpc: &Rpc,
    context: &Context,
    principal: Arc<Principal>,
    request: Request,
) -> Response {
    if !is_json(request.headers()) {
        let body = "the body must be JSON: send it with `Content-Type: application/json`\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, body).into_response();
    }
    let limit = context.config.max_message;
    let body = match timeout(BODY_TIMEOUT, to_bytes(request.into_body(), limit)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let body = format!("the body could not be read, or is longer than {limit} bytes: send less at a time\n");
            return (StatusCode::PAYLOAD_TOO_LARGE, body).into_response();
        }
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "the body took too long\n").into_response(),
    };
    let gone = CancellationToken::new();
    let peer = Peer {
        caller: Caller::new(principal, uuid::Uuid::now_v7().to_string().into()),
        connection: ConnectionId(0),
        subscriptions: None,
        ids: Arc::default(),
        shutdown: context.shutdown.clone(),
        gone: gone.clone(),
        tasks: TaskTracker::new(),
    };
    let _gone = gone.drop_guard();
    match answers(rpc, &peer, &body).await {
        Some(answers) => ([(CONTENT_TYPE, "application/json")], Body::from(answers)).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// The answer to one call or to a batch; `None` when nobody wants one.
async fn answers(rpc: &Rpc, peer: &Peer, body: &[u8]) -> Option<String> {
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'[') {
        return answer(rpc, peer, body).await;
    }
    let batch = std::str::from_utf8(body).ok().and_then(|text| Raw::parse(text).ok());
    let Some(batch) = batch else {
        let fault = error(ErrorCode::PARSE_ERROR, "the batch is not valid JSON", None);
        return Some(frame::response(Id::NULL, Err(&fault)));
    };
    let calls: Vec<_> = batch.elements().take(MAX_BATCH + 1).collect();
    if calls.is_empty() || calls.len() > MAX_BATCH {
        let fault = door::invalid_request(format!("a batch has 1 to {MAX_BATCH} calls: send it in parts"));
        return Some(frame::response(Id::NULL, Err(&fault)));
    }
    let mut answers = String::from("[");
    for call in calls {
        let answer =
            if answers.len() > MAX_ANSWERS { beyond(call) } else { answer(rpc, peer, call.as_str().as_bytes()).await };
        if let Some(answer) = answer {
            if answers.len() > 1 {
                answers.push(',');
            }
            answers.push_str(&answer);
        }
    }
    answers.push(']');
    (answers.len() > 2).then_some(answers)
}

/// Answer to a call that is not made because the answers before it are long enough.
fn beyond(call: Raw<'_>) -> Option<String> {
    let id = RequestId::try_from(call.member("id")?).ok()?;
    let fault = door::internal(format!("the answers before it have {MAX_ANSWERS} bytes: call it by itself"));
    Some(frame::response(&id, Err(&fault)))
}

async fn answer(rpc: &Rpc, peer: &Peer, message: &[u8]) -> Option<String> {
    match Frame::parse(message, &frame::Limits::default()) {
        Ok(Frame::Request(request)) => {
            let called = rpc.call(&request.method, request.params, peer).await;
            let outcome = called.outcome.as_ref().map(acp_types::RawBuf::as_raw).map_err(RawError::as_raw);
            Some(frame::raw_response(request.id, outcome))
        }
        // The API has no notifications, and asks for nothing that could be answered.
        Ok(_) => None,
        Err(fault) => {
            let id = fault.id().map_or(Id::NULL, RequestId::as_id);
            Some(frame::response(id, Err(&fault.answer())))
        }
    }
}
