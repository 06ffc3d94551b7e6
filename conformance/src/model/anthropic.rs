//! Anthropic Messages.

mod body;
mod history;
mod opencode;
mod request;
mod stream;
mod tasks;
mod tool_use;
mod tools;

pub(super) use body::{error, summary};
pub(super) use request::Request;
pub(super) use stream::render;
