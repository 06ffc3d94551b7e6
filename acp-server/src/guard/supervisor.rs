//! The guard itself: a small synchronous program.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process_group, wait};

use super::control::{KILL, Report, TERMINATE};
use super::tree;
use crate::transport::child::ExitReport;

/// After SIGTERM, when the owner is gone.
const GRACE: Duration = Duration::from_secs(1);
/// Between two looks at what is left.
const LOOK: Duration = Duration::from_millis(10);
/// Time after which a process that survives SIGKILL is stuck in the kernel, and nobody can help.
const GIVE_UP: Duration = Duration::from_secs(10);

/// Exit codes of the guard when there is none of the program to pass on, as shells have them.
const NOT_STARTED: i32 = 127;
const MISUSED: i32 = 2;
const SIGNALLED: i32 = 128;

enum Happened {
    /// Some descendant ended and was reaped.
    Reaped(Pid, WaitStatus),
    /// Nobody is left to be reaped.
    Childless,
    Order(u8),
    /// The owner has closed the socket or died.
    Alone,
}

/// Runs the program that `args` name and returns the guard's exit code.
pub(super) fn run(mut args: impl Iterator<Item = OsString>) -> i32 {
    let Some(program) = args.next() else { return MISUSED };
    let Ok((control, stdin)) = receive_stdin() else { return MISUSED };
    match start(&program, args, stdin) {
        Ok(child) => {
            report(&control, Report::Started(child.as_raw_nonzero().get().unsigned_abs()));
            watch(child, control)
        }
        Err(error) => {
            report(&control, Report::Failed(error.raw_os_error().unwrap_or_else(|| Errno::INVAL.raw_os_error())));
            NOT_STARTED
        }
    }
}

/// The socket to the owner, which stands where stdin would, and the stdin for the program that comes through it.
fn receive_stdin() -> io::Result<(UnixStream, OwnedFd)> {
    let control = UnixStream::from(fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(&control, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(mut files) = message
            && let Some(stdin) = files.next()
        {
            return Ok((control, stdin));
        }
    }
    Err(io::ErrorKind::InvalidInput.into())
}

fn start(program: &OsString, args: impl Iterator<Item = OsString>, stdin: OwnedFd) -> io::Result<Pid> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let child = Command::new(program).args(args).stdin(Stdio::from(stdin)).process_group(0).spawn()?;
    // Who reads the program's output must see its end when the program closes it, so the guard keeps no copy.
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn watch(child: Pid, control: UnixStream) -> i32 {
    let (happened, events) = channel();
    let (Ok(orders), reaper) = (control.try_clone(), happened.clone()) else {
        tree::signal_all(child, Signal::KILL);
        return MISUSED;
    };
    thread::spawn(move || listen(orders, &happened));
    thread::spawn(move || reap(&reaper));
    let mut exit = None;
    loop {
        match events.recv() {
            Ok(Happened::Reaped(pid, status)) if pid == child => {
                exit = Some(status);
                break;
            }
            Ok(Happened::Reaped(..)) => {}
            Ok(Happened::Order(TERMINATE)) => {
                // A group that is gone needs no signal.
                let _ = kill_process_group(child, Signal::TERM);
            }
            Ok(Happened::Order(KILL)) => {
                tree::signal_all(child, Signal::KILL);
            }
            Ok(Happened::Order(_)) => {}
            Ok(Happened::Alone | Happened::Childless) | Err(_) => break,
        }
    }
    let status = clear(child, exit, &events);
    let exit = status.map_or_else(ExitReport::default, |status| ExitReport {
        code: status.exit_status(),
        signal: status.terminating_signal(),
    });
    report(&control, Report::Exited(exit));
    exit.code.unwrap_or(SIGNALLED + exit.signal.unwrap_or_default())
}

/// Ends everything below the guard and returns how the program ended.
fn clear(child: Pid, mut exit: Option<WaitStatus>, events: &Receiver<Happened>) -> Option<WaitStatus> {
    let begun = Instant::now();
    let mut left = tree::signal_all(child, Signal::TERM);
    let mut killing = false;
    while left && begun.elapsed() < GIVE_UP {
        match events.recv_timeout(LOOK) {
            Ok(Happened::Reaped(pid, status)) if pid == child => exit = Some(status),
            Ok(Happened::Childless) => break,
            Ok(Happened::Order(KILL)) => killing = true,
            Ok(_) | Err(_) => {}
        }
        killing |= begun.elapsed() >= GRACE;
        left = if killing { tree::signal_all(child, Signal::KILL) } else { tree::any_left(child) };
    }
    exit
}

fn listen(mut control: UnixStream, happened: &Sender<Happened>) {
    let mut byte = [0];
    loop {
        let event = match control.read(&mut byte) {
            Ok(1..) => Happened::Order(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => Happened::Alone,
        };
        let alone = matches!(event, Happened::Alone);
        if happened.send(event).is_err() || alone {
            return;
        }
    }
}

fn reap(happened: &Sender<Happened>) {
    loop {
        let event = match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) => Happened::Reaped(pid, status),
            Ok(None) | Err(Errno::INTR) => continue,
            Err(_) => Happened::Childless,
        };
        let childless = matches!(event, Happened::Childless);
        if happened.send(event).is_err() || childless {
            return;
        }
    }
}

/// An owner that is gone needs no report.
fn report(mut control: &UnixStream, report: Report) {
    let _ = control.write_all(report.line().as_bytes());
}
