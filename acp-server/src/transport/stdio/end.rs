//! One end of stdio: a pipe, a socket, or something that needs a thread.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;

use super::thread::{ThreadReader, ThreadWriter};

/// Puts a file description back to blocking, which others may hold and rely on.
#[derive(Debug)]
struct Restore(Option<(OwnedFd, OFlags)>);

impl Restore {
    /// Remembers how the description of `file` is now.
    fn of(file: &OwnedFd) -> io::Result<Self> {
        let flags = fcntl_getfl(file)?;
        if flags.contains(OFlags::NONBLOCK) { Ok(Self(None)) } else { Ok(Self(Some((file.try_clone()?, flags)))) }
    }

    fn nothing() -> Self {
        Self(None)
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some((file, flags)) = &self.0 {
            // There is nobody left to tell, and nothing else to try.
            let _ = fcntl_setfl(file, *flags);
        }
    }
}

/// A description of the same pipe that is ours alone, so that making it non-blocking disturbs nobody. Not every
/// system can do this, and not for every pipe.
fn reopen(file: &OwnedFd, access: OFlags) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    Ok(open(path, access | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?)
}

/// Stdin.
#[derive(Debug)]
pub struct In(InKind);

#[derive(Debug)]
enum InKind {
    Pipe(pipe::Receiver, #[expect(dead_code, reason = "acts when dropped")] Restore),
    Socket(UnixStream, #[expect(dead_code, reason = "acts when dropped")] Restore),
    Thread(ThreadReader),
}

impl In {
    pub(super) fn pipe(file: OwnedFd, shared: bool) -> io::Result<Self> {
        if let Ok(own) = reopen(&file, OFlags::RDONLY) {
            return Ok(Self(InKind::Pipe(pipe::Receiver::from_owned_fd(own)?, Restore::nothing())));
        }
        if shared {
            return Self::thread(file);
        }
        let restore = Restore::of(&file)?;
        Ok(Self(InKind::Pipe(pipe::Receiver::from_owned_fd(file)?, restore)))
    }

    pub(super) fn socket(file: OwnedFd) -> io::Result<Self> {
        let restore = Restore::of(&file)?;
        Ok(Self(InKind::Socket(socket(file)?, restore)))
    }

    pub(super) fn thread(file: OwnedFd) -> io::Result<Self> {
        Ok(Self(InKind::Thread(ThreadReader::start(file.into())?)))
    }
}

impl AsyncRead for In {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            InKind::Pipe(pipe, _) => Pin::new(pipe).poll_read(context, buffer),
            InKind::Socket(socket, _) => Pin::new(socket).poll_read(context, buffer),
            InKind::Thread(thread) => thread.poll_read(context, buffer),
        }
    }
}

/// Stdout.
#[derive(Debug)]
pub struct Out(OutKind);

#[derive(Debug)]
enum OutKind {
    Pipe(pipe::Sender, #[expect(dead_code, reason = "acts when dropped")] Restore),
    Socket(UnixStream, #[expect(dead_code, reason = "acts when dropped")] Restore),
    Thread(ThreadWriter),
    Closed,
}

impl Out {
    pub(super) fn pipe(file: OwnedFd, shared: bool) -> io::Result<Self> {
        if let Ok(own) = reopen(&file, OFlags::WRONLY) {
            return Ok(Self(OutKind::Pipe(pipe::Sender::from_owned_fd(own)?, Restore::nothing())));
        }
        if shared {
            return Self::thread(file);
        }
        let restore = Restore::of(&file)?;
        Ok(Self(OutKind::Pipe(pipe::Sender::from_owned_fd(file)?, restore)))
    }

    pub(super) fn socket(file: OwnedFd) -> io::Result<Self> {
        let restore = Restore::of(&file)?;
        Ok(Self(OutKind::Socket(socket(file)?, restore)))
    }

    pub(super) fn thread(file: OwnedFd) -> io::Result<Self> {
        Ok(Self(OutKind::Thread(ThreadWriter::start(file.into())?)))
    }
}

impl AsyncWrite for Out {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            OutKind::Pipe(pipe, _) => Pin::new(pipe).poll_write(context, bytes),
            OutKind::Socket(socket, _) => Pin::new(socket).poll_write(context, bytes),
            OutKind::Thread(thread) => thread.poll_write(context, bytes),
            OutKind::Closed => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            OutKind::Thread(thread) => thread.poll_flush(context),
            // The system has it as soon as it is written.
            OutKind::Pipe(..) | OutKind::Socket(..) | OutKind::Closed => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = match &mut self.0 {
            OutKind::Thread(thread) => thread.poll_flush(context),
            OutKind::Socket(socket, _) => Pin::new(socket).poll_shutdown(context),
            OutKind::Pipe(..) | OutKind::Closed => Poll::Ready(Ok(())),
        };
        if shut.is_ready() {
            self.0 = OutKind::Closed;
        }
        shut
    }
}

fn socket(file: OwnedFd) -> io::Result<UnixStream> {
    let socket = std::os::unix::net::UnixStream::from(file);
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}
