//! The agent behind the bridge, without the bridge.

use crate::core::probe::Probe;
use crate::mock::{self, Breaks, Store};

/// Connects to a mock agent in this process, without the bridge.
pub(super) async fn open(probe: &mut Probe) {
    probe.open_link("the mock agent itself", mock::inside(Breaks::default(), Store::default())).await;
}
