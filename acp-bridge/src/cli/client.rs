//! An ACP client of a running bridge, as the other commands need it: raw frames in order, answers by key.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use acp_server::proto::{Event, RequestKey, ResponseError};
use acp_server::{Inbox, KeepAlive, Outbox};
use acp_types::capability;
use acp_types::error::{self, ErrorCode};
use acp_types::method::v1;
use acp_types::{ErrorObjectOwned, Raw, RawBuf, RequestId};
use anyhow::{Context, bail};
use serde_json::json;

use super::exit::{Exit, coded};
use crate::session::unsupported_version;

/// Limits that tell a dead bridge from one that has nothing to say: after so long nobody waits for it any more.
const KEEP_ALIVE: KeepAlive = KeepAlive { ping: Duration::from_secs(10), lost: Duration::from_secs(30) };

/// Requests of agents to a person: left for a client that has one, if this one has not.
const FOR_PEOPLE: [&str; 2] = [v1::RequestPermission::NAME, v1::CreateElicitation::NAME];

/// Bytes that a bridge adds to a message that it passes on, at most: its own place in the log, another name of the
/// session, and the frame of an update around what came in another. A message of an agent may be as long as a message
/// may be.
const ADDED: usize = 64 * 1024;

/// The bounds of a connection to a bridge.
pub(super) fn bounds() -> acp_server::Config {
    let mut config = acp_server::Config::default();
    config.keep_alive = Some(KEEP_ALIVE);
    config.limits.frame.max_bytes += ADDED;
    config
}

/// A connection that has been initialized.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) outbox: Outbox,
    inbox: Inbox,
    events: VecDeque<Event>,
    /// Requests that nobody here can answer, to be told so.
    declined: VecDeque<(RequestId, ErrorObjectOwned)>,
}

impl Client {
    /// Connects to the bridge at an `http://` URL and initializes.
    pub(super) async fn connect(url: &str) -> anyhow::Result<Self> {
        let address = endpoint(url)?;
        let bounds = bounds();
        let transport =
            acp_server::transport::ws::connect(&address, bounds.limits.frame.max_bytes).await.map_err(|e| {
                coded(
                    Exit::Unreachable,
                    format!(
                        "no bridge answers at {url}: {e}; start one with `acp-bridge serve -- AGENT`, or give --url"
                    ),
                )
            })?;
        let link = acp_server::start(transport, bounds);
        let mut client =
            Self { outbox: link.outbox, inbox: link.inbox, events: VecDeque::new(), declined: VecDeque::new() };
        let params = json!({
            "protocolVersion": 1,
            capability::CLIENT: {},
            "clientInfo": { "name": "acp-bridge", "version": env!("CARGO_PKG_VERSION") },
        });
        let answer = client.call(v1::Initialize::NAME, &params).await;
        let answer = answer.map_err(|e| coded(Exit::Unreachable, format!("{e:#}")))?;
        if let Some(version) = unsupported_version(answer.as_raw()) {
            let text = format!("what answers at {url} speaks version {version} of ACP, and this program version 1");
            bail!(coded(Exit::Unreachable, text));
        }
        Ok(client)
    }

    /// Sends a request and returns its key; the answer comes as an event.
    pub(super) async fn request(&self, method: &str, params: &serde_json::Value) -> anyhow::Result<RequestKey> {
        self.outbox.request(method, RawBuf::encode(params)?).await.context("the bridge closed the connection")
    }

    /// Sends a request and waits for its result; events that come before it are kept for [`Self::next`].
    pub(super) async fn call(&mut self, method: &str, params: &serde_json::Value) -> anyhow::Result<RawBuf> {
        let wanted = self.request(method, params).await?;
        let mut kept = VecDeque::new();
        let answer = loop {
            match self.next().await? {
                Event::Response { key, outcome, .. } if key == wanted => break outcome,
                other => kept.push_back(other),
            }
        };
        kept.append(&mut self.events);
        self.events = kept;
        match answer {
            Ok(payload) => Ok(payload.raw().to_owned()),
            Err(error) => bail!("{method}: {}", error_text(&error)),
        }
    }

    /// The next event in the order of the stream. Nothing is lost when the future is dropped. Requests that are for no
    /// person are answered here, so that no agent waits for that.
    pub(super) async fn next(&mut self) -> anyhow::Result<Event> {
        loop {
            while let Some((id, error)) = self.declined.front().cloned() {
                // A connection that has closed is the next event.
                let _ = self.outbox.respond(id, Err(error)).await;
                self.declined.pop_front();
            }
            if let Some(event) = self.events.pop_front() {
                if let Event::Closed(_) = event {
                    bail!(coded(Exit::Unreachable, "the bridge closed the connection; the session goes on without it"));
                }
                return Ok(event);
            }
            match self.inbox.next_batch().await {
                Some(batch) => {
                    self.declined.extend(batch.iter().filter_map(declined));
                    self.events.extend(batch);
                }
                None => {
                    bail!(coded(Exit::Unreachable, "the bridge closed the connection; the session goes on without it"))
                }
            }
        }
    }

    /// Attaches to a session from a cursor, or at its head.
    pub(super) async fn resume(&mut self, session: &str, after: Option<u64>) -> anyhow::Result<RawBuf> {
        let mut params = json!({ "sessionId": session, "cwd": cwd(None)?, "mcpServers": [] });
        if let Some(after) = after {
            params["_meta"] = json!({ "acp-bridge": { "after": after } });
        }
        self.call(v1::ResumeSession::NAME, &params).await
    }

    /// Starts a session in a directory and returns its id.
    pub(super) async fn new_session(&mut self, directory: Option<&Path>) -> anyhow::Result<String> {
        let result = self.call(v1::NewSession::NAME, &json!({ "cwd": cwd(directory)?, "mcpServers": [] })).await?;
        let id = result.as_raw().member("sessionId").and_then(Raw::as_string);
        Ok(id.context("the bridge answered session/new without a sessionId")?.into_owned())
    }
}

/// Answer to a request that is for no person.
fn declined(event: &Event) -> Option<(RequestId, ErrorObjectOwned)> {
    let Event::Request(request) = event else { return None };
    let method = request.method();
    let error = || error::error(ErrorCode::METHOD_NOT_FOUND, format!("method not found: {method}"), None);
    (!FOR_PEOPLE.contains(&method)).then(|| (request.id().clone(), error()))
}

/// An error answer as one line.
pub(super) fn error_text(error: &ResponseError) -> String {
    match error {
        ResponseError::Peer(error) => format!("{} ({})", error.message(), error.code().0),
        other => other.to_string(),
    }
}

fn cwd(directory: Option<&Path>) -> anyhow::Result<String> {
    let path = match directory {
        Some(path) => std::path::absolute(path)?,
        None => std::env::current_dir().context("the current directory is gone")?,
    };
    path.into_os_string().into_string().map_err(|_| anyhow::anyhow!("the working directory's name is not UTF-8"))
}

/// `http://HOST` as the address of its ACP endpoint.
pub(super) fn endpoint(url: &str) -> anyhow::Result<String> {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("ws://"))
        .with_context(|| format!("{url:?} is no URL of a bridge; it looks like http://127.0.0.1:4477"))?;
    let host = rest.trim_end_matches('/').trim_end_matches("/acp");
    Ok(format!("ws://{host}/acp"))
}

#[cfg(test)]
mod tests {
    use super::endpoint;

    #[test]
    fn the_endpoint_comes_from_any_form_of_the_url() {
        for url in ["http://127.0.0.1:1", "http://127.0.0.1:1/", "ws://127.0.0.1:1/acp"] {
            assert_eq!(endpoint(url).ok().as_deref(), Some("ws://127.0.0.1:1/acp"));
        }
        assert!(endpoint("127.0.0.1:1").is_err());
    }
}
