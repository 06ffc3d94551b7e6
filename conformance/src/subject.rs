//! What is tested.

use std::fmt;
use std::path::Path;

use acp_server::transport::child::{ChildSpec, SpawnError};

use crate::link::Link;
use crate::recipe::Stages;

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
    /// A program that speaks on its stdin and stdout, with a home of its own before the scripted model.
    Staged {
        /// Its name or path.
        program: String,
        /// Its arguments.
        args: Vec<String>,
        /// Its homes.
        stages: Box<Stages>,
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
    /// Its home or its model could not be made.
    #[error("no home for the harness could be made: {0}; is the temporary directory writable?")]
    Stage(#[from] std::io::Error),
}

impl Subject {
    /// Whether its model does what the suite's sentences say, so that what does not happen is its own doing.
    pub(crate) const fn is_scripted(&self) -> bool {
        matches!(self, Self::Staged { .. } | Self::Inside { .. })
    }

    pub(crate) async fn open(&self, directory: &Path) -> Result<Link, StartError> {
        match self {
            Self::Program { program, args } => {
                let spec = ChildSpec::new(program).args(args).env("ACP_CONFORMANCE_DIR", directory);
                Link::start(spec).await.map_err(|reason| StartError::Spawn { program: program.clone(), reason })
            }
            Self::Staged { program, args, stages } => {
                let mut spec = ChildSpec::new(program).args(args).env("ACP_CONFORMANCE_DIR", directory);
                for (name, _) in std::env::vars_os() {
                    let text = name.to_string_lossy();
                    if text != "ACP_CONFORMANCE_DIR" && stages.unset().iter().any(|start| text.starts_with(start)) {
                        spec = spec.env_remove(name);
                    }
                }
                for (name, value) in stages.env(directory).await? {
                    spec = spec.env(name, value);
                }
                Link::start(spec).await.map_err(|reason| StartError::Spawn { program: program.clone(), reason })
            }
            Self::Inside { make, .. } => Ok(make()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { program, args } | Self::Staged { program, args, .. } => {
                f.write_str(program)?;
                args.iter().try_for_each(|arg| write!(f, " {arg}"))
            }
            Self::Inside { name, .. } => f.write_str(name),
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({self})")
    }
}
