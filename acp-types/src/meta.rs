//! What we add to ACP: one key of `_meta`, and methods that begin with `_acp-bridge/`.

mod request;
mod update;

pub use request::{MetaError, RequestMeta};
pub use update::UpdateMeta;

/// Our key in every `_meta`.
pub const META_KEY: &str = "acp-bridge";

/// Notification to clients: a turn ended that they may not have started.
pub const TURN_ENDED: &str = "_acp-bridge/turn_ended";

/// Notification to clients: what follows is live, all history has been sent.
pub const CAUGHT_UP: &str = "_acp-bridge/caught_up";

/// Notification to clients: a session that they followed was deleted or can be read no longer.
pub const DETACHED: &str = "_acp-bridge/detached";
