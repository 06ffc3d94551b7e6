//! Messages that are too long for the client. A text is sent in parts; anything else is cut where it is
//! longest, and says so. The state in a message is sent whatever its size.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::bounds;

/// The longest message that is left as it is, in bytes.
pub(super) const MESSAGE: usize = 12 * 1024 * 1024;
/// The longest message with everything around it. Clients and bridges take 16 MiB.
pub(super) const LONGEST: usize = 15 * 1024 * 1024;
/// Length that is left of each long string, in bytes: as much as possible.
const STRINGS: [usize; 4] = [2 * 1024 * 1024, 256 * 1024, 16 * 1024, 1024];
/// Length that is left of each long list.
const ITEMS: usize = 256;
/// Members of a call that remain in any case.
const STATE: [&str; 6] = ["sessionUpdate", "toolCallId", "status", "kind", "title", "_meta"];

/// The message as one or more that are short enough.
pub(super) fn fit<T: Serialize + DeserializeOwned>(message: T) -> Vec<T> {
    match serde_json::to_value(&message) {
        Ok(value) if length(&value) > MESSAGE => {
            tracing::warn!(bytes = length(&value), "a message is too long for the client; it is cut");
            parts(&value).unwrap_or_else(|| vec![cut(value)]).into_iter().filter_map(read).collect()
        }
        _ => vec![message],
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).inspect_err(|error| tracing::error!(%error, "a message that was cut is none")).ok()
}

fn length(value: &Value) -> usize {
    /// Counts what is written.
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // A value is always JSON, and counting cannot fail.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

/// A chunk of text as several.
fn parts(value: &Value) -> Option<Vec<Value>> {
    let kind = value.get("sessionUpdate")?.as_str()?;
    let text = value.pointer("/content/text").filter(|_| kind.ends_with("_chunk"))?.as_str()?;
    let part = |part: &str| {
        let mut chunk = value.clone();
        chunk["content"]["text"] = part.into();
        chunk
    };
    Some(bounds::parts(text, MESSAGE / 2).into_iter().map(part).collect())
}

fn cut(mut value: Value) -> Value {
    for most in STRINGS {
        value = shortened(value, most);
        if length(&value) <= MESSAGE {
            return value;
        }
    }
    let Value::Object(members) = value else { return Value::Null };
    let mut state: serde_json::Map<_, _> =
        members.into_iter().filter(|(key, _)| STATE.contains(&key.as_str())).collect();
    if length(&Value::Object(state.clone())) > MESSAGE {
        state.remove("_meta");
    }
    let note = json!({ "type": "text", "text": "[What belongs here was too long for one message and is left out.]" });
    state.insert("content".to_owned(), json!([{ "type": "content", "content": note }]));
    Value::Object(state)
}

fn shortened(value: Value, most: usize) -> Value {
    match value {
        Value::String(text) => bounds::ends(text, most).into(),
        Value::Array(items) => {
            let left = items.len().saturating_sub(ITEMS);
            let mut items: Vec<_> = items.into_iter().take(ITEMS).map(|item| shortened(item, most)).collect();
            if left > 0 && items.last().is_some_and(Value::is_string) {
                items.push(format!("[{left} more are left out here]").into());
            }
            items.into()
        }
        Value::Object(members) => match members.get("data").and_then(Value::as_str).map(str::len) {
            // Half a picture is none.
            Some(bytes) if bytes > most && members.contains_key("mimeType") => {
                json!({ "type": "text", "text": format!("[{bytes} bytes that are no text are left out here]") })
            }
            _ => members.into_iter().map(|(key, value)| (key, shortened(value, most))).collect(),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use acp_types::v1;
    use serde_json::json;

    use super::{MESSAGE, fit, length};

    fn sizes(updates: &[v1::SessionUpdate]) -> Vec<usize> {
        updates.iter().map(|update| length(&serde_json::to_value(update).expect("JSON"))).collect()
    }

    #[test]
    fn what_is_short_enough_is_left_alone() {
        let update = v1::SessionUpdate::AgentMessageChunk(v1::ContentChunk::new("hi".into()));
        assert_eq!(fit(update.clone()), [update]);
    }

    #[test]
    fn a_long_text_is_sent_in_parts_and_whole() {
        let text = "\u{1}".repeat(4 << 20);
        let updates = fit(v1::SessionUpdate::AgentMessageChunk(v1::ContentChunk::new(text.as_str().into())));
        assert!(sizes(&updates).iter().all(|size| *size <= MESSAGE), "{:?}", sizes(&updates));
        let texts = updates.iter().map(|update| match update {
            v1::SessionUpdate::AgentMessageChunk(chunk) => match &chunk.content {
                v1::ContentBlock::Text(text) => text.text.as_str(),
                other => panic!("text, not {other:?}"),
            },
            other => panic!("a chunk, not {other:?}"),
        });
        assert_eq!(texts.collect::<String>(), text);
    }

    #[test]
    fn the_state_of_a_call_goes_through_whatever_its_size() {
        let lines: Vec<_> = (0..700_000).map(|line| format!("{line:0>20}")).collect();
        for raw in [json!("\u{1}".repeat(5 << 20)), json!({ "stdout": "x".repeat(40 << 20) }), json!(lines), {
            let many: serde_json::Map<_, _> = (0..700_000).map(|key| (format!("{key:0>20}"), json!("x"))).collect();
            many.into()
        }] {
            let fields = v1::ToolCallUpdateFields::new().status(v1::ToolCallStatus::Completed).raw_output(raw);
            let updates = fit(v1::SessionUpdate::ToolCallUpdate(v1::ToolCallUpdate::new("c", fields)));
            assert!(sizes(&updates)[0] <= MESSAGE, "{:?}", sizes(&updates));
            let [v1::SessionUpdate::ToolCallUpdate(update)] = &updates[..] else { panic!("one update") };
            assert_eq!(update.fields.status, Some(v1::ToolCallStatus::Completed));
            assert_eq!(&*update.tool_call_id.0, "c");
        }
    }
}
