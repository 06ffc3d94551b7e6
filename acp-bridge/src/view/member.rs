//! Members of a session, as the others see them.

use std::sync::Arc;

use acp_types::RawBuf;

use super::role::Role;

/// The members of one session, in the order in which they came. Never changes; a change makes a new one.
pub(crate) type Roster = Arc<Vec<Arc<Member>>>;

/// One client in one session as the others see it.
#[derive(Debug)]
pub(crate) struct Member {
    /// Grows with every member that comes.
    pub(crate) id: u64,
    /// The id by which its connection is known in logs.
    pub(crate) connection: Arc<str>,
    /// `clientId`: its own choice, or that of the connection. Nobody else in the session has it.
    pub(crate) client: Arc<str>,
    pub(crate) role: Role,
    /// `clientInfo`.
    pub(crate) info: Option<RawBuf>,
}
