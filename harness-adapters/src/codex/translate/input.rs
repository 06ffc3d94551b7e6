//! Prompts in Codex's form, and back.

use acp_types::v1::{self, ContentBlock, EmbeddedResourceResource};
use serde_json::{Value, json};

use crate::codex::wire::UserInput;
use crate::embedded::{RESOURCE, text_of};
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
            EmbeddedResourceResource::TextResourceContents(text) => {
                embedded(&text.uri, text.mime_type.as_deref(), &text.text)
            }
            EmbeddedResourceResource::BlobResourceContents(blob) => match blob.mime_type.as_deref() {
                Some(mime) if mime.starts_with("image/") => {
                    UserInput::Image { url: format!("data:{mime};base64,{}", blob.blob) }
                }
                _ => match text_of(blob) {
                    Some(text) => embedded(&blob.uri, blob.mime_type.as_deref(), &text),
                    None => return Err(unsupported("binary resources other than images")),
                },
            },
            _ => return Err(unsupported("this kind of resource")),
        },
        ContentBlock::Audio(_) => return Err(unsupported("audio")),
        _ => return Err(unsupported("this kind of content")),
    })
}

fn embedded(uri: &str, mime: Option<&str>, text: &str) -> UserInput {
    marked(RESOURCE.wrap(uri, mime, text), uri)
}

/// A text that nobody typed. Codex keeps the mark, but does not show it to the model.
fn marked(text: String, uri: &str) -> UserInput {
    let mark = json!({ "byteRange": { "start": 0, "end": text.len() }, "placeholder": uri });
    UserInput::Text { text, text_elements: vec![mark] }
}

/// The block that a text was made from, if it was [marked].
fn unmarked(text: &str, elements: &[Value]) -> Option<ContentBlock> {
    let [mark] = elements else { return None };
    let uri = mark.get("placeholder")?.as_str()?;
    let whole = mark.pointer("/byteRange/start")? == 0 && mark.pointer("/byteRange/end")? == text.len();
    if !whole {
        return None;
    }
    if let Some(mut resource) = RESOURCE.unwrap(text) {
        uri.clone_into(&mut resource.uri);
        let resource = EmbeddedResourceResource::TextResourceContents(resource);
        return Some(ContentBlock::Resource(v1::EmbeddedResource::new(resource)));
    }
    let (name, _) = text.strip_prefix('[')?.split_once("](")?;
    let name = name.strip_prefix('@').filter(|_| uri.starts_with("file:///")).unwrap_or(name);
    Some(ContentBlock::ResourceLink(v1::ResourceLink::new(name, uri)))
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
        Some(path) if path.starts_with('/') => marked(format!("[@{}]({})", link.name, decoded(path)), &link.uri),
        _ => marked(format!("[{}]({})", link.name, link.uri), &link.uri),
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

/// A part of an earlier prompt, for the client.
pub(super) fn content(input: &UserInput) -> Option<ContentBlock> {
    Some(match input {
        UserInput::Text { text, text_elements } => {
            unmarked(text, text_elements).unwrap_or_else(|| ContentBlock::Text(v1::TextContent::new(text)))
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_comes_back() {
        let resource = |uri: &str| {
            let text = v1::TextResourceContents::new("fn main() {}", uri).mime_type("text/x-rust".to_owned());
            ContentBlock::Resource(v1::EmbeddedResource::new(EmbeddedResourceResource::TextResourceContents(text)))
        };
        let sent = [
            resource("file:///ws/main.rs"),
            resource("odd \"uri\"\n"),
            ContentBlock::ResourceLink(v1::ResourceLink::new("a.rs", "file:///ws/a%20b.rs")),
            ContentBlock::ResourceLink(v1::ResourceLink::new("page", "https://example.org/")),
            // What looks like a resource or a link but was typed.
            RESOURCE.wrap("file:///a", None, "typed").as_str().into(),
            "[@a.rs](/ws/a.rs)".into(),
            "explain this".into(),
        ];
        let stored = user_input(&sent).expect("a prompt");
        let stored: Vec<UserInput> = serde_json::from_value(json!(stored)).expect("as Codex keeps it");
        assert_eq!(stored.iter().filter_map(content).collect::<Vec<_>>(), sent);
    }
}
