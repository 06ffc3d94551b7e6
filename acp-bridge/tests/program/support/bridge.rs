//! `acp-bridge serve` as a child process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::kept::end_diallers;
use super::split::{self, LogServer};
use super::{Client, DEADLINE, example};

/// How a bridge is started.
pub struct Options {
    pub agent: Vec<String>,
    pub args: Vec<String>,
    /// A command that ends by running the one that follows it.
    pub wrapper: Option<Vec<String>>,
    /// Any free port, unless it is to be the same after a restart.
    pub listen: Option<String>,
}

impl Options {
    /// The fault agent with some flags.
    pub fn fault_agent(flags: &[&str]) -> Self {
        let mut agent = vec![example("fault_agent")];
        agent.extend(flags.iter().map(|flag| (*flag).to_owned()));
        Self { agent, args: vec!["--cancel-grace".into(), "300ms".into()], wrapper: None, listen: None }
    }

    fn listen(&self) -> &str {
        self.listen.as_deref().unwrap_or(":0")
    }

    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.into());
        self
    }
}

/// A running bridge; killed when dropped.
pub struct Bridge {
    /// The whole bridge, or its gateway.
    child: Child,
    /// Its host, when that is a process of its own.
    host: Option<Child>,
    pub address: String,
    pub log: PathBuf,
    options: Options,
    /// The log of a bridge in two processes.
    pub server: Option<Arc<LogServer>>,
    _directory: Option<tempfile::TempDir>,
}

impl Bridge {
    /// A bridge with a log of its own.
    pub fn start(options: Options) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("log.db");
        let mut bridge = Self::on(&log, options);
        bridge._directory = Some(directory);
        bridge
    }

    /// A bridge on a log that somebody else keeps.
    pub fn on(log: &Path, options: Options) -> Self {
        let server = split::wanted().then(|| split::server(log));
        let (child, host, address) = spawn(log, &options);
        Self { child, host, address, log: log.to_owned(), options, server, _directory: None }
    }

    pub fn client(&self) -> Client {
        let mut client = Client::connect(&self.address);
        client.initialize();
        client
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        for child in self.children() {
            child.kill().expect("kill the bridge");
            child.wait().expect("reap the bridge");
        }
    }

    /// The process that serves clients, in a bridge of two processes.
    pub fn gateway(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The process that runs agents, in a bridge of two processes.
    pub fn host(&mut self) -> &mut Child {
        self.host.as_mut().expect("two processes")
    }

    /// Another gateway on the same log, in the place of one that is gone.
    pub fn start_gateway(&mut self) {
        let (gateway, line) = start_side("gateway", &self.log, &self.options);
        self.address = address(&line);
        self.child = gateway;
    }

    /// Another host on the same log. The one before is handed to whoever asks, running or not.
    pub fn start_host(&mut self) -> Child {
        let (host, _) = start_side("host", &self.log, &self.options);
        self.host.replace(host).expect("two processes")
    }

    fn children(&mut self) -> impl Iterator<Item = &mut Child> {
        // The host first, as when one process stops.
        self.host.iter_mut().chain([&mut self.child])
    }

    /// Starts it again on the same log.
    pub fn restart(&mut self) {
        (self.child, self.host, self.address) = spawn(&self.log, &self.options);
    }

    /// Starts it again on the same log; a client that has caught up with a session from its beginning.
    pub fn restart_with_client(&mut self, session: &str) -> Client {
        self.restart();
        self.client_in(session)
    }

    /// A client that has caught up with a session from its beginning.
    pub fn client_in(&self, session: &str) -> Client {
        let mut client = self.client();
        client.resume(session, Some(0));
        client.caught_up();
        client
    }

    /// TERM, and how it exited.
    pub fn terminate(&mut self) -> ExitStatus {
        let mut last = None;
        for child in self.children() {
            let status = Command::new("kill").arg(child.id().to_string()).status().expect("run kill");
            assert!(status.success());
            let exited = wait(child);
            // One that failed is not hidden by the other.
            last = last.filter(|status: &ExitStatus| !status.success()).or(Some(exited));
        }
        last.expect("a process")
    }

    /// How it exited, when somebody else has ended it.
    pub fn ended_by_itself(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the bridge's status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).expect("a number") * 1024
    }

    /// Runs the command line against it: stdout, and how it exited.
    pub fn cli(&self, args: &[&str]) -> (String, ExitStatus) {
        let output = Command::new(env!("CARGO_BIN_EXE_acp-bridge"))
            .args(args)
            .args(["--url", &format!("http://{}", self.address)])
            .stdin(Stdio::null())
            .output()
            .expect("run the command");
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        (String::from_utf8(output.stdout).expect("UTF-8 on stdout"), output.status)
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // It may have been killed by the test.
        for child in self.children() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if self.options.args.iter().any(|arg| arg == "--keep-agents") {
            end_diallers(&self.address);
        }
    }
}

/// Where a bridge on this log keeps its secrets: not among those of whoever runs the tests.
pub fn secrets_beside(log: &Path) -> PathBuf {
    log.with_extension("secrets")
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait().expect("wait for the bridge") {
            return status;
        }
        assert!(Instant::now() < deadline, "the bridge did not exit");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The bridge or its gateway, its host if that is apart, and where it listens.
fn spawn(log: &Path, options: &Options) -> (Child, Option<Child>, String) {
    if split::wanted() {
        let (host, _) = start_side("host", log, options);
        let (gateway, line) = start_side("gateway", log, options);
        return (gateway, Some(host), address(&line));
    }
    let url = format!("sqlite:{}", log.display());
    let (child, line) = start(env!("CARGO_BIN_EXE_acp-bridge"), &["serve"], &url, log, options);
    (child, None, address(&line))
}

/// One side of a bridge in two processes.
fn start_side(side: &str, log: &Path, options: &Options) -> (Child, serde_json::Value) {
    let url = format!("socket:{}", split::socket(log).display());
    let vault = log.with_extension("vault");
    let command = [side, "--lease", split::LEASE, "--vault", vault.to_str().expect("UTF-8")];
    start(&example("split_bridge"), &command, &url, log, options)
}

/// Starts one process and waits for its first line.
fn start(program: &str, command: &[&str], url: &str, log: &Path, options: &Options) -> (Child, serde_json::Value) {
    let mut words = options.wrapper.clone().unwrap_or_default();
    words.push(program.to_owned());
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .args(command)
        .args(["--listen", options.listen(), "--json", "--log", url])
        .args(&options.args)
        .args((!options.agent.is_empty()).then_some("--"))
        .args(&options.agent)
        .env("ACP_BRIDGE_SECRETS", secrets_beside(log))
        .env("PATH", path_with_harness())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start the bridge");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    BufReader::new(stdout).read_line(&mut line).expect("read where it listens");
    let value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line:?}: {e}"));
    (child, value)
}

/// Agents by name are found through acp-harness, which is beside the bridge; an example is elsewhere.
fn path_with_harness() -> std::ffi::OsString {
    let here = Path::new(env!("CARGO_BIN_EXE_acp-bridge")).parent().expect("a directory").to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(here).chain(std::env::split_paths(&others))).expect("a PATH")
}

fn address(line: &serde_json::Value) -> String {
    assert_eq!(line["event"], "listening");
    line["url"].as_str().and_then(|url| url.strip_prefix("http://")).expect("a URL").to_owned()
}
