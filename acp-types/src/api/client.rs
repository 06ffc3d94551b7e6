//! A connection to a bridge.

use std::time::Duration;

use jsonrpsee::client_transport::ws::{Url, WsTransportClientBuilder};
use jsonrpsee::core::client::{Client, ClientBuilder};

use super::PATH;

/// Bytes of one answer: a page of records, or one record of the size of the biggest message and its envelope.
const MAX_RESPONSE: u32 = 40 << 20;

/// Events that wait in a subscription for whoever reads it. At the limit the subscription ends, which
/// [`Follow`](super::Follow) makes good: an event has some 32 KiB.
const MAX_WAITING: usize = 256;

/// Time limit of an answer: longer than the longest `session_wait`, and than an agent usually needs to start.
const LONGEST: Duration = Duration::from_secs(660);

/// Reason why no connection came about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Not the URL of a bridge.
    #[error("{url:?} is no URL of a bridge; it looks like http://127.0.0.1:4477")]
    Url {
        /// The URL as given.
        url: String,
    },
    /// No bridge: nobody answers there, or not as a bridge does.
    #[error("no bridge answers at {url}: {reason}; start one with `acp-bridge serve -- AGENT`, or give its URL")]
    Unreachable {
        /// The URL as given.
        url: String,
        /// Description of the failure.
        reason: String,
    },
}

/// Connects over WebSocket to the bridge at an `http://` or `ws://` URL, with or without a path.
///
/// # Errors
/// When the URL is none, or no bridge answers there.
pub async fn connect(url: &str) -> Result<Client, ConnectError> {
    let endpoint = endpoint(url).ok_or_else(|| ConnectError::Url { url: url.into() })?;
    let transport = WsTransportClientBuilder::default().max_response_size(MAX_RESPONSE).build(endpoint).await;
    let (sender, receiver) =
        transport.map_err(|error| ConnectError::Unreachable { url: url.into(), reason: error.to_string() })?;
    let client = ClientBuilder::default().max_buffer_capacity_per_subscription(MAX_WAITING).request_timeout(LONGEST);
    Ok(client.build_with_tokio(sender, receiver))
}

fn endpoint(url: &str) -> Option<Url> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("ws://"))?;
    let host = rest.split('/').next().filter(|host| !host.is_empty())?;
    Url::parse(&format!("ws://{host}{PATH}")).ok()
}

#[cfg(test)]
mod tests {
    use super::endpoint;

    #[test]
    fn the_endpoint_comes_from_any_form_of_the_url() {
        for url in ["http://127.0.0.1:1", "http://127.0.0.1:1/", "ws://127.0.0.1:1/acp", "ws://127.0.0.1:1/rpc"] {
            assert_eq!(endpoint(url).unwrap().as_str(), "ws://127.0.0.1:1/rpc", "{url}");
        }
        for url in ["127.0.0.1:1", "https://127.0.0.1:1", "http://", ""] {
            assert!(endpoint(url).is_none(), "{url}");
        }
    }
}
