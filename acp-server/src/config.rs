//! Bounds of one driven connection.

use std::time::Duration;

use crate::proto::Limits;

/// Bounds of one driven connection. Memory per connection stays below about twice the sum of the byte bounds plus the
/// biggest message.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Config {
    /// Limits of the connection core.
    pub limits: Limits,
    /// JSON-RPC id of the first request, from which they count up. Default: 1. Another one for a peer that still has
    /// requests open from an earlier connection, see [`resume`](crate::resume).
    pub first_request: u64,
    /// Events that wait for the application. Default: 1024, enough to make one wake-up cheap per event. At the limit
    /// reading stops, which in the end stops the peer.
    pub inbox_events: usize,
    /// Bytes of events that wait for the application. Default: 1 MiB. Same behaviour at the limit.
    pub inbox_bytes: usize,
    /// Messages that wait to be written. Default: 1024. At the limit senders wait.
    pub outbox_messages: usize,
    /// Bytes of messages that wait to be written. Default: 1 MiB. Same behaviour at the limit; one bigger message
    /// passes when nothing else waits.
    pub outbox_bytes: usize,
    /// Time that a closing connection has to write its queue. Default: 5 s. The rest is dropped.
    pub close_timeout: Duration,
    /// Time that a typed handler may go on after its request was cancelled with `$/cancel_request`. Default: 5 s. Then
    /// it is dropped and the request answered with error -32800.
    pub cancel_grace: Duration,
    /// Time that typed handlers may go on after the peer is gone, and then as much again once they are cancelled.
    /// Default: 5 s. Then they are dropped.
    pub drain_grace: Duration,
    /// Time that the peer's last words are read after it stopped taking ours. Default: 1 s.
    pub linger: Duration,
    /// Limits for a silent peer. Default: none, it may be silent for ever.
    pub keep_alive: Option<KeepAlive>,
}

/// Limits that tell a dead connection from a quiet one. While the application takes no events, nobody listens and the
/// time does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out")]
pub struct KeepAlive {
    /// After so long without a word of the peer, and each time again, it is sent a ping, where the transport has such.
    pub ping: Duration,
    /// After so long without a word, a pong counts as one, the connection is closed. So is that of a peer that lives and
    /// does not read. Without pings it bounds how long a peer may be idle.
    pub lost: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            first_request: 1,
            inbox_events: 1024,
            inbox_bytes: 1024 * 1024,
            outbox_messages: 1024,
            outbox_bytes: 1024 * 1024,
            close_timeout: Duration::from_secs(5),
            cancel_grace: Duration::from_secs(5),
            drain_grace: Duration::from_secs(5),
            linger: Duration::from_secs(1),
            keep_alive: None,
        }
    }
}
