//! One JSON-RPC 2.0 message over the bytes as received: borrowed, parsed in one pass, payloads left as raw JSON.

mod error;
mod message;
mod parse;
mod write;

pub use error::{FrameError, FrameErrorKind};
pub use message::{Frame, Limits, Notification, Request, Response};
pub(crate) use write::{error_len, push_error};
pub use write::{notification, raw_response, request, response};

#[cfg(test)]
mod tests;
