use acp_types::RawBuf;

use super::{Message, System, Unreadable};
use crate::claude::wire::{Block, Event};

fn read(line: &str) -> Message {
    Message::read(RawBuf::parse(line).expect("JSON").as_raw())
}

#[test]
fn what_is_not_known_is_skipped() {
    assert!(matches!(read(r#"{"type":"brand_new","x":1}"#), Message::Other));
    assert!(matches!(read(r#"{"type":"system","subtype":"brand_new"}"#), Message::System(System::Other)));
    let event = read(r#"{"type":"stream_event","event":{"type":"brand_new"}}"#);
    assert!(matches!(event, Message::Stream(event) if matches!(event.event, Event::Other)));
}

#[test]
fn what_should_be_known_and_cannot_be_read_is_told() {
    for line in [
        r#"{"no":"type"}"#,
        "[1]",
        r#"{"type":"assistant","message":7}"#,
        r#"{"type":"system","subtype":"init","mcp_servers":7}"#,
        r#"{"type":"control_request","request_id":"q","request":7}"#,
    ] {
        assert!(matches!(read(line), Message::Unreadable(_)), "{line}");
    }
}

#[test]
fn the_end_of_a_turn_is_read_as_far_as_it_can_be_and_is_no_success() {
    let line = r#"{"type":"result","subtype":"success","user_message_uuids":["u"],"usage":7,"result":"fine"}"#;
    let Message::Unreadable(Unreadable { result: Some(result), .. }) = read(line) else { panic!("an end") };
    assert!(result.answers("u") && result.is_error);
    let line = Unreadable::stand_in(r#"{"type": "result", "result": "cut o"#).expect("a message");
    let Message::Unreadable(Unreadable { result, .. }) = Message::read(line.as_raw()) else { panic!("an end") };
    assert!(result.is_some_and(|result| result.answers_whatever_runs()));
}

#[test]
fn half_a_surrogate_pair_is_read_as_a_replacement() {
    let line = r#"{"type":"result","subtype":"success","user_message_uuids":["u"],"result":"\ud83d"}"#;
    assert!(matches!(read(line), Message::Result(result) if result.result.as_deref() == Some("\u{fffd}")));
    let line = r#"{"type":"assistant","message":{"id":"m","content":[{"type":"text","text":"a\udc00b"}]}}"#;
    let Message::Assistant(assistant) = read(line) else { panic!("an assistant message") };
    assert!(
        assistant.message.content.iter().any(|block| matches!(block, Block::Text { text } if text == "a\u{fffd}b"))
    );
}

#[test]
fn an_unreadable_block_does_not_take_its_message_with_it() {
    let line = r#"{"type":"assistant","message":{"id":"m","content":[{"type":"tool_use"},{"type":"new"},{"type":"text","text":"hi"}]}}"#;
    let Message::Assistant(assistant) = read(line) else { panic!("an assistant message") };
    assert!(matches!(assistant.message.content.last(), Some(Block::Text { text }) if text == "hi"));
}

#[test]
fn content_may_be_only_text() {
    let Message::User(user) = read(r#"{"type":"user","message":{"content":"hi"}}"#) else { panic!("a user message") };
    assert_eq!(user.message.content.text(), "hi");
}
