use super::{Decoder, Input, KEEP, encode};
use crate::proto::Refusal;

fn lines(inputs: &[Input]) -> Vec<String> {
    inputs
        .iter()
        .map(|input| match input {
            Input::Frame(frame) => String::from_utf8_lossy(frame).into_owned(),
            Input::Refused(Refusal::TooLarge { bytes, .. }) => format!("too large: {bytes}"),
        })
        .collect()
}

fn decode(parts: &[&[u8]], limit: usize) -> Vec<String> {
    let mut decoder = Decoder::new(limit);
    let mut inputs = Vec::new();
    for part in parts {
        decoder.push(part);
        decoder.drain(&mut inputs);
    }
    decoder.finish(&mut inputs);
    lines(&inputs)
}

#[test]
fn a_stream_split_anywhere_gives_the_same_lines() {
    let text = b"{\"a\":1}\r\n\r\n  \n{\"b\":\"\xc3\xa9\"}\n0123456789\n{}\nlast";
    let whole = decode(&[text], 9);
    assert_eq!(whole, ["{\"a\":1}", "too large: 10", "too large: 10", "{}", "last"]);
    for cut in 0..text.len() {
        assert_eq!(decode(&[&text[..cut], &text[cut..]], 9), whole, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = text.chunks(1).collect();
    assert_eq!(decode(&bytes, 9), whole);
}

#[test]
fn an_oversized_line_is_skipped_without_being_kept() {
    let mut decoder = Decoder::new(100);
    let mut inputs = Vec::new();
    for _ in 0..1000 {
        decoder.push(&[b'x'; 10_000]);
        decoder.drain(&mut inputs);
        assert!(decoder.buffer.capacity() <= KEEP);
    }
    assert!(inputs.is_empty());
    decoder.push(b"\n{}\n");
    decoder.drain(&mut inputs);
    assert_eq!(lines(&inputs), ["too large: 10000000", "{}"]);
}

#[test]
fn a_line_of_exactly_the_limit_passes_with_either_line_end() {
    assert_eq!(decode(&[b"123\n456\r", b"\n789\r"], 3), ["123", "456", "789"]);
}

#[test]
fn memory_of_a_big_message_is_given_back() {
    let mut decoder = Decoder::new(usize::MAX);
    let mut inputs = Vec::new();
    decoder.push(&vec![b'1'; 4 * KEEP]);
    decoder.drain(&mut inputs);
    assert!(decoder.buffer.capacity() >= 4 * KEEP);
    decoder.push(b"\n");
    decoder.drain(&mut inputs);
    assert_eq!(inputs.len(), 1);
    assert!(decoder.buffer().capacity() <= KEEP);
}

#[test]
fn a_newline_inside_a_frame_cannot_break_the_line() {
    let mut out = Vec::new();
    encode(b"{\n\"a\":\n1}", &mut out);
    encode(b"{}", &mut out);
    assert_eq!(out, b"{ \"a\": 1}\n{}\n");
}
