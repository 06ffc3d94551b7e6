//! What we add to ACP: one key of `_meta`, and methods that begin with `_acp-bridge/`.

mod request;
mod update;

pub use request::{MetaError, RequestMeta};
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
