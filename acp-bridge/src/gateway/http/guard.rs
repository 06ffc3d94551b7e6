//! Keeps pages of other sites out: a browser sends them here with its own `Host` or `Origin` (DNS rebinding, and
//! WebSockets, which know no same-origin policy). A page on another port of this machine is another site: whoever wrote
//! it would drive the agent.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::origin::{self, Origin};

/// Characters of an origin that are repeated in an answer.
const SHOWN: usize = 200;

/// Reason why a request is kept out.
#[derive(Debug, PartialEq, Eq)]
enum Stranger {
    Host,
    Origin(String),
}

impl IntoResponse for Stranger {
    fn into_response(self) -> Response {
        let body = match self {
            Self::Host => "this bridge serves only pages and programs of this machine: the Host of the request is not \
                           loopback\n"
                .to_owned(),
            Self::Origin(origin) => {
                let origin: String = origin.chars().take(SHOWN).collect();
                format!(
                    "pages of {origin:?} may not use this bridge: to allow them, start it with `--allow-origin {origin}`; \
                     programs send no Origin\n"
                )
            }
        };
        (StatusCode::FORBIDDEN, body).into_response()
    }
}

/// Passes requests that name this machine's loopback as `Host`, and as `Origin`, if they have one, the same host or one of
/// those that are allowed.
pub(super) async fn no_strangers(State(allowed): State<Arc<[Origin]>>, request: Request, next: Next) -> Response {
    match check(request.headers(), &allowed) {
        Ok(()) => next.run(request).await,
        Err(stranger) => {
            tracing::warn!(?stranger, path = request.uri().path(), "a request was refused");
            stranger.into_response()
        }
    }
}

fn check(headers: &HeaderMap, allowed: &[Origin]) -> Result<(), Stranger> {
    let one = |name| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (value, None) => Ok(value.map(|value| value.to_str().unwrap_or_default())),
            _ => Err(()),
        }
    };
    let host = match one(HOST) {
        Ok(Some(host)) if is_loopback(host) => host,
        _ => return Err(Stranger::Host),
    };
    match one(ORIGIN) {
        Ok(None) => Ok(()),
        Ok(Some(sent)) if origin::is_same(sent, host) || allowed.iter().any(|origin| origin.matches(sent)) => Ok(()),
        Ok(Some(sent)) => Err(Stranger::Origin(sent.to_owned())),
        Err(()) => Err(Stranger::Origin("more than one origin".to_owned())),
    }
}

/// Returns whether a host, with or without port, is a loopback name or address. Names that merely resolve to one do not
/// count.
fn is_loopback(authority: &str) -> bool {
    let (host, rest) = match authority.strip_prefix('[') {
        Some(inner) => match inner.split_once(']') {
            Some(parts) => parts,
            None => return false,
        },
        None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
    };
    let port = rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    let bracketed = authority.starts_with('[');
    let loopback = match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() && address.is_ipv6() == bracketed,
        Err(_) => !bracketed && host.eq_ignore_ascii_case("localhost"),
    };
    port && loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_and_addresses_pass_with_and_without_port() {
        for host in ["localhost", "LocalHost:80", "127.0.0.1", "127.8.9.1:65535", "[::1]", "[::1]:9000"] {
            assert!(is_loopback(host), "{host}");
        }
    }

    #[test]
    fn everything_else_is_kept_out() {
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example:80",
            "10.0.0.1",
            "[::1",
            "::1",
            "[::2]",
            "localhost:",
            "localhost:x",
            "localhost:99999",
            "[127.0.0.1]",
            "[localhost]",
            "user@localhost",
            "localhost/",
            "0.0.0.0",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_page_comes_from_the_bridge_itself_or_from_an_origin_that_is_allowed() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
        };
        let allowed = ["http://localhost:3000", "tauri://localhost", "null"].map(|origin| origin.parse().unwrap());
        assert!(check(&headers(&[("host", "localhost:1")]), &[]).is_ok());
        assert!(check(&headers(&[("host", "localhost:1"), ("origin", "http://localhost:1")]), &[]).is_ok());
        assert_eq!(check(&headers(&[]), &allowed), Err(Stranger::Host));
        for origin in ["http://localhost:3000", "tauri://localhost", "null"] {
            let headers = headers(&[("host", "localhost:1"), ("origin", origin)]);
            assert!(check(&headers, &allowed).is_ok(), "{origin}");
            assert_eq!(check(&headers, &[]), Err(Stranger::Origin(origin.to_owned())));
        }
        for origin in ["http://evil.example", "file://localhost", "http://localhost:3001", "http://127.0.0.1:1"] {
            let refused = check(&headers(&[("host", "localhost:1"), ("origin", origin)]), &allowed);
            assert_eq!(refused, Err(Stranger::Origin(origin.to_owned())));
        }
        // Not even a page that is allowed may come by another name.
        let rebound = headers(&[("host", "evil.example"), ("origin", "tauri://localhost")]);
        assert_eq!(check(&rebound, &allowed), Err(Stranger::Host));
        for name in [HOST, ORIGIN] {
            let mut twice = headers(&[("host", "localhost:3000"), ("origin", "http://localhost:3000")]);
            twice.append(name, "http://localhost:3000".parse().unwrap());
            assert!(check(&twice, &allowed).is_err());
        }
    }
}
