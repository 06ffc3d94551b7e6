//! The bytes of typical v1 messages, as written by this crate. `UPDATE_GOLDEN=1` writes them anew.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::Path;

use acp_types::error::{ErrorCode, error};
use acp_types::frame::{self, Limits};
use acp_types::meta::{META_KEY, UpdateMeta};
use acp_types::method::{self, Notification, Request, Version, v1 as methods};
use acp_types::rewrite::{ParamsEdit, params};
use acp_types::{Frame, Raw, RawBuf, RequestId, v1};

fn call<R: Request>(id: u64, params: R::Params) -> String {
    let params = RawBuf::encode(&params).unwrap();
    frame::request(&RequestId::from(id), R::METHOD.name, Some(params.as_raw()))
}

fn answer<R: Request>(id: u64, output: R::Output) -> String {
    let output = RawBuf::encode(&output).unwrap();
    frame::response(&RequestId::from(id), Ok(output.as_raw()))
}

fn notify<N: Notification>(params: N::Params) -> String {
    let params = RawBuf::encode(&params).unwrap();
    frame::notification(N::METHOD.name, Some(params.as_raw()))
}

fn text(text: &str) -> v1::ContentBlock {
    v1::ContentBlock::Text(v1::TextContent::new(text))
}

fn update_with_meta() -> String {
    let chunk = v1::SessionUpdate::AgentMessageChunk(v1::ContentChunk::new(text("hi \"there\"\n")));
    let original = RawBuf::encode(&v1::SessionNotification::new("agents-own", chunk)).unwrap();
    let mut meta = String::new();
    UpdateMeta { seq: 4, at: 1_700_000_000_000_000, turn: Some(2), lane: "main".into() }.push_to(&mut meta);
    let edit = ParamsEdit { session_id: Some("s-1"), meta: Some((META_KEY, Raw::parse(&meta).unwrap())) };
    frame::notification(methods::SessionUpdate::METHOD.name, Some(params(original.as_raw(), &edit).as_raw()))
}

fn messages() -> Vec<(&'static str, String)> {
    let tool = v1::ToolCallUpdate::new("call-1", v1::ToolCallUpdateFields::new());
    let option = v1::PermissionOption::new("yes", "Allow", v1::PermissionOptionKind::AllowOnce);
    let missing =
        error(ErrorCode::RESOURCE_NOT_FOUND, "no such session", Some(RawBuf::trusted(r#"{"sessionId":"s-2"}"#)));
    vec![
        ("initialize", call::<methods::Initialize>(0, v1::InitializeRequest::new(v1::ProtocolVersion::V1))),
        ("initialize_result", answer::<methods::Initialize>(0, v1::InitializeResponse::new(v1::ProtocolVersion::V1))),
        ("new_session", call::<methods::NewSession>(1, v1::NewSessionRequest::new("/project"))),
        ("new_session_result", answer::<methods::NewSession>(1, v1::NewSessionResponse::new("s-1"))),
        ("prompt", call::<methods::Prompt>(2, v1::PromptRequest::new("s-1", vec![text("hello")]))),
        ("prompt_result", answer::<methods::Prompt>(2, v1::PromptResponse::new(v1::StopReason::EndTurn))),
        ("update", update_with_meta()),
        (
            "request_permission",
            call::<methods::RequestPermission>(3, v1::RequestPermissionRequest::new("s-1", tool, vec![option])),
        ),
        ("cancel", notify::<methods::Cancel>(v1::CancelNotification::new("s-1"))),
        ("error", frame::response(&RequestId::string("a"), Err(&missing))),
    ]
}

#[test]
fn messages_are_written_as_in_the_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1");
    for (name, message) in messages() {
        let path = folder.join(name).with_extension("json");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, format!("{message}\n")).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(golden.trim_end(), message, "{name}: if this is meant, run with UPDATE_GOLDEN=1");
    }
}

#[test]
fn golden_messages_read_back_to_the_same_bytes() {
    for (name, message) in messages() {
        let again = match Frame::parse(message.as_bytes(), &Limits::default()).unwrap() {
            Frame::Request(call) => frame::request(call.id, &call.method, call.params),
            Frame::Notification(call) => frame::notification(&call.method, call.params),
            Frame::Response(response) => frame::raw_response(response.id, response.outcome),
        };
        assert_eq!(again, message, "{name}");
    }
}

#[test]
fn golden_calls_are_in_the_method_table_with_the_right_kind() {
    for (name, message) in messages() {
        let frame = Frame::parse(message.as_bytes(), &Limits::default()).unwrap();
        let kind = match frame {
            Frame::Request(_) => method::Call::Request,
            Frame::Notification(_) => method::Call::Notification,
            Frame::Response(_) => continue,
        };
        let found = method::lookup(frame.method().unwrap(), Version::V1).unwrap();
        assert_eq!(found.call, kind, "{name}");
    }
}
