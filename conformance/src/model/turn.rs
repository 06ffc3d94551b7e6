//! A request as the book sees it, whatever its API.

use super::script::{Api, Tell, Words};

/// Part of a request that decides the reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) api: Api,
    pub(super) model: String,
    /// Texts of the user, oldest first; without what the harness put in beside them.
    pub(super) users: Vec<String>,
    /// Responses of the model since the newest of them that ended in calls of tools.
    pub(super) answered: usize,
    /// Results of the tools since then.
    pub(super) results: Vec<String>,
    /// Set when the harness asks for itself, not for the user.
    pub(super) side: Option<SideCall>,
    /// True if the client wants a stream of events.
    pub(super) stream: bool,
}

/// Characters of one text that the model tells.
const MAX_TOLD: usize = 4096;

impl Turn {
    /// Text that the model repeats from the request.
    pub(super) fn told(&self, what: Tell) -> Words {
        let texts = match what {
            Tell::Messages => &self.users[..self.users.len().saturating_sub(1)],
            Tell::Results => self.results.as_slice(),
        };
        let texts: Vec<String> = texts.iter().map(|text| text.chars().take(MAX_TOLD).collect()).collect();
        Words(vec![if texts.is_empty() { "(nothing)".to_owned() } else { texts.join("\n") }])
    }
}

/// Call that a harness makes for itself.
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
