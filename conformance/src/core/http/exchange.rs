//! HTTP by hand: one request on a connection of its own, so that a stream holds up nobody.

use std::future::poll_fn;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::time::Duration;

use hyper::Response;
use hyper::body::{Body, Incoming};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ask::Ask;
use super::sender::send;

/// The largest body that is taken whole, in bytes.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// The longest event, in bytes.
const MAX_EVENT: usize = 64 * 1024 * 1024;
/// Events that wait to be read; the server is then not read any more.
const EVENTS: usize = 256;

/// Answer to a request.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// The status.
    pub(crate) status: u16,
    /// `Content-Type`.
    pub(crate) kind: Option<String>,
    /// `Acp-Connection-Id`.
    pub(crate) connection: Option<String>,
    /// Name and value of each `Set-Cookie`.
    pub(crate) cookies: Vec<String>,
    /// The body, lossy where it is not UTF-8.
    pub(crate) body: String,
}

/// An open stream of events. Dropping it closes it.
pub(crate) struct Listener {
    /// The data of each event.
    pub(crate) events: mpsc::Receiver<String>,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Sends a request and takes the whole answer.
pub(crate) async fn exchange(url: &str, ask: &Ask<'_>, limit: Duration) -> std::io::Result<Exchange> {
    let whole = async {
        let (response, driver) = send(url, ask).await?;
        let mut exchange = head(&response);
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while let Some(data) = data(&mut body).await? {
            bytes.extend_from_slice(&data);
            if bytes.len() > MAX_BODY {
                return Err(Error::new(ErrorKind::InvalidData, format!("an answer of more than {MAX_BODY} bytes")));
            }
        }
        drop(driver);
        exchange.body = String::from_utf8_lossy(&bytes).into_owned();
        Ok(exchange)
    };
    tokio::time::timeout(limit, whole).await.map_err(|_| Error::new(ErrorKind::TimedOut, "no answer in time"))?
}

/// Sends a request for a stream of events. No listener if the status is not 200; the body is then the answer's.
pub(crate) async fn listen(url: &str, ask: &Ask<'_>, limit: Duration) -> std::io::Result<(Exchange, Option<Listener>)> {
    let sent = tokio::time::timeout(limit, send(url, ask)).await;
    let (response, driver) = sent.map_err(|_| Error::new(ErrorKind::TimedOut, "no answer in time"))??;
    let exchange = head(&response);
    if exchange.status != 200 {
        return Ok((exchange, None));
    }
    let (sender, events) = mpsc::channel(EVENTS);
    let task = tokio::spawn(async move {
        // Whatever ends the stream ends the events.
        let _ = read(response.into_body(), sender).await;
        drop(driver);
    });
    Ok((exchange, Some(Listener { events, task })))
}

fn head(response: &Response<Incoming>) -> Exchange {
    let header = |name: &str| response.headers().get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    let set = response.headers().get_all("set-cookie").iter();
    let cookie = |value: &hyper::header::HeaderValue| {
        let text = String::from_utf8_lossy(value.as_bytes());
        text.split(';').next().unwrap_or_default().trim().to_owned()
    };
    Exchange {
        cookies: set.map(cookie).collect(),
        status: response.status().as_u16(),
        kind: header("content-type"),
        connection: header("acp-connection-id"),
        body: String::new(),
    }
}

async fn data(body: &mut Incoming) -> std::io::Result<Option<bytes::Bytes>> {
    loop {
        match poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
            None => return Ok(None),
            Some(Err(error)) => return Err(Error::other(error)),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Server-sent events: what stands behind `data:`, several lines joined by a line break. Comments are no events.
async fn read(mut body: Incoming, events: mpsc::Sender<String>) -> std::io::Result<()> {
    let (mut bytes, mut event): (Vec<u8>, Vec<String>) = (Vec::new(), Vec::new());
    while let Some(data) = data(&mut body).await? {
        bytes.extend_from_slice(&data);
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let rest = bytes.split_off(end + 1);
            let line = String::from_utf8_lossy(&std::mem::replace(&mut bytes, rest)).into_owned();
            let line = line.trim_end_matches(['\n', '\r']);
            if let Some(data) = line.strip_prefix("data:") {
                event.push(data.strip_prefix(' ').unwrap_or(data).to_owned());
            } else if line.is_empty()
                && !event.is_empty()
                && events.send(std::mem::take(&mut event).join("\n")).await.is_err()
            {
                return Ok(());
            }
        }
        if bytes.len() > MAX_EVENT {
            return Err(Error::new(ErrorKind::InvalidData, "an event that does not end"));
        }
    }
    Ok(())
}
