//! One line of the wire as a JSON-RPC message.

use serde_json::{Map, Value};

/// Direction of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two ways")]
pub enum Direction {
    /// From us to the subject.
    Sent,
    /// From the subject to us.
    Received,
}

/// A message, where it stands in the history, and what it is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Its place among the events.
    pub index: usize,
    /// When, in microseconds since the scenario began.
    pub at: u64,
    /// Number of its connection.
    pub on: u32,
    /// Its direction.
    pub direction: Direction,
    /// Its label in the scenario.
    pub label: Option<String>,
    /// Its body.
    pub body: Body,
    /// Members at its root that JSON-RPC does not know.
    pub extra: Vec<String>,
}

/// Content of a line.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Body {
    /// A request.
    Request {
        /// As it stands on the wire.
        id: Value,
        /// Its method.
        method: String,
        /// Its params; null when absent.
        params: Value,
    },
    /// A notification.
    Notification {
        /// Its method.
        method: String,
        /// Its params; null when absent.
        params: Value,
    },
    /// An answer.
    Response {
        /// As it stands on the wire.
        id: Value,
        /// The result, or the error object.
        outcome: Result<Value, Value>,
    },
    /// None of these.
    Junk {
        /// In what way.
        why: String,
    },
}

impl Body {
    /// Reads `text`, and the members at its root that JSON-RPC does not know.
    #[must_use]
    pub fn parse(text: &str) -> (Self, Vec<String>) {
        if text.trim().is_empty() {
            return (junk(NOTHING), Vec::new());
        }
        match acp_server::types::json::from_str(text) {
            Ok(Value::Object(object)) => Self::of(object),
            Ok(Value::Array(_)) => (junk("an array, which a batch would be"), Vec::new()),
            Ok(_) => (junk("JSON, but no object"), Vec::new()),
            Err(error) => (junk(&format!("no JSON: {error}")), Vec::new()),
        }
    }

    /// Returns whether the line has nothing in it, of which the texts say nothing (AMB-31).
    #[must_use]
    pub fn is_blank(&self) -> bool {
        matches!(self, Self::Junk { why } if why == NOTHING)
    }

    fn of(mut object: Map<String, Value>) -> (Self, Vec<String>) {
        let version = object.remove("jsonrpc");
        let (id, method) = (object.remove("id"), object.remove("method"));
        let (result, error) = (object.remove("result"), object.remove("error"));
        let params = object.remove("params").unwrap_or(Value::Null);
        let extra = object.into_iter().map(|(name, _)| name).collect();
        if version != Some(Value::from("2.0")) {
            return (junk("without \"jsonrpc\":\"2.0\""), extra);
        }
        let body = match (id, method, result, error) {
            (Some(id), Some(Value::String(method)), None, None) => Self::Request { id, method, params },
            (None, Some(Value::String(method)), None, None) => Self::Notification { method, params },
            (Some(id), None, Some(result), None) => Self::Response { id, outcome: Ok(result) },
            (Some(id), None, None, Some(error)) => Self::Response { id, outcome: Err(error) },
            (_, None, Some(_), Some(_)) => junk("a response with both result and error"),
            (Some(_), None, None, None) => junk("an id without method, result or error"),
            (None, None, ..) => junk("neither id nor method"),
            (_, Some(_), None, None) => junk("a method that is no string"),
            (_, Some(_), ..) => junk("a method and a result or an error"),
        };
        (body, extra)
    }
}

/// Fault of an empty line.
const NOTHING: &str = "no message and nothing else";

fn junk(why: &str) -> Body {
    Body::Junk { why: why.to_owned() }
}

impl Message {
    /// Its method, of a request or notification.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        match &self.body {
            Body::Request { method, .. } | Body::Notification { method, .. } => Some(method),
            _ => None,
        }
    }

    /// Its params, of a request or notification.
    #[must_use]
    pub fn params(&self) -> Option<&Value> {
        match &self.body {
            Body::Request { params, .. } | Body::Notification { params, .. } => Some(params),
            _ => None,
        }
    }

    /// Its id, of a request or response.
    #[must_use]
    pub fn id(&self) -> Option<&Value> {
        match &self.body {
            Body::Request { id, .. } | Body::Response { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Returns whether the subject wrote it.
    #[must_use]
    pub fn is_received(&self) -> bool {
        self.direction == Direction::Received
    }

    /// Returns whether it is a request of this method.
    #[must_use]
    pub fn requests(&self, wanted: &str) -> bool {
        matches!(&self.body, Body::Request { method, .. } if method == wanted)
    }

    /// `params.update` of a `session/update`.
    #[must_use]
    pub fn update(&self) -> Option<&Value> {
        match &self.body {
            Body::Notification { method, params } if method == "session/update" => params.get("update"),
            _ => None,
        }
    }

    /// The kind of a `session/update`.
    #[must_use]
    pub fn update_kind(&self) -> Option<&str> {
        self.update()?.get("sessionUpdate")?.as_str()
    }

    /// The child session that it announces, or tells of.
    #[must_use]
    pub fn announced_child(&self) -> Option<&str> {
        let update = self.update().filter(|_| self.update_kind() == Some("subagent_update"))?;
        update["sessionId"].as_str()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Body;

    #[test]
    fn a_line_is_one_of_three_messages_or_junk() {
        let (request, extra) = Body::parse(r#"{"jsonrpc":"2.0","id":1.5,"method":"m","more":1}"#);
        assert_eq!(request, Body::Request { id: json!(1.5), method: "m".into(), params: json!(null) });
        assert_eq!(extra, ["more"]);
        let body = |text: &str| Body::parse(text).0;
        assert!(matches!(body(r#"{"jsonrpc":"2.0","method":"m","params":{}}"#), Body::Notification { .. }));
        assert!(matches!(body(r#"{"jsonrpc":"2.0","id":null,"error":{}}"#), Body::Response { outcome: Err(_), .. }));
        let both = r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{}}"#;
        for junk in ["{", "[]", "42", "{}", r#"{"id":1,"method":"m"}"#, both] {
            assert!(matches!(body(junk), Body::Junk { .. }), "{junk}");
        }
    }
}
