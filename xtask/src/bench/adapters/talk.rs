//! A conversation of JSON lines with a process, timed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::subject::{Harness, Home, Subject};

/// For one answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// After its stdin was closed.
const LINGER: Duration = Duration::from_secs(10);

pub(super) struct Talk {
    process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
}

impl Talk {
    pub(super) fn start(mut command: Command) -> anyhow::Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot be started")?;
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().context("stdout")?);
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // A line that is no JSON is somebody's log.
                if let Ok(message) = serde_json::from_str(&line)
                    && sender.send(message).is_err()
                {
                    break;
                }
            }
        });
        Ok(Self { process, input, lines })
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Until a session takes prompts; its id.
    pub(super) fn ready(&mut self, harness: Harness, subject: Subject, home: &Home) -> anyhow::Result<String> {
        let cwd = home.workspace();
        match (subject, harness) {
            (Subject::Bare, Harness::Codex) => {
                let client = json!({ "name": "bench", "title": "bench", "version": "0" });
                self.send(&json!({ "id": 1, "method": "initialize", "params": { "clientInfo": client } }))?;
                self.answer(1)?;
                self.send(&json!({ "method": "initialized" }))?;
                self.send(&json!({ "id": 2, "method": "thread/start", "params": { "cwd": cwd } }))?;
                self.answer(2)?;
                Ok(String::new())
            }
            (Subject::Bare, Harness::Claude) => {
                let initialize = json!({ "subtype": "initialize" });
                self.send(&json!({ "type": "control_request", "request_id": "r1", "request": initialize }))?;
                self.until(|message| message["type"] == "control_response")?;
                Ok(String::new())
            }
            _ => {
                self.call(1, "initialize", &json!({ "protocolVersion": 1, "clientCapabilities": {} }))?;
                self.answer(1)?;
                self.session(2, home)
            }
        }
    }

    /// Opens a session of an adapter; its id.
    pub(super) fn session(&mut self, request: u64, home: &Home) -> anyhow::Result<String> {
        self.call(request, "session/new", &json!({ "cwd": home.workspace(), "mcpServers": [] }))?;
        Ok(self.answer(request)?["sessionId"].as_str().context("a session id")?.to_owned())
    }

    /// Milliseconds of a turn, and its longest silence.
    pub(super) fn turn(&mut self, session: &str, text: &str) -> anyhow::Result<(f64, f64)> {
        let prompt = json!([{ "type": "text", "text": text }]);
        let from = Instant::now();
        self.call(3, "session/prompt", &json!({ "sessionId": session, "prompt": prompt }))?;
        let (mut last, mut silence) = (from, Duration::ZERO);
        loop {
            let message = self.next()?;
            silence = silence.max(last.elapsed());
            last = Instant::now();
            if message["method"] == "session/request_permission" {
                let option = message["params"]["options"][0]["optionId"].clone();
                let outcome = json!({ "outcome": { "outcome": "selected", "optionId": option } });
                self.send(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": outcome }))?;
            } else if message["id"] == 3 {
                if message["result"]["stopReason"] != "end_turn" {
                    bail!("the turn ended with {message}");
                }
                return Ok((from.elapsed().as_secs_f64() * 1000.0, silence.as_secs_f64() * 1000.0));
            }
        }
    }

    /// Ends it as a client does that goes away.
    pub(super) fn end(mut self) {
        self.input = None;
        let until = Instant::now() + LINGER;
        while Instant::now() < until && matches!(self.process.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn call(&mut self, id: u64, method: &str, params: &Value) -> anyhow::Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
    }

    fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        let input = self.input.as_mut().context("stdin is closed")?;
        writeln!(input, "{message}").context("it takes no more input")
    }

    fn answer(&mut self, id: u64) -> anyhow::Result<Value> {
        let message = self.until(|message| message["id"] == id && message.get("method").is_none())?;
        match message.get("result") {
            Some(result) => Ok(result.clone()),
            None => bail!("refused: {message}"),
        }
    }

    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        loop {
            let message = self.next()?;
            if wanted(&message) {
                return Ok(message);
            }
        }
    }

    fn next(&mut self) -> anyhow::Result<Value> {
        self.lines.recv_timeout(PATIENCE).context("it said nothing more")
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
