//! Links that come and go, and what is sent on them.

use acp_types::meta::META_KEY;
use acp_types::method::{Notification as _, Request as _, v1};
use acp_types::record::Seq;
use acp_types::{Raw, RawBuf, SessionId, rewrite};

use super::{Own, Relay, internal};
use crate::attach::queue::What;
use crate::attach::requests::{Kind, Order};
use crate::attach::sessions::{Load, Phase, Session};
use crate::attach::{Item, place};

/// A cursor beyond the end of any log, the greatest that every JSON reader takes. The refusal names the end.
const BEYOND: Seq = (1 << 53) - 1;

impl Relay {
    /// There is a new link to the bridge.
    pub(crate) fn connected(&mut self) {
        self.link += 1;
        self.handshake.link_up();
        self.initialize();
        self.pump();
    }

    /// The link is gone. What was on its way may or may not have arrived.
    pub(crate) fn disconnected(&mut self) {
        self.handshake.link_down();
        self.broken = false;
        self.settling = false;
        self.own.clear();
        self.to_bridge.clear();
        self.asks.dropped();
        let from_the_beginning = self.sessions.dropped();
        for order in self.requests.dropped().into_iter().rev() {
            let Some(request) = self.requests.get_mut(order) else { continue };
            let session = request.session.clone();
            let loads = |id: &SessionId| self.sessions.get(id)?.load.as_ref().map(|load| load.request);
            match request.kind {
                Kind::Prompt(_) | Kind::Leave | Kind::Repeatable => self.queue.request_first(order, session),
                Kind::New | Kind::Resume { .. } => self.queue.request_first(order, None),
                Kind::Load if from_the_beginning.contains(&order) => self.queue.request_first(order, None),
                // It is answered when the session has caught up.
                Kind::Load if session.as_ref().and_then(loads) == Some(order) => {}
                Kind::Load => self.lost(order, "another load of the session took its place"),
                Kind::Once => {
                    self.lost(order, "the connection to the bridge dropped: whether it was done is unknown, so it was not sent again");
                }
            }
        }
    }

    fn lost(&mut self, order: Order, reason: &str) {
        if let Some(request) = self.requests.remove(order) {
            self.respond(request.id, Err(internal(format!("{}: {reason}", request.method))));
        }
    }

    /// Initializes the link if it is time to.
    pub(super) fn initialize(&mut self) {
        if let Some(params) = self.handshake.to_send() {
            let params = params.clone();
            self.own(Own::Initialize, v1::Initialize::METHOD.name, params);
        }
    }

    /// The link is initialized: every session goes on where it was.
    pub(super) fn ready(&mut self) {
        for id in self.sessions.ids() {
            self.resume(&id);
        }
        self.settling = true;
        self.settle();
        self.pump();
    }

    pub(super) fn resume(&mut self, id: &SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.phase = Phase::Resuming;
        let params = place::behind(session.params.as_raw(), id, session.cursor);
        self.own(Own::Resume(id.clone()), v1::ResumeSession::METHOD.name, params);
    }

    /// Once all sessions have caught up, whatever the bridge still wants from the editor has been asked, or is on its
    /// way in front of the answer to any further request.
    pub(super) fn settle(&mut self) {
        if !self.settling || !self.handshake.is_ready() || !self.sessions.are_settled() {
            return;
        }
        self.settling = false;
        if self.asks.have_orphans(self.link) {
            self.own(Own::Fence, v1::ListSessions::METHOD.name, RawBuf::trusted(r#"{"cwd":"/"}"#));
        }
    }

    /// Sends what can be sent. A session that is not attached is attached first.
    pub(super) fn pump(&mut self) {
        if self.queue.is_empty() || !self.handshake.passes() {
            return;
        }
        let detached: Vec<_> = self.queue.sessions().filter(|id| self.is_detached(id)).cloned().collect();
        for id in detached {
            if self.is_detached(&id) {
                self.resume(&id);
            }
        }
        let sessions = &self.sessions;
        let entries = self.queue.take(|entry| {
            let session = entry.session.as_ref().and_then(|id| sessions.get(id));
            session.is_none_or(|session| matches!(session.phase, Phase::Live | Phase::CatchingUp))
        });
        for entry in entries {
            self.send(entry.what);
        }
    }

    fn is_detached(&self, id: &SessionId) -> bool {
        self.handshake.is_ready() && self.sessions.get(id).is_some_and(|session| session.phase == Phase::Detached)
    }

    /// A session cannot be attached: the bridge says so to whatever waits for that.
    pub(super) fn release(&mut self, id: &SessionId) {
        for entry in self.queue.take(|entry| entry.session.as_ref() == Some(id)) {
            self.send(entry.what);
        }
    }

    fn send(&mut self, what: What) {
        match what {
            What::Request(order) => self.transmit(order),
            What::Notify { method, params } => self.to_bridge.push(Item::Notify { method, params }),
        }
    }

    /// Sends a request of the editor on the present link.
    pub(super) fn transmit(&mut self, order: Order) {
        let key = self.next_key();
        let first = self.requests.get_mut(order).is_some_and(|request| !request.sent);
        let Some(request) = self.requests.sent(order, key) else { return };
        let mut method = request.method.clone();
        let mut params = request.params.clone();
        let mut stop = request.cancelled;
        let session = request.session.clone();
        match (&mut request.kind, session) {
            (Kind::Prompt(prompt), Some(id)) => {
                if first {
                    prompt.since = self.sessions.get(&id).map_or(0, |session| session.cursor);
                }
                stop |= prompt.stop;
            }
            (Kind::Load, Some(id)) => {
                let earlier = self.sessions.remove(&id).filter(|session| session.phase != Phase::Detached);
                let again = earlier.is_some();
                let mut session = earlier.unwrap_or_else(|| Session::new(params.clone(), 0, Phase::Live));
                session.params = params.clone();
                session.load = Some(Load { request: order, again, begun: false, result: None });
                self.sessions.insert(id, session);
            }
            (Kind::Resume { after, adopts }, Some(id)) => {
                if after.is_none() {
                    let attached = self.sessions.get(&id).filter(|session| session.load.is_none());
                    *after = attached.map(|session| session.cursor);
                }
                params = place::behind(params.as_raw(), &id, after.unwrap_or(BEYOND));
                if *adopts {
                    method = v1::ResumeSession::METHOD.name.into();
                }
            }
            _ => {}
        }
        self.to_bridge.push(Item::Request { key, method, params });
        if stop {
            self.to_bridge.push(Item::Cancel(key));
        }
    }

    /// Repeats that a turn of somebody else's prompt is to stop. Named, it cannot hit another one.
    pub(super) fn stop_running(&mut self, id: &SessionId) {
        let Some(session) = self.sessions.get(id) else { return };
        if let Some(turn) = session.running.filter(|_| session.stop) {
            let turn = turn.to_string();
            let params = rewrite::set_path(Raw::EMPTY_OBJECT, &["_meta", META_KEY, "turn"], Raw::trusted(&turn));
            let params = place::named(params.as_raw(), id);
            self.to_bridge.push(Item::Notify { method: v1::Cancel::METHOD.name.into(), params });
        }
    }
}
