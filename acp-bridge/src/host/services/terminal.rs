//! Terminal: a command that runs for the agent.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acp_server::transport::child::{ChildHandle, ChildOutput, ChildSpec, ExitReport, SpawnError};
use acp_types::RawBuf;
use acp_types::v1::TerminalExitStatus;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::printer::Printer;
use super::tail::Tail;

const PIECE: usize = 16 * 1024;
/// Time that the output of a command that has ended is read. It is all in the pipe; only something that got away from
/// the command's guard could keep the pipe open.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Time that a killed command is waited for. What takes longer is stuck in the kernel.
const KILLED: Duration = Duration::from_secs(5);
/// Time that what is printed is collected before it is told.
const PRINT: Duration = Duration::from_millis(200);

/// A command, its output, and how it ended. Dropping it kills the command and all that it started.
#[derive(Debug)]
pub(super) struct Terminal {
    child: ChildHandle,
    tail: Arc<Mutex<Tail>>,
    /// Changes when something was printed.
    grown: watch::Receiver<()>,
    exit: watch::Receiver<Option<ExitReport>>,
    /// Tells what it prints to those who are shown it. It ends by itself, behind the command.
    printing: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts a command. The end of its output is kept, `limit` bytes.
    pub(super) async fn start(spec: &ChildSpec, limit: usize) -> Result<Self, SpawnError> {
        let (output, child) = spec.spawn_captured().await?;
        let tail = Arc::new(Mutex::new(Tail::new(limit)));
        let (report, exit) = watch::channel(None);
        let (grows, grown) = watch::channel(());
        // It ends with the command.
        tokio::spawn(follow(output, Arc::clone(&tail), grows, child.watch(), report));
        Ok(Self { child, tail, grown, exit, printing: None })
    }

    /// Tells what it has printed and will print, in pieces. Once is enough: more tellings are none.
    pub(super) fn show(
        &mut self,
        tell: impl Fn(&str) -> Option<RawBuf> + Send + Sync + 'static,
        to: mpsc::Sender<RawBuf>,
    ) {
        if self.printing.is_none() {
            let (tail, grown, exit) = (Arc::clone(&self.tail), self.grown.clone(), self.exit.clone());
            self.printing = Some(tokio::spawn(print(tail, grown, exit, tell, to)));
        }
    }

    /// The output so far, and whether its beginning is missing.
    pub(super) fn output(&self) -> (String, bool) {
        lock(&self.tail).text()
    }

    /// Its end, if it has ended.
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
        if let Some(printing) = self.printing {
            // Nobody who is shown it may take what it has printed.
            let _ = tokio::time::timeout(LAST_WORDS, printing).await;
        }
    }
}

/// Tells what is printed until nothing comes any more, or nobody listens.
async fn print(
    tail: Arc<Mutex<Tail>>,
    mut grown: watch::Receiver<()>,
    mut exit: watch::Receiver<Option<ExitReport>>,
    tell: impl Fn(&str) -> Option<RawBuf>,
    to: mpsc::Sender<RawBuf>,
) {
    let mut printer = Printer::default();
    loop {
        let ended = exit.borrow_and_update().is_some();
        grown.mark_unchanged();
        let piece = printer.next(&mut lock(&tail), ended);
        if let Some(params) = piece.as_deref().and_then(&tell)
            && to.send(params).await.is_err()
        {
            return;
        }
        if ended {
            return;
        }
        let more = async {
            if grown.changed().await.is_err() {
                // It has ended, which is the other change.
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(PRINT).await;
        };
        tokio::select! {
            ended = exit.changed() => if ended.is_err() {
                return;
            },
            () = more => {}
        }
    }
}

async fn follow(
    mut output: ChildOutput,
    tail: Arc<Mutex<Tail>>,
    grows: watch::Sender<()>,
    exited: impl Future<Output = ExitReport>,
    report: watch::Sender<Option<ExitReport>>,
) {
    let mut piece = vec![0; PIECE];
    let mut exited = pin!(exited);
    let ended = loop {
        tokio::select! {
            biased;
            read = output.read(&mut piece) => match read {
                Ok(read @ 1..) => {
                    lock(&tail).push(&piece[..read]);
                    grows.send_replace(());
                }
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
