//! Starting a bridge that outlives us.
//!
//! Some clients end every process that descends from their agent, wherever its group. So the bridge is started by a
//! process that exits at once, and descends from nobody that they know.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use tokio::net::unix::pipe;

use super::search::Place;
use crate::cli::args;
use crate::cli::home::Home;

/// Bytes of the bridge's log that an error shows.
const SHOWN: u64 = 2048;

/// Time that the agents go on without a bridge. The next one is started as soon as it is missed.
const KEEP: &str = "1m";

/// Command to start: all but the place.
#[derive(Debug)]
pub(super) struct Launch {
    agent: Vec<String>,
    reach: Vec<OsString>,
    variables: Vec<String>,
    home: Option<Home>,
}

impl Launch {
    pub(super) fn new(args: &args::Attach, home: Option<Home>) -> anyhow::Result<Self> {
        let agent = match &args.agent.name {
            Some(name) => vec!["--agent".to_owned(), name.clone()],
            None => std::iter::once("--".to_owned()).chain(args.agent.command.iter().cloned()).collect(),
        };
        Ok(Self { agent, reach: args.reach.arguments()?, variables: args.env_from_client.clone(), home })
    }

    /// Starts it.
    pub(super) async fn start(&self, place: &Place) -> anyhow::Result<Started> {
        let home = self.home.as_ref().context("neither XDG_STATE_HOME nor HOME says where to keep its log file")?;
        home.make()?;
        let listen = place.address.to_string();
        let path = home.path().join(format!("serve-{}.log", listen.replace(|c: char| !c.is_ascii_alphanumeric(), "-")));
        let stderr = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let before = stderr.metadata()?.len();
        // Its stdout ends when it does.
        let (alive, stdout) = std::io::pipe()?;
        let alive = pipe::Receiver::from_owned_fd(OwnedFd::from(alive))?;
        let starter = tokio::process::Command::new(this_program()?)
            .args([DETACH, "--", "serve", "--listen", &listen, "--log", &place.log, "--keep-agents", KEEP])
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
        Ok(Started { place: place.clone(), alive, path, before, ended: false })
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
    place: Place,
    /// Reads as ended when it has.
    alive: pipe::Receiver,
    path: PathBuf,
    /// Length of its log before.
    before: u64,
    ended: bool,
}

impl Started {
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

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

    /// Text for an error when it cannot be reached.
    pub(super) fn report(&self) -> String {
        let what = if self.ended { "has ended" } else { "does not answer" };
        let what = format!("the bridge that was started at http://{} {what}", self.place.address);
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
