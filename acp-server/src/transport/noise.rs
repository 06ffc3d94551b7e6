//! Noise: what a program writes to its stdout besides messages: banners, lines of a log, an echo of what it reads.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Lines kept, the newest.
const LINES: usize = 16;

/// The noise of one program: counted, warned of, and the newest lines kept. Clones share it.
#[derive(Debug, Clone)]
pub struct Noise(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    program: String,
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    count: u64,
    lines: VecDeque<String>,
}

impl Noise {
    /// None so far. `program` names its maker in warnings.
    #[must_use]
    pub fn of(program: impl Into<String>) -> Self {
        Self(Arc::new(Shared { program: program.into(), heard: Mutex::default() }))
    }

    /// Number of all such lines.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.heard().count
    }

    /// The newest lines, oldest first. May hold secrets: not for logs.
    #[must_use]
    pub fn tail(&self) -> String {
        self.heard().lines.make_contiguous().join("\n")
    }

    /// Keeps a line. It is warned of the first, then of ten times as many and so on: a program may print a line for every
    /// message that it gets.
    pub fn hear(&self, head: &[u8]) {
        let line = String::from_utf8_lossy(head).trim_end().to_owned();
        let mut heard = self.heard();
        heard.count += 1;
        if heard.lines.len() == LINES {
            heard.lines.pop_front();
        }
        heard.lines.push_back(line);
        let (count, program) = (heard.count, &*self.0.program);
        drop(heard);
        if count == 1 {
            tracing::warn!(
                program,
                "a line on the program's stdout is no message and is skipped; logs belong on stderr"
            );
        } else if is_power_of_ten(count) {
            tracing::warn!(program, count, "lines on the program's stdout were no messages and were skipped");
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let (program, count) = (&*self.program, self.heard.get_mut().unwrap_or_else(PoisonError::into_inner).count);
        if count > 1 {
            tracing::warn!(program, count, "in all, lines on the program's stdout that were no messages");
        }
    }
}

const fn is_power_of_ten(mut count: u64) -> bool {
    while count >= 10 && count.is_multiple_of(10) {
        count /= 10;
    }
    count == 1
}

#[cfg(test)]
mod tests {
    use super::{LINES, Noise, is_power_of_ten};

    #[test]
    fn all_is_counted_and_the_newest_is_kept() {
        let noise = Noise::of("a");
        for number in 0..100 {
            noise.hear(format!("line {number}\r").as_bytes());
        }
        assert_eq!(noise.count(), 100);
        let tail = noise.tail();
        assert_eq!(tail.lines().count(), LINES);
        assert!(tail.ends_with("line 98\nline 99"), "{tail}");
    }

    #[test]
    fn powers_of_ten_are_told_from_other_numbers() {
        let powers: Vec<u64> = (1..=1000).filter(|count| is_power_of_ten(*count)).collect();
        assert_eq!(powers, [1, 10, 100, 1000]);
    }
}
