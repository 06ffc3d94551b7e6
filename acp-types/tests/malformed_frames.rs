//! Everything that JSON-RPC calls invalid: the typed error, the id it carries, and the answer it asks for.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use acp_types::frame::Limits;
use acp_types::{Frame, FrameError, FrameErrorKind as Kind, RawKind, RequestId};

fn refuse(bytes: impl AsRef<[u8]>) -> FrameError {
    Frame::parse(bytes.as_ref(), &Limits::default()).unwrap_err()
}

#[test]
fn each_malformed_message_gets_its_own_error() {
    const V: &str = r#""jsonrpc":"2.0""#;
    let cases: &[(String, Kind, Option<&str>, i32)] = &[
        (String::new(), Kind::Syntax { offset: 0 }, None, -32700),
        ("{bad".into(), Kind::Syntax { offset: 1 }, None, -32700),
        (format!(r#"{{{V},"id":1,"method":"#), Kind::Syntax { offset: 33 }, None, -32700),
        (format!(r#"{{{V},"method":"m"}} {{}}"#), Kind::TrailingData { offset: 31 }, None, -32700),
        ("[]".into(), Kind::Batch, None, -32600),
        (format!(r#"[{{{V},"id":1,"method":"m"}}]"#), Kind::Batch, None, -32600),
        ("42".into(), Kind::NotAnObject(RawKind::Number), None, -32600),
        ("\"a\"".into(), Kind::NotAnObject(RawKind::String), None, -32600),
        ("null".into(), Kind::NotAnObject(RawKind::Null), None, -32600),
        (r#"{"id":1,"method":"m"}"#.into(), Kind::BadVersion, Some("1"), -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#.into(), Kind::BadVersion, Some("1"), -32600),
        (r#"{"jsonrpc":2.0,"id":1,"method":"m"}"#.into(), Kind::BadVersion, Some("1"), -32600),
        (format!(r#"{{{V}}}"#), Kind::Nothing, None, -32600),
        (format!(r#"{{{V},"id":"a"}}"#), Kind::Nothing, Some("\"a\""), -32600),
        (format!(r#"{{{V},"id":null,"method":"m"}}"#), Kind::BadId, None, -32600),
        (format!(r#"{{{V},"id":1.5,"method":"m"}}"#), Kind::BadId, None, -32600),
        (format!(r#"{{{V},"id":1e2,"method":"m"}}"#), Kind::BadId, None, -32600),
        (format!(r#"{{{V},"id":true,"method":"m"}}"#), Kind::BadId, None, -32600),
        (format!(r#"{{{V},"id":{{}},"method":"m"}}"#), Kind::BadId, None, -32600),
        (format!(r#"{{{V},"id":1,"method":5}}"#), Kind::BadMethod, Some("1"), -32600),
        (format!(r#"{{{V},"id":1,"method":"m","params":5}}"#), Kind::BadParams, Some("1"), -32602),
        (format!(r#"{{{V},"id":1,"method":"m","params":"x"}}"#), Kind::BadParams, Some("1"), -32602),
        (format!(r#"{{{V},"id":1,"method":"m","result":1}}"#), Kind::Ambiguous, Some("1"), -32600),
        (format!(r#"{{{V},"id":1,"method":"m","id":2}}"#), Kind::Duplicate("id"), None, -32600),
        (format!(r#"{{{V},"id":1,"method":"m","m\u0065thod":"n"}}"#), Kind::Duplicate("method"), Some("1"), -32600),
    ];
    for (text, kind, id, code) in cases {
        let error = refuse(text);
        assert_eq!(error.kind(), *kind, "{text}");
        assert_eq!(error.id().map(RequestId::to_string).as_deref(), *id, "{text}");
        assert_eq!(error.answer().code(), *code, "{text}");
        assert!(error.wants_answer() && !error.is_response_like(), "{text}");
        assert!(!error.answer().message().is_empty());
    }
}

#[test]
fn a_bad_response_is_told_from_a_request() {
    const V: &str = r#""jsonrpc":"2.0""#;
    let cases: &[(String, Kind, Option<&str>)] = &[
        (format!(r#"{{{V},"id":1,"result":1,"error":{{"code":1,"message":""}}}}"#), Kind::Ambiguous, Some("1")),
        (format!(r#"{{{V},"result":1}}"#), Kind::MissingId, None),
        (format!(r#"{{{V},"id":null,"result":1}}"#), Kind::BadId, None),
        (format!(r#"{{{V},"id":1.5,"result":1}}"#), Kind::BadId, None),
        (format!(r#"{{{V},"id":1,"error":null}}"#), Kind::BadError, Some("1")),
        (format!(r#"{{{V},"id":1,"error":{{"code":"x","message":""}}}}"#), Kind::BadError, Some("1")),
        (format!(r#"{{{V},"id":1,"error":{{"code":1}}}}"#), Kind::BadError, Some("1")),
        (format!(r#"{{{V},"id":1,"error":{{"code":1.5,"message":""}}}}"#), Kind::BadError, Some("1")),
        (r#"{"id":1,"result":{}}"#.into(), Kind::BadVersion, Some("1")),
        (r#"{"id":1,"result":{"cut off"#.into(), Kind::Syntax { offset: 26 }, Some("1")),
        (r#"{"result":{"cut":tru},"id":1}"#.into(), Kind::Syntax { offset: 20 }, Some("1")),
        (r#"{"result":{"cut":tru,"id":1"#.into(), Kind::Syntax { offset: 20 }, None),
    ];
    for (text, kind, id) in cases {
        let error = refuse(text);
        assert_eq!(error.kind(), *kind, "{text}");
        assert_eq!(error.id().map(RequestId::to_string).as_deref(), *id, "{text}");
        assert!(error.is_response_like() && !error.wants_answer(), "{text}");
    }
}

#[test]
fn a_notification_with_unusable_params_is_not_answered() {
    let error = refuse(r#"{"jsonrpc":"2.0","method":"m","params":1}"#);
    assert_eq!(error.kind(), Kind::BadParams);
    assert!(!error.wants_answer() && !error.is_response_like());
}

#[test]
fn invalid_utf8_is_found_at_every_position() {
    let valid = r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"text":"héllo"}}"#.as_bytes();
    assert!(Frame::parse(valid, &Limits::default()).is_ok());
    for position in 0..valid.len() {
        let mut bytes = valid.to_vec();
        bytes[position] = 0xff;
        let error = refuse(&bytes);
        let Kind::NotUtf8 { offset } = error.kind() else { panic!("{position}: {error}") };
        // A broken continuation byte makes the byte before it the first bad one.
        assert!(offset == position || offset + 1 == position, "{position}: {offset}");
        assert_eq!((error.id(), error.answer().code()), (None, -32700));
    }
}

#[test]
fn nesting_of_ten_thousand_is_refused_wherever_it_stands() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = open.repeat(10_000) + "1" + &close.repeat(10_000);
        for text in [
            format!(r#"{{"jsonrpc":"2.0","id":3,"method":"m","params":{deep}}}"#),
            format!(r#"{{"x":{deep},"method":"m","jsonrpc":"2.0","id":3}}"#),
        ] {
            let error = refuse(&text);
            assert!(matches!(error.kind(), Kind::TooDeep { limit: 128, .. }), "{error}");
            assert_eq!((error.id(), error.answer().code()), (Some(&RequestId::from(3)), -32600));
        }
        let unclosed = format!(r#"{{"jsonrpc":"2.0","id":3,"method":"m","params":{}"#, open.repeat(10_000));
        assert!(matches!(refuse(&unclosed).kind(), Kind::TooDeep { .. }));
    }
}

#[test]
fn depth_and_size_limits_are_exact() {
    let nested = |depth: usize| {
        format!(r#"{{"jsonrpc":"2.0","method":"m","params":{}{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1))
    };
    for depth in [2, 3, 64, 128] {
        let text = nested(depth);
        let exact = Limits { max_bytes: text.len(), max_depth: depth };
        assert!(Frame::parse(text.as_bytes(), &exact).is_ok());
        let error = Frame::parse(text.as_bytes(), &Limits { max_depth: depth - 1, ..exact }).unwrap_err();
        assert!(matches!(error.kind(), Kind::TooDeep { limit, .. } if limit == depth - 1));
        let error = Frame::parse(text.as_bytes(), &Limits { max_bytes: text.len() - 1, ..exact }).unwrap_err();
        assert!(matches!(error.kind(), Kind::TooLarge { .. }));
    }
}

#[test]
fn every_truncation_is_an_error_and_none_panics() {
    let text = r#"{"jsonrpc":"2.0","id":"a\n","method":"m","params":{"a":[1,-2.5e3,true,null],"b":"\u00e9é"}}"#;
    for end in 0..text.len() {
        let error = refuse(&text.as_bytes()[..end]);
        assert!(matches!(error.kind(), Kind::Syntax { .. } | Kind::NotUtf8 { .. }), "{end}: {error}");
    }
}

#[test]
fn ids_of_any_length_come_back_as_sent() {
    for id in ["9".repeat(100_000), format!("-{}", "1".repeat(5000)), format!("\"{}\"", "\\u00e9".repeat(5000))] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
        let Frame::Request(request) = Frame::parse(text.as_bytes(), &Limits::default()).unwrap() else {
            panic!("not a request")
        };
        let answer = acp_types::frame::response(request.id, Ok(acp_types::Raw::NULL));
        assert_eq!(answer, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null}}"#));
    }
}
