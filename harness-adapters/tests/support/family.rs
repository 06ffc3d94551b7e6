//! What a client sees that takes child sessions: the updates of each session, and the children that were announced.

use std::collections::HashMap;

use acp_server::types::v1::{
    ContentBlock, IdleStopReason, LoadSessionRequest, MaybeUndefined, SessionId, SessionUpdate, StateUpdate,
    SubagentUpdate, ToolCallContent,
};

use super::client::{Asked, Event, Events};
use super::{Stage, soon};

/// A session and its children.
#[derive(Debug)]
pub(crate) struct Family {
    root: SessionId,
    updates: HashMap<SessionId, Vec<SessionUpdate>>,
    children: Vec<Child>,
}

/// A child session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Child {
    pub(crate) id: SessionId,
    pub(crate) parent: SessionId,
    pub(crate) title: Option<String>,
    pub(crate) cancel: bool,
    /// The states of its work, in order.
    pub(crate) states: Vec<&'static str>,
}

impl Family {
    pub(crate) fn new(root: &SessionId) -> Self {
        Self { root: root.clone(), updates: HashMap::new(), children: Vec::new() }
    }

    /// A session and its children, as a load of the session shows them.
    pub(crate) async fn load(stage: &mut Stage, root: &SessionId) -> Self {
        let mut loaded = Self::new(root);
        let request = LoadSessionRequest::new(root.clone(), stage.workspace());
        soon("session/load", stage.agent.load_session(request)).await.expect("loaded");
        loaded.drain(&mut stage.events);
        loaded
    }

    /// Takes in what is there already.
    pub(crate) fn drain(&mut self, events: &mut Events) {
        events.drain().into_iter().for_each(|event| self.see(event));
    }

    /// Watches until everything is as wanted.
    pub(crate) async fn until(&mut self, events: &mut Events, wanted: impl Fn(&Self) -> bool) {
        while !wanted(self) {
            let event = events.next().await;
            self.see(event);
        }
    }

    /// Watches until a question comes.
    pub(crate) async fn asked(&mut self, events: &mut Events) -> Asked {
        loop {
            match events.next().await {
                Event::Asked(asked) => {
                    self.known(&asked.request.session_id);
                    return asked;
                }
                other => self.see(other),
            }
        }
    }

    /// The children in the order in which they were announced.
    pub(crate) fn children(&self) -> &[Child] {
        &self.children
    }

    /// The child that was given this task.
    pub(crate) fn child(&self, task: &str) -> &Child {
        let found = self.children.iter().find(|child| self.task(&child.id).as_deref() == Some(task));
        found.unwrap_or_else(|| panic!("no child with the task {task:?}: {self:#?}"))
    }

    /// True once the child with this task has the given state.
    pub(crate) fn is(&self, task: &str, state: &str) -> bool {
        let child = self.children.iter().find(|child| self.task(&child.id).as_deref() == Some(task));
        child.is_some_and(|child| child.states.last() == Some(&state))
    }

    /// The updates of one session.
    pub(crate) fn of(&self, session: &SessionId) -> &[SessionUpdate] {
        self.updates.get(session).map_or(&[], Vec::as_slice)
    }

    /// The first message to a child, which its parent has sent.
    pub(crate) fn task(&self, child: &SessionId) -> Option<String> {
        self.of(child).iter().find_map(|update| {
            let SessionUpdate::SessionMessage(message) = update else { return None };
            let MaybeUndefined::Value(content) = &message.content else { return None };
            content.iter().find_map(|block| match block {
                ContentBlock::Text(text) => Some(text.text.clone()),
                _ => None,
            })
        })
    }

    fn see(&mut self, event: Event) {
        let Event::Update(session, update) = event else { return };
        self.known(&session);
        if let SessionUpdate::SubagentUpdate(child) = &*update {
            self.announced(&session, child);
        }
        self.updates.entry(session).or_default().push(*update);
    }

    fn known(&self, session: &SessionId) {
        let known = *session == self.root || self.children.iter().any(|child| child.id == *session);
        assert!(known, "{session} was not announced: {self:#?}");
    }

    fn announced(&mut self, parent: &SessionId, update: &SubagentUpdate) {
        let known = self.children.iter_mut().find(|child| child.id == update.session_id);
        let child = match known {
            Some(child) => child,
            None => {
                let cancel = matches!(&update.capabilities, MaybeUndefined::Value(it) if it.cancel.is_some());
                let title = match &update.title {
                    MaybeUndefined::Value(title) => Some(title.clone()),
                    _ => None,
                };
                let (id, parent) = (update.session_id.clone(), parent.clone());
                self.children.push(Child { id, parent, title, cancel, states: Vec::new() });
                self.children.last_mut().expect("it was pushed")
            }
        };
        assert_eq!(child.parent, *parent, "a child has one parent");
        if let MaybeUndefined::Value(state) = &update.state {
            child.states.push(name(state));
        }
    }
}

fn name(state: &StateUpdate) -> &'static str {
    match state {
        StateUpdate::Running(_) => "running",
        StateUpdate::RequiresAction(_) => "requires_action",
        StateUpdate::Idle(idle) => match &idle.stop_reason {
            Some(IdleStopReason::EndTurn) => "end_turn",
            Some(IdleStopReason::Cancelled) => "cancelled",
            Some(IdleStopReason::Error(_)) => "error",
            None => "idle",
            Some(_) => "other reason",
        },
        _ => "other",
    }
}

/// The session that a call refers to.
pub(crate) fn reference(content: &[ToolCallContent]) -> Option<&SessionId> {
    content.iter().find_map(|content| match content {
        ToolCallContent::Session(reference) => Some(&reference.session_id),
        _ => None,
    })
}
