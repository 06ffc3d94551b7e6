//! Answers that an agent behind a link may not have got when the bridge is restarted.

use std::collections::VecDeque;

use acp_types::RawBuf;

/// Answers that are kept: as many as an agent may wait for.
const MAX: usize = 256;

/// Bytes of them.
const MAX_BYTES: usize = 1 << 20;

/// The newest answers of a lane's running turn, by the number of the message in which the agent asked. At the limit the
/// oldest goes, which the agent most likely has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answers {
    given: VecDeque<(u64, Result<RawBuf, RawBuf>)>,
    bytes: usize,
}

impl Answers {
    pub(super) fn add(&mut self, position: u64, answer: Result<RawBuf, RawBuf>) {
        self.bytes += weight(&answer);
        self.given.push_back((position, answer));
        while self.given.len() > MAX || (self.given.len() > 1 && self.bytes > MAX_BYTES) {
            self.bytes -= self.given.pop_front().map_or(0, |(_, answer)| weight(&answer));
        }
    }

    pub(super) fn get(&self, position: u64) -> Option<&Result<RawBuf, RawBuf>> {
        self.given.iter().find(|(asked, _)| *asked == position).map(|(_, answer)| answer)
    }
}

fn weight(answer: &Result<RawBuf, RawBuf>) -> usize {
    let (Ok(raw) | Err(raw)) = answer;
    raw.as_str().len()
}

#[cfg(test)]
mod tests {
    use acp_types::RawBuf;

    use super::{Answers, MAX, MAX_BYTES};

    #[test]
    fn the_newest_answers_are_kept_within_bounds() {
        let mut answers = Answers::default();
        let small = RawBuf::parse("{}").unwrap();
        for position in 1..=MAX as u64 + 1 {
            answers.add(position, Ok(small.clone()));
        }
        assert_eq!((answers.get(1), answers.get(2)), (None, Some(&Ok(small.clone()))));
        let large = RawBuf::encode(&"x".repeat(MAX_BYTES)).unwrap();
        answers.add(1000, Err(large.clone()));
        assert_eq!((answers.get(257), answers.get(1000)), (None, Some(&Err(large))), "the newest whatever its size");
        answers.add(1001, Ok(small.clone()));
        assert_eq!((answers.get(1000), answers.get(1001)), (None, Some(&Ok(small))));
    }
}
