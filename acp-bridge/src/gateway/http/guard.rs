//! Keeps pages of other sites out: a browser sends them here with its own `Host` or `Origin` (DNS rebinding, and
//! WebSockets, which know no same-origin policy).

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Passes requests that name this machine's loopback as `Host`, and as `Origin` if they have one.
pub(super) async fn loopback_only(request: Request, next: Next) -> Response {
    match check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(what) => {
            let body = format!("this bridge serves only pages and programs of this machine: {what} is not loopback\n");
            (StatusCode::FORBIDDEN, body).into_response()
        }
    }
}

fn check(headers: &HeaderMap) -> Result<(), &'static str> {
    let one = |name| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (value, None) => Ok(value.map(|value| value.to_str().unwrap_or_default())),
            _ => Err(()),
        }
    };
    match one(HOST) {
        Ok(Some(host)) if is_loopback(host) => {}
        _ => return Err("the Host of the request"),
    }
    match one(ORIGIN) {
        Ok(None) => Ok(()),
        Ok(Some(origin)) if origin_host(origin).is_some_and(is_loopback) => Ok(()),
        _ => Err("the Origin of the request"),
    }
}

/// Host and port of a web origin; `null` and other schemes have none.
fn origin_host(origin: &str) -> Option<&str> {
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
}

/// Whether a host, with or without port, is a loopback name or address. Names that merely resolve to one do not count.
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
    fn host_and_origin_are_both_looked_at() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
        };
        assert!(check(&headers(&[("host", "localhost:1")])).is_ok());
        assert!(check(&headers(&[("host", "localhost:1"), ("origin", "http://localhost:3000")])).is_ok());
        assert!(check(&headers(&[])).is_err());
        for origin in ["null", "http://evil.example", "file://localhost", "http://localhost.evil.example"] {
            assert!(check(&headers(&[("host", "localhost"), ("origin", origin)])).is_err(), "{origin}");
        }
        let mut twice = headers(&[("host", "localhost")]);
        twice.append(HOST, "evil.example".parse().unwrap());
        assert!(check(&twice).is_err());
    }
}
