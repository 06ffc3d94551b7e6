//! Streamable HTTP as a link: each line is the body of a POST, and each event of any stream is a line.

mod event;
mod posts;
mod routes;
mod streams;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::handle::Http;
use super::open::Link;
use super::socket::ConnectError;
use crate::core::http::parts;
use event::Event;
pub(super) use event::{NOTES, Notes, PIPE, StreamOwner, lock};
use posts::Posts;
use routes::Routes;
use streams::Streams;

/// Events of all streams that wait to be read.
const EVENTS: usize = 256;
/// Until the port has taken a connection.
const REACH: Duration = Duration::from_secs(30);
/// Streams have no order among each other: the answer to a load that comes on another stream than what it replays waits
/// until that one has been silent for so long.
const SETTLE: Duration = Duration::from_millis(100);
/// The longest that such an answer waits.
const MAX_SETTLE: Duration = Duration::from_secs(5);

/// Takes up contact with an `http://` URL. What HTTP calls a connection begins with the scenario's `initialize`.
pub(crate) async fn connect(url: &str) -> Result<Link, ConnectError> {
    let reached = timeout(REACH, TcpStream::connect(parts(url).0)).await;
    drop(reached.map_err(|_| ConnectError::Silent)?.map_err(ConnectError::Unreachable)?);
    let (noted, notes) = mpsc::channel(NOTES);
    let noted = Notes(noted);
    noted.push("transport", json!("http"));
    let (to, events) = mpsc::channel(EVENTS);
    let routes = Arc::new(Mutex::new(Routes::default()));
    let streams = Streams::new(url, to, noted.clone());
    let guard = streams.guard();
    let posts = Arc::new(Posts { streams: Arc::clone(&streams), routes: Arc::clone(&routes), notes: noted.clone() });
    let (source, output) = tokio::io::duplex(PIPE);
    let (input, sink) = tokio::io::duplex(PIPE);
    let task = tokio::spawn(async move {
        tokio::join!(posts.send(input), receive(events, output, &streams, &routes, &noted));
    });
    let mut link = Link::over(source, sink);
    link.http = Some(Http::of(notes, task, guard));
    Ok(link)
}

/// An answer that waits for what it comes behind.
struct Held {
    session: StreamOwner,
    text: String,
    until: Instant,
    last: Instant,
}

/// Events as lines.
async fn receive(
    mut events: mpsc::Receiver<Event>,
    mut output: DuplexStream,
    streams: &Arc<Streams>,
    routes: &Mutex<Routes>,
    notes: &Notes,
) {
    let mut held: Option<Held> = None;
    loop {
        let next = match &held {
            None => Ok(events.recv().await),
            Some(held) => timeout_at(held.until, events.recv()).await,
        };
        let (place, text) = match next {
            Ok(Some(Event::Message { place, text })) => (place, text),
            Ok(None | Some(Event::Over)) => break,
            Err(_) => {
                if let Some(held) = held.take()
                    && !write(&mut output, held.text).await
                {
                    return;
                }
                continue;
            }
        };
        let came = lock(routes).came(&text, place.as_ref());
        if let Some(session) = came.opened {
            streams.open(StreamOwner::Session(session)).await;
        }
        let mut line = Some(text);
        if let Some(session) = came.behind {
            notes.push("http/apart", json!(session));
            let now = Instant::now();
            let held = held.replace(Held {
                session: StreamOwner::Session(session),
                text: line.take().unwrap_or_default(),
                until: now + SETTLE,
                last: now + MAX_SETTLE,
            });
            line = held.map(|before| before.text);
        } else if let Some(held) = held.as_mut().filter(|held| place.as_ref() == Some(&held.session)) {
            held.until = (Instant::now() + SETTLE).min(held.last);
        }
        if let Some(line) = line
            && !write(&mut output, line).await
        {
            return;
        }
    }
    if let Some(held) = held {
        write(&mut output, held.text).await;
    }
    // Nobody may read any more.
    let _ = output.shutdown().await;
}

/// Writes a message as a line; false if nobody reads any more. A line break in it can only stand between members of its
/// JSON, or it is no JSON: as white space it means the same.
async fn write(output: &mut DuplexStream, mut text: String) -> bool {
    if text.contains('\n') && serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok() {
        text = text.replace('\n', " ");
    }
    text.push('\n');
    output.write_all(text.as_bytes()).await.is_ok()
}
