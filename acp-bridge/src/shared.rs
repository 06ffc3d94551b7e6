//! Big texts that many hold and that are held once: a record is read from the log for each client that comes, and each
//! would have a copy of its own.
//!
//! Only equal bytes are shared, and nothing is kept that nobody holds: who uses it sees no difference but in memory.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use acp_types::{Raw, RawBuf};
use bytes::Bytes;

/// From this size on it is worth the search, in bytes.
pub(crate) const BIG: usize = 64 * 1024;

static TEXTS: Table<str> = Table::new();
static FRAMES: Table<Frame> = Table::new();

/// The same text, of which there is one copy if it is big.
pub(crate) fn text(text: RawBuf) -> RawBuf {
    if text.as_str().len() < BIG {
        return text;
    }
    let text = text.into_inner();
    RawBuf::trusted(TEXTS.get(|known| *known == *text, || Arc::clone(&text)))
}

/// The same for a part of another text: when somebody holds it already, nothing is copied.
pub(crate) fn part(text: Raw<'_>) -> RawBuf {
    let text = text.as_str();
    if text.len() < BIG {
        return RawBuf::trusted(text);
    }
    RawBuf::trusted(TEXTS.get(|known| *known == *text, || Arc::from(text)))
}

/// A frame of these three parts, of which there is one copy.
pub(crate) fn frame(head: &[u8], body: &[u8], end: &[u8]) -> Bytes {
    let is_it = |frame: &Frame| {
        let inner = frame.0.strip_prefix(head).and_then(|rest| rest.strip_suffix(end));
        inner.is_some_and(|inner| inner == body)
    };
    Bytes::from_owner(Owner(FRAMES.get(is_it, || Arc::new(Frame([head, body, end].concat())))))
}

#[derive(Debug)]
struct Frame(Vec<u8>);

/// One of those who hold a frame.
struct Owner(Arc<Frame>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0.0
    }
}

/// Table of all that somebody holds. There is little of it: what is big takes long to come and to go.
struct Table<T: ?Sized>(Mutex<Vec<Weak<T>>>);

impl<T: ?Sized> Table<T> {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn get(&self, is_it: impl Fn(&T) -> bool, make: impl FnOnce() -> Arc<T>) -> Arc<T> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        known.retain(|weak| match weak.upgrade() {
            Some(held) => {
                if found.is_none() && is_it(&held) {
                    found = Some(held);
                }
                true
            }
            None => false,
        });
        found.unwrap_or_else(|| {
            let made = make();
            known.push(Arc::downgrade(&made));
            made
        })
    }
}

#[cfg(test)]
mod tests {
    use acp_types::RawBuf;

    use super::{BIG, frame, text};

    fn big(letter: &str) -> RawBuf {
        RawBuf::encode(&letter.repeat(BIG)).unwrap()
    }

    #[test]
    fn equal_texts_that_are_big_are_one() {
        let (one, other) = (text(big("q")), text(big("q")));
        assert!(std::ptr::eq(one.as_str(), other.as_str()));
        assert!(!std::ptr::eq(one.as_str(), text(big("r")).as_str()));
        assert_eq!(text(big("r")), big("r"));
        let small = RawBuf::encode("s").unwrap();
        assert_eq!(text(small.clone()), small);
    }

    #[test]
    fn equal_frames_are_one_and_others_are_not() {
        let body = vec![b'f'; BIG];
        let (one, other) = (frame(b"<", &body, b">"), frame(b"<", &body, b">"));
        assert_eq!(one.as_ptr(), other.as_ptr());
        assert_eq!((one.len(), one[0], one[BIG + 1]), (BIG + 2, b'<', b'>'));
        assert_ne!(frame(b"[", &body, b">").as_ptr(), one.as_ptr());
        assert_ne!(frame(b"<", &body[1..], b">").as_ptr(), one.as_ptr());
    }

    #[test]
    fn what_nobody_holds_is_gone() {
        let body = vec![b'g'; BIG];
        let is_it = |frame: &super::Frame| frame.0.starts_with(b"!g");
        drop(frame(b"!", &body, b"!"));
        let known = super::FRAMES.0.lock().unwrap();
        assert!(!known.iter().filter_map(std::sync::Weak::upgrade).any(|frame| is_it(&frame)));
    }
}
