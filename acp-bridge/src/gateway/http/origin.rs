//! Origins of pages (RFC 6454): which a bridge serves besides its own.

use std::fmt;
use std::str::FromStr;

/// Origin of pages that may use the bridge: `http://localhost:8080`, `tauri://localhost`, `null`, or
/// `vscode-webview://*`, all of a scheme whose hosts are made up anew each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// Text that names no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no origin: write SCHEME://HOST or SCHEME://HOST:PORT as the browser sends it, SCHEME://* for all of an \
     application's own scheme, or null"
)]
pub struct InvalidOrigin(String);

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let text = text.trim();
        let origin = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let valid = origin == "null" || split(&origin).is_some_and(|(scheme, host)| is_named(scheme, host));
        if valid { Ok(Self(origin)) } else { Err(InvalidOrigin(text.to_owned())) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Origin {
    /// Returns whether a request's `Origin` is this one.
    pub(super) fn matches(&self, origin: &str) -> bool {
        match self.0.strip_suffix('*') {
            // The scheme with its `://`.
            Some(scheme) => origin.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)),
            None => self.0.eq_ignore_ascii_case(origin),
        }
    }
}

/// Returns whether a page of this origin was served by the host that the request names.
pub(super) fn is_same(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = split(origin) else { return false };
    let default = match () {
        () if scheme.eq_ignore_ascii_case("http") => "80",
        () if scheme.eq_ignore_ascii_case("https") => "443",
        () => return false,
    };
    let with_port = |authority: &str| {
        let port = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        let full = if port.is_some() { authority.to_owned() } else { format!("{authority}:{default}") };
        full.to_ascii_lowercase()
    };
    with_port(authority) == with_port(host)
}

fn split(origin: &str) -> Option<(&str, &str)> {
    origin.split_once("://")
}

fn is_named(scheme: &str, host: &str) -> bool {
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    // All of the web is not what anybody means.
    let all = host == "*" && !matches!(scheme, "http" | "https");
    let is_host = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'?' | b'#' | b'@' | b'*' | b','));
    is_scheme && (all || is_host)
}

#[cfg(test)]
mod tests {
    use super::{Origin, is_same};

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    #[test]
    fn an_origin_is_compared_as_browsers_write_it() {
        for (named, sent) in [
            ("http://localhost:8080", "http://localhost:8080"),
            ("HTTP://LocalHost:8080/", "http://localhost:8080"),
            ("tauri://localhost", "tauri://localhost"),
            ("vscode-webview://1a2b", "vscode-webview://1a2b"),
            ("vscode-webview://*", "vscode-webview://0c3d"),
            ("null", "null"),
        ] {
            assert!(origin(named).matches(sent), "{named} {sent}");
        }
        for (named, sent) in [
            ("http://localhost:8080", "http://localhost:80801"),
            ("http://localhost:8080", "https://localhost:8080"),
            ("http://localhost", "http://localhost.evil.example"),
            ("vscode-webview://*", "vscode-webviews://0c3d"),
            ("vscode-webview://*", "é"),
            ("null", "tauri://null"),
        ] {
            assert!(!origin(named).matches(sent), "{named} {sent}");
        }
    }

    #[test]
    fn what_names_no_origin_is_refused() {
        for text in [
            "",
            "*",
            "localhost",
            "localhost:80",
            "http://",
            "http://*",
            "https://*",
            "http://a/b",
            "://a",
            "a b://c",
            "http://u@h",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_page_of_the_bridge_itself_has_its_host_and_port() {
        for (origin, host) in [
            ("http://localhost:4477", "localhost:4477"),
            ("http://LOCALHOST:4477", "localhost:4477"),
            ("http://[::1]:4477", "[::1]:4477"),
            ("http://localhost", "localhost"),
            ("http://localhost", "localhost:80"),
            ("https://localhost", "localhost:443"),
        ] {
            assert!(is_same(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("http://localhost:8080", "localhost:4477"),
            ("http://127.0.0.1:4477", "localhost:4477"),
            ("http://localhost", "localhost:4477"),
            ("tauri://localhost", "localhost"),
            ("null", "localhost"),
            ("http://[::1]", "[::1]:4477"),
        ] {
            assert!(!is_same(origin, host), "{origin} {host}");
        }
    }
}
