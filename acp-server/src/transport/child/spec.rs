//! Spec of a child: what to start, and how.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::PipeWriter;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tokio::net::unix::pipe;
use tokio::process::Command;

use super::pipe::Stdin;
use super::stderr::{LineCallback, Stderr};
use super::supervise::Watch;
use super::{ChildHandle, ChildOutput, ChildTransport};
use crate::guard;
use crate::transport::Noise;

/// Variables that a cleaned environment keeps, besides those that begin with `LC_` or `XDG_`.
const KEPT: [&str; 8] = ["PATH", "HOME", "USER", "LANG", "TMPDIR", "SHELL", "TERM", "LOGNAME"];
/// Our own settings, tokens among them, are nobody else's business.
const OURS: &str = "ACP_BRIDGE_";
/// Variables that a program of ours sets for its own allocator when it starts itself over: the mark that it did, and
/// the allocator's own. Without the mark the variable is the user's.
pub const OWN_ALLOCATOR: [&str; 2] = ["ACP_BRIDGE_ALLOCATOR", "MALLOC_MMAP_THRESHOLD_"];
/// Asked of the system for each pipe, in bytes: fewer switches between the two processes. It may refuse.
const PIPE: usize = 256 * 1024;

/// Part of our environment that a child gets to see. Variables that begin with `ACP_BRIDGE_` it never gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Environment {
    /// The whole environment.
    #[default]
    Inherited,
    /// Only `PATH`, `HOME`, `USER`, `LOGNAME`, `LANG`, `LC_*`, `TMPDIR`, `SHELL`, `TERM` and `XDG_*`.
    Cleaned,
}

impl Environment {
    fn passes(self, name: &OsStr) -> bool {
        let name = name.to_string_lossy();
        let [mark, allocator] = OWN_ALLOCATOR;
        !name.starts_with(OURS)
            && (name != allocator || std::env::var_os(mark).is_none())
            && (self == Self::Inherited
                || KEPT.contains(&name.as_ref())
                || name.starts_with("LC_")
                || name.starts_with("XDG_"))
    }
}

/// A program to start as a child that speaks ACP on its stdin and stdout.
#[derive(Clone)]
pub struct ChildSpec {
    program: OsString,
    args: Vec<OsString>,
    environment: Environment,
    env: Vec<(OsString, Option<OsString>)>,
    cwd: Option<PathBuf>,
    on_stderr: Option<Arc<LineCallback>>,
}

impl std::fmt::Debug for ChildSpec {
    /// Without values of variables: they may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("ChildSpec")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("environment", &self.environment)
            .field("env", &names)
            .field("cwd", &self.cwd)
            .finish_non_exhaustive()
    }
}

/// A child that did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The program could not be run.
    #[error("cannot start {}: {source}; check that it is installed and on PATH", program.display())]
    Program {
        /// The program as given.
        program: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// Something else that a child needs was not to be had.
    #[error("cannot prepare a child process: {0}")]
    System(#[from] std::io::Error),
}

impl ChildSpec {
    /// A program by path or by name on `PATH`, without arguments, with our environment, in our directory.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            environment: Environment::default(),
            env: Vec::new(),
            cwd: None,
            on_stderr: None,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Chooses what it sees of our environment.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Sets a variable, whatever our environment says about it.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    /// Leaves a variable out, whatever our environment says about it.
    #[must_use]
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.env.push((name.into(), None));
        self
    }

    /// Starts it in this directory.
    #[must_use]
    pub fn cwd(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cwd = Some(directory.into());
        self
    }

    /// Calls back for each line that it writes to stderr, cut off at 4 KiB, from a task that must not be blocked.
    #[must_use]
    pub fn on_stderr(mut self, callback: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.on_stderr = Some(Arc::new(callback));
        self
    }

    /// The program as given.
    #[must_use]
    pub fn program(&self) -> &Path {
        Path::new(&self.program)
    }

    /// The arguments as given.
    #[must_use]
    pub fn arguments(&self) -> &[OsString] {
        &self.args
    }

    /// Starts it in a process group of its own, under a guard if [`guard::init`] was called.
    ///
    /// # Errors
    /// When the program cannot be run, or the system is out of processes or files.
    ///
    /// # Panics
    /// Outside a Tokio runtime with I/O enabled.
    pub async fn spawn(&self) -> Result<(ChildTransport, ChildHandle), SpawnError> {
        let (stdin, to_child) = std::io::pipe()?;
        let (from_child, stdout) = std::io::pipe()?;
        let (stderr_read, stderr) = std::io::pipe()?;
        // A bigger pipe is a matter of speed only.
        let _ = rustix::pipe::fcntl_setpipe_size(&to_child, PIPE);
        let _ = rustix::pipe::fcntl_setpipe_size(&from_child, PIPE);
        let writer = pipe::Sender::from_owned_fd(to_child.into())?;
        let reader = pipe::Receiver::from_owned_fd(from_child.into())?;
        let stderr_read = pipe::Receiver::from_owned_fd(stderr_read.into())?;

        let watch = self.watched(stdin.into(), stdout, stderr).await?;
        let stderr = Stderr::drain(stderr_read, self.on_stderr.clone());
        let program = self.program().display().to_string();
        let transport = ChildTransport::new(reader, writer, program);
        let handle = ChildHandle::new(watch.run(), transport.stdin(), stderr, transport.noise());
        Ok((transport, handle))
    }

    /// Starts a program that speaks no protocol: like [`ChildSpec::spawn`], but with nothing to read on its stdin, and
    /// stdout and stderr as one stream. The callback for stderr is not called.
    ///
    /// # Errors
    /// As [`ChildSpec::spawn`].
    ///
    /// # Panics
    /// Outside a Tokio runtime with I/O enabled.
    pub async fn spawn_captured(&self) -> Result<(ChildOutput, ChildHandle), SpawnError> {
        let stdin = File::open("/dev/null")?;
        let (from_child, stdout) = std::io::pipe()?;
        let stderr = stdout.try_clone()?;
        let reader = pipe::Receiver::from_owned_fd(from_child.into())?;
        let watch = self.watched(stdin.into(), stdout, stderr).await?;
        Ok((ChildOutput::new(reader), ChildHandle::new(watch.run(), Stdin::none(), Stderr::none(), Noise::of(""))))
    }

    async fn watched(&self, stdin: OwnedFd, stdout: PipeWriter, stderr: PipeWriter) -> Result<Watch, SpawnError> {
        if guard::enabled() {
            let (command, control) = guard::command(&self.program, &self.args, stdin)?;
            Watch::guarded(self.start(command.into(), stdout, stderr)?, control).await.map_err(|e| self.failed(e))
        } else {
            let mut command = Command::new(&self.program);
            command.args(&self.args).stdin(stdin);
            Ok(Watch::direct(self.start(command, stdout, stderr)?))
        }
    }

    fn start(
        &self,
        mut command: Command,
        stdout: PipeWriter,
        stderr: PipeWriter,
    ) -> Result<tokio::process::Child, SpawnError> {
        command.env_clear();
        command.envs(std::env::vars_os().filter(|(name, _)| self.environment.passes(name)));
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = &self.cwd {
            command.current_dir(directory);
        }
        command.stdout(Stdio::from(stdout)).stderr(Stdio::from(stderr)).process_group(0);
        command.spawn().map_err(|error| self.failed(error))
    }

    fn failed(&self, source: std::io::Error) -> SpawnError {
        SpawnError::Program { program: PathBuf::from(&self.program), source }
    }
}

#[cfg(test)]
mod tests {
    use super::Environment;

    #[test]
    fn a_child_never_sees_our_own_settings() {
        for environment in [Environment::Inherited, Environment::Cleaned] {
            assert!(!environment.passes("ACP_BRIDGE_TOKEN".as_ref()));
            assert!(environment.passes("PATH".as_ref()));
            assert!(environment.passes("LC_ALL".as_ref()));
        }
        assert!(Environment::Inherited.passes("SECRET".as_ref()));
        assert!(!Environment::Cleaned.passes("SECRET".as_ref()));
    }
}
