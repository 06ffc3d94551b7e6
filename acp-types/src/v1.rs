//! Payload types of ACP v1, from the protocol's own generated crate.

pub use agent_client_protocol_schema::v1::*;
pub use agent_client_protocol_schema::{MaybeUndefined, ProtocolVersion};
