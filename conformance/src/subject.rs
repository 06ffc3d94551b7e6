//! What is tested.

use std::fmt;
use std::path::Path;

use acp_server::transport::child::{ChildSpec, SpawnError};

use crate::link::{ConnectError, Link, Socket};

/// What is tested, and how to get to it.
#[non_exhaustive]
pub enum Subject {
    /// A program that speaks on its stdin and stdout; started anew for each scenario.
    Program {
        /// Its name or path.
        program: String,
        /// Its arguments.
        args: Vec<String>,
    },
    /// A server that is connected to over WebSocket, anew for each scenario.
    Socket {
        /// Where: `ws://HOST:PORT/PATH`.
        url: String,
    },
    /// A server that is asked over HTTP. Opened as a connection it is a WebSocket at the same address.
    Http {
        /// Where: `http://HOST:PORT/PATH`.
        url: String,
    },
    /// One in this process.
    Inside {
        /// For reports.
        name: String,
        /// Makes a new one.
        make: Box<dyn Fn() -> Link + Send + Sync>,
    },
}

/// A subject that did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The program could not be started.
    #[error("{program} could not be started: {reason}; check the command behind --")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        reason: SpawnError,
    },
    /// The server could not be reached.
    #[error("{url} could not be connected to: {reason}; check that it listens there and speaks WebSocket")]
    Connect {
        /// Where.
        url: String,
        /// Why.
        reason: ConnectError,
    },
}

impl Subject {
    pub(crate) async fn open(&self, directory: &Path) -> Result<Link, StartError> {
        match self {
            Self::Program { program, args } => {
                let spec = ChildSpec::new(program).args(args).env("ACP_CONFORMANCE_DIR", directory);
                Link::start(spec).await.map_err(|reason| StartError::Spawn { program: program.clone(), reason })
            }
            Self::Socket { url } => {
                Socket::connect(url).await.map_err(|reason| StartError::Connect { url: url.clone(), reason })
            }
            Self::Http { url } => {
                let url = url.replacen("http://", "ws://", 1);
                Socket::connect(&url).await.map_err(|reason| StartError::Connect { url, reason })
            }
            Self::Inside { make, .. } => Ok(make()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { program, args } => {
                f.write_str(program)?;
                args.iter().try_for_each(|arg| write!(f, " {arg}"))
            }
            Self::Socket { url } | Self::Http { url } => f.write_str(url),
            Self::Inside { name, .. } => f.write_str(name),
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({self})")
    }
}
