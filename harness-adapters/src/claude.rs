//! The Claude Code CLI, `claude -p` with stream-json and its control protocol.

pub mod translate;
mod wire;
