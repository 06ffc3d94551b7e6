//! The bytes to and from a subject, as they are: what a library would refuse to send has to go out, and what it would
//! hide has to be seen.

mod handle;
pub(crate) mod http;
mod open;
mod port;
mod process;
pub(crate) mod socket;

pub(crate) use handle::{Http, Socket};
pub use open::Link;
pub(crate) use open::{Sink, Source};
pub use port::Offer;
pub(crate) use port::Port;
pub(crate) use process::Process;
pub use socket::ConnectError;
