//! A supervisor between us and a child, for the case that we are killed and cannot clean up.
//!
//! A binary that calls [`init`] first thing in `main` starts its children through a second, tiny instance of itself.
//! The guard holds a socket to us. When the socket closes, for whatever reason, the guard ends the child and everything
//! that the child started, also processes that left its group, and then itself. Without [`init`] children still get
//! their own group, which is killed when their handle is dropped; but nobody does that after a SIGKILL.
//!
//! Finding processes that left the group needs Linux (child subreaper and `/proc`); elsewhere the guard ends the group.

mod control;
mod supervisor;
mod tree;

use std::ffi::{OsStr, OsString};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

pub(crate) use control::{KILL, Report, ReportReader, TERMINATE};

/// First argument of a guard.
const ARGUMENT: &str = "__acp-guard";

static ENABLED: AtomicBool = AtomicBool::new(false);

/// Must come first in `main`, before threads and arguments: in a guard it does not return.
///
/// In the program itself it makes [`ChildSpec::spawn`](crate::transport::child::ChildSpec::spawn) use guards.
#[expect(clippy::exit, reason = "a guard is a program of its own, and nothing has been started yet")]
pub fn init() {
    let mut args = std::env::args_os().skip(1);
    if args.next().as_deref() == Some(OsStr::new(ARGUMENT)) {
        std::process::exit(supervisor::run(args));
    }
    ENABLED.store(true, Ordering::Relaxed);
}

pub(crate) fn enabled() -> bool {
    ENABLED.load(Ordering::Relaxed)
}

/// A guard for `program`, and our end of the socket to it. The guard gets the child's stdin through the socket, since
/// the socket takes the place of its own.
pub(crate) fn command(program: &OsStr, args: &[OsString], stdin: OwnedFd) -> io::Result<(Command, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let files = [stdin.as_fd()];
    if !ancillary.push(SendAncillaryMessage::ScmRights(&files)) {
        return Err(io::Error::other("no room for a file descriptor in a message"));
    }
    sendmsg(&ours, &[IoSlice::new(b"S")], &mut ancillary, SendFlags::empty())?;
    let mut command = Command::new(own_program()?);
    command.arg0("acp-guard").arg(ARGUMENT).arg(program).args(args).stdin(Stdio::from(OwnedFd::from(theirs)));
    Ok((command, ours))
}

/// This very program, even if its file was replaced or removed since it was started.
fn own_program() -> io::Result<OsString> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe().map(Into::into) }
}
