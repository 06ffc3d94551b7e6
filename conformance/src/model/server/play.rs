//! Playing an answer to a client.

use std::collections::VecDeque;
use std::io;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::state::Model;
use crate::model::steps::{ModelAnswer, ResponseStep};

/// The response for an answer. A dropped connection is one that ends within its body.
pub(super) async fn response(model: Model, answer: ModelAnswer, streaming: bool) -> Response {
    match answer {
        ModelAnswer::Reply { steps, .. } if streaming => {
            let player = Player { model, steps: steps.into() };
            let events = stream::unfold(player, |mut player| async {
                let next = player.next().await?;
                Some((next, player))
            });
            (
                [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")],
                Body::from_stream(events),
            )
                .into_response()
        }
        ModelAnswer::Reply { steps, whole } => {
            let mut player = Player { model, steps: steps.into() };
            while let Some(next) = player.next().await {
                if next.is_err() {
                    return broken();
                }
            }
            Json(whole).into_response()
        }
        ModelAnswer::Refusal { before, status, retry_after, body } => {
            let mut player = Player { model, steps: before.into() };
            while let Some(next) = player.next().await {
                if next.is_err() {
                    return broken();
                }
            }
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = (status, Json(body)).into_response();
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    }
}

/// A response whose body never comes.
fn broken() -> Response {
    let cut = stream::once(async {
        // For the head to be written out before.
        tokio::task::yield_now().await;
        Err::<Bytes, _>(cut())
    });
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(cut)).into_response()
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the script cuts the connection")
}

struct Player {
    model: Model,
    steps: VecDeque<ResponseStep>,
}

impl Player {
    /// The next bytes to write, once it is time; an error closes the connection.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            match self.steps.pop_front()? {
                ResponseStep::Send(event) => return Some(Ok(event.encode())),
                ResponseStep::Pause(time) => {
                    if !self.goes_on(tokio::time::sleep(time)).await {
                        return Some(Err(cut()));
                    }
                }
                ResponseStep::Wait(gate) => {
                    if !self.goes_on(self.model.gates.pass(&gate)).await {
                        return Some(Err(cut()));
                    }
                }
                ResponseStep::Endless { event, every } => {
                    if !self.goes_on(tokio::time::sleep(every)).await {
                        return Some(Err(cut()));
                    }
                    let bytes = event.encode();
                    self.steps.push_front(ResponseStep::Endless { event, every });
                    return Some(Ok(bytes));
                }
                ResponseStep::Drop => {
                    self.steps.clear();
                    // What was said before is written out only while there is nothing new to write.
                    tokio::task::yield_now().await;
                    return Some(Err(cut()));
                }
            }
        }
    }

    /// Waits, unless the server stops.
    async fn goes_on(&self, wait: impl Future<Output = ()>) -> bool {
        self.model.stop.run_until_cancelled(wait).await.is_some()
    }
}
