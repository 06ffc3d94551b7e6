//! Prompts for agents that can work in the background.

/// A command that goes on when its turn is over, for a minute at most. It leaves [`super::MARKER`] once [`GO`] is there.
pub const COMMAND: &str = "Start this shell command in the background and do not wait for it: for i in $(seq 600); do \
                           test -e conformance-go.txt && touch conformance-marker.txt && break; sleep 0.1; done";
/// The file that [`COMMAND`] waits for.
pub const GO: &str = "conformance-go.txt";
/// A tool call that goes on until it is stopped.
pub const WAIT: &str = "Run the shell command: sleep 60";
