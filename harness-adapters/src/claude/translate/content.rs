//! Prompts, in the program's own form.

use acp_types::v1;
use serde_json::{Value, json};

use super::commands::Commands;
use crate::content::{check, named};
use crate::embedded::{CONTEXT, text_of};
use crate::failure::{Failure, FailureKind};

/// Pictures that the model can see.
const IMAGES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/// Type of documents that Claude Code reads itself.
const DOCUMENT: &str = "application/pdf";
/// An image or a resource may have so many bytes.
const MOST: usize = 20 * 1024 * 1024;
/// Commands that would end the session under the client's feet.
const SESSION: [&str; 3] = ["clear", "reset", "new"];

/// A prompt without what no model takes: one bad image would make the provider refuse this prompt and all later ones,
/// because it is part of the conversation from then on.
#[derive(Debug, Default)]
pub(super) struct Screened {
    /// Blocks that go.
    pub(super) kept: Vec<v1::ContentBlock>,
    /// Blocks that do not, with the reason.
    pub(super) left_out: Vec<String>,
    /// Images are among what goes.
    pub(super) images: bool,
}

/// Checks images and resources.
///
/// # Errors
/// When nothing is left.
pub(super) fn screened(prompt: &[v1::ContentBlock]) -> Result<Screened, Failure> {
    let mut screened = Screened::default();
    for (number, block) in prompt.iter().enumerate() {
        let image = matches!(block, v1::ContentBlock::Image(_)) || blob_type(block).is_some_and(is_image);
        match check(block, MOST) {
            _ if blob_type(block) == Some(DOCUMENT) => screened.kept.push(block.clone()),
            Ok(block) => {
                screened.images |= image;
                screened.kept.push(block);
            }
            Err(why) => screened.left_out.push(format!("{}: {why}", named(block, number))),
        }
    }
    if screened.kept.is_empty() && !screened.left_out.is_empty() {
        let message = format!("nothing of the prompt can be sent: {}", screened.left_out.join("; "));
        return Err(Failure::new(FailureKind::InvalidParams, message));
    }
    Ok(screened)
}

fn blob_type(block: &v1::ContentBlock) -> Option<&str> {
    match block {
        v1::ContentBlock::Resource(embedded) => match &embedded.resource {
            v1::EmbeddedResourceResource::BlobResourceContents(blob) => blob.mime_type.as_deref(),
            _ => None,
        },
        _ => None,
    }
}

fn is_image(mime: &str) -> bool {
    mime.starts_with("image/")
}

/// Content of a prompt. A command is one wherever context stands that a client puts beside it.
pub(super) fn blocks(prompt: &[v1::ContentBlock], commands: &Commands) -> Result<Vec<Value>, Failure> {
    let invalid = |what: String| Failure::new(FailureKind::InvalidParams, what);
    if prompt.is_empty() {
        return Err(invalid("the prompt is empty".to_owned()));
    }
    if let Some(command) = command(prompt)
        && SESSION.contains(&command)
    {
        return Err(invalid(format!("/{command} would begin another session: ask for a new session instead")));
    }
    if command(prompt).is_some_and(|command| commands.know(command)) {
        let (context, line) = line(prompt);
        // The program looks for a command at the beginning of the last block, and nowhere else.
        let context = context.into_iter().map(|block| one(block).map_err(invalid));
        return context.chain([Ok(words(&line))]).collect();
    }
    prompt.iter().map(|block| one(block).map_err(invalid)).collect()
}

/// A prompt that is a command: what stands beside it, and the command with all that was typed after it.
fn line(prompt: &[v1::ContentBlock]) -> (Vec<&v1::ContentBlock>, String) {
    let mut context = Vec::new();
    let mut line = String::new();
    for block in prompt {
        let text = match block {
            v1::ContentBlock::Text(text) => text.text.clone(),
            // Named in the middle of what is typed.
            v1::ContentBlock::ResourceLink(link) if !line.is_empty() => linked(link),
            other => {
                context.push(other);
                continue;
            }
        };
        if line.is_empty() {
            line.push_str(text.trim_start());
        } else {
            let apart = line.ends_with(char::is_whitespace) || text.starts_with(char::is_whitespace);
            line.push_str(if apart { "" } else { " " });
            line.push_str(&text);
        }
    }
    (context, line.trim_end().to_owned())
}

fn linked(link: &v1::ResourceLink) -> String {
    format!("[{}]({})", link.name, link.uri)
}

fn one(block: &v1::ContentBlock) -> Result<Value, String> {
    Ok(match block {
        v1::ContentBlock::Text(text) => words(&text.text),
        v1::ContentBlock::Image(image) => {
            if !IMAGES.contains(&image.mime_type.as_str()) {
                let known = IMAGES.join(", ");
                return Err(format!("an image of type {} cannot be shown to the model, only {known}", image.mime_type));
            }
            picture(&image.mime_type, &image.data)
        }
        v1::ContentBlock::ResourceLink(link) => words(&linked(link)),
        v1::ContentBlock::Resource(embedded) => match &embedded.resource {
            v1::EmbeddedResourceResource::TextResourceContents(resource) => {
                context(&resource.uri, resource.mime_type.as_deref(), &resource.text)
            }
            v1::EmbeddedResourceResource::BlobResourceContents(resource) => blob(resource)?,
            _ => return Err("an embedded resource of an unknown kind".to_owned()),
        },
        v1::ContentBlock::Audio(_) => return Err("the model cannot hear audio".to_owned()),
        _ => return Err("content of an unknown kind".to_owned()),
    })
}

fn context(uri: &str, mime: Option<&str>, text: &str) -> Value {
    words(&CONTEXT.wrap(uri, mime, text))
}

fn blob(resource: &v1::BlobResourceContents) -> Result<Value, String> {
    match resource.mime_type.as_deref() {
        Some(kind) if IMAGES.contains(&kind) => Ok(picture(kind, &resource.blob)),
        Some(kind @ DOCUMENT) => Ok(json!({
            "type": "document",
            "source": { "type": "base64", "media_type": kind, "data": resource.blob },
        })),
        kind => text_of(resource).map(|text| context(&resource.uri, kind, &text)).ok_or_else(|| {
            format!("{}: a resource of type {} cannot be embedded", resource.uri, kind.unwrap_or("unknown"))
        }),
    }
}

fn words(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn picture(kind: &str, data: &str) -> Value {
    json!({ "type": "image", "source": { "type": "base64", "media_type": kind, "data": data } })
}

/// The name of the command that a prompt is, if it is one.
fn command(prompt: &[v1::ContentBlock]) -> Option<&str> {
    text(prompt)?.trim_start().strip_prefix('/')?.split_whitespace().next()
}

/// A line to call a session by, from its first prompt.
pub(crate) fn title(text: &str) -> Option<String> {
    const LENGTH: usize = 80;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(match line.char_indices().nth(LENGTH) {
        Some((at, _)) => format!("{}…", line[..at].trim_end()),
        None => line.to_owned(),
    })
}

/// The first text of a prompt that somebody typed.
pub(super) fn text(prompt: &[v1::ContentBlock]) -> Option<&str> {
    prompt.iter().find_map(|block| match block {
        v1::ContentBlock::Text(text) => Some(text.text.as_str()).filter(|text| !text.trim().is_empty()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use acp_types::v1;
    use serde_json::json;

    use super::{Commands, title};
    use crate::failure::FailureKind;

    fn blocks(prompt: &[v1::ContentBlock]) -> Result<Vec<serde_json::Value>, crate::Failure> {
        super::blocks(prompt, &Commands::read(&json!({ "commands": [{ "name": "compact" }] })))
    }

    fn file() -> v1::ContentBlock {
        let file = v1::TextResourceContents::new("fn a() {}", "file:///ws/b.rs");
        v1::ContentBlock::Resource(v1::EmbeddedResource::new(v1::EmbeddedResourceResource::TextResourceContents(file)))
    }

    #[test]
    fn links_and_embedded_files_name_their_uri() {
        let link = v1::ContentBlock::ResourceLink(v1::ResourceLink::new("a.rs", "file:///ws/a.rs"));
        let blocks = blocks(&[link, file()]).expect("a prompt");
        assert_eq!(blocks[0], json!({ "type": "text", "text": "[a.rs](file:///ws/a.rs)" }));
        assert_eq!(blocks[1]["text"], "<context ref=\"file:///ws/b.rs\">\nfn a() {}\n</context>");
    }

    #[test]
    fn a_picture_that_the_model_cannot_see_is_refused() {
        let picture = v1::ContentBlock::Image(v1::ImageContent::new("AAAA", "image/tiff"));
        let failure = blocks(&[picture]).expect_err("refused");
        assert_eq!(failure.kind, FailureKind::InvalidParams);
        assert!(failure.message.contains("image/png"), "{failure}");
    }

    #[test]
    fn commands_that_begin_another_session_are_refused() {
        assert!(blocks(&[v1::ContentBlock::from("/clear now")]).is_err());
        assert!(blocks(&[v1::ContentBlock::from("/clearly not")]).is_ok());
        assert!(blocks(&[]).is_err());
    }

    #[test]
    fn a_command_is_found_wherever_context_stands() {
        let link = || v1::ContentBlock::ResourceLink(v1::ResourceLink::new("a.rs", "file:///ws/a.rs"));
        let texts = |prompt: &[v1::ContentBlock]| {
            let blocks = blocks(prompt).expect("a prompt").into_iter();
            blocks.map(|block| block["text"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        for prompt in [
            vec!["/compact".into(), file()],
            vec![file(), "/compact".into()],
            vec![" ".into(), file(), " /compact\n".into()],
        ] {
            let texts = texts(&prompt);
            assert_eq!(texts.len(), 2, "{texts:?}");
            assert!(texts[0].starts_with("<context ref="), "{texts:?}");
            assert_eq!(texts[1], "/compact");
        }
        assert_eq!(
            texts(&["/compact keep ".into(), link(), "whole".into()]),
            ["/compact keep [a.rs](file:///ws/a.rs) whole"]
        );
        assert_eq!(texts(&["/usr/bin/x fails".into(), file()])[0], "/usr/bin/x fails");
        assert!(blocks(&[file(), " /clear".into()]).is_err());
    }

    #[test]
    fn a_title_is_one_short_line() {
        assert_eq!(title("\n  Fix it \nplease").as_deref(), Some("Fix it"));
        assert_eq!(title(&"x".repeat(100)).map(|title| title.chars().count()), Some(81));
        assert_eq!(title(" \n"), None);
    }
}
