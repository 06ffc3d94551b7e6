//! Clients, started as they start their agent or connect to it.

use std::path::Path;
use std::time::Duration;

use acp_server::transport::child::ChildSpec;

use super::error::StartError;
use crate::core::link::{Link, Offer, Port, Process};
use crate::core::stub::{Arrived, StubSocket};

/// Starts a client that starts its agent, `noise` bytes of whose stderr come first.
pub(super) async fn start(
    program: &str,
    args: &[String],
    agent: &Path,
    directory: &Path,
    noise: usize,
    limit: Duration,
) -> Result<Link, StartError> {
    let place = StubSocket::in_directory(directory)?;
    let command = place.command(agent);
    let line = command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let mut filled: Vec<String> = args.iter().map(|arg| arg.replace(AGENT, &line)).collect();
    if !args.iter().any(|arg| arg.contains(AGENT)) {
        filled.extend(command);
    }
    let spec =
        ChildSpec::new(program).args(filled).env("ACP_CONFORMANCE_AGENT", &line).env("ACP_CONFORMANCE_DIR", directory);
    let started = Process::start(&spec).await;
    let mut process = started.map_err(|reason| StartError::Spawn { program: program.to_owned(), reason })?;
    let begun = tokio::time::Instant::now();
    let gone = process.handle.watch();
    let arrived = tokio::select! {
        biased;
        arrived = place.wait(noise) => Some(arrived?),
        _ = gone => None,
        () = tokio::time::sleep(limit) => None,
    };
    match arrived {
        Some(Arrived { hello, source, sink }) => Ok(Link::client(source, sink, hello, process)),
        None => {
            process.end().await;
            let (program, waited) = (program.to_owned(), begun.elapsed());
            Err(StartError::NoAgent { program, waited, said: process.said() })
        }
    }
}

/// Starts a client that connects to its agent.
pub(super) async fn call(
    program: &str,
    args: &[String],
    offer: Offer,
    directory: &Path,
    limit: Duration,
) -> Result<Link, StartError> {
    let port = Port::open(offer).await?;
    let url = port.url();
    let mut filled: Vec<String> = args.iter().map(|arg| arg.replace(URL, &url)).collect();
    if !args.iter().any(|arg| arg.contains(URL)) {
        filled.push(url.clone());
    }
    let spec =
        ChildSpec::new(program).args(filled).env("ACP_CONFORMANCE_URL", &url).env("ACP_CONFORMANCE_DIR", directory);
    let started = Process::start(&spec).await;
    let mut process = started.map_err(|reason| StartError::Spawn { program: program.to_owned(), reason })?;
    let begun = tokio::time::Instant::now();
    let (gone, over) = (process.handle.watch(), process.handle.watch());
    let linked = tokio::select! {
        biased;
        linked = port.wait(async move { let _ = over.await; }) => Some(linked?),
        _ = gone => None,
        () = tokio::time::sleep(limit) => None,
    };
    match linked {
        Some(mut link) => {
            link.process = Some(process);
            Ok(link)
        }
        None => {
            process.end().await;
            let (program, waited) = (program.to_owned(), begun.elapsed());
            Err(StartError::NoCall { program, waited, said: process.said() })
        }
    }
}

/// Stands for the agent's address in a client's arguments.
const URL: &str = "{url}";

/// Stands for the agent's command line in a client's arguments.
const AGENT: &str = "{agent}";

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_is_quoted_only_where_a_shell_would_take_it_apart() {
        assert_eq!(quoted("/usr/bin/a-b_c.d"), "/usr/bin/a-b_c.d");
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
