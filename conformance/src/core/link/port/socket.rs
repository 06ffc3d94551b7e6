//! The server's end of a WebSocket.

use std::io;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::names::{CONNECTION_ID, COOKIE};
use crate::core::link::open::Link;
use crate::core::link::socket::{NOTES, config, note, talk};

/// Until a client that has connected has asked for its upgrade.
const UPGRADE: Duration = Duration::from_secs(30);

/// Waits for a client that asks for a WebSocket. Others are told that there is nothing else.
pub(super) async fn wait(listener: TcpListener) -> io::Result<Link> {
    loop {
        let (stream, _) = listener.accept().await?;
        let (noted, notes) = mpsc::channel(NOTES);
        note(&noted, "transport", json!("websocket"));
        #[expect(clippy::result_large_err, reason = "the type that the handshake asks for")]
        let name = |request: &Request, mut response: Response| {
            let headers: Vec<&str> = request.headers().keys().map(|name| name.as_str()).collect();
            note(&noted, "client/upgrade", json!({ "path": request.uri().path(), "headers": headers }));
            response.headers_mut().insert("acp-connection-id", HeaderValue::from_static(CONNECTION_ID));
            response.headers_mut().insert("set-cookie", HeaderValue::from_static(COOKIE));
            Ok(response)
        };
        let upgrading = accept_hdr_async_with_config(stream, name, Some(config()));
        if let Ok(Ok(stream)) = tokio::time::timeout(UPGRADE, upgrading).await {
            return Ok(talk(stream, noted, notes));
        }
    }
}
