//! Gemini `generateContent`.

mod body;
mod request;
mod stream;
mod tools;

pub(super) use body::error;
pub(super) use request::Request;
pub(super) use stream::render;
