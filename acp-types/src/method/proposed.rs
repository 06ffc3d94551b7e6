//! Methods that are proposed for ACP and not in its schema yet, so that they have no row in the table.

/// Request of a client: joins a session as one of several clients, with a role and a choice of history.
pub const ATTACH: &str = "session/attach";

/// Request of a client: leaves a session that goes on without it.
pub const DETACH: &str = "session/detach";

/// All of them.
pub const METHODS: [&str; 2] = [ATTACH, DETACH];
