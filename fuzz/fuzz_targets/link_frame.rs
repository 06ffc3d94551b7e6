//! Frames of a link: reading any bytes never panics, and what was read and is written again is read as the same.
#![no_main]

use acp_bridge::remote_agent::protocol::{End, Frame, Open};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let frame = Bytes::copy_from_slice(bytes);
    let mut open = Open::default();
    let _ = open.side(bytes);
    open.host_says(bytes);
    open.agent_says(1, bytes);
    let Ok(parsed) = Frame::parse(&frame) else { return };
    let again = parsed.encode();
    assert_eq!(Frame::parse(&again).expect("it was a frame"), parsed);
    let mut end = End::default();
    match parsed {
        Frame::Message { number, .. } => assert_eq!(end.take(number).is_ok_and(|new| new), number == 1),
        Frame::Ack(number) => assert_eq!(end.acknowledge(number).is_ok(), number == 0),
        Frame::Welcome(welcome) => assert_eq!(end.connected(welcome.received).is_ok(), welcome.received == 0),
        _ => {}
    }
});
