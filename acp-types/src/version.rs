//! Negotiation of the protocol version (ACP v1, "Initialization").

/// The version an agent answers `initialize` with: the client's when it is among `supported`, else the newest that
/// is; the client then decides whether to go on. `None` only when `supported` is empty.
#[must_use]
pub fn negotiate(requested: u16, supported: &[u16]) -> Option<u16> {
    if supported.contains(&requested) { Some(requested) } else { supported.iter().copied().max() }
}

#[cfg(test)]
mod tests {
    use super::negotiate;

    #[test]
    fn an_unknown_version_is_answered_with_the_newest_known() {
        assert_eq!(negotiate(1, &[1, 2]), Some(1));
        assert_eq!(negotiate(9, &[1, 2]), Some(2));
        assert_eq!(negotiate(0, &[1]), Some(1));
        assert_eq!(negotiate(1, &[]), None);
    }
}
