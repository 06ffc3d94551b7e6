//! Messages of the editor.

use acp_server::proto::{Event, Incoming, IncomingNotification, ResponseError};
use acp_types::error::{ErrorCode, error};
use acp_types::meta::{META_KEY, RequestMeta};
use acp_types::method::{Notification as _, Request as _, v1};
use acp_types::{Raw, RawBuf, RawError, RawKind, RequestId, SessionId, rewrite};

use super::{Relay, internal};
use crate::attach::requests::{self, Kind, Request};
use crate::attach::sessions::Phase;
use crate::attach::{Item, place};

/// Answer to a prompt that the bridge has never seen.
const CANCELLED: &str = r#"{"stopReason":"cancelled"}"#;

impl Relay {
    /// Takes what the editor did.
    pub(crate) fn editor(&mut self, event: Event) {
        match event {
            Event::Request(request) => self.request(&request),
            Event::Notification(notification) => self.notification(&notification),
            Event::Response { key, outcome, .. } => {
                let answer = match outcome {
                    Ok(result) => Ok(result.raw().to_owned()),
                    Err(ResponseError::Peer(error)) => Err(error),
                    // The editor is gone: whoever attaches next is asked.
                    Err(ResponseError::Closed) => return,
                    Err(other) => Err(internal(other.to_string())),
                };
                let link = self.handshake.is_ready().then_some(self.link);
                for id in self.asks.answered(key, &answer, link) {
                    self.to_bridge.push(Item::Respond { id, answer: answer.clone() });
                }
            }
            Event::Cancelled { id, .. } => self.gave_up(&id),
            Event::Rejected { reason } => tracing::warn!(%reason, "the editor sent what is no message"),
            Event::Stray { error: Some(error), .. } => tracing::warn!(%error, "the editor could not read something"),
            // A late answer; that it has gone is seen by whoever owns the connection.
            _ => {}
        }
    }

    fn request(&mut self, incoming: &Incoming) {
        let id = incoming.id().clone();
        let mut params = incoming.params().unwrap_or(Raw::EMPTY_OBJECT).to_owned();
        if incoming.method() == v1::Initialize::METHOD.name && self.handshake.begin(&id, &params) {
            self.initialize();
            return;
        }
        if !self.requests.have_room_for(params.as_str().len()) {
            self.respond(id, Err(internal("too much waits for an answer already: wait for one, then send it again")));
            return;
        }
        let mut kind = requests::kind_of(incoming.method());
        let mut session = place::session(params.as_raw());
        match &mut kind {
            Kind::New => {
                if let Some(adopted) = self.adopt.take() {
                    session = Some(adopted);
                    kind = Kind::Resume { after: Some(0), adopts: true };
                }
            }
            // What is wrong with its `_meta` is the bridge's to say.
            Kind::Resume { after, .. } => *after = RequestMeta::read(params.as_raw()).ok().and_then(|meta| meta.after),
            Kind::Prompt(_) => params = self.with_key(params),
            _ => {}
        }
        let comes_to_it = matches!(kind, Kind::Load | Kind::Resume { .. });
        let waits_for = session.clone().filter(|_| !comes_to_it);
        let bytes = params.as_str().len();
        let method = incoming.method().into();
        let request = Request { id, method, params, session, kind, key: None, sent: false, cancelled: false };
        let order = self.requests.add(request);
        self.queue.request(order, waits_for, bytes);
        self.pump();
    }

    /// A prompt's params with a key, so that it can be sent again.
    fn with_key(&mut self, params: RawBuf) -> RawBuf {
        let has_none = RequestMeta::read(params.as_raw()).is_ok_and(|meta| meta.key.is_none());
        if !has_none || params.as_raw().kind() != RawKind::Object {
            return params;
        }
        self.prompts += 1;
        let key = format!("\"{}-{}\"", self.name, self.prompts);
        rewrite::set_path(params.as_raw(), &["_meta", META_KEY, "key"], Raw::trusted(&key))
    }

    fn notification(&mut self, notification: &IncomingNotification) {
        let params = notification.params().unwrap_or(Raw::EMPTY_OBJECT);
        let named = place::session(params);
        let session = named.clone().map(|named| self.sessions.of_log(named));
        if notification.method() == v1::Cancel::METHOD.name
            && named == session
            && let Some(session) = &session
            && !self.cancel(session, params)
        {
            return;
        }
        if self.passes(session.as_ref()) {
            self.to_bridge.push(forward(notification));
        } else {
            self.queue.notify(notification.method(), params.to_owned(), session);
            self.pump();
        }
    }

    fn passes(&self, session: Option<&SessionId>) -> bool {
        let phase = session.and_then(|id| self.sessions.get(id)).map_or(Phase::Live, |session| session.phase);
        self.queue.is_empty() && self.handshake.passes() && matches!(phase, Phase::Live | Phase::CatchingUp)
    }

    /// The editor wants a session to stop. Whether the notification itself goes to the bridge, now or later.
    fn cancel(&mut self, session: &SessionId, params: Raw<'_>) -> bool {
        if RequestMeta::read(params).is_ok_and(|meta| meta.turn.is_some()) {
            return true;
        }
        let passes = self.passes(Some(session));
        if let Some(order) = self.requests.oldest_prompt(session)
            && let Some(request) = self.requests.get_mut(order)
        {
            if !request.sent {
                self.withdraw(order, Ok(RawBuf::trusted(CANCELLED)));
                return false;
            }
            if let Some(prompt) = request.prompt() {
                prompt.stop = true;
            }
            // Without a link it is said with the prompt, which names the turn better than "whichever runs".
            return passes;
        }
        let Some(session) = self.sessions.get_mut(session) else { return true };
        session.stop = session.running.is_some();
        passes || !session.stop
    }

    /// The editor no longer wants the answer to a request.
    fn gave_up(&mut self, id: &RequestId) {
        let Some(order) = self.requests.by_id(id) else { return };
        let Some(request) = self.requests.get_mut(order) else { return };
        request.cancelled = true;
        if let Some(key) = request.key {
            self.to_bridge.push(Item::Cancel(key));
        } else if !request.sent {
            let cancelled = error(ErrorCode::REQUEST_CANCELLED, "the request was cancelled before it was sent", None);
            self.withdraw(order, Err(RawError::from(&cancelled)));
        }
    }

    /// Answers a request that the bridge has never seen, and never will.
    fn withdraw(&mut self, order: requests::Order, answer: crate::attach::RawAnswer) {
        self.queue.remove(order);
        if let Some(request) = self.requests.remove(order) {
            if let (Kind::Resume { adopts: true, .. }, Some(session)) = (&request.kind, request.session) {
                self.adopt = Some(session);
            }
            self.respond(request.id, answer);
        }
    }
}

/// A notification as it was received, on one line.
pub(super) fn forward(notification: &IncomingNotification) -> Item {
    let line = notification.line();
    if line.contains(&b'\n') {
        let params = notification.params().unwrap_or(Raw::EMPTY_OBJECT).to_owned();
        return Item::Notify { method: notification.method().into(), params };
    }
    Item::Frame(line.clone())
}
