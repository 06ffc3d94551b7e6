//! Secrets of a command that no queue may have: they are left out on the way, and put back where they were, byte for
//! byte.

use acp_types::{Raw, RawBuf, method};
use serde::{Deserialize, Serialize};

use crate::session::{Command, has_definitions, has_secrets};
use crate::vault::VaultError;

/// Secrets that were left out of a command: whole params, so that what is put back is what was there. This is what a
/// vault keeps.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Withheld {
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<RawBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initialize: Option<RawBuf>,
}

impl Withheld {
    /// Leaves out of a command what holds secrets; `null` stands there then. `None` when nothing does.
    pub(super) fn from(command: &mut Command) -> Option<Self> {
        let (params, initialize) = match command {
            Command::Create { params, initialize } => {
                (take_if(params, has_secrets), take_if(initialize, has_definitions))
            }
            Command::Attach { params } => (take_if(params, has_secrets), None),
            Command::Describe { initialize } => (None, take_if(initialize, has_definitions)),
            Command::Call { method, params, .. } | Command::Notify { method, params, .. } => {
                let of_method = method::carries_credentials(method) || method::is_extension(method);
                (params.take_if(|params| is_secret(params.as_raw(), of_method)), None)
            }
            _ => (None, None),
        };
        (params.is_some() || initialize.is_some()).then_some(Self { params, initialize })
    }

    /// Puts it back.
    ///
    /// # Errors
    /// When the command has no place for it.
    pub(super) fn put_back(self, command: &mut Command) -> Result<(), VaultError> {
        let (of_params, of_initialize) = match command {
            Command::Create { params, initialize } => (Some(params), Some(initialize)),
            Command::Attach { params } => (Some(params), None),
            Command::Describe { initialize } => (None, Some(initialize)),
            Command::Call { params, .. } | Command::Notify { params, .. } => {
                (Some(params.get_or_insert_default()), None)
            }
            _ => (None, None),
        };
        for (place, withheld) in [(of_params, self.params), (of_initialize, self.initialize)] {
            if let Some(withheld) = withheld {
                *place.ok_or(VaultError::Damaged)? = withheld;
            }
        }
        Ok(())
    }
}

fn take_if(place: &mut RawBuf, is_secret: impl FnOnce(Raw<'_>) -> bool) -> Option<RawBuf> {
    is_secret(place.as_raw()).then(|| std::mem::take(place))
}

/// Returns whether params of a call hold secrets. What only client and agent understand counts as one: it may be a
/// login.
fn is_secret(params: Raw<'_>, of_method: bool) -> bool {
    !params.is_null() && (of_method || has_definitions(params))
}
