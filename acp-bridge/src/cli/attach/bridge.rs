//! Getting a link to the bridge, which may have to be started first.

use std::time::Duration;

use acp_server::Link;
use acp_server::transport::{TransportError, ws};
use tokio::time::{Instant, sleep, timeout};

use super::launch::{Launch, Started};
use crate::cli::client::bounds;
use crate::cli::identity;
use crate::gateway::Compared;

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
        let failed = match self.connect().await {
            Ok(link) => return Ok(link),
            Err(failed) => failed,
        };
        if failed.is_other {
            return Err(failed.message);
        }
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
        self.wait_for(&mut started).await
    }

    /// A bridge that has ended may have lost against one that was started at the same time.
    async fn wait_for(&self, started: &mut Started) -> Result<Link, String> {
        let mut deadline = Instant::now() + START;
        let mut ended = false;
        loop {
            match self.connect().await {
                Ok(link) => return Ok(link),
                Err(failed) if failed.is_other => return Err(failed.message),
                Err(_) => {}
            }
            if !ended && started.has_ended() {
                ended = true;
                deadline = deadline.min(Instant::now() + OTHER);
            }
            if Instant::now() >= deadline {
                return Err(started.report(&self.url));
            }
            sleep(POLL).await;
        }
    }

    /// A link to the bridge, if it runs what is wanted here.
    async fn connect(&self) -> Result<Link, Failed> {
        if let Some((wanted, with_log)) = self.launch.wanted() {
            let host = self.address.trim_start_matches("ws://").trim_end_matches("/acp");
            let compared = identity::ask(host, wanted, with_log).await.map_err(|error| {
                let nobody_listens = error.kind() == std::io::ErrorKind::ConnectionRefused;
                Failed { message: error.to_string(), nobody_listens, is_other: false }
            })?;
            if let Some(why) = self.why_other(&compared) {
                return Err(Failed { message: why, nobody_listens: false, is_other: true });
            }
        }
        connect(&self.address).await
    }

    /// Error for a bridge that is not the one that is wanted here: why, and how to get one that is.
    fn why_other(&self, compared: &Compared) -> Option<String> {
        let Compared { agent, same_agent, same_log } = compared;
        let what = match (same_agent, same_log) {
            (true, true) => return None,
            (false, _) => format!(
                "runs the agent {agent:?} with a command line, --allow-read, --allow-write or --env-from-client other than \
                 asked for here"
            ),
            (true, false) => "keeps its sessions in another log than asked for here".to_owned(),
        };
        let url = &self.url;
        Some(format!(
            "the bridge at {url} {what}; to have one of its own started, give --url with another port and --log with another \
             file; to use that bridge as it is, leave out the agent"
        ))
    }
}

/// Reason why there is no connection.
struct Failed {
    message: String,
    /// True if a bridge can be started there.
    nobody_listens: bool,
    /// There is a bridge, and it runs something else.
    is_other: bool,
}

async fn connect(address: &str) -> Result<Link, Failed> {
    let config = bounds();
    match timeout(CONNECT, ws::connect(address, config.limits.frame.max_bytes)).await {
        Ok(Ok(socket)) => Ok(acp_server::start(socket, config)),
        Ok(Err(error)) => {
            let refused = std::io::ErrorKind::ConnectionRefused;
            let nobody_listens = matches!(&error, TransportError::Io(error) if error.kind() == refused);
            Err(Failed { message: error.to_string(), nobody_listens, is_other: false })
        }
        Err(_) => {
            let message = format!("it did not answer within {} s", CONNECT.as_secs());
            Err(Failed { message, nobody_listens: false, is_other: false })
        }
    }
}
