//! stdout for results, stderr for the rest. Whatever goes there is made printable: most of it came from outside. What is
//! to be on one line, such as a title, its writer puts through [`printable::line`] before.

use std::io::{IsTerminal, Write};

use acp_types::printable;
use tracing_subscriber::EnvFilter;

/// Writes text and a line end to stdout at once.
pub(super) fn line(text: &str) -> std::io::Result<()> {
    bytes(format!("{}\n", printable::text(text)).as_bytes())
}

/// Writes text to stdout at once, without a line end.
pub(super) fn text(text: &str) -> std::io::Result<()> {
    bytes(printable::text(text).as_bytes())
}

/// Writes JSON to stdout at once, as one line with the same meaning.
pub(super) fn json(json: &str) -> std::io::Result<()> {
    bytes(format!("{}\n", printable::json(json)).as_bytes())
}

/// Writes lines of JSON to stdout at once: as they are, unless a terminal would obey them.
pub(super) fn json_lines(lines: &[u8]) -> std::io::Result<()> {
    if !std::io::stdout().is_terminal() {
        return bytes(lines);
    }
    String::from_utf8_lossy(lines).lines().try_for_each(json)
}

fn bytes(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Prints on stderr why the command failed, cause by cause.
pub(super) fn error(error: &anyhow::Error) {
    // Nothing is left to tell when stderr is gone.
    let _ = writeln!(std::io::stderr(), "acp-bridge: {}", printable::text(&format!("{error:#}")));
}

/// Logs to stderr: warnings, or what `-v`, `-vv` or `ACP_BRIDGE_LOG` ask for. A program that has set up a log of its own
/// before keeps that.
pub(super) fn logging(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("ACP_BRIDGE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let writer = || printable::LineWriter::new(std::io::stderr());
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).try_init();
}
