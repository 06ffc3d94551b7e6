//! `initialize`: of the editor once, of every link again.

use acp_types::{RawBuf, RequestId};

/// State of the editor's own `initialize`.
#[derive(Debug, Default)]
enum Editor {
    /// No handshake yet.
    #[default]
    Silent,
    /// A handshake that waits for its answer.
    Waits { id: RequestId, params: RawBuf },
    /// A handshake with its answer.
    Served { params: RawBuf },
}

/// State of `initialize` on the link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Link {
    #[default]
    Down,
    /// The bridge has not answered `initialize` on it, or was not asked.
    Up,
    Ready,
}

/// Both.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    editor: Editor,
    link: Link,
}

impl Handshake {
    /// Keeps the first `initialize`; returns whether this was it. A later one is the bridge's to refuse.
    pub(super) fn begin(&mut self, id: &RequestId, params: &RawBuf) -> bool {
        let first = matches!(self.editor, Editor::Silent);
        if first {
            self.editor = Editor::Waits { id: id.clone(), params: params.clone() };
        }
        first
    }

    /// Returns whether the editor waits for an answer.
    pub(super) fn is_asked(&self) -> bool {
        matches!(self.editor, Editor::Waits { .. })
    }

    /// Begins on a new link.
    pub(super) fn link_up(&mut self) {
        self.link = Link::Up;
    }

    /// Forgets the link, which is gone.
    pub(super) fn link_down(&mut self) {
        self.link = Link::Down;
    }

    /// The params to initialize the link with, if it is time to.
    pub(super) fn to_send(&self) -> Option<&RawBuf> {
        match &self.editor {
            Editor::Waits { params, .. } | Editor::Served { params } if self.link == Link::Up => Some(params),
            _ => None,
        }
    }

    /// The link is initialized. Returns the editor's request if it still waits.
    pub(super) fn accepted(&mut self) -> Option<RequestId> {
        self.link = Link::Ready;
        match std::mem::take(&mut self.editor) {
            Editor::Waits { id, params } => {
                self.editor = Editor::Served { params };
                Some(id)
            }
            other => {
                self.editor = other;
                None
            }
        }
    }

    /// The bridge refused. Returns the editor's request if it still waits; it may try again.
    pub(super) fn refused(&mut self) -> Option<RequestId> {
        match std::mem::take(&mut self.editor) {
            Editor::Waits { id, .. } => Some(id),
            other => {
                self.editor = other;
                None
            }
        }
    }

    /// Returns whether the link is initialized.
    pub(super) fn is_ready(&self) -> bool {
        self.link == Link::Ready
    }

    /// Returns whether messages of the editor pass: those before `initialize` are the bridge's to refuse.
    pub(super) fn passes(&self) -> bool {
        self.is_ready() || (self.link == Link::Up && matches!(self.editor, Editor::Silent))
    }
}
