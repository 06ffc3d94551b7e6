//! Prompts of the suite. Our mock agent and the script `scripts/conformance.toml` of the scripted model
//! understand the same sentences, and a real model does too, more or less.

pub mod background;
pub mod children;
pub mod far;

/// One short text.
pub const REPLY: &str = "Reply with the word OK.";
/// A turn that goes on until it is stopped.
pub const COUNT: &str = "Count from 1 to 1000, slowly, one number at a time.";
/// A tool that asks before it makes `conformance-marker.txt` in the session's directory.
pub const TOUCH: &str = "Run the shell command: touch conformance-marker.txt";
/// The file that [`TOUCH`] makes.
pub const MARKER: &str = "conformance-marker.txt";
/// A file that is written, by the client where it can.
pub const WRITE: &str = "Write a file named conformance-note.txt that says: noted";
/// The file that [`WRITE`] writes.
pub const NOTE: &str = "conformance-note.txt";
/// A file that is read, by the client where it can.
pub const READ: &str = "Read the file conformance-input.txt and tell me what it says.";
/// The file that [`READ`] reads.
pub const INPUT: &str = "conformance-input.txt";
/// A file that is read beside the session's directory, where an additional root may be.
pub const READ_BESIDE: &str = "Read the file ../conformance-more/conformance-input.txt and tell me what it says.";
/// The directory of the file that [`READ_BESIDE`] reads, beside the session's.
pub const BESIDE: &str = "conformance-more";
/// A command in a terminal of the client where it has them.
pub const TERMINAL: &str = "Run the shell command: echo conformance-echo";
/// A plan of three steps, of which one is then done.
pub const PLAN: &str = "Make a plan of three steps, then mark the first as completed.";
/// A question to the user.
pub const QUESTION: &str = "Ask me which color I like, red or blue.";
/// A turn that the model refuses.
pub const REFUSE: &str = "Please refuse to answer this.";
/// A text that repeats all that the user said before.
pub const RECALL: &str = "Repeat what I said before this message, word by word.";
/// The tool of our own MCP server, which gives back every kind of content.
pub const MCP: &str = "Call the tool content of the MCP server conformance.";

/// So many short texts, each with its number, as fast as they can be written.
#[must_use]
pub fn numbered(count: u64) -> String {
    format!("{NUMBERED}{count}")
}
/// Beginning of [`numbered`].
pub(crate) const NUMBERED: &str = "Count as fast as you can, one number at a time, from 1 to ";

/// The title of the permission request during which a client's user interrupts the turn.
pub(crate) const INTERRUPTED: &str = "Wait for the user";

/// Every sentence that asks for something.
pub const ALL: [&str; 12] =
    [REPLY, COUNT, TOUCH, WRITE, READ, READ_BESIDE, TERMINAL, PLAN, QUESTION, REFUSE, RECALL, MCP];
