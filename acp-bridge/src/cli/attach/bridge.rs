//! Getting a link to the bridge, which may have to be started first.

use std::time::Duration;

use acp_server::Link;
use acp_server::transport::{TransportError, ws};
use tokio::time::{Instant, sleep, timeout};

use super::address::loopback;
use super::launch::{Launch, Started};
use super::search::{Found, Place, Search};
use crate::cli::client::bounds;
use crate::cli::exit::{Exit, coded};
use crate::cli::home::{Home, Note};
use crate::cli::identity::Wanted;
use crate::cli::{args, client};

/// Time limit of one connection, handshake included.
const CONNECT: Duration = Duration::from_secs(10);
/// Time limit of a bridge that was started to answer.
const START: Duration = Duration::from_secs(30);
/// Between two attempts to reach a bridge that is starting.
const POLL: Duration = Duration::from_millis(50);
/// After the end of the bridge that we have started, for another one that was started at the same time.
const OTHER: Duration = Duration::from_secs(5);

/// There is no link.
pub(super) struct Unreachable {
    pub(super) message: String,
    /// A final end: nobody has ever answered there.
    pub(super) fatal: bool,
}

/// Reaches the bridge.
pub(super) struct Dialer {
    url: String,
    address: String,
    own: Option<Own>,
    reached: bool,
}

/// A bridge that runs a certain agent, and is started where there is none.
struct Own {
    search: Search,
    launch: Launch,
    home: Option<Home>,
}

impl Dialer {
    /// Knows what the arguments ask for.
    ///
    /// # Errors
    /// When the URL is none of a bridge, or an agent is named for a bridge that cannot be started from here.
    pub(super) fn new(args: &args::Attach) -> anyhow::Result<Self> {
        let url = args.url.url.clone();
        let address = client::endpoint(&url)?;
        let own = match (args.agent.is_named(), loopback(&address)) {
            (false, _) => None,
            (true, None) => {
                let message =
                    format!("{url} is not on this machine, so no bridge can be started there: leave the agent out");
                return Err(coded(Exit::Usage, message));
            }
            (true, Some(asked)) => {
                let value = |name: &str| std::env::var_os(name);
                let wanted = Wanted::new(&args.agent, &args.reach, &args.env_from_client, value)?;
                let home = Home::find();
                let search = Search::new(asked, wanted, args.log.clone(), home.clone());
                Some(Own { search, launch: Launch::new(args, home.clone())?, home })
            }
        };
        Ok(Self { url, address, own, reached: false })
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
        if let Some(own) = &mut self.own {
            return own.reach(&self.url, &self.address).await;
        }
        let why = match loopback(&self.address) {
            Some(_) => "name an agent to have one started: --agent NAME, or its command line after `--`",
            None => "only one on this machine can be started from here",
        };
        connect(&self.address).await.map_err(|failed| failed.at(&self.url, why))
    }
}

impl Own {
    /// Looks for the bridge until there is one. One that was started and has ended may have lost its place to another.
    async fn reach(&mut self, url: &str, address: &str) -> Result<Link, String> {
        let mut deadline = Instant::now() + START;
        let mut started: Option<Started> = None;
        loop {
            let found = self.search.look().await.map_err(|error| format!("a bridge cannot be started: {error:#}"))?;
            let missing = match found {
                Found::Theirs => {
                    let link = connect(address).await.map_err(|failed| failed.at(url, "it answered before"))?;
                    self.search.settle_with_theirs();
                    return Ok(link);
                }
                Found::Bridge(place) => match connect(&format!("ws://{}/acp", place.address)).await {
                    Ok(link) => {
                        self.settle(&place);
                        return Ok(link);
                    }
                    Err(failed) => failed.message,
                },
                Found::None(place) => {
                    let lost = |started: &mut Started| started.has_ended() && *started.place() != place;
                    if started.as_mut().is_none_or(lost) {
                        let new = self.launch.start(&place).await;
                        started = Some(new.map_err(|error| format!("a bridge cannot be started: {error:#}"))?);
                        tracing::info!(address = %place.address, log = place.log, "started a bridge");
                    }
                    String::new()
                }
                Found::Other { url, agent } => return Err(self.is_other(&url, &agent)),
                Found::TheirsIsGone => return Err(format!("the bridge at {url} does not answer any more")),
                Found::Held(who) => format!("{who}; `acp-bridge stop --log` stops a bridge"),
                Found::NoAddress => {
                    return Err(format!(
                        "a bridge cannot be started: {url} and every address beside it is taken; name another --url"
                    ));
                }
            };
            if started.as_mut().is_some_and(Started::has_ended) {
                deadline = deadline.min(Instant::now() + OTHER);
            }
            if Instant::now() >= deadline {
                return Err(started.map_or(missing, |started| started.report()));
            }
            sleep(POLL).await;
        }
    }

    /// This bridge it is from now on.
    fn settle(&mut self, place: &Place) {
        let Wanted { agent, command, .. } = self.search.wanted().clone();
        let note = Note { url: format!("http://{}", place.address), log: place.log.clone(), agent, command };
        if let Some(Err(error)) = self.home.as_ref().map(|home| home.remember(&note)) {
            tracing::warn!(error = format!("{error:#}"), "`acp-bridge bridges` will not show the bridge");
        }
        self.search.settle(place);
    }

    fn is_other(&self, url: &str, agent: &str) -> String {
        let wanted = &self.search.wanted().agent;
        format!(
            "the bridge at {url} has the log that is wanted for {wanted:?}, and runs the agent {agent:?} with a command line, \
             --allow-read, --allow-write or --env-from-client other than asked for here; give --log with another file, or none; or \
             stop that bridge with `acp-bridge stop --url {url}`; to use it as it is, leave out the agent"
        )
    }
}

/// Reason why there is no connection.
struct Failed {
    message: String,
    nobody_listens: bool,
}

impl Failed {
    /// The same in words, with what to do if nobody listens.
    fn at(self, url: &str, advice: &str) -> String {
        let Self { message, nobody_listens } = self;
        if nobody_listens {
            format!("no bridge answers at {url}: {message}; {advice}")
        } else {
            format!("no bridge answers at {url}, but something else may: {message}")
        }
    }
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
