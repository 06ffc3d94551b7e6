//! Commands of a gateway for a host. They travel through the log's queue as bytes, see `command`.

use std::sync::Arc;

use acp_types::meta::{AfterRestart, CancelScope, OnBusy, QueuedPrompt, Unattended};
use acp_types::record::{Seq, Turn};
use acp_types::{RawBuf, SessionId};
use serde::{Deserialize, Serialize};

/// Command of a client. With no session it concerns the agent as such; see `command::Order`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Command {
    /// Describe the agent: its `initialize` result. Starts an agent process when none has been asked before.
    Describe {
        /// The client's `initialize` params.
        initialize: RawBuf,
    },
    /// `session/new`.
    Create {
        /// Its params.
        params: RawBuf,
        /// The client's `initialize` params.
        initialize: RawBuf,
    },
    /// A client attaches by `session/load` or `session/resume`. Starts no agent, but lets queued prompts go on.
    Attach {
        /// Its params: working directory and MCP servers for the next time that the agent is started.
        params: RawBuf,
    },
    /// `session/prompt`.
    Prompt {
        /// The lane whose agent is to get it; without one, `main`.
        lane: Option<Arc<str>>,
        /// Its params as the client sent them.
        params: RawBuf,
        /// The client's key (P6).
        key: Option<String>,
        /// Go on even if the agent has forgotten the conversation.
        accept_context_loss: bool,
        /// Treatment of the prompt while the lane runs or queues something.
        on_busy: OnBusy,
        /// Treatment of the prompt if the bridge is started again before it ran.
        after_restart: AfterRestart,
    },
    /// `session/cancel`.
    Cancel {
        /// The lane; without one that of the turn, or else `main`.
        lane: Option<Arc<str>>,
        /// This turn, running or queued; without it the running one of the lane.
        turn: Option<Turn>,
        /// The turn alone, or what waits as well or instead.
        scope: CancelScope,
        /// Reason in the client's words. What is longer than [`Self::MAX_REASON`] is cut.
        reason: Option<String>,
    },
    /// `session/cancel` of a child session, if its agent lets clients do that.
    CancelChild {
        /// The child's id as clients know it.
        child: SessionId,
        /// Reason in the client's words. What is longer than [`Self::MAX_REASON`] is cut.
        reason: Option<String>,
    },
    /// Looks at prompts that wait, or changes one.
    Queue(QueueCommand),
    /// Set the policy for permission requests while no controller is there.
    SetPolicy {
        /// The session's own policy; `None` for the server's.
        unattended: Option<Unattended>,
    },
    /// Trust the session: what it says is to have effects, though it was written elsewhere; see
    /// [`super::State::armed`].
    Trust,
    /// The answer to a pending agent-to-client request.
    Answer {
        /// Seq of the request.
        request: Seq,
        /// Result, or error object.
        answer: Result<RawBuf, RawBuf>,
    },
    /// Any other client-to-agent request, passed on as it is: modes, options, authentication, `_` methods.
    Call {
        /// The lane whose agent is meant; without one, `main`.
        lane: Option<Arc<str>>,
        /// Its method.
        method: String,
        /// Its params; `sessionId` is replaced by the host.
        params: Option<RawBuf>,
    },
    /// A client-to-agent notification, passed on as it is.
    Notify {
        /// The lane whose agent is meant; without one, `main`.
        lane: Option<Arc<str>>,
        /// Its method.
        method: String,
        /// Its params.
        params: Option<RawBuf>,
    },
    /// Presence of the client that sends it, to answer what the agent asks: it has attached as a controller, or has
    /// detached or gone. Sent when that changes; observers never send it.
    #[serde(rename = "attend")]
    SetPresence {
        /// It is there.
        present: bool,
    },
    /// An agent more in the session. Answered with [`Reply::State`] once it serves; if it cannot, no lane is left.
    LaneAdd {
        /// Its name: 1 to 64 bytes of `[A-Za-z0-9._-]`, not in use.
        lane: Arc<str>,
        /// The launch profile of its agent: a name, never a command line.
        agent: String,
    },
    /// The agent of a lane dials in from elsewhere, now and again later. A lane of that name is made if there is none, as
    /// by [`Self::LaneAdd`]; one whose agent does not dial in is not for it.
    Dial {
        /// The lane's name, as for [`Self::LaneAdd`].
        lane: Arc<str>,
        /// Name of the agent.
        agent: String,
    },
    /// A lane leaves: what it runs and queues is cancelled, its agent is stopped. `main` stays.
    LaneRemove {
        /// Its name.
        lane: Arc<str>,
    },
    /// `session/close`: cancel what runs, stop the agent.
    Close,
    /// `session/delete`: close, then forget the log.
    Delete,
    /// The same if nothing has happened since somebody looked, and nobody is there; else it is refused and nothing is
    /// done. Whoever asks has seen that no turn was open.
    DeleteIdle {
        /// The session's newest record when somebody looked.
        head: Seq,
    },
}

impl Command {
    /// Bytes of the reason of a cancel.
    pub const MAX_REASON: usize = 1024;

    /// A prompt for `main` that waits if it must.
    #[must_use]
    pub fn prompt(params: RawBuf, key: Option<String>, accept_context_loss: bool) -> Self {
        let (on_busy, after_restart) = (OnBusy::default(), AfterRestart::default());
        Self::Prompt { lane: None, params, key, accept_context_loss, on_busy, after_restart }
    }

    /// A stop of this turn, or of the one that runs in `main`.
    #[must_use]
    pub fn cancel(turn: Option<Turn>) -> Self {
        Self::Cancel { lane: None, turn, scope: CancelScope::default(), reason: None }
    }
}

/// Command of a client for the prompts that wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum QueueCommand {
    /// See them.
    List,
    /// Give one other content.
    Edit {
        /// Its turn.
        turn: Turn,
        /// The content blocks.
        prompt: RawBuf,
    },
    /// Give one another place.
    Move {
        /// Its turn.
        turn: Turn,
        /// The turn that it is to be right before; `None`: behind all.
        before: Option<Turn>,
    },
    /// Cancel one. What has started is not touched.
    Withdraw {
        /// Its turn.
        turn: Turn,
    },
}

/// The host's answer, given after every record of the command is on stable storage (P2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reply {
    /// The agent's answer as it gave it: result, or error object.
    Agent(Result<RawBuf, RawBuf>),
    /// The session exists.
    Created {
        /// Its id as clients know it.
        session: SessionId,
        /// The agent's `session/new` result, with that id.
        result: RawBuf,
    },
    /// Attached, or a lane was added: modes and options as a `session/load` result has them.
    State(RawBuf),
    /// The prompt is accepted: its turn, or the turn that its key has started before.
    Turn(Turn),
    /// True if this answer was the one that counted.
    Answered(bool),
    /// The prompts that wait, lane by lane, first to run first.
    Queue(Vec<QueuedPrompt>),
    /// Done.
    Done,
}
