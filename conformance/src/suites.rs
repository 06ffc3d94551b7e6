//! Every suite.

use crate::core::suite::Suite;
use crate::{bridge, v1, v2};

/// Every suite, in the order in which tables show them.
#[must_use]
pub fn all() -> [Suite; 9] {
    [
        v1::agent::SUITE,
        v1::agent::SOCKET,
        v1::http::SUITE,
        v1::client::SUITE,
        v1::client::REMOTE,
        bridge::SUITE,
        bridge::DURABLE,
        v2::agent::SUITE,
        v2::client::SUITE,
    ]
}
