//! Subjects of tests.

mod client;
mod error;
mod own;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use acp_server::transport::child::ChildSpec;

pub use error::StartError;
pub use own::Own;

use crate::core::link::{Link, Offer, http, socket};
use crate::core::recipe::Stages;

/// A subject, and the way to reach it.
#[non_exhaustive]
pub enum Subject {
    /// A program that speaks on its stdin and stdout; started anew for each scenario.
    Program {
        /// Its name or path.
        program: String,
        /// Its arguments.
        args: Vec<String>,
    },
    /// A bridge that speaks on its stdin and stdout; started anew for each scenario.
    ///
    /// One that runs on behind several instances of its program ends with the instance that has started it, since the
    /// tester leaves no process behind. So one instance is held while scenarios are played at the same time.
    Bridge {
        /// Its name or path.
        program: String,
        /// Its arguments.
        args: Vec<String>,
        /// Directories that no other bridge has while it is tested.
        own: Own,
    },
    /// A client: a program that starts its agent and speaks to it; started anew for each scenario.
    Client {
        /// Its name or path.
        program: String,
        /// Its arguments. `{agent}` in one of them stands for the agent's command line, as one string; if it is in none,
        /// the command line comes behind them. The variable `ACP_CONFORMANCE_AGENT` holds it in any case.
        args: Vec<String>,
        /// The program `acp-conformance`, which is the agent that it starts.
        agent: PathBuf,
    },
    /// A client: a program that connects to its agent and speaks to it; started anew for each scenario.
    Caller {
        /// Its name or path.
        program: String,
        /// Its arguments. `{url}` in them stands for where it is to connect; if it is in none, that comes behind them. The
        /// variable `ACP_CONFORMANCE_URL` holds it in any case.
        args: Vec<String>,
        /// Transport on which it is served.
        offer: Offer,
    },
    /// A server that is connected to over WebSocket, anew for each scenario.
    Socket {
        /// Where: `ws://HOST:PORT/PATH`.
        url: String,
        /// True if its model does what the suite's sentences say.
        scripted: bool,
    },
    /// A program that speaks on its stdin and stdout, with a home of its own before the scripted model.
    Staged {
        /// Its name or path.
        program: String,
        /// Its arguments.
        args: Vec<String>,
        /// Its homes.
        stages: Box<Stages>,
    },
    /// A server that is reached over streamable HTTP, by a new connection for each scenario.
    Http {
        /// Where: `http://HOST:PORT/PATH`.
        url: String,
    },
    /// One in this process, which does what the suite's sentences say.
    Inside {
        /// For reports.
        name: String,
        /// Makes a new one.
        make: Box<dyn Fn() -> Link + Send + Sync>,
    },
    /// One in this process whose model does what it likes.
    Free {
        /// For reports.
        name: String,
        /// Makes a new one.
        make: Box<dyn Fn() -> Link + Send + Sync>,
    },
}

impl Subject {
    /// Returns whether its model does what the suite's sentences say, so that what does not happen is its own doing.
    pub(crate) const fn is_scripted(&self) -> bool {
        matches!(self, Self::Staged { .. } | Self::Inside { .. } | Self::Socket { scripted: true, .. })
    }

    /// Returns whether instances of it may share a process, which one of them has started.
    pub(crate) const fn may_be_shared(&self) -> bool {
        matches!(self, Self::Bridge { .. })
    }

    /// `noise` is what a client's agent writes to stderr first, in bytes; `limit` is how long a client may take to start
    /// it.
    pub(crate) async fn open(&self, directory: &Path, noise: usize, limit: Duration) -> Result<Link, StartError> {
        match self {
            Self::Client { program, args, agent } => client::start(program, args, agent, directory, noise, limit).await,
            Self::Caller { program, args, offer } => client::call(program, args, *offer, directory, limit).await,
            Self::Program { program, args } => {
                let spec = ChildSpec::new(program).args(args).env("ACP_CONFORMANCE_DIR", directory);
                Link::start(spec).await.map_err(|reason| StartError::Spawn { program: program.clone(), reason })
            }
            Self::Bridge { program, args, own } => {
                let mut spec = ChildSpec::new(program).args(args).env("ACP_CONFORMANCE_DIR", directory);
                for (name, value) in own.env().map_err(StartError::Stage)? {
                    spec = spec.env(name, value);
                }
                Link::start(spec).await.map_err(|reason| StartError::Spawn { program: program.clone(), reason })
            }
            Self::Socket { url, .. } => {
                socket::connect(url).await.map_err(|reason| StartError::Connect { url: url.clone(), reason })
            }
            Self::Staged { program, args, stages } => {
                let mut spec = ChildSpec::new(program).args(args).env("ACP_CONFORMANCE_DIR", directory);
                for (name, _) in std::env::vars_os() {
                    let text = name.to_string_lossy();
                    if text != "ACP_CONFORMANCE_DIR" && stages.unset().iter().any(|start| text.starts_with(start)) {
                        spec = spec.env_remove(name);
                    }
                }
                for (name, value) in stages.env(directory).await.map_err(StartError::Stage)? {
                    spec = spec.env(name, value);
                }
                Link::start(spec).await.map_err(|reason| StartError::Spawn { program: program.clone(), reason })
            }
            Self::Http { url } => {
                http::connect(url).await.map_err(|reason| StartError::Connect { url: url.clone(), reason })
            }
            Self::Inside { make, .. } | Self::Free { make, .. } => Ok(make()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { program, args }
            | Self::Bridge { program, args, .. }
            | Self::Client { program, args, .. }
            | Self::Caller { program, args, .. }
            | Self::Staged { program, args, .. } => {
                f.write_str(program)?;
                args.iter().try_for_each(|arg| write!(f, " {arg}"))
            }
            Self::Socket { url, .. } | Self::Http { url } => f.write_str(url),
            Self::Inside { name, .. } | Self::Free { name, .. } => f.write_str(name),
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({self})")
    }
}
