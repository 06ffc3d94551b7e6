//! Images and resources of prompts: what cannot be right is left out alone, and what the provider refuses is not sent again.

mod support;

use acp_server::types::v1::{
    BlobResourceContents, ContentBlock, EmbeddedResource, EmbeddedResourceResource, ImageContent, PromptRequest,
    PromptResponse, SessionId, SessionUpdate, StopReason,
};
use support::{Stage, soon};

const SCRIPT: &str = r#"
    [[prompt]]
    match = "look"
    replies = [[{ say = "I see" }]]
    repeat = true
    [[prompt]]
    match = "break"
    replies = [[{ status = 400, message = "Invalid image data" }]]
    repeat = true
    [[prompt]]
    match = "go on"
    replies = [[{ say = "hello" }]]
"#;
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/// A page that says that something was not found.
const HTML: &str = "PGh0bWw+PC9odG1sPg==";

fn picture(data: &str, mime: &str) -> ContentBlock {
    ContentBlock::Image(ImageContent::new(data, mime))
}

async fn prompt(stage: &Stage, session: &SessionId, blocks: Vec<ContentBlock>) -> Result<PromptResponse, String> {
    let request = PromptRequest::new(session.clone(), blocks);
    soon("an answer", stage.agent.prompt(request)).await.map_err(|error| error.to_string())
}

/// The input of the last request to the model.
fn last_input(stage: &Stage) -> String {
    stage.model.requests().pop().expect("a request")["body"]["input"].to_string()
}

fn thoughts(stage: &mut Stage) -> String {
    let updates = stage.events.updates();
    let texts = updates.iter().filter_map(|update| match update {
        SessionUpdate::AgentThoughtChunk(chunk) => match &chunk.content {
            ContentBlock::Text(text) => Some(text.text.as_str()),
            _ => None,
        },
        _ => None,
    });
    texts.collect()
}

#[tokio::test]
async fn an_image_that_cannot_be_one_is_left_out_alone_and_by_name() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    let gone = ContentBlock::Image(ImageContent::new("", "image/png").uri("file:///tmp/gone.png".to_owned()));
    let binary = BlobResourceContents::new("AAECAw==", "file:///tmp/a.bin");
    let binary = EmbeddedResource::new(EmbeddedResourceResource::BlobResourceContents(binary));
    let blocks = vec![
        "look at it".into(),
        gone,
        picture(HTML, "image/png"),
        picture(PNG, "image/jpg"),
        ContentBlock::Resource(binary),
    ];
    let answer = prompt(&stage, &session, blocks).await.expect("an answer");
    assert_eq!(answer.stop_reason, StopReason::EndTurn);
    let told = thoughts(&mut stage);
    for part in ["file:///tmp/gone.png", "it has no data", "image 3", "an HTML page", "file:///tmp/a.bin"] {
        assert!(told.contains(part), "{part} in {told:?}");
    }
    let input = last_input(&stage);
    assert_eq!(input.matches("input_image").count(), 1, "{input}");
    assert!(input.contains("data:image/png;base64,") && !input.contains(HTML), "{input}");
    let refused = prompt(&stage, &session, vec![picture(HTML, "image/png")]).await.expect_err("nothing is left");
    assert!(refused.contains("an HTML page"), "{refused}");
    assert_eq!(
        prompt(&stage, &session, vec!["go on".into()]).await.expect("an answer").stop_reason,
        StopReason::EndTurn
    );
    stage.leave().await;
}

#[tokio::test]
async fn what_the_provider_refuses_does_not_spoil_the_next_prompt() {
    let stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    prompt(&stage, &session, vec!["look at nothing".into()]).await.expect("an answer");
    let refused = prompt(&stage, &session, vec!["break on this".into(), picture(PNG, "image/png")]).await;
    let refused = refused.expect_err("a refusal");
    assert!(refused.contains("Invalid image data") && refused.contains("taken back"), "{refused}");
    let answer = prompt(&stage, &session, vec!["go on".into()]).await.expect("an answer");
    assert_eq!(answer.stop_reason, StopReason::EndTurn);
    let input = last_input(&stage);
    assert!(!input.contains("input_image") && !input.contains("break on this"), "{input}");
    assert!(input.contains("look at nothing"), "{input}");
    stage.leave().await;
}
