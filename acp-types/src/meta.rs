//! Additions to ACP: one key of `_meta`, and methods that begin with `_acp-bridge/`.

mod control;
mod request;
pub mod reserved;
mod unattended;
mod update;

pub use control::{AfterRestart, CancelScope, MainAgent, OnBusy, QueuedPrompt, UnknownWord};
pub use request::{MetaError, RequestMeta};
pub use unattended::{Rest, TOOL_KINDS, Unattended, UnattendedError};
pub use update::UpdateMeta;

/// Our key in every `_meta`.
pub const META_KEY: &str = "acp-bridge";

/// Request of a client: an agent more in a session, with `lane` and `agent`, the name of a launch profile.
pub const LANE_ADD: &str = "_acp-bridge/lane_add";

/// Request of a client: `lane` is to leave the session.
pub const LANE_REMOVE: &str = "_acp-bridge/lane_remove";

/// Request of a client: the lanes of a session.
pub const LANES: &str = "_acp-bridge/lanes";

/// Notification to clients: a turn ended that they may not have started.
pub const TURN_ENDED: &str = "_acp-bridge/turn_ended";

/// Notification to clients: what follows is live, all history has been sent.
pub const CAUGHT_UP: &str = "_acp-bridge/caught_up";

/// Notification to clients: a session that they followed was deleted or can be read no longer.
pub const DETACHED: &str = "_acp-bridge/detached";

/// Notification to clients: prompts that wait were added, changed, reordered, or are no longer waiting.
pub const QUEUE_CHANGED: &str = "_acp-bridge/queue_changed";

/// Request of a client: the prompts that wait.
pub const QUEUE: &str = "_acp-bridge/queue";

/// Request of a client: gives a prompt that waits other content.
pub const QUEUE_EDIT: &str = "_acp-bridge/queue_edit";

/// Request of a client: puts a prompt that waits before another, or behind all.
pub const QUEUE_MOVE: &str = "_acp-bridge/queue_move";

/// Request of a client: cancels a prompt that waits.
pub const QUEUE_WITHDRAW: &str = "_acp-bridge/queue_withdraw";

/// Request of a client: the lanes and the policy of a session that was written elsewhere are to be in force.
pub const SESSION_TRUST: &str = "_acp-bridge/session_trust";

/// Request of a client: what becomes of permission requests while no controller is there.
pub const SET_POLICY: &str = "_acp-bridge/set_policy";

/// The names of all our methods.
pub const METHODS: [&str; 13] = [
    LANE_ADD,
    LANE_REMOVE,
    LANES,
    TURN_ENDED,
    CAUGHT_UP,
    DETACHED,
    QUEUE_CHANGED,
    QUEUE,
    QUEUE_EDIT,
    QUEUE_MOVE,
    QUEUE_WITHDRAW,
    SESSION_TRUST,
    SET_POLICY,
];
