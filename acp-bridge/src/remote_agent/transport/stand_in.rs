//! Frame that goes in the place of a message that is too long to be carried.

use acp_server::proto::Refusal;
use acp_types::error::ErrorObjectOwned;
use acp_types::{FrameError, RequestId, frame};
use bytes::Bytes;

/// Recipient of the word that a message was not carried.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StandIn {
    /// The one that it was for: an error in the place of an answer, or the beginning of what is neither answer nor
    /// request, which cannot be read there either and is told to all.
    Peer(Bytes),
    /// The one that sent it: a request that nobody gets is answered with an error.
    Sender(Bytes),
}

/// Text in place of a message that was refused.
pub(crate) fn stand_in(refusal: &Refusal) -> StandIn {
    let Refusal::TooLarge { bytes, limit, head, end } = refusal else { return StandIn::Peer(Bytes::new()) };
    let error = FrameError::too_large(head, *bytes, *limit).or_id_at_end(end);
    match error.id() {
        Some(id) if error.is_response_like() => StandIn::Peer(answer(id, &error.answer())),
        Some(id) if error.is_request_like() => StandIn::Sender(answer(id, &error.answer())),
        _ => StandIn::Peer(Bytes::from(String::from_utf8_lossy(head).into_owned())),
    }
}

fn answer(id: &RequestId, error: &ErrorObjectOwned) -> Bytes {
    Bytes::from(frame::response(id, Err(error)))
}

#[cfg(test)]
mod tests {
    use acp_server::proto::Refusal;
    use bytes::Bytes;

    use super::{StandIn, stand_in};

    fn of(head: &str, end: &str) -> StandIn {
        let (head, end) = (Bytes::from(head.to_owned()), Bytes::from(end.to_owned()));
        stand_in(&Refusal::TooLarge { bytes: 1000, limit: 10, head, end })
    }

    #[test]
    fn an_answer_becomes_an_error_for_whoever_asked() {
        for (head, end) in [
            (r#"{"jsonrpc":"2.0","id":7,"result":{"a":"xxx"#, "xxx\"}}"),
            (r#"{"jsonrpc":"2.0","result":{"a":"xxx"#, r#"xxx"},"id":7}"#),
        ] {
            let StandIn::Peer(frame) = of(head, end) else { panic!("told to the wrong side") };
            let text = std::str::from_utf8(&frame).unwrap();
            assert!(text.starts_with(r#"{"jsonrpc":"2.0","id":7,"error":"#) && text.contains("limit is 10"), "{text}");
        }
    }

    #[test]
    fn a_request_is_answered_to_its_sender() {
        let StandIn::Sender(frame) = of(r#"{"jsonrpc":"2.0","id":"a","method":"m","params":{"x"#, "") else {
            panic!("told to the wrong side")
        };
        assert!(std::str::from_utf8(&frame).unwrap().starts_with(r#"{"jsonrpc":"2.0","id":"a","error":"#));
    }

    #[test]
    fn of_anything_else_the_beginning_goes_on() {
        let head = r#"{"jsonrpc":"2.0","method":"session/update","params":{"x"#;
        assert_eq!(of(head, ""), StandIn::Peer(Bytes::from(head)));
    }
}
