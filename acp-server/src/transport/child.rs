//! Agents as child processes: spawned, watched, and never left behind.

mod handle;
mod output;
mod pipe;
mod spec;
mod stderr;
mod supervise;

pub use handle::{ChildHandle, Deadlines, ExitReport};
pub use output::ChildOutput;
pub use pipe::{ChildTransport, Stdin};
pub use spec::{ChildSpec, Environment, SpawnError};
