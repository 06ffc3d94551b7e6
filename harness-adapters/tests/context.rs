//! What a client embeds in a prompt: shown again as it was sent, and no part of a session's title.

mod support;

use acp_server::types::v1::{
    ContentBlock, EmbeddedResource, EmbeddedResourceResource, ListSessionsRequest, LoadSessionRequest, PromptRequest,
    SessionUpdate, TextResourceContents,
};
use support::{Harness, Setting, Stage, soon};

const SCRIPT: &str = r#"
    [[prompt]]
    match = "*"
    replies = [[{ say = "It is short." }]]
    repeat = true
"#;

fn resource(uri: &str, text: &str) -> ContentBlock {
    let text = TextResourceContents::new(text, uri).mime_type("text/x-rust".to_owned());
    ContentBlock::Resource(EmbeddedResource::new(EmbeddedResourceResource::TextResourceContents(text)))
}

async fn loads_as_it_was_sent(harness: Harness) {
    let mut stage = Stage::set(Setting::new(harness, SCRIPT)).await;
    let session = stage.new_session().await;
    let long = "// nothing\n".repeat(500);
    let sent =
        vec![resource("file:///ws/main.rs", "fn main() {}"), resource("file:///ws/a.rs", &long), "explain this".into()];
    let request = PromptRequest::new(session.clone(), sent.clone());
    soon("an answer", stage.agent.prompt(request)).await.expect("an answer");
    let model = stage.model.requests().last().expect("a request")["body"].to_string();
    assert!(model.contains("fn main() {}") && model.contains("file:///ws/main.rs"), "{model}");
    stage.restart().await;
    let listed = soon("a list", stage.agent.list_sessions(ListSessionsRequest::new())).await.expect("a list");
    assert_eq!(listed.sessions[0].title.as_deref(), Some("explain this"));
    let request = LoadSessionRequest::new(session, stage.workspace());
    soon("session/load", stage.agent.load_session(request)).await.expect("loaded");
    let said = stage.events.updates().into_iter().filter_map(|update| match update {
        SessionUpdate::UserMessageChunk(chunk) => Some(chunk.content),
        _ => None,
    });
    assert_eq!(said.collect::<Vec<_>>(), sent);
    stage.leave().await;
}

#[tokio::test]
async fn a_prompt_with_resources_loads_as_it_was_sent_by_codex() {
    loads_as_it_was_sent(Harness::Codex).await;
}

#[tokio::test]
async fn a_prompt_with_resources_loads_as_it_was_sent_by_claude_code() {
    loads_as_it_was_sent(Harness::Claude).await;
}
