//! OpenAI Responses.

mod body;
mod patch;
mod request;
mod stream;
mod tools;

pub(super) use body::{error, review};
pub(super) use request::Request;
pub(super) use stream::render;
