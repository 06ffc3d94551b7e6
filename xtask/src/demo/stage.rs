//! The bridge and the clients of the demo, as processes; all are gone when the stage is.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::harness::Harness;
use crate::run::{json_lines, root};

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// A bridge with its log, and the session that is played.
pub(crate) struct Stage {
    bridge: Child,
    url: String,
    pub(crate) session: String,
    /// Seq of the last update that some client has seen.
    pub(crate) cursor: u64,
    pub(crate) harness: Harness,
    /// Last, so that it is removed when everything else is gone.
    directory: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new(directory: tempfile::TempDir, harness: Harness) -> anyhow::Result<Self> {
        let (bridge, url) = start_bridge(directory.path(), &harness)?;
        Ok(Self { directory, bridge, url, session: String::new(), cursor: 0, harness })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.path().join("demo.db")
    }

    /// `kill -9` the bridge.
    pub(crate) fn kill_bridge(&mut self) -> anyhow::Result<()> {
        self.bridge.kill()?;
        self.bridge.wait()?;
        Ok(())
    }

    /// Starts it again on the same log.
    pub(crate) fn restart_bridge(&mut self) -> anyhow::Result<()> {
        let (bridge, url) = start_bridge(self.directory.path(), &self.harness)?;
        self.bridge = bridge;
        self.url = url;
        Ok(())
    }

    /// A client on the official SDK, connected and initialized.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let mut client = Client::start(&self.url)?;
        client.request("initialize", json!({ "protocolVersion": 1, "clientCapabilities": {} }))?;
        Ok(client)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // TERM lets it stop its agents; it may be gone already.
        let _ = Command::new("kill").arg(self.bridge.id().to_string()).stderr(Stdio::null()).status();
        let deadline = Instant::now() + DEADLINE;
        while matches!(self.bridge.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.bridge.kill();
        let _ = self.bridge.wait();
    }
}

/// The bridge that was built with us: it lies where we do.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("acp-bridge"))
}

fn start_bridge(directory: &Path, harness: &Harness) -> anyhow::Result<(Child, String)> {
    let mut command = Command::new(program()?);
    command
        .args(["serve", "--listen", ":0", "--json", "--log"])
        .arg(format!("sqlite:{}", directory.join("demo.db").display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    harness.dress(&mut command);
    let mut bridge = command.spawn().context("the bridge cannot be started")?;
    let mut line = String::new();
    let stdout = bridge.stdout.take().context("the bridge has no stdout")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let announced: Value = serde_json::from_str(&line).context("the bridge did not say where it listens")?;
    let url = announced["url"].as_str().context("the bridge did not say where it listens")?.to_owned();
    Ok((bridge, url))
}

/// What a client that joined late saw of a turn.
pub(crate) struct Rest {
    /// Chunks of the agent: seq and text.
    pub(crate) chunks: Vec<(u64, String)>,
    /// How the turn ended.
    pub(crate) outcome: String,
    /// Seq of its end.
    pub(crate) seq: u64,
}

/// A client process, driven by steps and observed by lines; see `interop/ts/client.mjs`.
pub(crate) struct Client {
    child: Child,
    steps: ChildStdin,
    lines: Receiver<Value>,
}

impl Client {
    fn start(url: &str) -> anyhow::Result<Self> {
        let endpoint = format!("{}/acp", url.replacen("http", "ws", 1));
        let mut child = Command::new("node")
            .arg(root().join("interop/ts/client.mjs"))
            .arg(endpoint)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the client cannot be started")?;
        let steps = child.stdin.take().context("the client has no stdin")?;
        let stdout = child.stdout.take().context("the client has no stdout")?;
        let lines = json_lines(stdout);
        Ok(Self { child, steps, lines })
    }

    pub(crate) fn step(&mut self, step: &Value) -> anyhow::Result<()> {
        writeln!(self.steps, "{step}").context("the client is gone")
    }

    /// Sends a request and waits for its result; updates that come before it are dropped.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        self.step(&json!({ "request": method, "params": params }))?;
        self.result(method)
    }

    /// The result of a request that was started.
    pub(crate) fn result(&mut self, method: &str) -> anyhow::Result<Value> {
        loop {
            let line = self.next()?;
            if line["method"] == method && !line["result"].is_null() {
                return Ok(line["result"].clone());
            }
            if line["method"] == method && !line["error"].is_null() {
                bail!("{method}: {}", line["error"]);
            }
        }
    }

    /// Sends a prompt and does not wait for its answer.
    pub(crate) fn prompt(&mut self, session: &str, text: &str) -> anyhow::Result<()> {
        let params = json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }] });
        self.step(&json!({ "start": "session/prompt", "params": params }))
    }

    /// The next line that is wanted; those before it are dropped.
    pub(crate) fn until(&mut self, mut wanted: impl FnMut(&Value) -> bool) -> anyhow::Result<Value> {
        loop {
            let line = self.next()?;
            if wanted(&line) {
                return Ok(line);
            }
        }
    }

    /// The next line of any kind.
    pub(crate) fn next(&mut self) -> anyhow::Result<Value> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => bail!("nothing came from the bridge for {} s", DEADLINE.as_secs()),
            Err(RecvTimeoutError::Disconnected) => bail!("the client exited"),
        }
    }

    /// The next chunk of the agent: its seq and text.
    pub(crate) fn chunk(&mut self) -> anyhow::Result<(u64, String)> {
        loop {
            if let Some(chunk) = chunk_of(&self.next()?) {
                return Ok(chunk);
            }
        }
    }

    /// Everything up to the end of a turn that another client prompted.
    pub(crate) fn until_turn_ended(&mut self) -> anyhow::Result<Rest> {
        let mut chunks = Vec::new();
        loop {
            let line = self.next()?;
            chunks.extend(chunk_of(&line));
            if line["notification"] == "_acp-bridge/turn_ended" {
                let params = &line["params"];
                let outcome = params["outcome"].as_str().unwrap_or_default().to_owned();
                return Ok(Rest { chunks, outcome, seq: seq_of(params)? });
            }
        }
    }

    /// `kill -9`: the connection is cut, nothing is said.
    pub(crate) fn cut(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn chunk_of(line: &Value) -> Option<(u64, String)> {
    let params = &line["update"];
    if params["update"]["sessionUpdate"] != "agent_message_chunk" {
        return None;
    }
    Some((seq_of(params).ok()?, params["update"]["content"]["text"].as_str()?.to_owned()))
}

/// Where a message of the bridge stands in the log; an answer to a prompt stands after the whole turn.
pub(crate) fn seq_of(value: &Value) -> anyhow::Result<u64> {
    value["_meta"]["acp-bridge"]["seq"].as_u64().with_context(|| format!("{value} has no seq"))
}
