//! Frames of `session/update`.

use acp_types::method::v1;
use acp_types::{Raw, frame};
use bytes::{BufMut, Bytes, BytesMut};

use crate::shared::{self, BIG};
use crate::view::sink::Sink;

const UPDATE: &str = v1::SessionUpdate::NAME;
const UPDATE_HEAD: &str = r#"{"jsonrpc":"2.0","method":"session/update","params":"#;

/// Bytes of an update's frame around its params.
const UPDATE_OVERHEAD: usize = UPDATE_HEAD.len() + 1;

/// Makes room for the frames of updates whose params have so many bytes together.
pub(super) fn reserve(out: &mut impl Sink, updates: usize, params: usize) {
    out.buffer().reserve(updates * UPDATE_OVERHEAD + params);
}

/// A `session/update` with these params.
pub(super) fn update(out: &mut impl Sink, params: Raw<'_>) {
    let frame = cut(out.buffer(), params);
    out.frame(frame);
}

/// Any other notification.
pub(super) fn notify(out: &mut impl Sink, method: &str, params: Option<Raw<'_>>) {
    out.frame(Bytes::from(frame::notification(method, params)));
}

/// The frame of an update, cut from `buffer`. The params go on the wire as they stand in the log.
fn cut(buffer: &mut BytesMut, params: Raw<'_>) -> Bytes {
    let text = params.as_str().as_bytes();
    if text.contains(&b'\n') {
        // Rare: a client's own content, written on several lines. Line-based readers could not take it.
        return Bytes::from(frame::notification(UPDATE, Some(params)));
    }
    if text.len() >= BIG {
        // Clients that do not read it hold one frame together.
        return shared::frame(UPDATE_HEAD.as_bytes(), text, b"}");
    }
    buffer.reserve(UPDATE_OVERHEAD + text.len());
    buffer.put_slice(UPDATE_HEAD.as_bytes());
    buffer.put_slice(text);
    buffer.put_u8(b'}');
    buffer.split().freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_share_one_buffer_and_keep_their_bytes() {
        let mut buffer = BytesMut::with_capacity(4096);
        for params in [r#"{"sessionId":"s","n":1e2}"#, "{ \"sessionId\" : \"s\"\n}"] {
            let frame = cut(&mut buffer, Raw::parse(params).unwrap());
            let expected = frame::notification(UPDATE, Some(Raw::parse(params).unwrap()));
            assert_eq!(frame, expected.as_bytes());
        }
    }
}
