//! The task that waits for a child and carries out orders about it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::Child;
use tokio::sync::{mpsc, watch};

use super::ExitReport;
use crate::guard::{Report, ReportReader};

#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Terminate,
    Kill,
}

/// A started child that nobody watches yet.
pub(super) enum Watch {
    /// Our own child.
    Direct { child: Child, group: Group },
    /// The child of a guard, which is ours.
    Guarded { guard: Child, group: Group, control: UnixStream, reports: ReportReader },
}

pub(super) struct Watched {
    pub(super) pid: Option<u32>,
    /// Not bounded: an order is a signal, given by hand or by a deadline, and the task always takes them.
    pub(super) orders: mpsc::UnboundedSender<Order>,
    pub(super) exit: watch::Receiver<Option<ExitReport>>,
}

/// The process group of a child. Dropping it kills what is left of the group.
pub(super) struct Group(Option<Pid>);

impl Group {
    fn of(pid: Option<u32>) -> Self {
        Self(pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // No such group any more is as good as killed.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

impl Watch {
    pub(super) fn direct(child: Child) -> Self {
        let group = Group::of(child.id());
        Self::Direct { child, group }
    }

    /// Waits for the guard's word that the program runs.
    pub(super) async fn guarded(guard: Child, control: std::os::unix::net::UnixStream) -> io::Result<Self> {
        control.set_nonblocking(true)?;
        let mut control = UnixStream::from_std(control)?;
        let mut reports = ReportReader::default();
        match next_report(&mut control, &mut reports).await? {
            Some(Report::Started(pid)) => Ok(Self::Guarded { guard, group: Group::of(Some(pid)), control, reports }),
            Some(Report::Failed(errno)) => Err(io::Error::from_raw_os_error(errno)),
            Some(Report::Exited(_)) | None => Err(io::Error::other("its guard ended before it started")),
        }
    }

    pub(super) fn run(self) -> Watched {
        let (orders, received) = mpsc::unbounded_channel();
        let (report, exit) = watch::channel(None);
        let group = match &self {
            Self::Direct { group, .. } | Self::Guarded { group, .. } => group.0,
        };
        let pid = group.and_then(|group| u32::try_from(group.as_raw_nonzero().get()).ok());
        tokio::spawn(async move {
            let ended = match self {
                Self::Direct { child, group } => direct(child, group, received).await,
                Self::Guarded { guard, group, control, reports } => {
                    guarded(guard, group, control, reports, received).await
                }
            };
            // The handle may be gone.
            let _ = report.send(Some(ended));
        });
        Watched { pid, orders, exit }
    }
}

async fn direct(mut child: Child, group: Group, mut orders: mpsc::UnboundedReceiver<Order>) -> ExitReport {
    let mut handled = true;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            order = orders.recv(), if handled => match order {
                Some(Order::Terminate) => group.signal(Signal::TERM),
                Some(Order::Kill) => group.signal(Signal::KILL),
                None => {
                    handled = false;
                    group.signal(Signal::KILL);
                }
            },
        }
    };
    // What it leaves behind in its group goes with it.
    drop(group);
    status.map(report).unwrap_or_default()
}

async fn guarded(
    mut guard: Child,
    mut group: Group,
    mut control: UnixStream,
    mut reports: ReportReader,
    mut orders: mpsc::UnboundedReceiver<Order>,
) -> ExitReport {
    let mut handled = true;
    let exit = loop {
        tokio::select! {
            report = next_report(&mut control, &mut reports) => match report {
                Ok(Some(Report::Exited(exit))) => break Some(exit),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break None,
            },
            order = orders.recv(), if handled => {
                handled = order.is_some();
                let byte = match order {
                    Some(Order::Terminate) => crate::guard::TERMINATE,
                    Some(Order::Kill) | None => crate::guard::KILL,
                };
                // A guard that is gone is noticed by the other branch.
                let _ = control.write_all(&[byte]).await;
            }
        }
    };
    drop(control);
    // It has reported its last; this only reaps it.
    let _ = guard.wait().await;
    if exit.is_some() {
        // The guard saw to everything, and the group's number may belong to others by now.
        group.0 = None;
    }
    exit.unwrap_or_default()
}

/// Dropping the future loses nothing: what was read is kept in `reports`.
async fn next_report(control: &mut UnixStream, reports: &mut ReportReader) -> io::Result<Option<Report>> {
    loop {
        if let Some(report) = reports.next() {
            return Ok(Some(report));
        }
        let mut buffer = [0; 64];
        match control.read(&mut buffer).await? {
            0 => return Ok(None),
            read => reports.push(&buffer[..read]),
        }
    }
}

fn report(status: ExitStatus) -> ExitReport {
    ExitReport { code: status.code(), signal: status.signal() }
}
