//! Sub-agents as child sessions: how they are announced, how their work begins and ends, and which session is whose.
//!
//! A harness knows a sub-agent by a name of its own; the client knows it by the id of its session. Clients that take no
//! child sessions are told nothing here.

use std::collections::BTreeMap;

use acp_types::{ErrorCode, v1};

use crate::translate::Effects;

/// Limit of sub-agents that are known at once. What more of them do is shown as it is to clients without children.
const MOST: usize = 256;

/// The sub-agents of one session.
#[derive(Debug)]
pub(crate) struct Children {
    session: v1::SessionId,
    /// False for a client that takes no child sessions.
    taken: bool,
    known: BTreeMap<String, Child>,
}

#[derive(Debug)]
struct Child {
    session: v1::SessionId,
    /// The child that began it; `None` for the session itself.
    parent: Option<v1::SessionId>,
    /// The tool call that began its work, and whose end is the end of the work.
    call: Option<String>,
    state: State,
}

/// Work of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Running,
    /// It waits for an answer of the user.
    Waiting,
}

/// A sub-agent that begins.
#[derive(Debug, Default)]
pub(crate) struct Beginning<'a> {
    /// The harness's name of it.
    pub(crate) name: &'a str,
    /// Its session.
    pub(crate) session: String,
    /// The child that begins it; `None` for the session itself.
    pub(crate) parent: Option<v1::SessionId>,
    /// The tool call that waits for it.
    pub(crate) call: Option<&'a str>,
    /// What it is to do, in a few words.
    pub(crate) title: Option<&'a str>,
    /// What it is.
    pub(crate) role: Option<&'a str>,
    /// True if its work can be cancelled alone.
    pub(crate) cancel: bool,
}

/// How the work of a child has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// It is done.
    Done,
    /// It was stopped.
    Cancelled,
    /// It failed, for this reason.
    Failed(String),
    /// Nobody knows how.
    Unknown,
}

impl Children {
    /// No sub-agents yet.
    pub(crate) fn new(session: v1::SessionId, taken: bool) -> Self {
        Self { session, taken, known: BTreeMap::new() }
    }

    /// The session of a sub-agent, if the client knows it as a child.
    pub(crate) fn of(&self, name: &str) -> Option<&v1::SessionId> {
        self.known.get(name).map(|child| &child.session)
    }

    /// A sub-agent begins to work, for the first time or again. Returns its session, if it is a child.
    pub(crate) fn begin(&mut self, beginning: &Beginning<'_>, out: &mut Effects) -> Option<v1::SessionId> {
        if !self.taken {
            return None;
        }
        if let Some(child) = self.known.get_mut(beginning.name) {
            child.call = beginning.call.map(str::to_owned);
            child.turn(State::Running, out);
            return Some(child.session.clone());
        }
        if self.known.len() >= MOST {
            let idle = self.known.iter().find(|(_, child)| child.state == State::Idle).map(|(name, _)| name.clone());
            self.known.remove(&idle?);
        }
        let session = v1::SessionId::new(beginning.session.clone());
        let mut update = v1::SubagentUpdate::new(session.clone()).state(running());
        if let Some(title) = beginning.title.filter(|title| !title.is_empty()) {
            update = update.title(title.to_owned());
        }
        if let Some(role) = beginning.role.filter(|role| !role.is_empty()) {
            update = update.description(role.to_owned());
        }
        if beginning.cancel {
            let cancel = v1::SubagentSessionCapabilities::new().cancel(v1::SessionCancelCapabilities::new());
            update = update.capabilities(cancel);
        }
        out.update_of(beginning.parent.as_ref(), v1::SessionUpdate::SubagentUpdate(update));
        let child = Child {
            session: session.clone(),
            parent: beginning.parent.clone(),
            call: beginning.call.map(str::to_owned),
            state: State::Running,
        };
        self.known.insert(beginning.name.to_owned(), child);
        Some(session)
    }

    /// A sub-agent is given a task by whoever began it.
    pub(crate) fn task(&self, name: &str, message: &str, text: &str, out: &mut Effects) {
        let Some(child) = self.known.get(name).filter(|_| !text.is_empty()) else { return };
        let message = v1::SessionMessage::new(v1::MessageId::new(message))
            .sender_session_id(child.parent.clone().unwrap_or_else(|| self.session.clone()))
            .recipient_session_id(child.session.clone())
            .content(vec![v1::ContentBlock::from(text)]);
        out.update_of(Some(&child.session), v1::SessionUpdate::SessionMessage(message));
    }

    /// True for the session of a sub-agent that works.
    pub(crate) fn works(&self, session: &v1::SessionId) -> bool {
        self.known.values().any(|child| child.session == *session && child.state != State::Idle)
    }

    /// The work of a sub-agent has ended. It is told once.
    pub(crate) fn end(&mut self, name: &str, end: End, out: &mut Effects) {
        if let Some(child) = self.known.get_mut(name) {
            child.end(end, out);
        }
    }

    /// The work of all sub-agents has ended.
    pub(crate) fn end_all(&mut self, end: &End, out: &mut Effects) {
        for child in self.known.values_mut() {
            child.end(end.clone(), out);
        }
    }

    /// The sub-agents that work, and whose call is none that `goes_on`.
    pub(crate) fn left_behind(&self, goes_on: impl Fn(&str) -> bool) -> Vec<String> {
        let left =
            |child: &Child| child.state != State::Idle && child.call.as_deref().is_some_and(|call| !goes_on(call));
        self.known.iter().filter(|(_, child)| left(child)).map(|(name, _)| name.clone()).collect()
    }

    /// The sub-agent that a tool call waits for.
    pub(crate) fn awaited_by(&self, call: &str) -> Option<&str> {
        let waits = |child: &Child| child.state != State::Idle && child.call.as_deref() == Some(call);
        self.known.iter().find(|(_, child)| waits(child)).map(|(name, _)| name.as_str())
    }

    /// The sub-agents that work for a child session: itself and those below it.
    pub(crate) fn working_for(&self, session: &v1::SessionId) -> Vec<String> {
        let mut found = Vec::new();
        let mut next = vec![session];
        // Each has one parent, which began before it, so this ends.
        while let Some(session) = next.pop() {
            for (name, child) in &self.known {
                if child.session == *session && child.state != State::Idle {
                    found.push(name.clone());
                }
                if child.parent.as_ref() == Some(session) && child.session != *session {
                    next.push(&child.session);
                }
            }
        }
        found
    }

    /// Tells of the children that wait for an answer of the user, and of those that do not wait any more.
    pub(crate) fn attend(&mut self, asks: impl Fn(&v1::SessionId) -> bool, out: &mut Effects) {
        for child in self.known.values_mut().filter(|child| child.state != State::Idle) {
            let state = if asks(&child.session) { State::Waiting } else { State::Running };
            child.turn(state, out);
        }
    }
}

impl Child {
    fn turn(&mut self, state: State, out: &mut Effects) {
        if self.state != state {
            self.state = state;
            let told = match state {
                State::Running => running(),
                State::Waiting => v1::StateUpdate::RequiresAction(v1::RequiresActionStateUpdate::new()),
                State::Idle => v1::StateUpdate::Idle(v1::IdleStateUpdate::new()),
            };
            self.tell(told, out);
        }
    }

    fn end(&mut self, end: End, out: &mut Effects) {
        if std::mem::replace(&mut self.state, State::Idle) == State::Idle {
            return;
        }
        let reason = match end {
            End::Done => Some(v1::IdleStopReason::EndTurn),
            End::Cancelled => Some(v1::IdleStopReason::Cancelled),
            End::Failed(why) => {
                let error = v1::Error::new(ErrorCode::INTERNAL_ERROR.0, why);
                Some(v1::ErrorStopReason::new().error(error).into())
            }
            End::Unknown => None,
        };
        self.tell(v1::StateUpdate::Idle(v1::IdleStateUpdate::new().stop_reason(reason)), out);
    }

    fn tell(&self, state: v1::StateUpdate, out: &mut Effects) {
        let update = v1::SubagentUpdate::new(self.session.clone()).state(state);
        out.update_of(self.parent.as_ref(), v1::SessionUpdate::SubagentUpdate(update));
    }
}

fn running() -> v1::StateUpdate {
    v1::StateUpdate::Running(v1::RunningStateUpdate::new())
}

/// The child that a tool call is about, as its content.
pub(crate) fn reference(child: &v1::SessionId) -> v1::ToolCallContent {
    v1::ToolCallContent::Session(v1::SessionReference::new(child.clone()))
}
