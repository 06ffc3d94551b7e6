//! Frames on a socket.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::hello::{Assign, Exited, Gone, Hello, Refused, Start, Stop, Welcome};

/// Bytes of a frame that is no message.
const MAX_CONTROL: usize = 1024 * 1024;

/// Something that is no frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Not text, or no word of ours in front.
    #[error("it begins with no word that is known")]
    Word,
    /// A number is due and there is none.
    #[error("it has no number")]
    Number,
    /// It is too long for one that carries no message.
    #[error("it is longer than {MAX_CONTROL} bytes")]
    TooLong,
    /// The body that belongs to the word cannot be read.
    #[error("what it says cannot be read: {0}")]
    Body(#[from] serde_json::Error),
}

/// One frame; see the table of [`crate::remote_agent::protocol`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a version of the link has these and no more")]
#[expect(missing_docs, reason = "each is in the table")]
pub enum Frame {
    Hello(Box<Hello>),
    Welcome(Welcome),
    Start(Start),
    Refused(Refused),
    Message { number: u64, message: Bytes },
    Ack(u64),
    Assign(Assign),
    Stop(Stop),
    Exited(Exited),
    Gone(Gone),
    Beat,
}

impl Frame {
    /// Reads a frame. A message is not looked into; it shares the bytes of the frame.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(frame: &Bytes) -> Result<Self, FrameError> {
        let (word, rest) = split(frame);
        if word == b"m" {
            let (number, message) = split(rest);
            return Ok(Self::Message { number: decimal(number)?, message: frame.slice_ref(message) });
        }
        if frame.len() > MAX_CONTROL {
            return Err(FrameError::TooLong);
        }
        Ok(match word {
            b"hello" => Self::Hello(Box::new(json(rest)?)),
            b"welcome" => Self::Welcome(json(rest)?),
            b"start" => Self::Start(json(rest)?),
            b"refused" => Self::Refused(json(rest)?),
            b"ack" => Self::Ack(decimal(rest)?),
            b"assign" => Self::Assign(json(rest)?),
            b"stop" => Self::Stop(json(rest)?),
            b"exited" => Self::Exited(json(rest)?),
            b"gone" => Self::Gone(json(rest)?),
            b"beat" if rest.is_empty() => Self::Beat,
            _ => return Err(FrameError::Word),
        })
    }

    /// The frame of a message.
    #[must_use]
    pub fn message(number: u64, message: &[u8]) -> Bytes {
        let mut frame = format!("m {number} ").into_bytes();
        frame.extend_from_slice(message);
        frame.into()
    }

    /// As it travels.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Hello(body) => text("hello", body),
            Self::Welcome(body) => text("welcome", body),
            Self::Start(body) => text("start", body),
            Self::Refused(body) => text("refused", body),
            Self::Message { number, message } => Self::message(*number, message),
            Self::Ack(number) => format!("ack {number}").into(),
            Self::Assign(body) => text("assign", body),
            Self::Stop(body) => text("stop", body),
            Self::Exited(body) => text("exited", body),
            Self::Gone(body) => text("gone", body),
            Self::Beat => Bytes::from_static(b"beat"),
        }
    }
}

/// The part before the first space, and the part behind it.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', bytes) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}

fn decimal(bytes: &[u8]) -> Result<u64, FrameError> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return Err(FrameError::Number);
    }
    std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).ok_or(FrameError::Number)
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FrameError> {
    Ok(acp_types::json::from_slice(bytes)?)
}

fn text(word: &str, body: &impl Serialize) -> Bytes {
    // The bodies are structs of strings and numbers, which can always be written.
    format!("{word} {}", serde_json::to_string(body).unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Frame;
    use crate::remote_agent::protocol::{Assign, Exited, Gone, Hello, Refused, Serve, Start, Stop, Welcome};

    #[test]
    fn every_frame_comes_back_as_it_was_written() {
        let instance = || "i\"1".to_owned();
        for frame in [
            Frame::Hello(Box::default()),
            Frame::Hello(Box::new(Hello { session: Some("s".into()), instance: Some(instance()), ..Hello::default() })),
            Frame::Welcome(Welcome { instance: instance(), received: u64::MAX }),
            Frame::Start(Start { instance: instance(), serve: Serve { files: true, terminals: false } }),
            Frame::Refused(Refused { why: "no\nroom".into(), is_final: true }),
            Frame::Message { number: 7, message: Bytes::from_static(b"{\"a\": \"b c\"}\n") },
            Frame::Message { number: 0, message: Bytes::new() },
            Frame::Ack(u64::MAX),
            Frame::Assign(Assign { session: "s".into(), lane: "main".into() }),
            Frame::Stop(Stop { instance: instance(), kill: true }),
            Frame::Exited(Exited { instance: instance(), report: "exited with code 3".into(), stderr: "x".into() }),
            Frame::Gone(Gone { instance: instance() }),
            Frame::Beat,
        ] {
            assert_eq!(Frame::parse(&frame.encode()).unwrap(), frame);
        }
    }

    #[test]
    fn what_is_no_frame_is_said_to_be_none() {
        for text in [
            "",
            " ",
            "m",
            "m ",
            "m x {}",
            "m -1 {}",
            "m +1 {}",
            "m 99999999999999999999 {}",
            "ack",
            "ack 1 2",
            "beat 1",
            "hello",
            "hello {",
            "hello []",
            "start {}",
            "Beat",
            "stop {\"instance\":1}",
        ] {
            assert!(Frame::parse(&Bytes::from_static(text.as_bytes())).is_err(), "{text:?}");
        }
        let long = format!("gone {{\"instance\":{:?}}}", "x".repeat(super::MAX_CONTROL));
        assert!(Frame::parse(&Bytes::from(long)).is_err());
    }
}
