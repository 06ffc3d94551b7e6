//! This process's own stdin and stdout, whatever they are.
//!
//! Pipes and sockets are used without blocking; files and terminals, which cannot be, get one thread each.

mod end;
mod thread;

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FileType, Stat, fstat};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::{stderr, stdin, stdout};

pub use end::{In, Out};

use super::{LineReader, LineWriter, Transport};

static TAKEN: AtomicBool = AtomicBool::new(false);

/// Stdin and stdout as a transport.
#[derive(Debug)]
pub struct Stdio {
    input: In,
    output: Out,
}

/// Stdin and stdout could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StdioError {
    /// A second call.
    #[error("stdin and stdout are taken already: call stdio() once per process")]
    Taken,
    /// One of them is closed, or the process has no files left.
    #[error("cannot use stdin and stdout: {0}; start the program with both open")]
    System(#[from] io::Error),
}

/// Takes stdin and stdout for protocol messages, once per process.
///
/// Afterwards nothing else can reach them: file descriptor 0 reads as empty, and what anybody prints to stdout goes to
/// stderr, so that a stray `println!` in a library or a child process cannot break the stream.
///
/// # Errors
/// On a second call, or when they are closed.
///
/// # Panics
/// Outside a Tokio runtime with I/O enabled.
pub fn stdio() -> Result<Stdio, StdioError> {
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(StdioError::Taken);
    }
    Ok(take()?)
}

fn take() -> io::Result<Stdio> {
    let input = fcntl_dupfd_cloexec(stdin(), 3)?;
    let output = fcntl_dupfd_cloexec(stdout(), 3)?;
    let (input_stat, output_stat) = (fstat(&input)?, fstat(&output)?);
    // Whoever writes to stderr expects it to block. A closed stderr shares nothing.
    let with_stderr =
        |stat: &Stat| fstat(stderr()).is_ok_and(|of| (of.st_dev, of.st_ino) == (stat.st_dev, stat.st_ino));
    let input = match FileType::from_raw_mode(input_stat.st_mode) {
        FileType::Fifo => In::pipe(input, with_stderr(&input_stat))?,
        FileType::Socket if !with_stderr(&input_stat) => In::socket(input)?,
        _ => In::thread(input)?,
    };
    let output = match FileType::from_raw_mode(output_stat.st_mode) {
        FileType::Fifo => Out::pipe(output, with_stderr(&output_stat))?,
        FileType::Socket if !with_stderr(&output_stat) => Out::socket(output)?,
        _ => Out::thread(output)?,
    };
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    if rustix::stdio::dup2_stdout(stderr()).is_err() {
        rustix::stdio::dup2_stdout(&null)?;
    }
    Ok(Stdio { input, output })
}

impl Transport for Stdio {
    type Reader = LineReader<In>;
    type Writer = LineWriter<Out>;

    fn split(self, limit: usize) -> (Self::Reader, Self::Writer) {
        (LineReader::new(self.input, limit), LineWriter::new(self.output))
    }
}
