//! Any bytes: the parser never panics, agrees with serde_json on what is JSON, and what it accepts is written back
//! to the same meaning on one line.
#![no_main]

use acp_types::frame::{self, Limits};
use acp_types::{Frame, FrameErrorKind, Raw, ScanError};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|bytes: &[u8]| {
    let oracle = std::str::from_utf8(bytes).ok().and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
    if let Ok(text) = std::str::from_utf8(bytes) {
        match Raw::parse(text) {
            Ok(raw) => assert_eq!(Some(raw.as_str()), oracle.map(RawValue::get)),
            Err(ScanError::TooDeep { .. }) => {}
            Err(_) => assert!(oracle.is_none()),
        }
    }
    match Frame::parse(bytes, &Limits::default()) {
        Ok(frame) => {
            assert!(oracle.is_some());
            let written = match &frame {
                Frame::Request(call) => frame::request(call.id, &call.method, call.params),
                Frame::Notification(call) => frame::notification(&call.method, call.params),
                Frame::Response(response) => frame::raw_response(response.id, response.outcome),
            };
            assert!(!written.contains(['\n', '\r']));
            let again = Frame::parse(written.as_bytes(), &Limits::default()).expect("what is written can be read");
            assert_eq!((again.id(), again.method()), (frame.id(), frame.method()));
        }
        Err(error) => {
            let _ = (error.id(), error.answer(), error.wants_answer());
            let not_json = matches!(
                error.kind(),
                FrameErrorKind::NotUtf8 { .. } | FrameErrorKind::Syntax { .. } | FrameErrorKind::TrailingData { .. }
            );
            let too_deep = matches!(error.kind(), FrameErrorKind::TooDeep { .. });
            assert!(too_deep || not_json == oracle.is_none());
        }
    }
});
