use super::{Frame, FrameError, FrameErrorKind, Limits, notification, raw_response, request, response};
use crate::error::{ErrorCode, error};
use crate::{Id, Raw, RequestId};

fn parse(text: &str) -> Result<Frame<'_>, FrameError> {
    Frame::parse(text.as_bytes(), &Limits::default())
}

#[test]
fn each_kind_of_message_is_told_from_the_others() {
    let Frame::Request(call) =
        parse(r#" {"id":-7,"method":"a\/b","params":{"x":[1e2]},"jsonrpc":"2.0","extra":1} "#).unwrap()
    else {
        panic!("not a request")
    };
    assert_eq!((call.id.to_string().as_str(), &*call.method), ("-7", "a/b"));
    assert_eq!(call.params.unwrap().as_str(), r#"{"x":[1e2]}"#);
    let frame = parse(r#"{"jsonrpc":"2.0","method":"m","params":null}"#).unwrap();
    assert!(matches!(frame, Frame::Notification(notification) if notification.params.is_none()));
    let frame = parse(r#"{"jsonrpc":"2.0","id":"a","result":null}"#).unwrap();
    assert!(matches!(frame, Frame::Response(response) if response.outcome == Ok(Raw::NULL)));
    let frame = parse(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":""}}"#).unwrap();
    assert!(matches!(frame, Frame::Response(response) if response.id.is_null() && response.outcome.is_err()));
}

#[test]
fn half_a_surrogate_pair_is_text_and_stays_as_written_in_payloads() {
    let text = r#"{"jsonrpc":"2.0","id":"\ud83d","method":"_\ud83d","params":{"text":"\ud83d"}}"#;
    let Frame::Request(call) = parse(text).unwrap() else { panic!("not a request") };
    assert_eq!((call.id.to_string().as_str(), &*call.method), (r#""\ud83d""#, "_\u{fffd}"));
    assert_eq!(call.params.unwrap().as_str(), r#"{"text":"\ud83d"}"#);
    assert_eq!(call.params.unwrap().member("text").unwrap().as_string().unwrap(), "\u{fffd}");
    let frame = parse(r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"\ud83d"}}"#).unwrap();
    let Frame::Response(response) = frame else { panic!("not a response") };
    let error = crate::RawError::new(response.outcome.unwrap_err().to_owned()).unwrap();
    assert_eq!(error.to_object().message(), "\u{fffd}");
}

#[test]
fn the_id_of_a_frame_over_a_limit_is_still_found() {
    let deep = format!(
        r#"{{"jsonrpc":"2.0","method":"m","params":{}{},"id":"last"}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let refused = parse(&deep).unwrap_err();
    assert!(matches!(refused.kind(), FrameErrorKind::TooDeep { limit: 128, .. }));
    assert_eq!(refused.id(), Some(&RequestId::string("last")));

    let large = format!(r#"{{"jsonrpc":"2.0","id":5,"result":"{}"}}"#, "x".repeat(100));
    let refused = Frame::parse(large.as_bytes(), &Limits { max_bytes: 99, ..Limits::default() }).unwrap_err();
    assert_eq!(refused.kind(), FrameErrorKind::TooLarge { bytes: large.len(), limit: 99 });
    assert_eq!(refused.id(), Some(&RequestId::from(5)));
    assert!(refused.is_response_like());
}

#[test]
fn what_is_written_reads_back_and_stays_on_one_line() {
    let params = Raw::parse("{\n\"a\":\r\n1}").unwrap();
    let id = RequestId::string("line\nbreak");
    for text in [
        request(&id, "m\n\"", Some(params)),
        request(Id::NULL, "m", None),
        notification("m", Some(params)),
        response(&id, Ok(params)),
        response(&id, Err(&error(ErrorCode::INTERNAL_ERROR, "a\nb", Some(params.to_owned())))),
        raw_response(&id, Err(Raw::parse("{\"code\":1,\n\"message\":\"\"}").unwrap())),
    ] {
        assert!(!text.contains(['\n', '\r']), "{text}");
        Raw::parse(&text).unwrap();
    }
    let text = request(&id, "m\n\"", Some(params));
    let Frame::Request(read) = parse(&text).unwrap() else { panic!("not a request") };
    assert_eq!((read.id, &*read.method), (id.as_id(), "m\n\""));
}
