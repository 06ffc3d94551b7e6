//! stdout for results, stderr for the rest.

use std::io::Write;

use acp_types::printable;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Writes one line to stdout at once, made printable: paths, versions and errors come from outside.
pub(super) fn line(text: &str) -> std::io::Result<()> {
    write(&printable::line(text))
}

/// Writes JSON to stdout at once, as one line with the same meaning.
pub(super) fn json(json: &serde_json::Value) -> std::io::Result<()> {
    write(&printable::json(&json.to_string()))
}

fn write(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Prints the reason of a failure on stderr, cause by cause.
pub(super) fn error(error: &anyhow::Error) {
    // Nothing is left to tell when stderr is gone.
    let _ = writeln!(std::io::stderr(), "acp-harness: {}", printable::text(&format!("{error:#}")));
}

/// Logs to stderr: warnings, or what `-v`, `-vv` or `ACP_HARNESS_LOG` ask for.
pub(super) fn logging(verbose: u8) {
    let default = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    // `Targets` rather than `EnvFilter`, whose regular expressions would be a good part of this program's memory.
    let wanted = std::env::var("ACP_HARNESS_LOG").ok().and_then(|filter| filter.parse::<Targets>().ok());
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(default));
    let writer = || printable::LineWriter::new(std::io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    tracing_subscriber::registry().with(lines).with(filter).init();
}
