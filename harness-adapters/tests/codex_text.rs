//! What Codex says and thinks.

mod support;

use acp_server::types::v1::{ContentBlock, SessionUpdate, StopReason};
use support::Stage;

/// The texts of messages and thoughts, by their kind and id, in order.
fn texts(updates: &[SessionUpdate]) -> Vec<(&'static str, String, String)> {
    let mut texts: Vec<(&'static str, String, String)> = Vec::new();
    for update in updates {
        let (kind, chunk) = match update {
            SessionUpdate::AgentMessageChunk(chunk) => ("message", chunk),
            SessionUpdate::AgentThoughtChunk(chunk) => ("thought", chunk),
            _ => continue,
        };
        let ContentBlock::Text(text) = &chunk.content else { panic!("text") };
        let id = chunk.message_id.as_ref().expect("an id").0.to_string();
        match texts.last_mut() {
            Some(last) if last.0 == kind && last.1 == id => last.2.push_str(&text.text),
            _ => texts.push((kind, id, text.text.clone())),
        }
    }
    texts
}

#[tokio::test]
async fn texts_and_thoughts_come_once_in_order_with_one_id_each() {
    let script = r#"
        [[prompt]]
        match = "say it"
        replies = [[{ think = ["I ", "think"] }, { say = ["Hello ", "there"] }]]
    "#;
    let mut stage = Stage::codex(script).await;
    let session = stage.new_session().await;
    let response = stage.turn(&session, "say it").await;
    assert_eq!(response.stop_reason, StopReason::EndTurn);
    let texts = texts(&stage.events.updates());
    assert_eq!(texts.iter().map(|text| text.0).collect::<Vec<_>>(), ["thought", "message"], "{texts:?}");
    assert_eq!((texts[0].2.as_str(), texts[1].2.as_str()), ("I think", "Hello there"));
    assert_ne!(texts[0].1, texts[1].1);
    stage.leave().await;
}
