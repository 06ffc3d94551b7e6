//! All that a caller may ask of sessions, whichever door it came through.
//!
//! A door reads a message, makes the [`Principal`] of whoever sent it, calls the service and writes the answer. Only here is
//! it decided whether a principal may have what it asks for, is what all doors ask for validated, and are commands made and
//! submitted.
//!
//! | File | Is |
//! |---|---|
//! | `operation` | the table: what may be asked, and the least role for it |
//! | `access` | whether a principal may |
//! | `caller` | a principal on one connection |
//! | `validate`, `command` | from what a door has read to the command for a host. Pure |
//! | `submit` | commands on their way to the host |
//! | `list`, `read`, `wait`, `export` | what a log says |
//! | `shown` | a record as it leaves the host |
//! | `follower` | one follower for each session that is read: its state, and the newest records |
//! | `error` | why not |

mod access;
mod caller;
pub(crate) mod command;
mod error;
mod export;
pub(crate) mod follower;
mod list;
mod operation;
mod read;
mod shown;
mod submit;
pub(crate) mod validate;
mod wait;

use std::sync::Arc;

use acp_types::SessionId;
use tokio_util::sync::CancellationToken;

pub use crate::principal::{Principal, Role, Sessions};
pub use access::Denied;
pub use operation::Operation;

pub(crate) use caller::Caller;
pub(crate) use error::ServiceError;
pub(crate) use shown::shown;
pub(crate) use submit::ServiceAnswer;
pub(crate) use validate::Invalid;

use self::follower::Followers;
use crate::command::Commander;
use crate::log::SessionLog;

/// Service that the doors of a gateway share; cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct SessionService {
    log: Arc<dyn SessionLog>,
    commander: Commander,
    followers: Arc<Followers>,
    stop: Option<CancellationToken>,
}

impl SessionService {
    /// Creates a service. `commander` submits for the gateway's clients, `followers` are those of the gateway.
    pub(crate) fn new(log: Arc<dyn SessionLog>, commander: Commander, followers: Arc<Followers>) -> Self {
        Self { log, commander, followers, stop: None }
    }

    /// Lets callers stop the bridge, which ends when `stop` is cancelled.
    pub(crate) fn stopped_by(mut self, stop: Option<CancellationToken>) -> Self {
        self.stop = stop;
        self
    }

    /// Stops the bridge. It ends some time after this has returned.
    pub(crate) fn stop(&self, caller: &Caller) -> Result<(), ServiceError> {
        let principal = caller.principal();
        principal.may(Operation::StopBridge)?;
        let stop = self.stop.as_ref().ok_or(ServiceError::NoStop)?;
        tracing::info!(identity = principal.identity, "a caller stops the bridge");
        stop.cancel();
        Ok(())
    }

    pub(crate) fn followers(&self) -> &Arc<Followers> {
        &self.followers
    }

    /// Checks that the caller may have an operation done in a session.
    #[expect(clippy::unused_self, reason = "whoever asks has a service; tokens that end are known to it alone")]
    pub(crate) fn check(&self, caller: &Caller, operation: Operation, session: &SessionId) -> Result<(), ServiceError> {
        Ok(caller.principal().may_in(operation, session)?)
    }
}
