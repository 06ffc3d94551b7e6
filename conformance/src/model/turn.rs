//! A request as the book sees it, whatever its API.

use super::script::Api;

/// What of a request decides the reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) api: Api,
    pub(super) model: String,
    /// What the user wrote, oldest first; without what the harness put in beside it.
    pub(super) users: Vec<String>,
    /// Set when the harness asks for itself, not for the user.
    pub(super) side: Option<SideCall>,
    /// Whether the client wants a stream of events.
    pub(super) stream: bool,
}

/// What a harness asks for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SideCall {
    /// Structured: a JSON object with a `title`.
    Title,
    /// Structured: may this go on?
    Review,
    /// A summary of the conversation, to go on with less.
    Summary,
    /// No tools are offered: some text will do.
    Text,
}

impl SideCall {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Review => "review",
            Self::Summary => "summary",
            Self::Text => "text",
        }
    }
}
