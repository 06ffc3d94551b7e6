//! Addresses of bridges on this machine.

use std::ffi::OsString;
use std::net::SocketAddr;

use crate::cli::identity;

/// Addresses that follow from a log and an agent. Another program may have one or the other.
const DERIVED: usize = 8;
/// Their ports: below those that systems give to connections.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The address in `ws://ADDRESS/acp` if it is one of this machine alone.
pub(super) fn loopback(address: &str) -> Option<SocketAddr> {
    let host = address.strip_prefix("ws://")?.strip_suffix("/acp")?;
    let socket = host.replace("localhost", "127.0.0.1").parse::<SocketAddr>().ok()?;
    (socket.ip().is_loopback() && socket.port() != 0).then_some(socket)
}

/// The addresses that a bridge may have whose log and agent have these fingerprints, beside the one that was asked for
/// and on the same interface. The same bridge has the same ones each time.
pub(super) fn derived(asked: SocketAddr, agent: &str, log: &str) -> impl Iterator<Item = SocketAddr> {
    let parts = [OsString::from(agent), OsString::from(log)];
    (0..DERIVED).map(move |nth| {
        let digits = identity::hash(&[parts.as_slice(), &[nth.to_string().into()]].concat());
        let number = u64::from_str_radix(digits.get(..15).unwrap_or_default(), 16).unwrap_or_default();
        let port = number % u64::from(PORTS.end - PORTS.start);
        SocketAddr::new(asked.ip(), PORTS.start + u16::try_from(port).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{DERIVED, PORTS, derived, loopback};

    #[test]
    fn only_addresses_of_this_machine_can_be_started_on() {
        let of = |address| loopback(address).map(|socket| socket.to_string());
        assert_eq!(of("ws://127.0.0.1:4477/acp").as_deref(), Some("127.0.0.1:4477"));
        assert_eq!(of("ws://localhost:1/acp").as_deref(), Some("127.0.0.1:1"));
        assert_eq!(of("ws://[::1]:1/acp").as_deref(), Some("[::1]:1"));
        for elsewhere in
            ["ws://10.0.0.1:4477/acp", "ws://example.org:1/acp", "ws://127.0.0.1/acp", "ws://127.0.0.1:0/acp"]
        {
            assert_eq!(loopback(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn addresses_follow_from_the_log_and_the_agent() {
        let asked = "127.0.0.1:4477".parse().unwrap();
        let of = |agent, log| derived(asked, agent, log).collect::<BTreeSet<_>>();
        assert_eq!(of("a", "l"), of("a", "l"));
        assert!(of("a", "l").is_disjoint(&of("b", "l")) && of("a", "l").is_disjoint(&of("a", "m")));
        assert_eq!(of("a", "l").len(), DERIVED);
        assert!(of("a", "l").iter().all(|address| address.ip() == asked.ip() && PORTS.contains(&address.port())));
    }
}
