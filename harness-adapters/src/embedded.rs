//! Embedded resources as text for a model, and back: what a client sent as a resource is one again when the session is
//! loaded, and is not taken for what the user typed.

use acp_types::v1;

/// Format of a resource in a harness's prompts.
#[derive(Debug, Clone, Copy)]
pub struct Tag {
    /// The element's name.
    name: &'static str,
    /// The attribute that holds the URI.
    uri: &'static str,
}

/// `<resource uri="…">`, in Codex's prompts.
pub const RESOURCE: Tag = Tag { name: "resource", uri: "uri" };
/// `<context ref="…">`, in Claude Code's prompts.
pub const CONTEXT: Tag = Tag { name: "context", uri: "ref" };

impl Tag {
    /// A resource as text.
    #[must_use]
    pub fn wrap(self, uri: &str, mime: Option<&str>, text: &str) -> String {
        let Self { name, uri: attribute } = self;
        let mime = mime.map(|mime| format!(" type=\"{}\"", escaped(mime))).unwrap_or_default();
        format!("<{name} {attribute}=\"{}\"{mime}>\n{text}\n</{name}>", escaped(uri))
    }

    /// The resource that a text is, if it is one and nothing else.
    #[must_use]
    pub fn unwrap(self, text: &str) -> Option<v1::TextResourceContents> {
        let (head, rest) = self.head(text)?;
        let inner = rest.strip_suffix(&self.end())?;
        let uri = attribute(head, self.uri)?;
        Some(v1::TextResourceContents::new(inner, uri).mime_type(attribute(head, "type").map(str::to_owned)))
    }

    /// A text without the resources in it.
    #[must_use]
    pub fn strip(self, text: &str) -> String {
        let mut kept = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(&format!("<{} {}=\"", self.name, self.uri)) {
            let (before, tagged) = rest.split_at(at);
            kept.push_str(before);
            // One that does not end is cut off, as a preview may be.
            let end = self.end();
            rest = self.head(tagged).and_then(|(_, inner)| inner.split_once(end.as_str())).map_or("", |(_, rest)| rest);
        }
        kept.push_str(rest);
        kept
    }

    /// The attributes of the tag that a text begins with, and what follows it.
    fn head(self, text: &str) -> Option<(&str, &str)> {
        text.strip_prefix('<')?.strip_prefix(self.name)?.strip_prefix(' ')?.split_once(">\n")
    }

    fn end(self) -> String {
        format!("\n</{}>", self.name)
    }
}

/// Text that may stand between quotes on one line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '<' | '>' | '\n' | '\r' => escaped.push_str(&format!("%{:02X}", u32::from(letter))),
            letter => escaped.push(letter),
        }
    }
    escaped
}

fn attribute<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let rest = head.strip_prefix(name).or_else(|| head.split_once(&format!(" {name}")).map(|(_, rest)| rest))?;
    rest.strip_prefix("=\"")?.split_once('"').map(|(value, _)| value)
}

/// The text of a resource that comes as bytes, if they are text: UTF-8 without NUL. A client that embeds a file may not
/// know what it holds.
#[must_use]
pub fn text_of(blob: &v1::BlobResourceContents) -> Option<String> {
    let text = String::from_utf8(decoded(&blob.blob)?).ok()?;
    (!text.contains('\0')).then_some(text)
}

/// The bytes of base64 with its padding; `None` if it is none.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - body.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(body.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0_u32, 0);
    for letter in body.bytes() {
        bits = (bits << 6) | u32::from(value(letter)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            // What is above has been given out.
            bytes.push(((bits >> count) & 0xff) as u8);
        }
    }
    Some(bytes)
}

fn value(letter: u8) -> Option<u8> {
    Some(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_comes_back_as_it_was() {
        for tag in [RESOURCE, CONTEXT] {
            for (uri, mime, text) in [
                ("file:///a", None, "fn main() {}"),
                ("file:///a%20b?type=1", Some("text/x-rust"), "a\n</other>\n"),
                ("", Some("a; b"), ""),
            ] {
                let resource = tag.unwrap(&tag.wrap(uri, mime, text)).expect("a resource");
                assert_eq!((&*resource.uri, resource.mime_type.as_deref(), &*resource.text), (uri, mime, text));
            }
            let resource = tag.unwrap(&tag.wrap("a\"b\n", None, "c")).expect("a resource");
            assert_eq!(resource.uri, "a%22b%0A");
            for typed in [
                "",
                "hello",
                "<resource>",
                "<resource uri=\"a\">b</resource>",
                "see <context ref=\"a\">\nb\n</context>",
            ] {
                assert!(tag.unwrap(typed).is_none(), "{typed}");
            }
        }
    }

    #[test]
    fn what_was_typed_is_left_when_resources_are_taken_out() {
        let one = RESOURCE.wrap("file:///a", None, "one");
        let two = RESOURCE.wrap("file:///b", Some("text/plain"), "two");
        for (text, expected) in [
            (format!("{one}explain this"), "explain this"),
            (format!("explain{two} this{one}"), "explain this"),
            ("explain this".to_owned(), "explain this"),
            (format!("explain{}", &one[..one.len() - 4]), "explain"),
            (one.clone(), ""),
        ] {
            assert_eq!(RESOURCE.strip(&text), expected);
        }
    }

    #[test]
    fn bytes_that_are_text_are_text() {
        let text = |blob: &str| text_of(&v1::BlobResourceContents::new(blob, "file:///a"));
        for (blob, expected) in [("aGVsbG8=", "hello"), ("", ""), ("w6TDtg==", "äö"), ("YWJj", "abc")] {
            assert_eq!(text(blob).as_deref(), Some(expected));
        }
        for none in ["aGVsbG8", "/w==", "AA==", "a b=", "===="] {
            assert_eq!(text(none), None, "{none}");
        }
    }
}
