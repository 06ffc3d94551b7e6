//! The agent that a client under test starts: a program that only passes bytes on, so that the tester plays the agent.
//!
//! It connects to the tester's Unix socket, says how it was started, is told how much to write to stderr first, and from
//! then on its stdin and stdout are the two directions of the socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::core::link::{Sink, Source};

/// The subcommand that is the stub.
pub(crate) const SUBCOMMAND: &str = "stub-agent";
/// An argument that shows whether arguments arrive.
pub(crate) const MARK: &str = "--mark=conformance";
/// Passed on at a time, in bytes.
const BLOCK: usize = 64 * 1024;
/// The longest line with which the two ends find each other, in bytes.
const MAX_HELLO: u64 = 64 * 1024;
/// Between two looks at whether stderr has room.
const ROOM: Duration = Duration::from_millis(5);

/// Where the tester waits for the stub.
#[derive(Debug)]
pub(crate) struct StubSocket {
    listener: UnixListener,
    path: PathBuf,
}

/// A stub that has come.
pub(crate) struct Arrived {
    /// Its report of how it was started.
    pub(crate) hello: Value,
    pub(crate) source: Source,
    pub(crate) sink: Sink,
}

impl StubSocket {
    /// A socket in this directory, which is removed when this is dropped.
    pub(crate) fn in_directory(directory: &Path) -> io::Result<Self> {
        let path = directory.join(".agent.sock");
        // One is left over when a scenario starts its client once more.
        let _ = std::fs::remove_file(&path);
        Ok(Self { listener: UnixListener::bind(&path)?, path })
    }

    /// The stub's command line, of which `program` is this very program.
    pub(crate) fn command(&self, program: &Path) -> Vec<String> {
        let socket = self.path.display().to_string();
        vec![program.display().to_string(), SUBCOMMAND.to_owned(), socket, MARK.to_owned()]
    }

    /// Waits for the stub and has it write `noise` bytes to stderr before anything else. No other is let in.
    pub(crate) async fn wait(self, noise: usize) -> io::Result<Arrived> {
        let (stream, _) = self.listener.accept().await?;
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut line = String::new();
        (&mut read).take(MAX_HELLO).read_line(&mut line).await?;
        let hello = serde_json::from_str(&line).map_err(io::Error::other)?;
        write.write_all(format!("{}\n", json!({ "noise": noise })).as_bytes()).await?;
        Ok(Arrived { hello, source: Box::pin(read), sink: Box::pin(write) })
    }
}

impl Drop for StubSocket {
    fn drop(&mut self) {
        // The directory goes soon, too.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The stub itself: until its stdin ends, or the tester closes the connection.
///
/// # Errors
/// When the tester is not there, or anything cannot be passed on.
pub async fn run(socket: &Path, arguments: &[String]) -> io::Result<()> {
    let stream = UnixStream::connect(socket).await?;
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    write.write_all(format!("{}\n", json!({ "arguments": arguments })).as_bytes()).await?;
    let mut line = String::new();
    (&mut read).take(MAX_HELLO).read_line(&mut line).await?;
    let orders: Value = serde_json::from_str(&line).map_err(io::Error::other)?;
    let mut noise = usize::try_from(orders["noise"].as_u64().unwrap_or_default()).unwrap_or_default();
    let block = "an agent that says much on stderr\n".repeat(120);
    while noise > 0 {
        let part = noise.min(block.len());
        write_all(&mut io::stderr(), &block.as_bytes()[..part]).await?;
        noise -= part;
    }
    let mut stdout = tokio::io::stdout();
    let inward = async {
        let mut stdin = tokio::io::stdin();
        let mut block = vec![0; BLOCK];
        loop {
            match stdin.read(&mut block).await? {
                0 => return write.shutdown().await,
                read => write.write_all(&block[..read]).await?,
            }
        }
    };
    let outward = async {
        let mut block = vec![0; BLOCK];
        loop {
            let read = read.read(&mut block).await?;
            if read == 0 {
                return Ok::<(), io::Error>(());
            }
            stdout.write_all(&block[..read]).await?;
            stdout.flush().await?;
        }
    };
    tokio::select! {
        ended = inward => ended,
        ended = outward => ended,
    }
}

/// Writes everything, and waits for room where the open file itself does not: whoever shares it may have made it so. Node
/// does that to its own stderr, which the agents that it starts can inherit.
async fn write_all(to: &mut impl io::Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(ROOM).await,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;

    use futures_util::FutureExt as _;
    use rustix::fs::{OFlags, fcntl_setfl};

    use super::*;

    #[tokio::test]
    async fn all_is_written_to_a_full_pipe_that_does_not_wait() {
        let (read, write) = rustix::pipe::pipe().expect("a pipe");
        fcntl_setfl(&write, OFlags::NONBLOCK).expect("a flag");
        let (mut read, mut write) = (File::from(read), File::from(write));
        let all = vec![b'x'; 1024 * 1024];
        let mut writing = Box::pin(write_all(&mut write, &all));
        assert!((&mut writing).now_or_never().is_none(), "no pipe holds so much");
        let length = all.len();
        let reading = tokio::task::spawn_blocking(move || {
            let mut came = vec![0; length];
            read.read_exact(&mut came).map(|()| came)
        });
        writing.await.expect("all is written");
        let came = reading.await.expect("a reader").expect("all came");
        assert!(came == all, "what came is what was written");
    }
}
