//! Lines over a link, recorded as they pass.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use super::record::Recorder;
use super::stop::Stop;
use crate::core::history::{Body, Direction, Line, Message, What};
use crate::core::link::{Link, Process, Socket};

/// The longest line that is taken, in bytes. A longer one is cut and what follows is the next line, which no check will
/// like.
const MAX_LINE: usize = 64 * 1024 * 1024;
/// Asked of the system at a time, in bytes.
const READ: usize = 64 * 1024;

/// One open connection.
pub(super) struct Wire {
    link: Link,
    buffer: Vec<u8>,
    /// Length of the buffer's part that holds no newline.
    scanned: usize,
    lines: VecDeque<Message>,
    ended: bool,
    exited: bool,
}

impl Wire {
    pub(super) fn new(link: Link) -> Self {
        Self { link, buffer: Vec::new(), scanned: 0, lines: VecDeque::new(), ended: false, exited: false }
    }

    /// Writes, and reads meanwhile: a subject that waits for us to read would never read.
    pub(super) async fn write(&mut self, mut bytes: &[u8], recorder: &mut Recorder) -> Result<(), Stop> {
        while !bytes.is_empty() {
            let Link { source, sink, .. } = &mut self.link;
            let Some(sink) = sink else { return Err(Stop::Gone) };
            let mut room = vec![0; READ];
            tokio::select! {
                written = sink.write(bytes) => match written {
                    Ok(written) if written > 0 => bytes = &bytes[written..],
                    Ok(_) | Err(_) => {
                        self.exit_now(recorder).await;
                        return Err(Stop::Gone);
                    }
                },
                read = source.read(&mut room), if !self.ended => self.took(read.map(|n| &room[..n]), recorder),
            }
        }
        if let Some(sink) = &mut self.link.sink {
            // What cannot be flushed shows at the next read.
            let _ = sink.flush().await;
        }
        Ok(())
    }

    /// The next message, or `None` at the deadline.
    pub(super) async fn next(&mut self, deadline: Instant, recorder: &mut Recorder) -> Result<Option<Message>, Stop> {
        loop {
            self.aside(recorder);
            if let Some(message) = self.lines.pop_front() {
                return Ok(Some(message));
            }
            if self.ended {
                self.exit_now(recorder).await;
                return Err(Stop::Gone);
            }
            let mut room = vec![0; READ];
            tokio::select! {
                biased;
                read = self.link.source.read(&mut room) => self.took(read.map(|n| &room[..n]), recorder),
                () = sleep_until(deadline) => return Ok(None),
            }
        }
    }

    /// The WebSocket, if it is one.
    pub(super) fn socket(&self) -> Option<&Socket> {
        self.link.socket.as_ref()
    }

    fn took(&mut self, read: std::io::Result<&[u8]>, recorder: &mut Recorder) {
        match read {
            Ok(bytes) if !bytes.is_empty() => self.buffer.extend_from_slice(bytes),
            Ok(_) | Err(_) => {
                self.ended = true;
                if !self.buffer.is_empty() {
                    let rest = std::mem::take(&mut self.buffer);
                    self.received(&rest, recorder);
                }
                recorder.push(What::OutputClosed);
            }
        }
        while let Some(end) = self.buffer[self.scanned..].iter().position(|byte| *byte == b'\n') {
            let rest = self.buffer.split_off(self.scanned + end + 1);
            let mut line = std::mem::replace(&mut self.buffer, rest);
            line.pop();
            self.scanned = 0;
            self.received(&line, recorder);
        }
        self.scanned = self.buffer.len();
        if self.buffer.len() > MAX_LINE {
            let line = std::mem::take(&mut self.buffer);
            self.scanned = 0;
            self.received(&line, recorder);
        }
    }

    fn received(&mut self, line: &[u8], recorder: &mut Recorder) {
        let line = Line::new(line);
        let (body, extra) = match line.text() {
            Some(text) => Body::parse(text),
            None => (Body::Junk { why: "no UTF-8".to_owned() }, Vec::new()),
        };
        let (index, at, on) = recorder.push(What::Received { line });
        self.lines.push_back(Message { index, at, on, direction: Direction::Received, label: None, body, extra });
    }

    /// Records what was seen beside the messages.
    fn aside(&mut self, recorder: &mut Recorder) {
        if let Some(process) = &mut self.link.process {
            while let Ok(text) = process.stderr.try_recv() {
                recorder.push(What::Stderr { text });
            }
        }
        if let Some(socket) = &mut self.link.socket {
            while let Ok((label, data)) = socket.notes.try_recv() {
                recorder.push(What::Note { label: label.to_owned(), data });
            }
        }
        if let Some(http) = &mut self.link.http {
            while let Ok((label, data)) = http.notes.try_recv() {
                recorder.push(What::Note { label: label.to_owned(), data });
            }
        }
    }

    /// Closes the subject's input, reads to the end of its output and waits for its exit. Whether it came in time.
    pub(super) async fn close_input(&mut self, limit: Duration, recorder: &mut Recorder) -> bool {
        if let Some(mut sink) = self.link.sink.take() {
            // A subject that is gone has no input to close.
            let _ = sink.shutdown().await;
        }
        let deadline = Instant::now() + limit;
        while !self.ended {
            let mut room = vec![0; READ];
            tokio::select! {
                read = self.link.source.read(&mut room) => self.took(read.map(|n| &room[..n]), recorder),
                () = sleep_until(deadline) => break,
            }
        }
        self.lines.clear();
        let left = deadline.saturating_duration_since(Instant::now());
        let in_time = match &self.link.process {
            Some(process) => timeout(left, process.handle.wait()).await.is_ok(),
            None => self.ended,
        };
        if in_time {
            self.exit_now(recorder).await;
        }
        in_time
    }

    /// The subject's output is over: its process is ended, and how it ended is written down.
    async fn exit_now(&mut self, recorder: &mut Recorder) {
        if self.exited {
            return;
        }
        self.exited = true;
        if let Some(process) = &mut self.link.process {
            let report = process.handle.exited();
            let report = match report {
                Some(report) => report,
                // Output that ends is soon followed by the process.
                None => match timeout(Duration::from_millis(500), process.handle.wait()).await {
                    Ok(report) => report,
                    Err(_) => return,
                },
            };
            self.aside(recorder);
            recorder.push(What::Exited { code: report.code, signal: report.signal });
        }
    }

    /// The subject's process, if it is one that runs.
    pub(super) fn process_id(&self) -> Option<u32> {
        self.link.process.as_ref().and_then(|process| process.handle.id())
    }

    /// Returns whether the subject's process, or its task, has ended.
    pub(super) fn has_exited(&self) -> bool {
        let process = self.link.process.as_ref().is_some_and(|process| process.handle.exited().is_some());
        process || self.link.task.as_ref().is_some_and(tokio::task::JoinHandle::is_finished)
    }

    pub(super) async fn end(&mut self, recorder: &mut Recorder) {
        self.aside(recorder);
        drop(self.link.sink.take());
        if let Some(process) = &mut self.link.process {
            Process::end(process).await;
        }
        if let Some(socket) = &mut self.link.socket {
            socket.end().await;
        }
        if let Some(http) = &mut self.link.http {
            http.end().await;
        }
        self.aside(recorder);
    }
}
