//! Output of commands, for a session and each of its children: a tool call of one is none of another. Pure.

use std::collections::BTreeMap;

use acp_types::record::body::Requested;
use acp_types::record::{Kind, Record, Seq};
use acp_types::{RawBuf, SessionId};

use super::terminals::{TerminalView, VisibleUpdate, names_terminal};

/// Children of which output is remembered.
const MAX: usize = 64;

/// A view of the terminals of each session in one log.
#[derive(Debug, Default)]
pub(super) struct SessionTerminals {
    own: TerminalView,
    children: BTreeMap<SessionId, TerminalView>,
}

impl SessionTerminals {
    /// Takes the next update, of a child if there is one.
    pub(super) fn update(
        &mut self,
        record: &Record,
        child: Option<&SessionId>,
        sees: impl Fn(&str) -> bool,
    ) -> VisibleUpdate {
        match self.of(child, names_terminal(record)) {
            Some(view) => view.update(record, sees),
            None => VisibleUpdate::All,
        }
    }

    /// Takes a record that is no update. `child_in` says which child params are about.
    pub(super) fn control(&mut self, record: &Record, child_in: impl Fn(&RawBuf) -> Option<SessionId>) {
        match record.kind {
            Kind::Request if !self.children.is_empty() => {
                let params = record.decode::<Requested>().ok().and_then(|asked| asked.params);
                let child = params.and_then(|params| child_in(&params));
                if let Some(view) = self.of(child.as_ref(), false) {
                    view.control(record);
                }
            }
            _ => {
                self.own.control(record);
                self.children.values_mut().for_each(|view| view.control(record));
            }
        }
    }

    pub(super) fn is_behind(&self) -> bool {
        self.own.is_behind() || self.children.values().any(TerminalView::is_behind)
    }

    pub(super) fn forget_unshown(&mut self) {
        self.own.forget_unshown();
        self.children.values_mut().for_each(TerminalView::forget_unshown);
    }

    /// As [`TerminalView::flush`], each session's under its own id.
    pub(super) fn flush(&mut self, session: &SessionId, cursor: Seq) -> Vec<RawBuf> {
        let mut told = self.own.flush(session, cursor);
        for (child, view) in &mut self.children {
            told.extend(view.flush(child, cursor));
        }
        told
    }

    /// The view of a child, or of the session itself. A child has none before it names a terminal.
    fn of(&mut self, child: Option<&SessionId>, names_terminal: bool) -> Option<&mut TerminalView> {
        let Some(child) = child else { return Some(&mut self.own) };
        if names_terminal && !self.children.contains_key(child) {
            if self.children.len() >= MAX {
                let done = self.children.iter().find(|(_, view)| !view.is_behind()).map(|(id, _)| id.clone());
                let oldest = done.or_else(|| self.children.keys().next().cloned());
                oldest.and_then(|oldest| self.children.remove(&oldest));
            }
            self.children.insert(child.clone(), TerminalView::default());
        }
        self.children.get_mut(child)
    }
}
