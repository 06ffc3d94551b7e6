//! stdout for results, stderr for the rest.

use std::io::Write;

use tracing_subscriber::EnvFilter;

/// Writes one line to stdout at once.
pub(super) fn line(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes bytes to stdout at once, as they are.
pub(super) fn bytes(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes text to stdout at once, without a line end.
pub(super) fn text(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Says on stderr why the command failed, cause by cause.
pub(super) fn error(error: &anyhow::Error) {
    // Nothing is left to tell when stderr is gone.
    let _ = writeln!(std::io::stderr(), "acp-bridge: {error:#}");
}

/// Logs to stderr: warnings, or what `-v`, `-vv` or `ACP_BRIDGE_LOG` ask for.
pub(super) fn logging(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("ACP_BRIDGE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}
