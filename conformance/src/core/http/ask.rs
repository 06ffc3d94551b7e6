//! Requests as clients of streamable HTTP send them.

use serde_json::Value;

/// The header that names the connection.
pub(crate) const CONNECTION: &str = "acp-connection-id";
/// The header that names the session.
pub(crate) const SESSION: &str = "acp-session-id";
/// Statuses of a server that accepts no POST at all.
pub(crate) const NO_POST: [u16; 4] = [404, 405, 426, 501];

/// A request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ask<'a> {
    /// Its method.
    pub(crate) method: &'a str,
    /// Its headers, besides `Host`.
    pub(crate) headers: Vec<(&'a str, String)>,
    /// Its body; none if empty.
    pub(crate) body: String,
    /// True if it goes by HTTP/2 with prior knowledge and not by HTTP/1.1.
    pub(crate) http2: bool,
}

/// A POST with these headers more.
pub(crate) fn post<'a>(body: &Value, headers: &[(&'a str, &str)]) -> Ask<'a> {
    let mut all = vec![("content-type", "application/json".to_owned())];
    all.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
    Ask { method: "POST", headers: all, body: body.to_string(), http2: false }
}

/// A GET for events with these headers more.
pub(crate) fn get<'a>(headers: &[(&'a str, &str)]) -> Ask<'a> {
    let mut all = vec![("accept", "text/event-stream".to_owned())];
    all.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
    Ask { method: "GET", headers: all, body: String::new(), http2: false }
}

/// A DELETE with these headers.
pub(crate) fn delete<'a>(headers: &[(&'a str, &str)]) -> Ask<'a> {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Ask { method: "DELETE", headers, body: String::new(), http2: false }
}
