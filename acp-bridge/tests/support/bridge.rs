//! `acp-bridge serve` as a child process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::kept::end_diallers;
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
    child: Child,
    pub address: String,
    pub log: PathBuf,
    options: Options,
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
        let (child, address) = spawn(log, &options);
        Self { child, address, log: log.to_owned(), options, _directory: None }
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
        self.child.kill().expect("kill the bridge");
        self.child.wait().expect("reap the bridge");
    }

    /// Starts it again on the same log.
    pub fn restart(&mut self) {
        let (child, address) = spawn(&self.log, &self.options);
        self.child = child;
        self.address = address;
    }

    /// TERM, and how it exited.
    pub fn terminate(&mut self) -> ExitStatus {
        let status = Command::new("kill").arg(self.child.id().to_string()).status().expect("run kill");
        assert!(status.success());
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("wait for the bridge") {
                return status;
            }
            assert!(Instant::now() < deadline, "the bridge did not exit after TERM");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How it exited, when somebody else has ended it.
    pub fn ended_by_itself(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("wait for the bridge") {
                return status;
            }
            assert!(Instant::now() < deadline, "the bridge did not exit");
            std::thread::sleep(Duration::from_millis(10));
        }
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
        let _ = self.child.kill();
        let _ = self.child.wait();
        if self.options.args.iter().any(|arg| arg == "--keep-agents") {
            end_diallers(&self.address);
        }
    }
}

/// Where a bridge on this log keeps its secrets: not among those of whoever runs the tests.
pub fn secrets_beside(log: &Path) -> PathBuf {
    log.with_extension("secrets")
}

fn spawn(log: &Path, options: &Options) -> (Child, String) {
    let bridge = env!("CARGO_BIN_EXE_acp-bridge").to_owned();
    let mut words = options.wrapper.clone().unwrap_or_default();
    words.push(bridge);
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .args(["serve", "--listen", options.listen(), "--json", "--log", &format!("sqlite:{}", log.display())])
        .args(&options.args)
        .args((!options.agent.is_empty()).then_some("--"))
        .args(&options.agent)
        .env("ACP_BRIDGE_SECRETS", secrets_beside(log))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start the bridge");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    BufReader::new(stdout).read_line(&mut line).expect("read where it listens");
    let value: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line:?}: {e}"));
    assert_eq!(value["event"], "listening");
    let address = value["url"].as_str().and_then(|url| url.strip_prefix("http://")).expect("a URL").to_owned();
    (child, address)
}
