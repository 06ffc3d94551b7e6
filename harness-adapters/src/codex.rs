//! The Codex CLI, `codex app-server`.
