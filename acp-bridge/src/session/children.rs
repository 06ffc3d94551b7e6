//! Child sessions of a session: which there are, whose they are, and what their agents say of them. Pure.

mod known;

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::record::Seq;
use acp_types::record::body::ChildUpdated;
use acp_types::{Raw, RawBuf, SessionId};

pub(super) use known::known_of;

/// A child session, as an agent has announced it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildSession {
    id: SessionId,
    lane: Arc<str>,
    parent: Option<SessionId>,
    announced: Seq,
    at: u64,
    agent_session: Option<Arc<str>>,
    known: RawBuf,
    stopping: bool,
}

/// Work of a child session, as its agent reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// It works, or waits for somebody.
    Active,
    /// It does not work. It can be given more.
    Idle,
    /// The agent has not said, or does not know.
    Unconfirmed,
}

impl ChildSession {
    /// Its id as clients know it.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// The lane of its agent.
    #[must_use]
    pub fn lane(&self) -> &Arc<str> {
        &self.lane
    }

    /// The child that it is a child of; `None`: the session itself.
    #[must_use]
    pub fn parent(&self) -> Option<&SessionId> {
        self.parent.as_ref()
    }

    /// Seq of the record that announced it.
    #[must_use]
    pub fn announced(&self) -> Seq {
        self.announced
    }

    /// When that was made: microseconds since the Unix epoch, UTC.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Members of `subagent_update` as they are now: title, description, state, capabilities, directories.
    #[must_use]
    pub fn known(&self) -> &RawBuf {
        &self.known
    }

    /// What it is called, if it is called anything.
    #[must_use]
    pub fn title(&self) -> Option<String> {
        self.text(&["title"])
    }

    /// What it is for, if the agent has said so.
    #[must_use]
    pub fn description(&self) -> Option<String> {
        self.text(&["description"])
    }

    /// Its `state`, if the agent reports one.
    #[must_use]
    pub fn state(&self) -> Option<String> {
        self.text(&["state", "state"])
    }

    /// Why its work stopped, if it has and the agent has said so.
    #[must_use]
    pub fn stop_reason(&self) -> Option<String> {
        self.text(&["state", "stopReason"])
    }

    /// Returns whether clients may stop its work.
    #[must_use]
    pub fn can_be_cancelled(&self) -> bool {
        self.known.as_raw().path(&["capabilities", "cancel"]).is_some_and(|cancel| !cancel.is_null())
    }

    /// Returns whether somebody wants its work to stop, which is not over yet.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Returns whether something else would be known of it.
    pub(super) fn is_changed_by(&self, changed: &RawBuf) -> bool {
        known::merged(&self.known, changed.as_raw()) != self.known
    }

    pub(crate) fn work(&self) -> Work {
        match self.state().as_deref() {
            Some("running" | "requires_action") => Work::Active,
            Some("idle") => Work::Idle,
            _ => Work::Unconfirmed,
        }
    }

    /// The agent's own id of it; `None` when the agent that had it does not know it any more.
    pub(super) fn agent_session(&self) -> Option<&str> {
        self.agent_session.as_deref()
    }

    fn text(&self, path: &[&str]) -> Option<String> {
        Some(self.known.as_raw().path(path)?.as_string()?.into_owned())
    }

    fn weight(&self) -> usize {
        self.id.as_str().len() + self.agent_session.as_ref().map_or(0, |id| id.len()) + self.known.as_str().len()
    }
}

/// All of them. A clone shares what neither has changed since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Children {
    by_number: Arc<BTreeMap<Seq, Arc<ChildSession>>>,
    ever: bool,
}

/// Questions.
impl Children {
    /// Children that are known at a time. When one more is announced, the oldest is forgotten that is idle and has no
    /// children; if there is none such, the new one is not taken.
    pub(crate) const MAX: usize = 256;

    /// Children of children of … that are known; the session's own are at 1.
    pub(crate) const MAX_DEPTH: usize = 8;

    /// In the order in which they were announced: parents before their children.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &ChildSession> + '_ {
        self.by_number.values().map(|child| &**child)
    }

    /// One of them, by its id as clients know it.
    #[must_use]
    pub fn get(&self, id: &SessionId) -> Option<&ChildSession> {
        let (_, number) = id.as_child()?;
        self.by_number.get(&number).map(|child| &**child).filter(|child| child.id == *id)
    }

    /// A child with those above it, the highest first.
    pub(crate) fn line_of<'c>(&'c self, child: &'c ChildSession) -> Vec<&'c ChildSession> {
        let above = |child: &&'c ChildSession| child.parent().and_then(|parent| self.get(parent));
        // A parent is older than its children, so this ends.
        let mut line: Vec<_> = std::iter::successors(Some(child), above).collect();
        line.reverse();
        line
    }

    /// Returns whether there has been any: if not, no record of the log is about one.
    #[must_use]
    pub fn ever(&self) -> bool {
        self.ever
    }

    /// One of a lane's, by the agent's own id of it.
    pub(super) fn by_agent(&self, lane: &str, agent_session: &str) -> Option<&ChildSession> {
        let mut found = self.iter().filter(|child| child.agent_session() == Some(agent_session));
        found.find(|child| *child.lane == *lane)
    }

    /// Those of a lane.
    pub(super) fn of_lane<'c>(&'c self, lane: &'c str) -> impl Iterator<Item = &'c ChildSession> + 'c {
        self.iter().filter(move |child| *child.lane == *lane)
    }

    /// Returns whether one more can be announced.
    pub(super) fn have_room(&self) -> bool {
        self.by_number.len() < Self::MAX || self.oldest_idle().is_some()
    }

    /// How deep a child of this one would be; of the session itself without one.
    pub(super) fn depth_below(&self, parent: Option<&SessionId>) -> usize {
        let mut depth = 1;
        let mut above = parent;
        // A parent is older than its children, so this ends.
        while let Some(child) = above.and_then(|id| self.get(id)) {
            depth += 1;
            above = child.parent();
        }
        depth
    }

    /// The directory in which a child works, if the agent has said it of it or of one above it.
    pub(super) fn cwd_of(&self, child: &ChildSession) -> Option<RawBuf> {
        let said = |child: &ChildSession| child.known.as_raw().member("cwd").map(Raw::to_owned);
        let mut of = Some(child);
        while let Some(child) = of {
            if let Some(cwd) = said(child) {
                return Some(cwd);
            }
            of = child.parent().and_then(|parent| self.get(parent));
        }
        None
    }

    /// Bytes of them.
    pub(super) fn weight(&self) -> usize {
        self.iter().map(ChildSession::weight).sum()
    }

    fn oldest_idle(&self) -> Option<Seq> {
        let has_children = |id: &SessionId| self.iter().any(|child| child.parent() == Some(id));
        let idle = self.iter().filter(|child| child.work() == Work::Idle);
        idle.filter(|child| !has_children(child.id())).map(ChildSession::announced).next()
    }
}

/// Changes, by what a log says. What cannot be meant changes nothing: a log from elsewhere may say anything.
impl Children {
    /// A record of this seq says something of a child, of which it is perhaps the first.
    pub(super) fn updated(&mut self, seq: Seq, at: u64, lane: &Arc<str>, updated: ChildUpdated) {
        let ChildUpdated { session, agent_session, parent, changed } = updated;
        let Some((_, number)) = session.as_child() else { return };
        if let Some(child) = Arc::make_mut(&mut self.by_number).get_mut(&number).filter(|child| child.id == session) {
            let child = Arc::make_mut(child);
            child.known = known::merged(&child.known, changed.as_raw());
            child.stopping &= child.work() != Work::Idle;
            return;
        }
        let has_parent = parent.as_ref().is_none_or(|parent| self.get(parent).is_some());
        if number != seq || !has_parent || self.depth_below(parent.as_ref()) > Self::MAX_DEPTH {
            return;
        }
        if self.by_number.len() >= Self::MAX {
            let Some(oldest) = self.oldest_idle() else { return };
            Arc::make_mut(&mut self.by_number).remove(&oldest);
        }
        let known = known::merged(&Raw::EMPTY_OBJECT.to_owned(), changed.as_raw());
        let child = ChildSession {
            id: session,
            lane: Arc::clone(lane),
            // The parent may have been the oldest.
            parent: parent.filter(|parent| self.get(parent).is_some()),
            announced: seq,
            at,
            agent_session: agent_session.map(Into::into),
            known,
            stopping: false,
        };
        Arc::make_mut(&mut self.by_number).insert(seq, Arc::new(child));
        self.ever = true;
    }

    /// Somebody wants the work of a child to stop.
    pub(super) fn stop(&mut self, id: &SessionId) {
        self.change(|child| child.id == *id, |child| child.stopping = true);
    }

    /// The agent of a lane is gone, and with it all that was to stop.
    pub(super) fn agent_gone(&mut self, lane: &str) {
        self.change(|child| child.stopping && *child.lane == *lane, |child| child.stopping = false);
    }

    /// The agent of a lane has a new session: what it calls by an old name is something else.
    pub(super) fn agent_forgot(&mut self, lane: &str) {
        self.change(|child| *child.lane == *lane, |child| child.agent_session = None);
    }

    /// A lane has left.
    pub(super) fn lane_left(&mut self, lane: &str) {
        if self.of_lane(lane).next().is_some() {
            Arc::make_mut(&mut self.by_number).retain(|_, child| *child.lane != *lane);
        }
    }

    fn change(&mut self, which: impl Fn(&ChildSession) -> bool, change: impl Fn(&mut ChildSession)) {
        if self.iter().any(&which) {
            let children = Arc::make_mut(&mut self.by_number).values_mut();
            children.filter(|child| which(child)).for_each(|child| change(Arc::make_mut(child)));
        }
    }
}

#[cfg(test)]
mod tests;
