//! Keeps pages of other sites out: a browser sends them here with its own `Host` (DNS rebinding).

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Passes requests that name this machine's loopback as `Host`, and as `Origin` if they have one.
pub(super) async fn loopback_only(request: Request, next: Next) -> Response {
    if allowed(request.headers()) {
        next.run(request).await
    } else {
        let body = "this server is for this machine only: Host, and Origin if any, have to name loopback\n";
        (StatusCode::FORBIDDEN, body).into_response()
    }
}

fn allowed(headers: &HeaderMap) -> bool {
    let host = match one(headers, &HOST) {
        Some(Some(host)) => is_loopback(host),
        _ => false,
    };
    let origin = match one(headers, &ORIGIN) {
        None => false,
        Some(None) => true,
        Some(Some(origin)) => {
            origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")).is_some_and(is_loopback)
        }
    };
    host && origin
}

/// The one value of a header, if any; `None` when there are several.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Some(value.map(|value| value.to_str().unwrap_or_default())),
        _ => None,
    }
}

/// Returns whether a host, with or without port, is a loopback name or address. Names that merely resolve to one do not
/// count.
fn is_loopback(authority: &str) -> bool {
    let bracketed = authority.starts_with('[');
    let (host, rest) = match authority.strip_prefix('[') {
        Some(inner) => match inner.split_once(']') {
            Some(parts) => parts,
            None => return false,
        },
        None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
    };
    let port = rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    let loopback = match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() && address.is_ipv6() == bracketed,
        Err(_) => !bracketed && host.eq_ignore_ascii_case("localhost"),
    };
    port && loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for &(name, value) in pairs {
            map.append(name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn loopback_names_pass_with_and_without_port() {
        for host in ["localhost", "LocalHost:80", "127.0.0.1", "127.8.9.1:65535", "[::1]", "[::1]:9000"] {
            assert!(allowed(&headers(&[("host", host)])), "{host}");
        }
        assert!(allowed(&headers(&[("host", "localhost"), ("origin", "http://localhost:3000")])));
    }

    #[test]
    fn everything_else_is_kept_out() {
        for host in ["", "evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::1", "::1", "localhost:x", "0.0.0.0"]
        {
            assert!(!allowed(&headers(&[("host", host)])), "{host}");
        }
        assert!(!allowed(&headers(&[])));
        assert!(!allowed(&headers(&[("host", "localhost"), ("host", "evil.example")])));
        for origin in ["null", "http://evil.example", "file://localhost"] {
            assert!(!allowed(&headers(&[("host", "localhost"), ("origin", origin)])), "{origin}");
        }
    }
}
