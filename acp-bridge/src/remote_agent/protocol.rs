//! A reliable, numbered stream of messages between an agent and its host, over sockets that come and go. Pure: no I/O,
//! clock or channels.
//!
//! The agent runs under a *dialler*, a process of ours that connects out to the host. Each side is an [`End`]: it numbers
//! what it sends 1, 2, 3 …, keeps it until the other side has acknowledged it, takes what comes in order and once, and
//! after a new socket sends again what the other side lacks.
//!
//! On a socket travel [`Frame`]s, each a text of one word and what belongs to it:
//!
//! | From | Frame | |
//! |---|---|---|
//! | dialler | `hello {…}` | the first of each socket: who it is and what it has, [`Hello`] |
//! | host | `welcome {…}` | the agent that the hello names goes on; what the host has of it |
//! | host | `start {…}` | start an agent |
//! | host | `refused {…}` | the dialler is not wanted, and why |
//! | both | `m N MESSAGE` | one ACP message, whole, under its number |
//! | both | `ack N` | everything up to this number is safe |
//! | host | `assign {…}` | the session and the lane that the agent serves from now on |
//! | host | `stop {…}` | stop the agent |
//! | dialler | `exited {…}` | the agent has ended, and how; behind everything that it has said |
//! | host | `gone {…}` | the host has heard of that end |
//! | both | `beat` | nothing to say, but there |

mod end;
mod frame;
mod hello;
mod open;

pub use end::{Broken, End};
pub use frame::{Frame, FrameError};
pub use hello::{Asked, Assign, Calling, Exited, Gone, Hello, Refused, Serve, Start, Stop, Welcome};
pub use open::{Open, Side};

/// The version of the frames. A host refuses a hello of any other.
pub const VERSION: u32 = 1;
