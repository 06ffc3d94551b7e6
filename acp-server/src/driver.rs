//! The task that runs one connection: bytes in, events out, and the reverse.
//!
//! One bounded queue in each direction. What has left it and is not written yet keeps its place in it, in bytes.
//!
//! | Direction | Queue | Bound | Beside it |
//! |---|---|---|---|
//! | out | what the outboxes have sent, until it is written: in the channel, ready in the connection core, in the batch that is written | [`Config::outbox_messages`] in the channel, [`Config::outbox_bytes`] in all | answers that the core makes by itself: at the bound of `sending`, reading stops |
//! | in | events until the inbox takes them | [`Config::inbox_events`], [`Config::inbox_bytes`] | what one read has brought |
//!
//! The connection core holds what one turn of the task has made, until the end of that turn: an event goes into the
//! inbox at once, a frame waits for the batch that is written. `life` says what a connection still takes, writes and hears.

mod inbox;
mod life;
mod lookout;
mod outbox;
mod sending;
mod silence;
mod task;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::proto::{Connection, Unfinished};
use crate::transport::Transport;

pub use inbox::Inbox;
pub use outbox::{Closed, Outbox, TryError};

/// The application's side of a running connection.
///
/// Dropping both halves closes it after what is queued has been written.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "made to be taken apart")]
pub struct Link {
    /// Sends.
    pub outbox: Outbox,
    /// Receives.
    pub inbox: Inbox,
}

/// Starts the one task that owns the connection. It ends by itself: see [`Outbox::finished`].
///
/// # Panics
/// Outside a Tokio runtime.
pub fn start<T: Transport>(transport: T, config: Config) -> Link {
    resume(transport, config, Unfinished::default())
}

/// [`start`] for a connection that goes on where an earlier one with the same peer was cut off: answers to what that
/// one asked are heard, and what it was asked can be answered. Take a [`Config::first_request`] that is beyond all keys
/// that the peer still knows.
///
/// # Panics
/// Outside a Tokio runtime.
pub fn resume<T: Transport>(transport: T, config: Config, unfinished: Unfinished) -> Link {
    let (reader, writer) = transport.split(config.limits.frame.max_bytes);
    let (commands, received) = mpsc::channel(config.outbox_messages.max(1));
    let (delivery, inbox) = inbox::queue();
    let finished = CancellationToken::new();
    let closing = CancellationToken::new();
    let released = CancellationToken::new();
    let outbox = Outbox::new(commands, &config, closing.clone(), released.clone(), finished.clone());
    let queue = task::Queue { commands: received, credit: outbox.credit(), closing, released };
    let connection = Connection::resume(config.limits, unfinished);
    tokio::spawn(task::Task::new(reader, writer, connection, config, queue, delivery, finished).run());
    Link { outbox, inbox }
}
