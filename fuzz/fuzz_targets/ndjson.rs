//! The NDJSON codec: however a stream is cut into reads, the same messages come out of it, and nothing is kept beyond
//! the limit.
#![no_main]

use acp_server::codec::{Input, ndjson};
use acp_server::proto::Refusal;
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 64;

#[derive(Debug, PartialEq)]
enum Line {
    Frame(Vec<u8>),
    TooLarge,
}

fn decode<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<Line> {
    let mut decoder = ndjson::Decoder::new(LIMIT);
    let mut inputs = Vec::new();
    for part in parts {
        decoder.push(part);
        decoder.drain(&mut inputs);
    }
    decoder.finish(&mut inputs);
    inputs
        .into_iter()
        .map(|input| match input {
            Input::Frame(frame) => Line::Frame(frame.to_vec()),
            Input::Refused(Refusal::TooLarge { limit, head, .. }) => {
                assert_eq!(limit, LIMIT);
                assert!(!head.is_empty());
                Line::TooLarge
            }
            Input::Refused(other) => panic!("{other}"),
        })
        .collect()
}

/// The same by the book: one line after the other.
fn oracle(stream: &[u8]) -> Vec<Line> {
    stream
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| line.len() > LIMIT || !line.iter().all(u8::is_ascii_whitespace))
        .map(|line| if line.len() > LIMIT { Line::TooLarge } else { Line::Frame(line.to_vec()) })
        .collect()
}

fuzz_target!(|data: &[u8]| {
    let Some((&step, stream)) = data.split_first() else { return };
    let expected = oracle(stream);
    assert_eq!(decode(std::iter::once(stream)), expected);
    assert_eq!(decode(stream.chunks(usize::from(step) + 1)), expected);
    assert_eq!(decode(stream.chunks(1)), expected);

    // A carriage return at the end of a frame, whitespace to JSON, would become part of the line end.
    let plain = |line: &&Line| matches!(line, Line::Frame(frame) if !frame.ends_with(b"\r"));
    let mut lines = Vec::new();
    for line in expected.iter().filter(plain) {
        if let Line::Frame(frame) = line {
            ndjson::encode(frame, &mut lines);
        }
    }
    assert!(decode(std::iter::once(&lines[..])).iter().eq(expected.iter().filter(plain)), "encoding changes nothing");
});
