//! HTTP exchanges of a scenario. Bodies and events are recorded as lines, everything else as notes.

use std::time::Duration;

use futures_util::future::select_all;
use serde_json::json;

use super::{Probe, Stop};
use crate::core::history::{Line, What};
use crate::core::http::{self, Ask, Exchange, Listener};
use crate::core::link::socket;
use crate::core::subject::{StartError, Subject};

impl Probe {
    fn address(&self) -> Result<String, Stop> {
        match &*self.subject {
            Subject::Http { url } => Ok(url.clone()),
            _ => Err(Stop::Gone),
        }
    }

    /// Begins what the transcript shows as one connection: single requests, which are no conversation.
    pub(crate) fn begin_http(&mut self) {
        self.recorder.connected(&self.subject.to_string());
        self.note("transport", json!("exchange"));
    }

    /// Opens a WebSocket at the same address.
    pub(crate) async fn upgrade(&mut self) -> Result<(), Stop> {
        let url = self.address()?.replacen("http://", "ws://", 1);
        let connected = socket::connect(&url).await;
        let link = connected.map_err(|reason| StartError::Connect { url: url.clone(), reason })?;
        self.open_link(&url, link).await;
        Ok(())
    }

    /// Sends a request and takes the whole answer.
    pub(crate) async fn exchange(&mut self, label: &str, ask: Ask<'_>) -> Result<Exchange, Stop> {
        let url = self.address()?;
        self.asks(label, &ask);
        let begun = tokio::time::Instant::now();
        let exchange = http::exchange(&url, &ask, self.limits.step).await;
        let exchange = self.came(label, exchange)?;
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.note_exchange(label, &exchange, ms);
        if exchange.body.starts_with('{') {
            self.recorder.push(What::Received { line: Line::Text(exchange.body.clone()) });
        }
        Ok(exchange)
    }

    /// Asks for a stream of events. `None` if there is none.
    pub(crate) async fn listen(&mut self, label: &str, ask: Ask<'_>) -> Result<Option<Listener>, Stop> {
        let url = self.address()?;
        self.asks(label, &ask);
        let listening = http::listen(&url, &ask, self.limits.step).await;
        let (exchange, listener) = self.came(label, listening)?;
        self.note_exchange(label, &exchange, 0);
        Ok(listener)
    }

    /// The next event of a stream, or `None` when the time is over or the stream is.
    pub(crate) async fn event(&mut self, stream: &str, listener: &mut Listener, limit: Duration) -> Option<String> {
        let event = tokio::time::timeout(limit, listener.events.recv()).await.ok().flatten()?;
        self.note("event", json!(stream));
        self.recorder.push(What::Received { line: Line::Text(event.clone()) });
        Some(event)
    }

    /// The next event of any of these streams, or `None` when the time is over.
    pub(crate) async fn event_of(&mut self, streams: &mut [(&str, Listener)], limit: Duration) -> Option<String> {
        let next = streams.iter_mut().map(|(name, listener)| {
            Box::pin(async move {
                match listener.events.recv().await {
                    Some(event) => (*name, event),
                    None => std::future::pending().await,
                }
            })
        });
        let ((name, event), ..) = tokio::time::timeout(limit, select_all(next)).await.ok()?;
        self.note("event", json!(name));
        self.recorder.push(What::Received { line: Line::Text(event.clone()) });
        Some(event)
    }

    fn asks(&mut self, label: &str, ask: &Ask<'_>) {
        let headers: serde_json::Map<_, _> = ask.headers.iter().map(|(n, v)| ((*n).to_owned(), json!(v))).collect();
        self.note(&format!("{label}/asked"), json!({ "method": ask.method, "headers": headers }));
        if !ask.body.is_empty() {
            self.recorder.sent(Some(label), ask.body.as_bytes());
        }
    }

    fn came<T>(&mut self, label: &str, came: std::io::Result<T>) -> Result<T, Stop> {
        came.map_err(|error| {
            self.note(label, json!({ "failed": error.to_string() }));
            Stop::Refused(format!("`{label}`: {error}"))
        })
    }

    fn note_exchange(&mut self, label: &str, exchange: &Exchange, ms: u64) {
        let Exchange { status, kind, connection, body, .. } = exchange;
        let body: String = body.chars().take(200).collect();
        let data = json!({ "status": status, "type": kind, "connectionId": connection, "body": body, "ms": ms });
        self.note(label, data);
    }
}
