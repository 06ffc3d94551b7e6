//! The output of a program that talks to a person, as it comes.

use std::io::Read;
use std::process::ChildStdout;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use super::DEADLINE;

pub struct Screen {
    pieces: Receiver<Vec<u8>>,
    /// Everything that came and was not forgotten.
    seen: Vec<u8>,
}

impl Screen {
    pub fn of(mut output: ChildStdout) -> Self {
        let (sender, pieces) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { pieces, seen: Vec::new() }
    }

    /// Waits until a text has come. Returns where it ends in what has come.
    pub fn until(&mut self, text: &str) -> usize {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.seen.windows(text.len()).position(|window| window == text.as_bytes()) {
                return at + text.len();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let piece = self.pieces.recv_timeout(left);
            let seen = || String::from_utf8_lossy(&self.seen);
            self.seen.extend(piece.unwrap_or_else(|_| panic!("no {text:?} in {:?}", seen())));
        }
    }

    /// The same, and forgets what has come up to the end of the text.
    pub fn past(&mut self, text: &str) {
        let end = self.until(text);
        self.seen.drain(..end);
    }

    /// Everything that came, once the program has closed its output.
    pub fn all(mut self) -> Vec<u8> {
        self.seen.extend(self.pieces.iter().flatten());
        self.seen
    }
}
