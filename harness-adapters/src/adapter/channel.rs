//! The channel to and from one session of a harness.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::failure::Failure;

/// The channel to and from one session of a harness. Dropping it ends the session there, as [`Channel::shutdown`] does, but
/// waits for nothing.
pub struct Channel {
    /// Messages to the harness, one each, without line end. Bounded; a full one is back-pressure.
    pub to: mpsc::Sender<Bytes>,
    /// Messages of the harness. Bounded; not reading it stops the harness in the end. After [`FromHarness::Exited`]
    /// nothing comes.
    pub from: mpsc::Receiver<FromHarness>,
    /// Ends the process at once, for a harness that hangs.
    pub kill: Box<dyn Fn() + Send + Sync>,
    /// Ends the session in order and waits for that, in bounded time.
    pub shutdown: Box<dyn FnOnce() -> futures_util::future::BoxFuture<'static, ()> + Send>,
}

/// A message of a harness, or its end.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "a message or the end")]
pub enum FromHarness {
    /// One line, not yet parsed.
    Line(Bytes),
    /// The end, with its last output on stderr.
    Exited(Failure),
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").finish_non_exhaustive()
    }
}
