//! Prompts for agents that can delegate to subagents. Our mock agent understands them; a model that is ours only where its
//! harness has subagents.

/// A subagent that says one short text.
pub const DELEGATE: &str = "Let a subagent reply with the word OK, and wait for it.";
/// A subagent that goes on until it is stopped.
pub const DELEGATE_COUNT: &str = "Let a subagent count from 1 to 1000, slowly, and wait for it.";
