//! The streams of events of one connection: its own, and one for each session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::json;
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::event::{Event, Notes, StreamOwner, lock};
use crate::core::http::{Ask, CONNECTION, Exchange, SESSION, get, listen};

/// Streams of a connection; a session beyond has none.
const MAX_STREAMS: usize = 256;
/// Cookies that are kept.
const MAX_COOKIES: usize = 64;
/// Until a server has answered a GET. One that holds back the answer until there is something to tell is waited for no
/// longer; its stream is then open as well.
const OPENING: Duration = Duration::from_secs(2);
/// Until such a server has answered.
const LONG: Duration = Duration::from_secs(600);

/// The streams that are open, or being opened.
pub(super) struct Streams {
    pub(super) url: String,
    /// The server's id of the connection, once it is initialized.
    pub(super) connection: OnceLock<String>,
    /// By name.
    cookies: Mutex<Vec<(String, String)>>,
    events: mpsc::Sender<Event>,
    notes: Notes,
    open: Mutex<HashMap<StreamOwner, Arc<OnceCell<bool>>>>,
    ended: CancellationToken,
}

impl Streams {
    pub(super) fn new(url: &str, events: mpsc::Sender<Event>, notes: Notes) -> Arc<Self> {
        let (url, connection, cookies) = (url.to_owned(), OnceLock::new(), Mutex::default());
        Arc::new(Self {
            url,
            connection,
            cookies,
            events,
            notes,
            open: Mutex::default(),
            ended: CancellationToken::new(),
        })
    }

    /// Ends all streams when it is dropped.
    pub(super) fn guard(&self) -> DropGuard {
        self.ended.clone().drop_guard()
    }

    /// Ends with the streams.
    pub(super) fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    /// Keeps the cookies of an answer for the requests that follow.
    pub(super) fn keep(&self, answer: &Exchange) {
        let mut kept = lock(&self.cookies);
        for (name, value) in answer.cookies.iter().filter_map(|cookie| cookie.split_once('=')) {
            kept.retain(|(known, _)| known != name);
            if kept.len() < MAX_COOKIES {
                kept.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// The same request with the cookies.
    pub(super) fn with_cookies<'a>(&self, mut ask: Ask<'a>) -> Ask<'a> {
        let cookies: Vec<String> = lock(&self.cookies).iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            ask.headers.push(("cookie", cookies.join("; ")));
        }
        ask
    }

    /// Gives a message, or the end, to the link. Nobody may want it any more.
    pub(super) async fn give(&self, event: Event) {
        let _ = self.events.send(event).await;
    }

    /// Opens a stream if it is not open. False if the server does not give it; it may be asked again later.
    pub(super) async fn open(self: &Arc<Self>, place: StreamOwner) -> bool {
        let cell = {
            let mut open = lock(&self.open);
            if open.len() >= MAX_STREAMS && !open.contains_key(&place) {
                return false;
            }
            Arc::clone(open.entry(place.clone()).or_default())
        };
        let opened = *cell.get_or_init(|| self.begin(place.clone())).await;
        if !opened {
            lock(&self.open).remove(&place);
        }
        opened
    }

    async fn begin(self: &Arc<Self>, place: StreamOwner) -> bool {
        let (told, opened) = oneshot::channel();
        tokio::spawn(Arc::clone(self).follow(place, told));
        match timeout(OPENING, opened).await {
            Ok(opened) => opened.unwrap_or(false),
            Err(_) => true,
        }
    }

    /// Reads a stream to its end, and once more while the server gives it anew and has something to tell.
    async fn follow(self: Arc<Self>, place: StreamOwner, told: oneshot::Sender<bool>) {
        let mut told = Some(told);
        let reading = async { while let Some(true) = self.read(&place, &mut told).await {} };
        if self.ended.run_until_cancelled(reading).await.is_none() {
            return;
        }
        lock(&self.open).remove(&place);
        if let Some(told) = told {
            // Whoever asked may be gone.
            let _ = told.send(false);
        }
        if place == StreamOwner::Connection {
            self.give(Event::Over).await;
        }
    }

    /// Reads a stream to its end: whether anything came; `None` if there is no stream.
    async fn read(&self, place: &StreamOwner, told: &mut Option<oneshot::Sender<bool>>) -> Option<bool> {
        let connection = self.connection.get()?;
        let mut headers = vec![(CONNECTION, connection.as_str())];
        if let StreamOwner::Session(session) = place {
            headers.push((SESSION, session));
        }
        let listened = listen(&self.url, &self.with_cookies(get(&headers)), LONG).await;
        let mut listener = match listened {
            Ok((_, Some(listener))) => listener,
            Ok((exchange, None)) => {
                let place = format!("{place:?}");
                self.notes.push("http/no-stream", json!({ "stream": place, "status": exchange.status }));
                return None;
            }
            Err(error) => {
                self.notes
                    .push("http/no-stream", json!({ "stream": format!("{place:?}"), "failed": error.to_string() }));
                return None;
            }
        };
        if let Some(told) = told.take() {
            // Whoever asked may be gone.
            let _ = told.send(true);
        }
        let mut any = false;
        while let Some(text) = listener.events.recv().await {
            any = true;
            self.events.send(Event::Message { place: Some(place.clone()), text }).await.ok()?;
        }
        Some(any)
    }
}
