//! Operations: what may be asked, and the least role for it.

use acp_types::SessionId;

use super::Role;
use crate::session::{Command, QueueCommand};

/// Subject of an operation, which decides which principals that are limited to some sessions may ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// One session, which must be among the principal's.
    OneSession,
    /// Sessions of the principal; the others are left out.
    ItsSessions,
    /// Every session, or none in particular: agents know of sessions that are not the principal's.
    EverySession,
    /// No session.
    NoSession,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Least role for it.
    pub(crate) least: Role,
    /// Subject of the operation.
    pub(crate) about: About,
    /// Flag: a client that has attached to the session as an observer may ask for it all the same.
    pub(crate) while_observing: bool,
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident, $text:literal, $least:ident, $about:ident, $observing:literal;)*) => {
        /// Operation that a caller may ask for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Operation {
            $($(#[$doc])* $name,)*
        }

        impl Operation {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Name of the operation.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Row of the operation.
            pub(crate) const fn rule(self) -> Rule {
                match self {
                    $(Self::$name => Rule {
                        least: Role::$least,
                        about: About::$about,
                        while_observing: $observing,
                    },)*
                }
            }
        }
    };
}

operations! {
    /// Description of the agent: a client says hello.
    Describe, "describe the agent", Observer, NoSession, false;
    /// List of the sessions.
    List, "list", Observer, ItsSessions, false;
    /// State that a session's log comes to.
    Get, "get", Observer, OneSession, false;
    /// Records of a session.
    Read, "read", Observer, OneSession, false;
    /// Records of a session as they come.
    Follow, "follow", Observer, OneSession, false;
    /// Wait for the end of a turn.
    Wait, "wait", Observer, OneSession, false;
    /// A session as a file.
    Export, "export", Observer, OneSession, false;
    /// The agents of a session.
    Lanes, "list lanes", Observer, OneSession, false;
    /// The prompts that wait.
    Queue, "list the queue", Observer, OneSession, false;
    /// Attach as observer: to be shown a session, and asked nothing.
    Observe, "attach as observer", Observer, OneSession, true;
    /// Detach from a session.
    Leave, "detach", Observer, OneSession, true;
    /// Attach as controller: to load, resume or attach to a session, and be asked what its agents ask.
    Attach, "attach as controller", Controller, OneSession, true;
    /// A new session.
    Create, "create", Controller, EverySession, false;
    /// A prompt.
    Prompt, "prompt", Controller, OneSession, false;
    /// A stop.
    Cancel, "cancel", Controller, OneSession, false;
    /// A change of a prompt that waits.
    EditQueue, "change the queue", Controller, OneSession, false;
    /// Policy for permission requests while no controller is there.
    SetPolicy, "set the policy", Controller, OneSession, false;
    /// Answer to what an agent asks.
    Answer, "answer", Controller, OneSession, false;
    /// Any other request to an agent of a session: modes, options, extensions.
    Call, "call the agent", Controller, OneSession, false;
    /// A notification to an agent of a session.
    Notify, "notify the agent", Controller, OneSession, false;
    /// Addition of an agent to a session.
    AddLane, "add a lane", Controller, OneSession, false;
    /// Removal of an agent from a session.
    RemoveLane, "remove a lane", Controller, OneSession, false;
    /// Close: the end of what runs, and of the agent.
    Close, "close", Controller, OneSession, false;
    /// Trust in what a session says, though it was written elsewhere.
    Trust, "trust", Admin, OneSession, false;
    /// Deletion of a session and its log.
    Delete, "delete", Admin, OneSession, false;
    /// A request to an agent that concerns no session: a login, providers, extensions.
    CallAnyAgent, "call the agent outside of a session", Admin, EverySession, false;
    /// A notification to an agent that concerns no session.
    NotifyAnyAgent, "notify the agent outside of a session", Admin, EverySession, false;
    /// Stop of the bridge.
    StopBridge, "stop the bridge", Admin, EverySession, false;
    /// Dial-in of an agent.
    Dial, "dial in", Admin, EverySession, false;
}

impl Operation {
    /// Operation that a command asks for. `session`: the one that it is for.
    pub(crate) fn of(command: &Command, session: Option<&SessionId>) -> Self {
        match command {
            Command::Describe { .. } => Self::Describe,
            Command::Create { .. } => Self::Create,
            Command::Attach { .. } | Command::SetPresence { present: true } => Self::Attach,
            Command::SetPresence { present: false } => Self::Leave,
            Command::Prompt { .. } => Self::Prompt,
            Command::Cancel { .. } => Self::Cancel,
            Command::Queue(QueueCommand::List) => Self::Queue,
            Command::Queue(QueueCommand::Edit { .. } | QueueCommand::Move { .. } | QueueCommand::Withdraw { .. }) => {
                Self::EditQueue
            }
            Command::SetPolicy { .. } => Self::SetPolicy,
            Command::Trust => Self::Trust,
            Command::Answer { .. } => Self::Answer,
            Command::Call { .. } if session.is_some() => Self::Call,
            Command::Call { .. } => Self::CallAnyAgent,
            Command::Notify { .. } if session.is_some() => Self::Notify,
            Command::Notify { .. } => Self::NotifyAnyAgent,
            Command::LaneAdd { .. } => Self::AddLane,
            Command::LaneRemove { .. } => Self::RemoveLane,
            Command::Dial { .. } => Self::Dial,
            Command::Close => Self::Close,
            Command::Delete | Command::DeleteIdle { .. } => Self::Delete,
        }
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Operation, Role};

    #[test]
    fn the_page_on_security_has_the_same_table() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md");
        let page = std::fs::read_to_string(page).unwrap();
        for role in Role::ALL {
            let row = Operation::ALL.iter().filter(|operation| operation.rule().least == role);
            let row: Vec<_> = row.map(|operation| operation.as_str()).collect();
            let line = format!("| `{role}` | {} |", row.join(", "));
            assert!(page.lines().any(|text| text == line), "docs/security.md has no line {line}");
        }
    }
}
