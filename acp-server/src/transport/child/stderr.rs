//! A child's stderr: always drained, only the end of it kept.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::task::JoinHandle;

/// Kept, in bytes.
const TAIL: usize = 64 * 1024;
/// Longest line handed to a callback, in bytes.
const LINE: usize = 4096;

pub(super) type LineCallback = dyn Fn(&str) + Send + Sync;

#[derive(Debug)]
pub(super) struct Stderr {
    tail: Arc<Mutex<VecDeque<u8>>>,
    written: Arc<AtomicU64>,
    drain: JoinHandle<()>,
}

impl Stderr {
    /// The stderr of a child that writes to its output instead.
    pub(super) fn none() -> Self {
        Self { tail: Arc::default(), written: Arc::default(), drain: tokio::spawn(async {}) }
    }

    pub(super) fn drain(mut pipe: pipe::Receiver, callback: Option<Arc<LineCallback>>) -> Self {
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        let shared = Arc::clone(&tail);
        let written = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&written);
        let drain = tokio::spawn(async move {
            let mut buffer = vec![0; 8 * 1024];
            let mut line = Vec::new();
            // An error ends the stream as much as its end does: there is nothing to drain any more.
            while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
                count.fetch_add(read as u64, Ordering::Relaxed);
                keep(&mut shared.lock().unwrap_or_else(PoisonError::into_inner), &buffer[..read]);
                if let Some(callback) = callback.as_deref() {
                    lines(&mut line, &buffer[..read], callback);
                }
            }
        });
        Self { tail, written, drain }
    }

    /// The last 64 KiB; bytes that are not UTF-8 are replaced.
    pub(super) fn tail(&self) -> String {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(tail.make_contiguous()).into_owned()
    }

    /// Count of its bytes so far.
    pub(super) fn written(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.written)
    }

    /// Waits until everything that was written has been seen.
    pub(super) async fn drained(&mut self) {
        // A drain that panicked, in a callback, has seen all it will.
        let _ = (&mut self.drain).await;
    }

    pub(super) fn is_drained(&self) -> bool {
        self.drain.is_finished()
    }
}

impl Drop for Stderr {
    fn drop(&mut self) {
        self.drain.abort();
    }
}

fn keep(tail: &mut VecDeque<u8>, bytes: &[u8]) {
    let bytes = &bytes[bytes.len().saturating_sub(TAIL)..];
    let surplus = (tail.len() + bytes.len()).saturating_sub(TAIL);
    tail.drain(..surplus);
    tail.extend(bytes);
}

fn lines(line: &mut Vec<u8>, bytes: &[u8], callback: &dyn Fn(&str)) {
    for part in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (text, ended) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
        line.extend_from_slice(&text[..text.len().min(LINE.saturating_sub(line.len()))]);
        if ended {
            callback(&String::from_utf8_lossy(line));
            line.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::{LINE, TAIL, keep, lines};

    #[test]
    fn only_the_end_is_kept() {
        let mut tail = VecDeque::new();
        for byte in 0..=255_u8 {
            keep(&mut tail, &[byte; 1000]);
        }
        assert_eq!(tail.len(), TAIL);
        assert_eq!(tail.back(), Some(&255));
        keep(&mut tail, &[7; 3 * TAIL]);
        assert!(tail.len() == TAIL && tail.iter().all(|byte| *byte == 7));
    }

    #[test]
    fn a_line_in_pieces_is_reported_once_and_cut_at_the_limit() {
        let seen = RefCell::new(Vec::new());
        let callback = |line: &str| seen.borrow_mut().push(line.len());
        let long = "x".repeat(2 * LINE);
        let mut line = Vec::new();
        for part in ["a", "b\nc\n", &long, "\n"] {
            lines(&mut line, part.as_bytes(), &callback);
        }
        assert_eq!(seen.into_inner(), [2, 1, LINE]);
    }
}
