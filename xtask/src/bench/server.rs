//! A server under load, and the client that loads it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use super::programs;
use crate::run::root;

const DEADLINE: Duration = Duration::from_secs(300);

/// What stands between the agent and the client.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject {
    Fsync,
    Os,
    Official,
    TimedFsync,
    TimedOs,
}

/// What the load client measures on a server; `PID` among the arguments stands for the server's process.
pub(super) fn load(server: &Server, arguments: &[&str]) -> anyhow::Result<Value> {
    let pid = server.pid().to_string();
    let mut client = programs::load_client();
    client.arg(format!("{}/acp", server.url.replacen("http", "ws", 1)));
    client.args(arguments.iter().map(|argument| if *argument == "PID" { &pid } else { *argument }));
    let mut child = client.stdout(Stdio::piped()).spawn().context("the load client cannot be started")?;
    let started = Instant::now();
    // It prints one line, which fits into the pipe.
    while child.try_wait()?.is_none() {
        if started.elapsed() > DEADLINE {
            let _ = child.kill();
            let _ = child.wait();
            bail!("not done after {} s", DEADLINE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("the load client failed: {}", output.status);
    }
    serde_json::from_slice(&output.stdout).context("the load client printed no JSON")
}

/// A running server with nothing in its log; gone, with its agents, when dropped.
pub(super) struct Server {
    child: Child,
    url: String,
    subject: Subject,
    directory: tempfile::TempDir,
}

impl Server {
    pub(super) fn start(subject: Subject) -> anyhow::Result<Self> {
        // Below target, because the system's temporary directory may be in memory, where fsync costs nothing.
        let directory = tempfile::tempdir_in(root().join("target"))?;
        let (child, url) = spawn(subject, directory.path())?;
        Ok(Self { child, url, subject, directory })
    }

    /// Starts it again, after it was killed, on the log that it had.
    pub(super) fn restart(&mut self) -> anyhow::Result<()> {
        self.child.wait()?;
        (self.child, self.url) = spawn(self.subject, self.directory.path())?;
        Ok(())
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it; how long its hops took, if it is timed.
    pub(super) fn hops(mut self) -> anyhow::Result<Value> {
        self.stop();
        let text = std::fs::read_to_string(programs::hops(self.directory.path()));
        serde_json::from_str(&text.context("it wrote no hops")?).context("its hops are no JSON")
    }

    fn stop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(subject: Subject, directory: &Path) -> anyhow::Result<(Child, String)> {
    let mut command = match subject {
        Subject::Fsync => programs::bridge(directory, "fsync"),
        Subject::Os => programs::bridge(directory, "os"),
        Subject::Official => programs::official_server(),
        Subject::TimedFsync => programs::timed_bridge(directory, "fsync"),
        Subject::TimedOs => programs::timed_bridge(directory, "os"),
    };
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("it cannot be started")?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("stdout")?).read_line(&mut line)?;
    let announced: Value = serde_json::from_str(&line).context("it did not say where it listens")?;
    let url = announced["url"].as_str().context("it did not say where it listens")?.to_owned();
    Ok((child, url))
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}
