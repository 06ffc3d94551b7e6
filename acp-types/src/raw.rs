//! JSON text that is known to be one well-formed value and is kept exactly as it was received.

mod members;
mod owned;
mod value;

pub use members::{Elements, Members};
pub use owned::{RawBuf, present};
pub use value::{Raw, RawKind};

#[cfg(test)]
mod tests;
