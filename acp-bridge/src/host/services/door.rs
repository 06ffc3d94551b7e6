//! The door of the services to their agent: refusals as JSON-RPC's error objects.

use std::io;

use acp_server::transport::child::SpawnError;
use acp_types::RawError;
use acp_types::error::{ErrorCode, error};

use super::refusal::Refusal;

impl From<Refusal> for RawError {
    fn from(refusal: Refusal) -> Self {
        Self::from(&error(code_of(&refusal), refusal.to_string(), None))
    }
}

fn code_of(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::Method(_) => ErrorCode::METHOD_NOT_FOUND,
        Refusal::Missing(_) | Refusal::NoTerminal(_) => ErrorCode::RESOURCE_NOT_FOUND,
        Refusal::Spawn(SpawnError::Program { source, .. }) => match source.kind() {
            io::ErrorKind::NotFound => ErrorCode::RESOURCE_NOT_FOUND,
            io::ErrorKind::InvalidInput => ErrorCode::INVALID_PARAMS,
            _ => ErrorCode::INTERNAL_ERROR,
        },
        Refusal::Withdrawn => ErrorCode::REQUEST_CANCELLED,
        Refusal::Params(_)
        | Refusal::Relative(_)
        | Refusal::Outside { .. }
        | Refusal::ReadOnly(_)
        | Refusal::NoFile { .. }
        | Refusal::NoDirectory(_)
        | Refusal::NoText { .. }
        | Refusal::LongRead { .. }
        | Refusal::FarRead { .. }
        | Refusal::LongWrite { .. } => ErrorCode::INVALID_PARAMS,
        Refusal::Io { .. }
        | Refusal::Torn { .. }
        | Refusal::Spawn(_)
        | Refusal::ManyTerminals(_)
        | Refusal::Busy(_)
        | Refusal::Task(_)
        | Refusal::Encode(_) => ErrorCode::INTERNAL_ERROR,
    }
}
