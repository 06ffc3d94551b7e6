//! One command in a terminal of the client.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::mock::answers::lock;

/// Limit for the last output of a command.
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

/// Faults of a broken terminal.
#[derive(Clone, Copy)]
pub(super) struct Faults {
    pub(super) keeps_the_beginning: bool,
    pub(super) cuts_characters: bool,
}

impl Terminal {
    pub(super) fn run(command: &mut Command, limit: usize, faults: Faults) -> std::io::Result<Self> {
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

    /// The exit status, once there is one.
    pub(super) async fn exit(&self) -> Value {
        let mut exit = self.exit.clone();
        let known = exit.wait_for(Option::is_some).await.ok().and_then(|exit| exit.clone());
        known.unwrap_or_else(|| json!({}))
    }

    /// The exit status, if there is one.
    pub(super) fn exited(&self) -> Option<Value> {
        self.exit.borrow().clone()
    }

    /// Ends the command.
    pub(super) fn kill(&self) {
        self.kill.notify_one();
    }

    pub(super) fn shown(&self, exit: Option<Value>, denies: bool) -> Value {
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
