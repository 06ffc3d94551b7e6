//! Requests that stand open between an agent and its host, as the dialler sees them pass.

use std::collections::{HashMap, VecDeque};

use acp_types::capability::ClientService;
use acp_types::frame::{Frame, Limits};
use acp_types::method::v1;
use acp_types::{Raw, RawBuf, RequestId};

use super::hello::{Asked, Calling, Serve};

/// Requests that are remembered in each direction. The connection of a host has lower bounds of its own; of more than
/// these a host that was started again learns nothing.
const MAX_OPEN: usize = 4096;

/// Destination of a message of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nobody else")]
pub enum Side {
    /// To the host.
    Host,
    /// To what is served next to the agent.
    Services,
    /// To both: each knows whether it is meant.
    Both,
}

/// The requests that have no answer, and the session that the agent has opened.
#[derive(Debug, Default)]
pub struct Open {
    serve: Serve,
    /// Requests of the host, by id; with the params of those that open a session.
    calls: HashMap<RequestId, (String, Option<RawBuf>)>,
    /// Answers to them that the host has not acknowledged, by the number of their message.
    answered: VecDeque<(u64, Calling)>,
    /// Requests of the agent.
    asked: Vec<Asked>,
    /// True if there were more of them than are remembered.
    forgets: bool,
    opened: Option<(String, RawBuf)>,
}

impl Open {
    /// A table with nothing open. `serve` says what is served next to the agent.
    #[must_use]
    pub fn new(serve: Serve) -> Self {
        Self { serve, ..Self::default() }
    }

    /// The host says something to the agent. Whether that is to hear it: a second answer to one request is not for it, which
    /// a host that was started again may give.
    pub fn host_says(&mut self, message: &[u8]) -> bool {
        match Frame::parse(message, &Limits::default()) {
            Ok(Frame::Request(request)) if self.calls.len() < MAX_OPEN => {
                let opens =
                    matches!(&*request.method, v1::NewSession::NAME | v1::LoadSession::NAME | v1::ResumeSession::NAME);
                let params = request.params.filter(|_| opens).map(Raw::to_owned);
                self.calls.insert(request.id.to_owned(), (request.method.into_owned(), params));
            }
            Ok(Frame::Response(response)) => {
                let id = response.id.to_owned();
                let at = self.asked.iter().position(|asked| asked.id == id);
                return at.map(|at| self.asked.swap_remove(at)).is_some() || self.forgets;
            }
            _ => {}
        }
        true
    }

    /// Destination of a message that the agent says.
    #[must_use]
    pub fn side(&self, message: &[u8]) -> Side {
        match Frame::parse(message, &Limits::default()) {
            Ok(Frame::Request(request)) if self.serves(&request.method) => Side::Services,
            Ok(Frame::Notification(notification)) if notification.method == v1::CancelRequest::NAME => Side::Both,
            _ => Side::Host,
        }
    }

    fn serves(&self, method: &str) -> bool {
        match ClientService::of(method) {
            Some(ClientService::Files) => self.serve.files,
            Some(ClientService::Terminals) => self.serve.terminals,
            _ => false,
        }
    }

    /// The agent says something to the host, which goes under this number.
    pub fn agent_says(&mut self, number: u64, message: &[u8]) {
        match Frame::parse(message, &Limits::default()) {
            Ok(Frame::Request(_)) if self.asked.len() >= MAX_OPEN => self.forgets = true,
            Ok(Frame::Request(request)) => {
                self.asked.push(Asked { number, id: request.id.to_owned() });
            }
            Ok(Frame::Response(response)) => {
                let id = response.id.to_owned();
                let Some((method, params)) = self.calls.remove(&id) else { return };
                if let (Ok(result), Some(params)) = (response.outcome, params) {
                    // A load names the session, a new one is named by the answer.
                    let named = params.as_raw().member("sessionId").or_else(|| result.member("sessionId"));
                    let session = named.and_then(Raw::as_string).unwrap_or_default().into_owned();
                    self.opened = Some((session, params));
                }
                self.answered.push_back((number, Calling { id, method, answered: Some(number) }));
            }
            // The host ends the request with an error: there will be no other answer.
            Err(error) if error.is_response_like() => {
                let call = error.id().and_then(|id| Some((id.clone(), self.calls.remove(id)?)));
                if let Some((id, (method, _))) = call {
                    self.answered.push_back((number, Calling { id, method, answered: Some(number) }));
                }
            }
            _ => {}
        }
    }

    /// The host has acknowledged what the agent said up to this number.
    pub fn acknowledged(&mut self, number: u64) {
        while self.answered.front().is_some_and(|(answer, _)| *answer <= number) {
            self.answered.pop_front();
        }
    }

    /// The session that the agent has opened since this was asked last: its own id of it, and the params.
    pub fn take_opened(&mut self) -> Option<(String, RawBuf)> {
        self.opened.take()
    }

    /// Requests of the host for a hello, those whose answer it may lack.
    #[must_use]
    pub fn calls(&self) -> Vec<Calling> {
        let waiting = self.calls.iter().map(|(id, (method, _))| Calling {
            id: id.clone(),
            method: method.clone(),
            answered: None,
        });
        self.answered.iter().map(|(_, call)| call.clone()).chain(waiting).collect()
    }

    /// For a hello: requests of the agent that have no answer.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{Open, Side};
    use crate::remote_agent::protocol::Serve;

    fn ids(open: &Open) -> (Vec<String>, Vec<u64>) {
        let mut calls: Vec<_> = open.calls().iter().map(|call| call.id.to_string()).collect();
        calls.sort_unstable();
        (calls, open.asked().iter().map(|asked| asked.number).collect())
    }

    #[test]
    fn a_request_is_open_until_its_answer_is_safe() {
        let mut open = Open::default();
        open.host_says(br#"{"jsonrpc":"2.0","id":1,"method":"session/prompt","params":{}}"#);
        open.host_says(br#"{"jsonrpc":"2.0","id":2,"method":"session/set_mode","params":{}}"#);
        open.agent_says(1, br#"{"jsonrpc":"2.0","id":"a","method":"session/request_permission","params":{}}"#);
        assert_eq!(ids(&open), (vec!["1".into(), "2".into()], vec![1]));
        let answer = br#"{"jsonrpc":"2.0","id":"a","result":{}}"#;
        assert!(open.host_says(answer));
        assert!(!open.host_says(answer), "a second answer is dropped");
        open.agent_says(2, br#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
        open.acknowledged(1);
        assert_eq!(ids(&open), (vec!["1".into(), "2".into()], vec![]));
        open.acknowledged(2);
        assert_eq!(ids(&open), (vec!["2".into()], vec![]));
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_an_answer() {
        let mut open = Open::default();
        open.host_says(br#"{"jsonrpc":"2.0","id":1,"method":"session/prompt","params":{}}"#);
        open.agent_says(1, br#"{"jsonrpc":"2.0","id":1,"result":{"stopReason":"end"#);
        open.acknowledged(1);
        assert_eq!(ids(&open), (vec![], vec![]));
    }

    #[test]
    fn files_and_commands_stay_next_to_the_agent_if_they_are_served_there() {
        let file = br#"{"jsonrpc":"2.0","id":1,"method":"fs/read_text_file","params":{}}"#;
        let command = br#"{"jsonrpc":"2.0","id":1,"method":"terminal/create","params":{}}"#;
        let open = Open::new(Serve { files: true, terminals: false });
        assert_eq!((open.side(file), open.side(command)), (Side::Services, Side::Host));
        assert_eq!(open.side(br#"{"jsonrpc":"2.0","method":"$/cancel_request","params":{}}"#), Side::Both);
        assert_eq!((open.side(b"garbage"), Open::default().side(file)), (Side::Host, Side::Host));
    }

    #[test]
    fn the_session_is_known_from_the_request_that_opens_it_or_from_its_answer() {
        let mut open = Open::default();
        open.host_says(br#"{"jsonrpc":"2.0","id":1,"method":"session/new","params":{"cwd":"/a"}}"#);
        open.agent_says(1, br#"{"jsonrpc":"2.0","id":1,"result":{"sessionId":"s1"}}"#);
        let (session, params) = open.take_opened().unwrap();
        assert_eq!((session.as_str(), params.as_str()), ("s1", r#"{"cwd":"/a"}"#));
        open.host_says(br#"{"jsonrpc":"2.0","id":2,"method":"session/load","params":{"sessionId":"s2"}}"#);
        open.agent_says(2, br#"{"jsonrpc":"2.0","id":2,"error":{"code":1,"message":"no"}}"#);
        assert_eq!(open.take_opened(), None);
        open.host_says(br#"{"jsonrpc":"2.0","id":3,"method":"session/resume","params":{"sessionId":"s2"}}"#);
        open.agent_says(3, br#"{"jsonrpc":"2.0","id":3,"result":null}"#);
        assert_eq!(open.take_opened().unwrap().0, "s2");
    }
}
