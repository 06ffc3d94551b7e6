//! Terminals that the client runs.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::{Client, Outcome, error, invalid, lock, no_method};

/// Output that is kept without a limit in the request, in bytes.
const KEPT: usize = 1024 * 1024;
/// How long the last words of a command are waited for.
const DRAIN: Duration = Duration::from_millis(500);

/// A command and what it said.
pub(super) struct Terminal {
    output: Arc<Mutex<Output>>,
    kill: Arc<Notify>,
    /// Holds the command, which ends with it.
    watch: JoinHandle<()>,
    /// The exit status, once there is one.
    exit: watch::Receiver<Option<Value>>,
}

#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    truncated: bool,
}

/// How a terminal is broken.
#[derive(Clone, Copy)]
struct Faults {
    keeps_the_beginning: bool,
    cuts_characters: bool,
}

impl Client {
    pub(super) async fn terminal(&self, method: &str, params: &Value) -> Outcome {
        if method == "terminal/create" {
            return self.create(params).await;
        }
        let id = params["terminalId"].as_str().unwrap_or_default();
        let known = lock(&self.terminals).get(id).cloned();
        let Some(terminal) = known else {
            if self.breaks.has("TERM-18") && method == "terminal/output" && id.starts_with("conformance") {
                return Ok(json!({ "output": "", "truncated": false }));
            }
            let code = if self.breaks.has("ERR-07/a") { -32603 } else { -32002 };
            return Err(error(code, "Resource not found"));
        };
        match method {
            "terminal/output" if self.breaks.has("TERM-10") => {
                let exit = exit_of(&terminal).await;
                Ok(terminal.shown(Some(exit), false))
            }
            "terminal/output" => Ok(terminal.shown(terminal.exit.borrow().clone(), self.breaks.has("TERM-09"))),
            "terminal/wait_for_exit" => {
                let mut exit = exit_of(&terminal).await;
                if self.breaks.has("TERM-11") {
                    exit["exitCode"] = json!(0);
                }
                Ok(exit)
            }
            "terminal/kill" if self.breaks.has("TERM-03") => Err(no_method()),
            "terminal/kill" => {
                terminal.kill.notify_one();
                if self.breaks.has("TERM-12") {
                    exit_of(&terminal).await;
                    lock(&self.terminals).remove(id);
                }
                Ok(json!({}))
            }
            "terminal/release" => {
                if self.breaks.has("TERM-14") {
                    lock(&self.forgotten).push(Arc::clone(&terminal));
                } else {
                    terminal.kill.notify_one();
                }
                if !self.breaks.has("TERM-15") {
                    lock(&self.terminals).remove(id);
                }
                Ok(json!({}))
            }
            _ => Err(no_method()),
        }
    }

    async fn create(&self, params: &Value) -> Outcome {
        let Some(program) = params["command"].as_str() else { return Err(invalid("command")) };
        let mut command = Command::new(program);
        command.args(params["args"].as_array().into_iter().flatten().filter_map(Value::as_str));
        for pair in params["env"].as_array().into_iter().flatten() {
            let (name, value) = (pair["name"].as_str().unwrap_or_default(), pair["value"].as_str().unwrap_or_default());
            let value = if self.breaks.has("TERM-05") && name.starts_with("CONFORMANCE") { "" } else { value };
            command.env(name, value);
        }
        command.current_dir(params["cwd"].as_str().map_or_else(|| self.directory.clone(), Into::into));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let limit = params["outputByteLimit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(KEPT);
        let faults =
            Faults { keeps_the_beginning: self.breaks.has("TERM-07"), cuts_characters: self.breaks.has("TERM-08") };
        let terminal = Terminal::run(&mut command, limit, faults).map_err(|e| error(-32603, &e.to_string()))?;
        let id = format!("mock-terminal-{}", self.made.fetch_add(1, Ordering::Relaxed));
        let terminal = Arc::new(terminal);
        if self.breaks.has("TERM-04") {
            exit_of(&terminal).await;
        }
        lock(&self.terminals).insert(id.clone(), terminal);
        Ok(json!({ "terminalId": id }))
    }
}

async fn exit_of(terminal: &Terminal) -> Value {
    let mut exit = terminal.exit.clone();
    let known = exit.wait_for(Option::is_some).await.ok().and_then(|exit| exit.clone());
    known.unwrap_or_else(|| json!({}))
}

impl Terminal {
    fn run(command: &mut Command, limit: usize, faults: Faults) -> std::io::Result<Self> {
        let mut child = command.spawn()?;
        let output = Arc::new(Mutex::new(Output::default()));
        let streams: [Option<std::pin::Pin<Box<dyn AsyncRead + Send>>>; 2] = [
            child.stdout.take().map(|stream| Box::pin(stream) as _),
            child.stderr.take().map(|stream| Box::pin(stream) as _),
        ];
        let readers: Vec<_> = streams
            .into_iter()
            .flatten()
            .map(|stream| tokio::spawn(keep(stream, Arc::clone(&output), limit, faults)))
            .collect();
        let (report, exit) = watch::channel(None);
        let kill = Arc::new(Notify::new());
        let killed = Arc::clone(&kill);
        let watch = tokio::spawn(async move {
            let status = tokio::select! {
                status = child.wait() => status,
                () = killed.notified() => {
                    // It may have ended this moment.
                    let _ = child.start_kill();
                    child.wait().await
                }
            };
            for reader in readers {
                // What it said is complete now, unless something that it started goes on saying things.
                let _ = tokio::time::timeout(DRAIN, reader).await;
            }
            let status = match status {
                Ok(status) => json!({ "exitCode": status.code(), "signal": status.signal().map(|s| s.to_string()) }),
                Err(_) => json!({}),
            };
            // Nobody may be interested any more.
            let _ = report.send(Some(status));
        });
        Ok(Self { output, kill, watch, exit })
    }

    fn shown(&self, exit: Option<Value>, denies: bool) -> Value {
        let output = lock(&self.output);
        json!({
            "output": String::from_utf8_lossy(&output.bytes),
            "truncated": output.truncated && !denies,
            "exitStatus": exit,
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Keeps the end of what comes.
async fn keep(mut from: impl AsyncRead + Unpin, to: Arc<Mutex<Output>>, limit: usize, faults: Faults) {
    let mut block = vec![0; 4096];
    while let Ok(read @ 1..) = from.read(&mut block).await {
        let mut output = lock(&to);
        output.bytes.extend_from_slice(&block[..read]);
        if output.bytes.len() <= limit {
            continue;
        }
        output.truncated = true;
        if faults.keeps_the_beginning {
            let whole = (0..=limit).rev().find(|end| output.bytes.get(*end).is_none_or(|byte| byte & 0xc0 != 0x80));
            output.bytes.truncate(whole.unwrap_or_default());
            continue;
        }
        let mut cut = output.bytes.len() - limit;
        // Bytes that begin with 10 continue a character.
        while !faults.cuts_characters && output.bytes.get(cut).is_some_and(|byte| byte & 0xc0 == 0x80) {
            cut += 1;
        }
        output.bytes.drain(..cut);
    }
}
