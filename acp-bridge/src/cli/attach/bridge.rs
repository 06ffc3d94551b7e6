//! Getting a link to the bridge, which may have to be started first.

use std::time::Duration;

use acp_server::Link;
use acp_server::transport::{TransportError, ws};
use tokio::time::{Instant, sleep, timeout};

use super::launch::{Launch, Started};
use crate::cli::client::bounds;

/// For one connection, handshake included.
const CONNECT: Duration = Duration::from_secs(10);
/// For a bridge that was started to answer.
const START: Duration = Duration::from_secs(30);
/// Between two attempts to reach a bridge that is starting.
const POLL: Duration = Duration::from_millis(50);
/// After the end of the bridge that we have started, for another one that was started at the same time.
const OTHER: Duration = Duration::from_secs(5);

/// There is no link.
pub(super) struct Unreachable {
    pub(super) message: String,
    /// There is no use in trying again: nobody has ever answered there.
    pub(super) fatal: bool,
}

/// Reaches the bridge.
pub(super) struct Dialer {
    url: String,
    address: String,
    launch: Launch,
    reached: bool,
}

impl Dialer {
    pub(super) fn new(url: String, address: String, launch: Launch) -> Self {
        Self { url, address, launch, reached: false }
    }

    /// There is a bridge at the URL: from now on it is waited for without end.
    pub(super) fn was_reached(&mut self) {
        self.reached = true;
    }

    /// Waits, then connects, and starts a bridge if none runs and one can be started.
    pub(super) async fn dial(mut self, wait: Duration) -> (Self, Result<Link, Unreachable>) {
        sleep(wait).await;
        let outcome = self.reach().await;
        let outcome = outcome.map_err(|message| Unreachable { message, fatal: !self.reached });
        (self, outcome)
    }

    async fn reach(&mut self) -> Result<Link, String> {
        let failed = match connect(&self.address).await {
            Ok(link) => return Ok(link),
            Err(failed) => failed,
        };
        if !failed.nobody_listens {
            return Err(format!("no bridge answers at {}, but something else may: {}", self.url, failed.message));
        }
        let mut started = match self.launch.start().await {
            Ok(Some(started)) => started,
            Ok(None) => {
                let why = self.launch.why_not();
                return Err(format!("no bridge answers at {}: {}; {why}", self.url, failed.message));
            }
            Err(error) => return Err(format!("a bridge cannot be started: {error:#}")),
        };
        tracing::info!(url = self.url, "started a bridge");
        wait_for(&self.address, &mut started).await.ok_or_else(|| started.report(&self.url))
    }
}

/// A bridge that has ended may have lost against one that was started at the same time.
async fn wait_for(address: &str, started: &mut Started) -> Option<Link> {
    let mut deadline = Instant::now() + START;
    let mut ended = false;
    loop {
        if let Ok(link) = connect(address).await {
            return Some(link);
        }
        if !ended && started.has_ended() {
            ended = true;
            deadline = deadline.min(Instant::now() + OTHER);
        }
        if Instant::now() >= deadline {
            return None;
        }
        sleep(POLL).await;
    }
}

/// Why there is no connection.
struct Failed {
    message: String,
    /// So that a bridge can be started there.
    nobody_listens: bool,
}

async fn connect(address: &str) -> Result<Link, Failed> {
    let config = bounds();
    match timeout(CONNECT, ws::connect(address, config.limits.frame.max_bytes)).await {
        Ok(Ok(socket)) => Ok(acp_server::start(socket, config)),
        Ok(Err(error)) => {
            let refused = std::io::ErrorKind::ConnectionRefused;
            let nobody_listens = matches!(&error, TransportError::Io(error) if error.kind() == refused);
            Err(Failed { message: error.to_string(), nobody_listens })
        }
        Err(_) => {
            let message = format!("it did not answer within {} s", CONNECT.as_secs());
            Err(Failed { message, nobody_listens: false })
        }
    }
}
