//! Requests of the agent that the editor has, or has answered.

use std::collections::BTreeMap;

use acp_server::proto::RequestKey;
use acp_types::record::Seq;
use acp_types::{RawBuf, RequestId, SessionId};

use super::RawAnswer;

/// Answers that are kept in case the bridge did not get them. Past it the oldest is forgotten, and the editor asked
/// again should it be needed; the bridge has no more requests than that pending in one session.
const ANSWERS: usize = 256;

/// The number of a link; the first is 1.
pub(super) type Link = u64;

/// Identity that tells a request that is asked again from a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identity {
    /// Its record.
    Record { session: SessionId, seq: Seq },
    /// A question about no session, which names no record: only its content is known.
    Content { method: Box<str>, params: RawBuf },
}

#[derive(Debug)]
enum State {
    /// The editor has not answered.
    Open,
    /// The editor was told that it need not.
    Withdrawn,
    /// The editor has answered; the answer was last given to the bridge on this link, if on any.
    Answered { answer: RawAnswer, given: Option<Link> },
}

#[derive(Debug)]
struct Ask {
    identity: Identity,
    /// Its ids on the present link, oldest first.
    ids: Vec<RequestId>,
    state: State,
}

/// Treatment of a request of the bridge.
#[derive(Debug)]
pub(super) enum Asked {
    /// Ask the editor.
    New(RequestKey),
    /// The editor has it.
    Known,
    /// The editor has answered it.
    Answered(RawAnswer),
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Asks {
    next: u64,
    open: BTreeMap<RequestKey, Ask>,
}

impl Asks {
    /// The bridge asks.
    pub(super) fn ask(&mut self, identity: Identity, id: RequestId, link: Link) -> Asked {
        let by_content = matches!(identity, Identity::Content { .. });
        let known = self.open.values_mut().filter(|ask| ask.identity == identity).find(|ask| match &ask.state {
            State::Open => !by_content || ask.ids.is_empty(),
            State::Withdrawn => false,
            State::Answered { given, .. } => !by_content || *given != Some(link),
        });
        if let Some(ask) = known {
            return match &mut ask.state {
                State::Answered { answer, given } => {
                    *given = Some(link);
                    Asked::Answered(answer.clone())
                }
                _ => {
                    ask.ids.push(id);
                    Asked::Known
                }
            };
        }
        self.next += 1;
        let key = RequestKey(self.next);
        self.open.insert(key, Ask { identity, ids: vec![id], state: State::Open });
        Asked::New(key)
    }

    /// The editor answers. Returns the ids to answer, newest first.
    pub(super) fn answered(&mut self, key: RequestKey, answer: &RawAnswer, link: Option<Link>) -> Vec<RequestId> {
        let Some(ask) = self.open.get_mut(&key) else { return Vec::new() };
        let mut ids = std::mem::take(&mut ask.ids);
        ids.reverse();
        if matches!(ask.state, State::Withdrawn) {
            self.open.remove(&key);
        } else {
            let given = link.filter(|_| !ids.is_empty());
            ask.state = State::Answered { answer: answer.clone(), given };
            self.forget_oldest();
        }
        ids
    }

    fn forget_oldest(&mut self) {
        let mut answered = self.open.iter().filter(|(_, ask)| matches!(ask.state, State::Answered { .. }));
        let oldest = answered.next().map(|(&key, _)| key);
        if answered.count() >= ANSWERS
            && let Some(oldest) = oldest
        {
            self.open.remove(&oldest);
        }
    }

    /// The bridge needs no answer any more. Returns what to tell the editor.
    pub(super) fn cancelled(&mut self, id: &RequestId) -> Option<RequestKey> {
        let (&key, ask) = self.open.iter_mut().find(|(_, ask)| ask.ids.contains(id))?;
        if ask.ids.len() > 1 {
            // It was asked under another id as well.
            ask.ids.retain(|other| other != id);
            return None;
        }
        let open = matches!(ask.state, State::Open);
        ask.state = State::Withdrawn;
        open.then_some(key)
    }

    /// The link is gone, and with it every id.
    pub(super) fn dropped(&mut self) {
        for ask in self.open.values_mut() {
            ask.ids.clear();
        }
    }

    /// Returns whether there are any that the bridge may not want any more.
    pub(super) fn have_orphans(&self, link: Link) -> bool {
        self.open.values().any(|ask| is_orphan(ask, link))
    }

    /// The bridge has asked everything that it still wants on this link. The rest is forgotten; returns what to tell the
    /// editor.
    pub(super) fn settle(&mut self, link: Link) -> Vec<RequestKey> {
        let orphans: Vec<_> = self.open.iter().filter(|(_, ask)| is_orphan(ask, link)).map(|(&key, _)| key).collect();
        let mut withdrawn = Vec::new();
        for key in orphans {
            let Some(ask) = self.open.get_mut(&key) else { continue };
            if matches!(ask.state, State::Open) {
                ask.state = State::Withdrawn;
                withdrawn.push(key);
            } else {
                self.open.remove(&key);
            }
        }
        withdrawn
    }
}

/// Returns whether the bridge has not asked for it on this link.
fn is_orphan(ask: &Ask, link: Link) -> bool {
    match &ask.state {
        State::Open => ask.ids.is_empty(),
        State::Withdrawn => false,
        State::Answered { given, .. } => *given != Some(link),
    }
}
