//! The relay: what either side does goes in, what to send to either side comes out.

mod answers;
mod bridge;
mod editor;
mod link;

use std::collections::HashMap;

use acp_server::proto::RequestKey;
use acp_types::error::{ErrorCode, error};
use acp_types::{RawBuf, RawError, RequestId, SessionId};

use super::asks::{Asks, Link};
use super::handshake::Handshake;
use super::queue::Queue;
use super::requests::Requests;
use super::sessions::Sessions;
use super::{Item, RawAnswer};

/// A request that the relay makes for itself.
#[derive(Debug)]
enum Own {
    Initialize,
    /// Attaches a session that the editor has open.
    Resume(SessionId),
    /// Its answer comes after everything that the bridge asks again.
    Fence,
}

/// One editor and the bridge.
#[derive(Debug)]
pub(crate) struct Relay {
    /// Begins the keys of prompts; no other relay has it.
    name: Box<str>,
    prompts: u64,
    /// The session that the editor's first `session/new` is answered with.
    adopt: Option<SessionId>,
    handshake: Handshake,
    sessions: Sessions,
    requests: Requests,
    asks: Asks,
    queue: Queue,
    own: HashMap<RequestKey, Own>,
    next_key: u64,
    link: Link,
    /// True while it is not known on this link what the bridge still wants from the editor.
    settling: bool,
    broken: bool,
    to_editor: Vec<Item>,
    to_bridge: Vec<Item>,
}

impl Relay {
    /// A relay without a link. `name` must be unique in the world; `adopt` is what the first `session/new` opens.
    pub(crate) fn new(name: &str, adopt: Option<SessionId>) -> Self {
        Self {
            name: name.into(),
            prompts: 0,
            adopt,
            handshake: Handshake::default(),
            sessions: Sessions::default(),
            requests: Requests::default(),
            asks: Asks::default(),
            queue: Queue::default(),
            own: HashMap::new(),
            next_key: 0,
            link: 0,
            settling: false,
            broken: false,
            to_editor: Vec::new(),
            to_bridge: Vec::new(),
        }
    }

    /// Returns whether more of what the editor says can be taken. There is a bound to what waits for a link.
    pub(crate) fn listens(&self) -> bool {
        !self.queue.is_full()
    }

    /// Returns whether everything that the editor said has been passed on.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns whether the editor waits for an answer.
    pub(crate) fn is_asked(&self) -> bool {
        self.handshake.is_asked() || !self.requests.is_empty()
    }

    /// Returns whether the link works: the bridge has answered `initialize` on it.
    pub(crate) fn is_ready(&self) -> bool {
        self.handshake.is_ready()
    }

    /// Returns whether the link is of no use: the bridge has refused what an earlier link was initialized with.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Takes what is to be sent to the editor, in order.
    pub(crate) fn take_for_editor(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.to_editor)
    }

    /// Takes what is to be sent to the bridge, in order.
    pub(crate) fn take_for_bridge(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.to_bridge)
    }

    /// Ends it: there will be no link, and whatever waits is answered with the reason.
    pub(crate) fn fail(&mut self, reason: &str) {
        let waiting = self.requests.drain().into_iter().map(|request| request.id);
        let ids: Vec<_> = self.handshake.refused().into_iter().chain(waiting).collect();
        for id in ids {
            self.respond(id, Err(internal(reason)));
        }
    }

    fn respond(&mut self, id: RequestId, answer: RawAnswer) {
        self.to_editor.push(Item::Respond { id, answer });
    }

    fn next_key(&mut self) -> RequestKey {
        self.next_key += 1;
        RequestKey(self.next_key)
    }

    /// Sends a request that the editor knows nothing of.
    fn own(&mut self, own: Own, method: &str, params: RawBuf) {
        let key = self.next_key();
        self.own.insert(key, own);
        self.to_bridge.push(Item::Request { key, method: method.into(), params });
    }
}

fn internal(message: impl Into<String>) -> RawError {
    RawError::from(&error(ErrorCode::INTERNAL_ERROR, message, None))
}
