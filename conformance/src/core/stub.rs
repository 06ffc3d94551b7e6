//! The agent that a client under test starts: a program that only passes bytes on, so that the tester plays the agent.
//!
//! It connects to the tester's Unix socket, says how it was started, is told how much to write to stderr first, and from
//! then on its stdin and stdout are the two directions of the socket.

use std::io;
use std::path::{Path, PathBuf};

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
    let mut stderr = tokio::io::stderr();
    let block = "an agent that says much on stderr\n".repeat(120);
    while noise > 0 {
        let part = noise.min(block.len());
        stderr.write_all(&block.as_bytes()[..part]).await?;
        noise -= part;
    }
    stderr.flush().await?;
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
