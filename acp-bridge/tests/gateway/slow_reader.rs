//! P10: a client that stops reading costs a bounded amount, slows nobody, and then gets everything.

use crate::support::{World, text_of};
use serde_json::json;

/// Records of about 1 KiB, far more than the sockets between gateway and client hold.
const COUNT: usize = 60_000;
const PADDING: usize = 1000;

/// What the operating system may hold for one stalled connection, and what the gateway may.
const KERNEL: usize = 16 << 20;
const GATEWAY: usize = 1 << 20;

#[test]
fn a_client_that_stops_reading_is_read_for_no_further_than_its_queue() {
    let world = World::start();
    let (mut fast, mut stalled) = (world.client(), world.client());
    let session = fast.new_session();
    stalled.resume(&session, None);
    let flood = world.flood(&session, None, COUNT, PADDING);
    let mut next = 0;
    let mut bytes = 0;
    while next < COUNT {
        let message = fast.next();
        if text_of(&message) != "early" {
            assert!(text_of(&message).starts_with(&format!("{next} ")));
            next += 1;
            bytes += fast.wire.last_raw.len();
        }
    }
    world.runtime.block_on(flood).expect("the flood");
    let for_stalled = world.log.bytes_read().saturating_sub(bytes);
    assert!(for_stalled < KERNEL + GATEWAY, "{for_stalled} bytes were read for a client that takes none");

    // It is still heard while it does not read.
    stalled.notify("session/cancel", &json!({ "sessionId": session }));
    world.command("stop", |command| matches!(command, acp_bridge::session::Command::Cancel { .. }));
    for number in 0..COUNT {
        let message = stalled.next();
        assert!(text_of(&message).starts_with(&format!("{number} ")), "{number}");
    }
}
