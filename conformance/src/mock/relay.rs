//! Passes lines between a client and something else, and does with them what a test wants.

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};

use crate::core::link::{Link, Sink};

/// Held between the two ends, in bytes, in each direction.
const PIPE: usize = 64 * 1024;

/// Fate of the lines between the suite and a peer. Pure: what is returned is passed on.
pub trait Pass: Send + 'static {
    /// A line of the client.
    fn to_far(&mut self, line: String) -> Vec<String>;
    /// A line of the other side.
    fn to_near(&mut self, line: String) -> Vec<String>;
    /// Delay of a line of the other side.
    fn delay(&self, _line: &str) -> Duration {
        Duration::ZERO
    }
    /// The client has left: what the other side is still sent.
    fn near_left(&mut self) -> Vec<String> {
        Vec::new()
    }
    /// The other side has gone: what the client is still sent before the connection ends, or that it never ends.
    fn far_left(&mut self) -> Option<Vec<String>> {
        Some(Vec::new())
    }
}

/// A link to the same peer, whose lines pass through `pass`. It ends when the link is dropped.
#[must_use]
pub fn changed(link: Link, pass: impl Pass) -> Link {
    through(std::future::ready(Some(link)), pass)
}

/// A link whose lines pass through `pass` to what `far` opens; nothing comes if it opens nothing. It ends when the link is
/// dropped.
pub(super) fn through(far: impl Future<Output = Option<Link>> + Send + 'static, pass: impl Pass) -> Link {
    let (near, here) = tokio::io::duplex(PIPE);
    let (source, sink) = tokio::io::split(near);
    tokio::spawn(async move {
        let Some(far) = far.await else { return };
        let (input, output) = tokio::io::split(here);
        // Whoever is gone needs nothing more.
        let _ = relay(input, Box::pin(output), far, pass).await;
    });
    Link::over(source, sink)
}

async fn relay(input: impl AsyncRead + Unpin, mut near: Sink, far: Link, mut pass: impl Pass) -> std::io::Result<()> {
    let Link { source, sink, socket, .. } = far;
    let (mut from_near, mut from_far) = (BufReader::new(input).lines(), BufReader::new(source).lines());
    let Some(mut sink) = sink else { return Ok(()) };
    loop {
        tokio::select! {
            line = from_near.next_line() => {
                let (lines, left) = match line? {
                    Some(line) => (pass.to_far(line), false),
                    None => (pass.near_left(), true),
                };
                for line in lines {
                    write(&mut sink, line).await?;
                }
                if left {
                    drop(sink);
                    if let Some(mut socket) = socket {
                        socket.end().await;
                    }
                    return Ok(());
                }
            }
            line = from_far.next_line() => match line? {
                Some(line) => {
                    tokio::time::sleep(pass.delay(&line)).await;
                    for line in pass.to_near(line) {
                        write(&mut near, line).await?;
                    }
                }
                None => break,
            },
        }
    }
    match pass.far_left() {
        Some(lines) => {
            for line in lines {
                write(&mut near, line).await?;
            }
            Ok(())
        }
        None => std::future::pending().await,
    }
}

async fn write(to: &mut Sink, mut line: String) -> std::io::Result<()> {
    line.push('\n');
    to.write_all(line.as_bytes()).await?;
    to.flush().await
}
