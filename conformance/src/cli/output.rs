//! Output of the program: results to stdout, everything else to stderr.

use std::io::{self, Write as _};

use acp_types::printable;
use tracing_subscriber::EnvFilter;

/// One line to stdout, at once.
pub(super) fn line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", printable::text(text))?;
    stdout.flush()
}

/// Prints why the program failed.
pub(super) fn error(error: &anyhow::Error) {
    // Nowhere is left to say that stderr is gone.
    let _ = writeln!(io::stderr().lock(), "acp-conformance: {}", printable::text(&format!("{error:#}")));
}

/// Logs to stderr.
pub(super) fn logging(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("ACP_CONFORMANCE_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("conformance={level}")));
    let writer = || printable::LineWriter::new(io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).init();
}
