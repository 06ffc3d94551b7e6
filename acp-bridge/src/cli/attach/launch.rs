//! Starting a bridge that outlives us.
//!
//! Some clients end every process that descends from their agent, wherever its group. So the bridge is started by a
//! process that exits at once, and descends from nobody that they know.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use tokio::net::unix::pipe;

use crate::cli::exit::{Exit, coded};
use crate::cli::{args, identity};
use crate::gateway::Served;

/// Bytes of the bridge's log that an error shows.
const SHOWN: u64 = 2048;

/// Time that the agents go on without a bridge. The next one is started as soon as it is missed.
const KEEP: &str = "1m";

/// Plan of a bridge that is to be started.
#[derive(Debug)]
pub(super) struct Launch {
    /// Address that it is to listen on; `None` for a URL of another machine.
    listen: Option<String>,
    agent: Vec<String>,
    reach: Vec<OsString>,
    log: Option<String>,
    state: Option<PathBuf>,
    variables: Vec<String>,
    /// Agent that a bridge is to run, if one was named.
    wanted: Option<Served>,
}

impl Launch {
    /// `address` is where we connect to.
    pub(super) fn new(args: &args::Attach, address: &str) -> anyhow::Result<Self> {
        let listen = loopback(address);
        let agent = match &args.agent.name {
            Some(name) => vec!["--agent".to_owned(), name.clone()],
            None if args.agent.command.is_empty() => Vec::new(),
            None => std::iter::once("--".to_owned()).chain(args.agent.command.iter().cloned()).collect(),
        };
        if listen.is_none() && !agent.is_empty() {
            let message = format!(
                "{} is not on this machine, so no bridge can be started there: leave the agent out",
                args.url.url
            );
            return Err(coded(Exit::Usage, message));
        }
        let reach = args.reach.arguments()?;
        let variables = args.env_from_client.clone();
        let wanted = if agent.is_empty() {
            None
        } else {
            let log = args.log.as_deref().unwrap_or_default();
            Some(identity::served(&args.agent, &args.reach, &variables, log, |name| std::env::var_os(name))?)
        };
        Ok(Self { listen, agent, reach, log: args.log.clone(), state: state_directory(), variables, wanted })
    }

    /// Agent that a bridge which is used from here is to run; `None` if any will do.
    pub(super) fn wanted(&self) -> Option<(&Served, bool)> {
        self.wanted.as_ref().map(|wanted| (wanted, self.log.is_some()))
    }

    /// Reason why [`Self::start`] starts nothing.
    pub(super) fn why_not(&self) -> &'static str {
        if self.listen.is_some() {
            "name an agent to have one started: --agent NAME, or its command line after `--`"
        } else {
            "only one on this machine can be started from here"
        }
    }

    /// Starts it. `None` when there is nothing to start.
    pub(super) async fn start(&self) -> anyhow::Result<Option<Started>> {
        let Some(listen) = self.listen.as_ref().filter(|_| !self.agent.is_empty()) else { return Ok(None) };
        let state = self.state.as_ref().context("neither XDG_STATE_HOME nor HOME says where to keep its log")?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(state)
            .with_context(|| format!("cannot create {}", state.display()))?;
        let path = state.join(format!("serve-{}.log", listen.replace(|c: char| !c.is_ascii_alphanumeric(), "-")));
        let stderr = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let before = stderr.metadata()?.len();
        let log = match &self.log {
            Some(log) => log.clone(),
            None => format!("sqlite:{}", state.join("sessions.db").display()),
        };
        // Its stdout ends when it does.
        let (alive, stdout) = std::io::pipe()?;
        let alive = pipe::Receiver::from_owned_fd(OwnedFd::from(alive))?;
        let starter = tokio::process::Command::new(this_program()?)
            .args([DETACH, "--", "serve", "--listen", listen, "--log", &log, "--keep-agents", KEEP])
            .args(self.variables.iter().flat_map(|name| ["--env-from-client", name]))
            .args(&self.reach)
            .args(&self.agent)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .status()
            .await
            .context("cannot run this program again")?;
        ensure!(starter.success(), "the process that starts it failed ({starter}); see {}", path.display());
        Ok(Some(Started { alive, path, before, ended: false }))
    }
}

/// The subcommand that starts a process and exits.
pub(in crate::cli) const DETACH: &str = "detach";

/// Runs this program with other arguments, in a process group of its own, and does not wait for it.
pub(in crate::cli) fn detach(args: &args::Detach) -> anyhow::Result<()> {
    let mut command = Command::new(this_program()?);
    command.args(&args.arguments).process_group(0).spawn().context("cannot run this program again")?;
    Ok(())
}

/// This very program.
pub(in crate::cli) fn this_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot find this program")
}

/// A bridge that was started.
#[derive(Debug)]
pub(super) struct Started {
    /// Reads as ended when it has.
    alive: pipe::Receiver,
    path: PathBuf,
    /// Length of its log before.
    before: u64,
    ended: bool,
}

impl Started {
    /// Returns whether it has exited.
    pub(super) fn has_ended(&mut self) -> bool {
        let mut said = [0; 512];
        while !self.ended {
            match self.alive.try_read(&mut said) {
                Ok(0) => self.ended = true,
                // Where it listens, which we know.
                Ok(_) => {}
                Err(_) => break,
            }
        }
        self.ended
    }

    /// Report on a bridge that cannot be reached.
    pub(super) fn report(&self, url: &str) -> String {
        let what = if self.ended { "has ended" } else { "does not answer" };
        let what = format!("the bridge that was started for {url} {what}");
        let said = end_of(&self.path, self.before).unwrap_or_default();
        let said = if said.trim().is_empty() { "it said nothing" } else { said.trim() };
        format!("{what}; its log is {}:\n{said}", self.path.display())
    }
}

fn end_of(path: &Path, before: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(before.max(length.saturating_sub(SHOWN))))?;
    let mut bytes = Vec::new();
    file.take(SHOWN).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The address in `ws://ADDRESS/acp` if it is one of this machine alone.
fn loopback(address: &str) -> Option<String> {
    let host = address.strip_prefix("ws://")?.strip_suffix("/acp")?;
    let numeric = host.replace("localhost", "127.0.0.1");
    let socket = numeric.parse::<SocketAddr>().ok()?;
    let is_loopback = match socket.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback(),
    };
    (is_loopback && socket.port() != 0).then_some(numeric)
}

/// Directory where programs keep what is neither configuration nor to be thrown away (XDG Base Directory).
pub(in crate::cli) fn state_directory() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(base.join("acp-bridge"))
}

#[cfg(test)]
mod tests {
    use super::loopback;

    #[test]
    fn only_addresses_of_this_machine_can_be_started_on() {
        assert_eq!(loopback("ws://127.0.0.1:4477/acp").as_deref(), Some("127.0.0.1:4477"));
        assert_eq!(loopback("ws://localhost:1/acp").as_deref(), Some("127.0.0.1:1"));
        assert_eq!(loopback("ws://[::1]:1/acp").as_deref(), Some("[::1]:1"));
        for elsewhere in
            ["ws://10.0.0.1:4477/acp", "ws://example.org:1/acp", "ws://127.0.0.1/acp", "ws://127.0.0.1:0/acp"]
        {
            assert_eq!(loopback(elsewhere), None, "{elsewhere}");
        }
    }
}
