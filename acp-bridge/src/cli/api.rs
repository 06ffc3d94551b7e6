//! The session API of a running bridge, for the commands that want the log itself.

use acp_types::api::jsonrpsee::core::client::{Client, Error};
use acp_types::api::{self, ConnectError};

use super::exit::{Exit, coded};

/// Connects to the bridge at an `http://` URL.
pub(super) async fn connect(url: &str) -> anyhow::Result<Client> {
    api::connect(url).await.map_err(|error| match error {
        ConnectError::Unreachable { .. } => coded(Exit::Unreachable, error.to_string()),
        other => anyhow::Error::from(other),
    })
}

/// Error for a call that failed: the bridge's own words, or that it is gone.
pub(super) fn failed(error: Error) -> anyhow::Error {
    match error {
        Error::Call(refused) => anyhow::anyhow!("{} ({})", refused.message(), refused.code()),
        other => {
            coded(Exit::Unreachable, format!("the bridge did not answer: {other}; the session goes on without it"))
        }
    }
}
