//! Relation of messages to sessions, so that each goes with the right headers and its stream is there in time.

use std::collections::HashMap;

use serde_json::Value;

use super::event::StreamOwner;

/// Requests of either side that are remembered; what is beyond goes without.
const MAX_OPEN: usize = 4096;

/// Open requests of both sides, as far as their answers have to do with sessions.
#[derive(Debug, Default)]
pub(super) struct Routes {
    /// The sessions of the subject's requests, by id.
    asked: HashMap<String, String>,
    /// Our requests that make or load a session, by id.
    opening: HashMap<String, Opening>,
}

#[derive(Debug)]
enum Opening {
    New,
    Load(String),
}

/// Route of a line of ours.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Route {
    /// It opens a connection.
    pub(super) initializes: bool,
    /// The session that it names, in its params or by what it answers.
    pub(super) session: Option<String>,
    /// Its id, if it is a request.
    pub(super) id: Option<Value>,
}

/// Changes that a message of the subject makes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Came {
    /// A session that there is from now on.
    pub(super) opened: Option<String>,
    /// The session whose stream holds what has to come before this message.
    pub(super) behind: Option<String>,
}

impl Routes {
    /// Takes note of a line of ours.
    pub(super) fn sent(&mut self, line: &str) -> Route {
        let Ok(message) = acp_server::types::json::from_str::<Value>(line) else { return Route::default() };
        let id = message.get("id").map(Value::to_string);
        let Some(method) = message["method"].as_str() else {
            return Route { session: id.and_then(|id| self.asked.remove(&id)), ..Route::default() };
        };
        let session = message["params"]["sessionId"].as_str().map(str::to_owned);
        let opening = match (method, &session) {
            ("session/new" | "session/fork", _) => Some(Opening::New),
            ("session/load", Some(session)) => Some(Opening::Load(session.clone())),
            _ => None,
        };
        if let (Some(id), Some(opening), true) = (id, opening, self.opening.len() < MAX_OPEN) {
            self.opening.insert(id, opening);
        }
        Route { initializes: method == "initialize", session, id: message.get("id").cloned() }
    }

    /// Takes note of a message of the subject that came on this stream, or in the body of an answer.
    pub(super) fn came(&mut self, text: &str, place: Option<&StreamOwner>) -> Came {
        let Ok(message) = acp_server::types::json::from_str::<Value>(text) else { return Came::default() };
        let Some(id) = message.get("id").map(Value::to_string) else { return Came::default() };
        if message.get("method").is_some() {
            let session = message["params"]["sessionId"].as_str();
            if let Some(session) = session.filter(|_| self.asked.len() < MAX_OPEN) {
                self.asked.insert(id, session.to_owned());
            }
            return Came::default();
        }
        match self.opening.remove(&id) {
            Some(Opening::New) => {
                Came { opened: message["result"]["sessionId"].as_str().map(str::to_owned), behind: None }
            }
            Some(Opening::Load(session)) => {
                let apart = place != Some(&StreamOwner::Session(session.clone()));
                let loaded = message.get("result").is_some();
                Came { opened: loaded.then(|| session.clone()), behind: (apart && loaded).then_some(session) }
            }
            None => Came::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_names_its_session_in_its_params_or_by_what_it_answers() {
        let mut routes = Routes::default();
        let prompt = routes.sent(r#"{"jsonrpc":"2.0","id":7,"method":"session/prompt","params":{"sessionId":"s"}}"#);
        assert_eq!(prompt, Route { initializes: false, session: Some("s".to_owned()), id: Some(json!(7)) });
        let asks = r#"{"jsonrpc":"2.0","id":1,"method":"session/request_permission","params":{"sessionId":"t"}}"#;
        assert_eq!(routes.came(asks, None), Came::default());
        assert_eq!(routes.sent(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).session.as_deref(), Some("t"));
        assert_eq!(routes.sent(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).session, None, "it was answered before");
        assert_eq!(routes.sent("{bad"), Route::default());
    }

    #[test]
    fn a_session_is_there_with_the_answer_that_names_it() {
        let mut routes = Routes::default();
        routes.sent(r#"{"jsonrpc":"2.0","id":1,"method":"session/new","params":{}}"#);
        let came =
            routes.came(r#"{"jsonrpc":"2.0","id":1,"result":{"sessionId":"s"}}"#, Some(&StreamOwner::Connection));
        assert_eq!(came, Came { opened: Some("s".to_owned()), behind: None });
    }

    #[test]
    fn the_answer_to_a_load_waits_for_the_other_stream_only() {
        let load = r#"{"jsonrpc":"2.0","id":1,"method":"session/load","params":{"sessionId":"s"}}"#;
        let answer = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
        let mut routes = Routes::default();
        routes.sent(load);
        assert_eq!(routes.came(answer, Some(&StreamOwner::Connection)).behind.as_deref(), Some("s"));
        routes.sent(load);
        assert_eq!(routes.came(answer, Some(&StreamOwner::Session("s".to_owned()))).behind, None);
        routes.sent(load);
        let failed = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"no"}}"#;
        assert_eq!(routes.came(failed, Some(&StreamOwner::Connection)), Came::default());
    }
}
