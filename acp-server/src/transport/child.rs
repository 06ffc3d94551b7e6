//! Agents as child processes: spawned, watched, and never left behind.

mod exit;
mod handle;
mod output;
mod pipe;
mod reader;
mod spec;
mod stderr;
mod supervise;

pub use exit::ExitReport;
pub use handle::{ChildHandle, Deadlines, Written};
pub use output::ChildOutput;
pub use pipe::{ChildTransport, Stdin};
pub use reader::ChildReader;
pub use spec::{ChildSpec, Environment, OWN_ALLOCATOR, SpawnError};
