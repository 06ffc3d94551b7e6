use acp_types::RawBuf;

use super::{Block, Event, Message, System};

fn read(line: &str) -> Message {
    Message::read(RawBuf::parse(line).expect("JSON").as_raw())
}

#[test]
fn what_is_not_known_is_skipped() {
    for line in [
        r#"{"type":"brand_new","x":1}"#,
        r#"{"no":"type"}"#,
        "[1]",
        r#"{"type":"assistant","message":7}"#,
        r#"{"type":"system","subtype":"init","mcp_servers":7}"#,
    ] {
        assert!(matches!(read(line), Message::Other), "{line}");
    }
    assert!(matches!(read(r#"{"type":"system","subtype":"brand_new"}"#), Message::System(System::Other)));
    let event = read(r#"{"type":"stream_event","event":{"type":"brand_new"}}"#);
    assert!(matches!(event, Message::Stream(event) if matches!(event.event, Event::Other)));
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
