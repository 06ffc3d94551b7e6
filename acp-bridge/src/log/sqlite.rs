//! The log in one SQLite file.
//!
//! One thread writes and commits whatever has queued while the last commit ran (group commit); a small append that finds
//! nothing queued is committed by its caller, since to wake a thread takes longer. Readers near the head are served from
//! the [`Hub`](super::hub::Hub) and all others by a few read-only connections. Checkpoints run on a connection of their own, so that no
//! commit pays for one. The file can be read with the `sqlite3` tool while the bridge runs: the view `records` shows it in
//! readable form.

mod big;
mod check;
mod checkpointer;
mod compact;
mod connection;
mod erasure;
mod failure;
mod garbage;
mod import;
mod job;
mod lock;
mod open;
mod owner;
mod pace;
mod place;
mod readers;
mod reading;
mod row;
mod schema;
mod store;
mod thread;
mod tidying;
mod view;
mod wal_room;
mod writer;

pub use self::check::Checked;
pub use self::compact::Compacted;
pub use self::connection::Durability;
pub use self::import::SqliteImport;
pub use self::owner::{Adopted, Adoption, Rewrite};
pub use self::view::SqliteView;
pub use self::writer::SqliteLog;
