//! What a user says, for Codex.

use acp_types::v1::{self, ContentBlock, EmbeddedResourceResource};

use crate::codex::wire::UserInput;
use crate::embedded::text_of;
use crate::failure::{Failure, FailureKind};

/// The blocks of a prompt as Codex takes them.
pub(super) fn user_input(prompt: &[ContentBlock]) -> Result<Vec<UserInput>, Failure> {
    if prompt.is_empty() {
        return Err(Failure::new(FailureKind::InvalidParams, "the prompt is empty: say something"));
    }
    prompt.iter().map(block).collect()
}

fn block(block: &ContentBlock) -> Result<UserInput, Failure> {
    Ok(match block {
        ContentBlock::Text(text) => UserInput::text(&text.text),
        ContentBlock::Image(image) => image_input(image)?,
        ContentBlock::ResourceLink(link) => resource_link(link),
        ContentBlock::Resource(resource) => match &resource.resource {
            EmbeddedResourceResource::TextResourceContents(text) => embedded(&text.uri, &text.text),
            EmbeddedResourceResource::BlobResourceContents(blob) => match blob.mime_type.as_deref() {
                Some(mime) if mime.starts_with("image/") => {
                    UserInput::Image { url: format!("data:{mime};base64,{}", blob.blob) }
                }
                _ => match text_of(blob) {
                    Some(text) => embedded(&blob.uri, &text),
                    None => return Err(unsupported("binary resources other than images")),
                },
            },
            _ => return Err(unsupported("this kind of resource")),
        },
        ContentBlock::Audio(_) => return Err(unsupported("audio")),
        _ => return Err(unsupported("this kind of content")),
    })
}

fn embedded(uri: &str, text: &str) -> UserInput {
    UserInput::text(format!("<resource uri=\"{uri}\">\n{text}\n</resource>"))
}

fn image_input(image: &v1::ImageContent) -> Result<UserInput, Failure> {
    if !image.mime_type.starts_with("image/") {
        return Err(unsupported(&format!("images of type {}", image.mime_type)));
    }
    match &image.uri {
        Some(uri) if image.data.is_empty() => Ok(UserInput::Image { url: uri.clone() }),
        _ => Ok(UserInput::Image { url: format!("data:{};base64,{}", image.mime_type, image.data) }),
    }
}

fn resource_link(link: &v1::ResourceLink) -> UserInput {
    match link.uri.strip_prefix("file://") {
        Some(path) if path.starts_with('/') => UserInput::text(format!("[@{}]({})", link.name, decoded(path))),
        _ => UserInput::text(format!("[{}]({})", link.name, link.uri)),
    }
}

/// A path without percent signs.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| path.to_owned())
}

fn unsupported(what: &str) -> Failure {
    Failure::new(FailureKind::InvalidParams, format!("Codex takes no {what}: leave it out of the prompt"))
}

/// A title from the beginning of a prompt.
pub(super) fn title(prompt: &[ContentBlock]) -> Option<String> {
    prompt.iter().find_map(|block| match block {
        ContentBlock::Text(text) => super::title(&text.text),
        _ => None,
    })
}

/// What the user once said, for the client.
pub(super) fn content(input: &UserInput) -> Option<ContentBlock> {
    Some(match input {
        UserInput::Text { text, .. } => ContentBlock::Text(v1::TextContent::new(text)),
        UserInput::Image { url } => match url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
            Some((mime, data)) => ContentBlock::Image(v1::ImageContent::new(data, mime)),
            None => ContentBlock::Text(v1::TextContent::new(format!("![image]({url})"))),
        },
        UserInput::LocalImage { path } | UserInput::Mention { path, .. } | UserInput::Skill { path, .. } => {
            let name = match input {
                UserInput::Mention { name, .. } | UserInput::Skill { name, .. } => name.clone(),
                _ => path.clone(),
            };
            ContentBlock::ResourceLink(v1::ResourceLink::new(name, format!("file://{path}")))
        }
        UserInput::Other => return None,
    })
}
