//! Names that the tester gives as a server.

/// Id of the server's one connection.
pub(super) const CONNECTION_ID: &str = "conformance-connection";
/// The cookie that it gives to its clients.
pub(super) const COOKIE: &str = "conformance=5309";
