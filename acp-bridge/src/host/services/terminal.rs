//! One command that runs for the agent.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acp_server::transport::child::{ChildHandle, ChildOutput, ChildSpec, ExitReport, SpawnError};
use acp_types::v1::TerminalExitStatus;
use tokio::sync::watch;

use super::tail::Tail;

const PIECE: usize = 16 * 1024;
/// How long the output of a command that has ended is read. It is all in the pipe; only something that got away from
/// the command's guard could keep the pipe open.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long a killed command is waited for. What takes longer is stuck in the kernel.
const KILLED: Duration = Duration::from_secs(5);

/// A command, its output, and how it ended. Dropping it kills the command and all that it started.
#[derive(Debug)]
pub(super) struct Terminal {
    child: ChildHandle,
    tail: Arc<Mutex<Tail>>,
    exit: watch::Receiver<Option<ExitReport>>,
}

impl Terminal {
    /// Starts a command. The end of its output is kept, `limit` bytes.
    pub(super) async fn start(spec: &ChildSpec, limit: usize) -> Result<Self, SpawnError> {
        let (output, child) = spec.spawn_captured().await?;
        let tail = Arc::new(Mutex::new(Tail::new(limit)));
        let (report, exit) = watch::channel(None);
        // It ends with the command.
        tokio::spawn(follow(output, Arc::clone(&tail), child.watch(), report));
        Ok(Self { child, tail, exit })
    }

    /// The output so far, and whether its beginning is missing.
    pub(super) fn output(&self) -> (String, bool) {
        lock(&self.tail).text()
    }

    /// How it ended, if it has.
    pub(super) fn exited(&self) -> Option<TerminalExitStatus> {
        self.exit.borrow().map(status)
    }

    /// A future of its end, with its output complete.
    pub(super) fn end(&self) -> impl Future<Output = TerminalExitStatus> + Send + use<> {
        let mut exit = self.exit.clone();
        async move {
            let report = exit.wait_for(Option::is_some).await.ok().and_then(|report| *report);
            status(report.unwrap_or_default())
        }
    }

    /// Kills it and all that it started.
    pub(super) fn kill(&self) {
        self.child.kill();
    }

    /// Kills it and waits until nothing of it is left.
    pub(super) async fn stop(self) {
        self.child.kill();
        if tokio::time::timeout(KILLED, self.child.wait()).await.is_err() {
            tracing::warn!("a command of an agent cannot be killed");
        }
    }
}

async fn follow(
    mut output: ChildOutput,
    tail: Arc<Mutex<Tail>>,
    exited: impl Future<Output = ExitReport>,
    report: watch::Sender<Option<ExitReport>>,
) {
    let mut piece = vec![0; PIECE];
    let mut exited = pin!(exited);
    let ended = loop {
        tokio::select! {
            biased;
            read = output.read(&mut piece) => match read {
                Ok(read @ 1..) => lock(&tail).push(&piece[..read]),
                // It has closed its output, or nobody can read it any more.
                Ok(0) | Err(_) => break exited.await,
            },
            ended = &mut exited => {
                let rest = async {
                    while let Ok(read @ 1..) = output.read(&mut piece).await {
                        lock(&tail).push(&piece[..read]);
                    }
                };
                // What has not come by then comes from a stranger.
                let _ = tokio::time::timeout(LAST_WORDS, rest).await;
                break ended;
            }
        }
    };
    lock(&tail).end();
    // Whoever waited may have gone.
    let _ = report.send(Some(ended));
}

fn lock(tail: &Mutex<Tail>) -> MutexGuard<'_, Tail> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}

fn status(report: ExitReport) -> TerminalExitStatus {
    TerminalExitStatus::new()
        .exit_code(report.code.and_then(|code| u32::try_from(code).ok()))
        .signal(report.signal.map(signal_name))
}

/// Names of the signals that have one number everywhere.
fn signal_name(number: i32) -> String {
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        other => return other.to_string(),
    };
    name.to_owned()
}
