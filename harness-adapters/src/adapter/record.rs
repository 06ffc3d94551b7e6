//! The recording of a session's inputs in a file, which can be replayed without the harness.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::private;
use crate::translate::{Input, Translator};

/// A recording ends at this size, in bytes.
const MOST: u64 = 256 * 1024 * 1024;

/// One session's recording: JSON Lines, the setup first, then one input per line. It holds prompts and file contents.
#[derive(Debug)]
pub(super) struct Recording {
    file: BufWriter<File>,
    written: u64,
}

impl Recording {
    /// Creates `SESSION.jsonl` in a directory that exists.
    pub(super) fn create<T: Translator>(directory: &Path, session: &str, setup: &T::Setup) -> io::Result<Self> {
        let name: String =
            session.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
        let file = BufWriter::new(private::create(&directory.join(name).with_extension("jsonl"))?);
        let mut recording = Self { file, written: 0 };
        recording.line(&json!({ "setup": setup }))?;
        Ok(recording)
    }

    /// Adds an input.
    pub(super) fn input(&mut self, input: &Input) -> io::Result<()> {
        #[derive(Serialize)]
        struct Line<'a> {
            input: &'a Input,
        }
        self.line(&Line { input })
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        self.written += line.len() as u64;
        if self.written > MOST {
            return Err(io::Error::other("the recording has reached its largest size"));
        }
        self.file.write_all(&line)?;
        self.file.flush()
    }
}
