//! Words of the editor that could not be passed on yet.

use std::collections::VecDeque;

use acp_types::{RawBuf, SessionId};

use super::requests::Order;

/// Messages that may wait while there is no link. At the limit no more is read from the editor.
const MESSAGES: usize = 256;
/// Bytes of the params of messages that wait, at most.
const BYTES: usize = 16 * 1024 * 1024;

/// One message.
#[derive(Debug)]
pub(super) struct Entry {
    /// The session that it is about.
    pub(super) session: Option<SessionId>,
    pub(super) what: What,
    bytes: usize,
}

#[derive(Debug)]
pub(super) enum What {
    /// A request in the table.
    Request(Order),
    /// A notification.
    Notify { method: Box<str>, params: RawBuf },
}

/// In the order in which the editor said it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl Queue {
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= MESSAGES || self.bytes >= BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a request whose params have so many bytes.
    pub(super) fn request(&mut self, order: Order, session: Option<SessionId>, bytes: usize) {
        self.bytes += bytes;
        self.entries.push_back(Entry { session, what: What::Request(order), bytes });
    }

    /// Adds a request in front of all others; what was sent on an earlier link is not held against the bound.
    pub(super) fn request_first(&mut self, order: Order, session: Option<SessionId>) {
        self.entries.push_front(Entry { session, what: What::Request(order), bytes: 0 });
    }

    pub(super) fn notify(&mut self, method: &str, params: RawBuf, session: Option<SessionId>) {
        let bytes = params.as_str().len();
        self.bytes += bytes;
        self.entries.push_back(Entry { session, what: What::Notify { method: method.into(), params }, bytes });
    }

    /// The sessions that something waits for.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &SessionId> {
        self.entries.iter().filter_map(|entry| entry.session.as_ref())
    }

    /// Takes out what may be sent, in order.
    pub(super) fn take(&mut self, may: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let (taken, kept): (Vec<_>, Vec<_>) = self.entries.drain(..).partition(may);
        self.entries = kept.into();
        self.bytes -= taken.iter().map(|entry| entry.bytes).sum::<usize>();
        taken
    }

    /// Takes a request out.
    pub(super) fn remove(&mut self, order: Order) {
        self.take(|entry| matches!(entry.what, What::Request(other) if other == order));
    }
}
