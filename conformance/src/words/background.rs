//! What prompts say to agents that can work in the background.

/// A command that goes on when its turn is over. It leaves [`super::MARKER`].
pub const COMMAND: &str = "Start this shell command in the background and do not wait for it: sleep 1 && touch \
                           conformance-marker.txt";
/// A tool call that goes on until it is stopped.
pub const WAIT: &str = "Run the shell command: sleep 60";
