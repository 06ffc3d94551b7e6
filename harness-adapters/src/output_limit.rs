//! Messages that a client takes: cut by the size that they have as JSON, so that none is refused for its length, and with it
//! the state that it tells of.
//!
//! A byte of output can be six of JSON. What is cut says how much is missing.

use std::borrow::Cow;

use acp_types::RawBuf;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// The longest message to a client, in bytes. Others refuse what is longer than 16 MiB.
const MESSAGE: usize = 12 * 1024 * 1024;
/// What the output of one command takes as JSON at most, in bytes.
pub(crate) const OUTPUT: usize = 8 * 1024 * 1024;
/// The longest text in a message that has to be cut, at first; halved until the message fits.
const TEXT: usize = 4 * 1024 * 1024;
/// Shorter texts are not cut.
const SHORT: usize = 1024;

/// The bytes that a text takes as JSON, without its quotes.
#[must_use]
pub fn encoded_len(text: &str) -> usize {
    text.bytes().map(width).sum()
}

fn width(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    }
}

/// A text whose middle is left out if it takes more than `most` bytes as JSON, and how many bytes are missing.
#[must_use]
pub fn shortened(text: &str, most: usize) -> (Cow<'_, str>, usize) {
    if text.len() <= most / 6 || encoded_len(text) <= most {
        return (Cow::Borrowed(text), 0);
    }
    let head = fitting(text.char_indices(), most / 2).map_or(0, |(at, letter)| at + letter.len_utf8());
    let tail = fitting(text[head..].char_indices().rev(), most / 2).map_or(text.len(), |(at, _)| head + at);
    let missing = tail - head;
    (Cow::Owned(format!("{}\n… {missing} bytes left out …\n{}", &text[..head], &text[tail..])), missing)
}

/// The last of as many letters as take `most` bytes.
fn fitting(letters: impl Iterator<Item = (usize, char)>, most: usize) -> Option<(usize, char)> {
    let mut left = most;
    let fits = |(_, letter): &(usize, char)| {
        let wanted = letter.encode_utf8(&mut [0; 4]).bytes().map(width).sum();
        left.checked_sub(wanted).inspect(|rest| left = *rest).is_some()
    };
    letters.take_while(fits).last()
}

/// A message that can be sent: as it is, or with what is long in it cut. Ids and states stay.
#[must_use]
pub(crate) fn fitted(message: RawBuf) -> RawBuf {
    if message.as_str().len() <= MESSAGE {
        return message;
    }
    match serde_json::from_str(message.as_str()) {
        Ok(value) => RawBuf::trusted(cut(value, MESSAGE).to_string()),
        // It was written a moment ago.
        Err(error) => {
            tracing::error!(%error, "a long message does not read and is sent as it is");
            message
        }
    }
}

/// The same for a message that is not yet written.
pub(crate) fn fit<T: Serialize + DeserializeOwned>(message: T) -> T {
    let Ok(written) = RawBuf::encode(&message) else { return message };
    if written.as_str().len() <= MESSAGE {
        return message;
    }
    serde_json::from_str(fitted(written).as_str()).unwrap_or_else(|error| {
        tracing::error!(%error, "a message that was cut does not read and is sent as it is");
        message
    })
}

fn cut(mut message: Value, most: usize) -> Value {
    let before = message.to_string().len();
    let mut longest = TEXT.min(most / 2);
    while longest >= SHORT {
        cut_texts(&mut message, longest);
        if message.to_string().len() <= most {
            break;
        }
        longest /= 2;
    }
    if message.to_string().len() > most {
        bare(&mut message);
    }
    tracing::warn!(before, after = message.to_string().len(), "a message was too long and was cut");
    message
}

/// Cuts every text that is longer than that.
fn cut_texts(value: &mut Value, longest: usize) {
    match value {
        Value::String(text) => {
            if let (Cow::Owned(short), _) = shortened(text, longest) {
                *text = short;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| cut_texts(value, longest)),
        Value::Object(fields) => cut_object(fields, longest),
        _ => {}
    }
}

fn cut_object(fields: &mut Map<String, Value>, longest: usize) {
    let length = |fields: &Map<String, Value>, key: &str| fields.get(key).and_then(Value::as_str).map_or(0, str::len);
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    // What is cut would be no picture any more.
    if matches!(kind.as_str(), "image" | "audio") && length(fields, "data") > longest {
        let text = format!("… {kind} of {} bytes left out …", length(fields, "data"));
        *fields = Map::from_iter([("type".to_owned(), "text".into()), ("text".to_owned(), text.into())]);
        return;
    }
    if length(fields, "blob") > longest {
        let text = format!("… {} bytes left out …", length(fields, "blob"));
        fields.remove("blob");
        fields.insert("text".to_owned(), text.into());
        return;
    }
    if kind == "diff" && (length(fields, "oldText") > longest || length(fields, "newText") > longest) {
        let meta = fields.entry("_meta").or_insert_with(|| json!({}));
        if let Some(meta) = meta.as_object_mut() {
            meta.insert("partial".to_owned(), true.into());
        }
    }
    fields.values_mut().for_each(|value| cut_texts(value, longest));
}

/// Takes everything out of a message but what says which thing it is about and what became of it.
fn bare(message: &mut Value) {
    const LONG: [&str; 6] = ["content", "rawInput", "rawOutput", "locations", "_meta", "entries"];
    for part in ["update", "toolCall"] {
        if let Some(fields) = message.get_mut(part).and_then(Value::as_object_mut) {
            fields.retain(|key, _| !LONG.contains(&key.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use acp_types::v1::{self, SessionUpdate, ToolCallStatus, ToolCallUpdate, ToolCallUpdateFields};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_that_is_shortened_fits_and_says_what_is_missing(text in "\\PC*|[\\x00-\\x7fäö😀]{0,300}", most in 0_usize..400) {
            prop_assert_eq!(encoded_len(&text) + 2, serde_json::to_string(&text).expect("JSON").len());
            let (short, missing) = shortened(&text, most);
            if missing == 0 {
                prop_assert_eq!(&*short, &text);
            } else {
                let mark = format!("\n… {missing} bytes left out …\n");
                let (head, tail) = short.split_once(&mark).expect("a mark");
                prop_assert!(encoded_len(head) + encoded_len(tail) <= most);
                prop_assert!(text.starts_with(head) && text.ends_with(tail));
                prop_assert_eq!(head.len() + missing + tail.len(), text.len());
            }
        }
    }

    fn update(fields: ToolCallUpdateFields) -> v1::SessionNotification {
        let update = ToolCallUpdate::new("c1", fields.status(ToolCallStatus::Completed));
        v1::SessionNotification::new("S1", SessionUpdate::ToolCallUpdate(update))
    }

    fn text(text: &str) -> v1::ToolCallContent {
        v1::ToolCallContent::Content(v1::Content::new(v1::ContentBlock::from(text)))
    }

    fn sent(notification: &v1::SessionNotification) -> v1::ToolCallUpdate {
        let fitted = fitted(RawBuf::encode(notification).expect("JSON"));
        assert!(fitted.as_str().len() <= MESSAGE, "{}", fitted.as_str().len());
        let sent: v1::SessionNotification = serde_json::from_str(fitted.as_str()).expect("a notification");
        match sent.update {
            SessionUpdate::ToolCallUpdate(update) => update,
            other => panic!("a call, not {other:?}"),
        }
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let notification = update(ToolCallUpdateFields::new().content(vec![text("fine")]));
        let written = RawBuf::encode(&notification).expect("JSON");
        assert_eq!(fitted(written.clone()).as_str(), written.as_str());
    }

    #[test]
    fn the_state_of_a_call_goes_through_whatever_it_holds() {
        let control = "\u{1}".repeat(3 * 1024 * 1024);
        let large = "x".repeat(MESSAGE);
        let diff = v1::Diff::new("/a", large.clone()).old_text(large.clone());
        for fields in [
            ToolCallUpdateFields::new().content(vec![text(&control)]),
            ToolCallUpdateFields::new().raw_output(json!({ "all": large })),
            ToolCallUpdateFields::new().content(vec![v1::ToolCallContent::Diff(diff)]),
            ToolCallUpdateFields::new().raw_output(json!(vec!["123"; 3 * 1024 * 1024])),
        ] {
            let sent = sent(&update(fields));
            assert_eq!((&*sent.tool_call_id.0, sent.fields.status), ("c1", Some(ToolCallStatus::Completed)));
        }
    }

    #[test]
    fn a_picture_that_is_too_large_is_named() {
        let picture = v1::ImageContent::new("A".repeat(MESSAGE), "image/png");
        let content = v1::ToolCallContent::Content(v1::Content::new(v1::ContentBlock::Image(picture)));
        let sent = sent(&update(ToolCallUpdateFields::new().content(vec![content])));
        let content = serde_json::to_string(&sent.fields.content).expect("JSON");
        assert!(content.contains("image of 12582912 bytes left out"), "{content}");
    }
}
