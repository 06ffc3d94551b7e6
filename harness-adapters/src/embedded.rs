//! Embedded resources whose bytes are text.

use acp_types::v1;

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
