//! `acp-bridge` with one engine more: `socket:PATH`, a log that a test keeps in its own process. It has `host` and
//! `gateway` run as two processes that share nothing but that log.

#[path = "../tests/split_support/client.rs"]
mod client;
#[path = "../tests/split_support/protocol.rs"]
mod protocol;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use acp_bridge::log::{OpenError, SessionLog};

fn main() -> ExitCode {
    acp_bridge::cli::main_with(|url| {
        let path = PathBuf::from(url.strip_prefix("socket:")?);
        Some(Box::pin(async move {
            match client::RemoteLog::connect(path.clone()).await {
                Ok(log) => Ok(Arc::new(log) as Arc<dyn SessionLog>),
                Err(error) => Err(OpenError::Io { path, reason: error.to_string() }),
            }
        }))
    })
}
