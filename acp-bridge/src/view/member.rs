//! Members of a session, as the others see them.

use std::sync::Arc;

use acp_types::RawBuf;

use super::role::Role;

/// Members of one session, in the order in which they came. Never changes; a change makes a new one.
pub(crate) type Roster = Arc<Vec<Arc<Member>>>;

/// Member of a session, as the others see it.
#[derive(Debug)]
pub(crate) struct Member {
    /// Number of the member, which grows with every one that comes.
    pub(crate) id: u64,
    /// Id by which its connection is known in logs.
    pub(crate) connection: Arc<str>,
    /// Name of the client, `clientId`: its own choice, or that of the connection. Nobody else in the session has it.
    pub(crate) client: Arc<str>,
    pub(crate) role: Role,
    /// Description that it gave of itself, `clientInfo`.
    pub(crate) info: Option<RawBuf>,
}
