//! A response of the model as steps to play, and how an event looks on the wire.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

/// One server-sent event. If it has a name, its data carries that again as `type`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) name: Option<&'static str>,
    pub(super) data: Value,
}

impl Event {
    /// An event whose data is `data` with `type` put in front.
    pub(super) fn new(name: &'static str, data: Value) -> Self {
        let mut object = serde_json::Map::from_iter([("type".to_owned(), Value::from(name))]);
        if let Value::Object(fields) = data {
            object.extend(fields);
        }
        Self { name: Some(name), data: Value::Object(object) }
    }

    /// An event without a name.
    pub(super) fn unnamed(data: Value) -> Self {
        Self { name: None, data }
    }

    /// The bytes of the event.
    pub(super) fn encode(&self) -> Bytes {
        let name = self.name.map(|name| format!("event: {name}\n")).unwrap_or_default();
        Bytes::from(format!("{name}data: {}\n\n", self.data))
    }
}

/// Next step of a response.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ResponseStep {
    /// An event goes out.
    Send(Event),
    /// Nothing happens for a while.
    Pause(Duration),
    /// Nothing happens until the gate is released.
    Wait(String),
    /// The event goes out again and again until the client goes.
    Endless { event: Event, every: Duration },
    /// The connection is closed in mid-stream.
    Drop,
}

/// A whole response.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ModelAnswer {
    /// 200. `whole` is the same as one JSON object, for a client that does not stream.
    Reply { steps: Vec<ResponseStep>, whole: Value },
    /// An HTTP error, after `before` has been played.
    Refusal { before: Vec<ResponseStep>, status: u16, retry_after: Option<u64>, body: Value },
}

/// The same value with the keys of its objects in order, which they are not when some crate of the build asks for it.
#[cfg(test)]
pub(super) fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(fields) => {
            let fields: std::collections::BTreeMap<_, _> =
                fields.iter().map(|(key, it)| (key.clone(), sorted(it))).collect();
            Value::Object(fields.into_iter().collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_two_lines_and_an_empty_one_whatever_its_text() {
        let event = Event::new("x.delta", json!({ "delta": "a\nb\r\n\n" }));
        let bytes = event.encode();
        let text = std::str::from_utf8(&bytes).unwrap();
        assert_eq!(text.lines().count(), 3);
        let data = text.strip_prefix("event: x.delta\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data, json!({ "type": "x.delta", "delta": "a\nb\r\n\n" }));
    }
}
