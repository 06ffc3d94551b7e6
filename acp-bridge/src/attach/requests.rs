//! Requests of the editor that have no answer yet.

use std::collections::{BTreeMap, HashMap};

use acp_server::proto::RequestKey;
use acp_types::method::{Request as _, v1};
use acp_types::record::{Seq, Turn};
use acp_types::{Raw, RawBuf, RequestId, SessionId};

/// Bytes of params that are kept to be sent again. One request more than that is refused, unless it is alone.
const KEPT: usize = 64 * 1024 * 1024;

/// Names a request of the editor, in the order in which they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Order(u64);

/// Kind of a request, which decides what becomes of it when the link drops and when it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `session/new`.
    New,
    /// `session/load`.
    Load,
    /// `session/resume`, or a `session/new` that is answered with the session that the user wants. Without `after` the
    /// end of the log is to be found out first, since a session without a cursor could not be resumed after a drop.
    Resume { after: Option<Seq>, adopts: bool },
    /// `session/prompt`.
    Prompt(Prompt),
    /// `session/close` and `session/delete`: afterwards the session is followed no longer.
    Leave,
    /// Done twice is as good as once.
    Repeatable,
    /// A request of which nobody knows what doing it twice would do.
    Once,
}

/// Facts about a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prompt {
    /// The session's cursor when it was first sent: its turn has a greater number.
    pub(super) since: Seq,
    /// Its turn, once known.
    pub(super) turn: Option<Turn>,
    /// The editor wants it stopped: to be said again whenever it is sent again.
    pub(super) stop: bool,
}

/// One request.
#[derive(Debug)]
pub(super) struct Request {
    /// The editor's id.
    pub(super) id: RequestId,
    pub(super) method: Box<str>,
    pub(super) params: RawBuf,
    pub(super) session: Option<SessionId>,
    pub(super) kind: Kind,
    /// Sent on the present link.
    pub(super) key: Option<RequestKey>,
    /// Sent on any link, so that the bridge may know of it.
    pub(super) sent: bool,
    /// The editor has given up on it.
    pub(super) cancelled: bool,
}

impl Request {
    pub(super) fn prompt(&mut self) -> Option<&mut Prompt> {
        match &mut self.kind {
            Kind::Prompt(prompt) => Some(prompt),
            _ => None,
        }
    }
}

/// Kind of a method, before anything else is known.
pub(super) fn kind_of(method: &str) -> Kind {
    let repeatable = [
        v1::ListSessions::METHOD.name,
        v1::SetSessionMode::METHOD.name,
        v1::SetSessionConfigOption::METHOD.name,
        v1::Authenticate::METHOD.name,
        v1::Logout::METHOD.name,
    ];
    match method {
        name if name == v1::NewSession::METHOD.name => Kind::New,
        name if name == v1::LoadSession::METHOD.name => Kind::Load,
        name if name == v1::ResumeSession::METHOD.name => Kind::Resume { after: None, adopts: false },
        name if name == v1::Prompt::METHOD.name => Kind::Prompt(Prompt { since: 0, turn: None, stop: false }),
        name if name == v1::CloseSession::METHOD.name || name == v1::DeleteSession::METHOD.name => Kind::Leave,
        name if repeatable.contains(&name) => Kind::Repeatable,
        _ => Kind::Once,
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Requests {
    next: u64,
    open: BTreeMap<Order, Request>,
    keys: HashMap<RequestKey, Order>,
    bytes: usize,
}

impl Requests {
    /// Returns whether another one with so many bytes of params can be kept.
    pub(super) fn have_room_for(&self, bytes: usize) -> bool {
        self.open.is_empty() || self.bytes + bytes <= KEPT
    }

    /// Returns whether none is open.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn add(&mut self, request: Request) -> Order {
        let order = Order(self.next);
        self.next += 1;
        self.bytes += request.params.as_str().len();
        self.open.insert(order, request);
        order
    }

    pub(super) fn get_mut(&mut self, order: Order) -> Option<&mut Request> {
        self.open.get_mut(&order)
    }

    /// Sends it to the bridge under this key.
    pub(super) fn sent(&mut self, order: Order, key: RequestKey) -> Option<&mut Request> {
        let request = self.open.get_mut(&order)?;
        request.key = Some(key);
        request.sent = true;
        self.keys.insert(key, order);
        Some(request)
    }

    /// The request that an answer belongs to.
    pub(super) fn answered(&mut self, key: RequestKey) -> Option<Order> {
        let order = self.keys.remove(&key)?;
        self.open.get_mut(&order)?.key = None;
        Some(order)
    }

    pub(super) fn remove(&mut self, order: Order) -> Option<Request> {
        let request = self.open.remove(&order)?;
        self.bytes -= request.params.as_str().len();
        if let Some(key) = request.key {
            self.keys.remove(&key);
        }
        Some(request)
    }

    pub(super) fn by_id(&self, id: &RequestId) -> Option<Order> {
        self.open.iter().find(|(_, request)| request.id == *id).map(|(&order, _)| order)
    }

    /// The oldest prompt of a session.
    pub(super) fn oldest_prompt(&self, session: &SessionId) -> Option<Order> {
        let prompt = |request: &Request| matches!(request.kind, Kind::Prompt(_));
        let mut of_session = self.open.iter().filter(|(_, request)| request.session.as_ref() == Some(session));
        of_session.find(|(_, request)| prompt(request)).map(|(&order, _)| order)
    }

    /// The link is gone. Returns what was on its way, oldest first.
    pub(super) fn dropped(&mut self) -> Vec<Order> {
        self.keys.clear();
        let on_their_way = self.open.iter_mut().filter_map(|(&order, request)| request.key.take().map(|_| order));
        on_their_way.collect()
    }

    /// Open requests, oldest first.
    pub(super) fn drain(&mut self) -> Vec<Request> {
        self.keys.clear();
        self.bytes = 0;
        std::mem::take(&mut self.open).into_values().collect()
    }

    /// Takes note of an update of a session and says whether it is the editor's own prompt coming back, which it would
    /// not have been shown without the drop.
    ///
    /// On the link that a prompt was sent on, the bridge leaves its text out, so an update of a turn whose text nobody
    /// was shown tells which turn became of the oldest prompt; on a later link the text itself does.
    pub(super) fn is_echo(
        &mut self,
        session: &SessionId,
        foreign: &mut Option<Turn>,
        turn: Turn,
        update: Raw<'_>,
    ) -> bool {
        let kind = update.member("sessionUpdate").and_then(Raw::as_string);
        let said_by_somebody = kind.is_some_and(|kind| kind == "user_message_chunk");
        let mut ours =
            self.open.values_mut().filter(|request| request.session.as_ref() == Some(session) && request.sent);
        let mut unknown = None;
        for request in &mut ours {
            let params = request.params.clone();
            let Some(prompt) = request.prompt() else { continue };
            match prompt.turn {
                Some(known) if known == turn => return said_by_somebody,
                Some(_) => {}
                None if unknown.is_none() && prompt.since < turn => unknown = Some((prompt, params)),
                None => {}
            }
        }
        let Some((prompt, params)) = unknown else {
            if said_by_somebody {
                *foreign = Some(turn);
            }
            return false;
        };
        if !said_by_somebody {
            if *foreign != Some(turn) {
                prompt.turn = Some(turn);
            }
            return false;
        }
        let first = params.as_raw().member("prompt").and_then(|blocks| blocks.elements().next());
        let same = *foreign != Some(turn)
            && first.is_some()
            && first.map(Raw::as_str) == update.member("content").map(Raw::as_str);
        if same {
            prompt.turn = Some(turn);
        } else {
            *foreign = Some(turn);
        }
        same
    }
}
