//! A principal on one connection.

use std::sync::Arc;

use super::access::attached_as;
use super::{Denied, Operation, Principal, Role};

/// Caller of an operation, and the name that the log knows its connection by.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    principal: Arc<Principal>,
    client: Arc<str>,
}

impl Caller {
    /// Creates a caller. `client` names the connection in every log that it writes to.
    pub(crate) fn new(principal: Arc<Principal>, client: Arc<str>) -> Self {
        Self { principal, client }
    }

    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Principal of the caller, shared to go with a command.
    pub(crate) fn shared_principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    pub(crate) fn client(&self) -> &Arc<str> {
        &self.client
    }

    /// Caller of the same principal, by another name.
    pub(crate) fn renamed(&self, client: Arc<str>) -> Self {
        Self { principal: Arc::clone(&self.principal), client }
    }

    /// Checks that it may have the operation done in a session to which its connection is attached in a role, or to
    /// none. That the session is one of its own is for the service to say.
    pub(crate) fn may(&self, operation: Operation, attached: Option<Role>) -> Result<(), Denied> {
        self.principal.may(operation)?;
        attached.map_or(Ok(()), |role| attached_as(role, operation))
    }
}
