//! Payload types of the ACP v2 draft, from the protocol's own generated crate. They change without notice.

pub use agent_client_protocol_schema::v2::*;
pub use agent_client_protocol_schema::{MaybeUndefined, ProtocolVersion};
