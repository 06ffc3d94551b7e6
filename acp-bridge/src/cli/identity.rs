//! Identity of what a bridge runs, to compare it with what is asked for.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::args;
use crate::gateway::{Compared, Served};

/// For an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of one.
const MOST: u64 = 64 * 1024;
/// Bytes of a fingerprint.
const FINGERPRINT: usize = 16;

/// The agent, what it may reach, and the variables that it gets from whoever starts its bridge.
pub(super) fn served(
    agent: &args::Agent,
    reach: &args::Reach,
    variables: &[String],
    log: &str,
    value: impl Fn(&str) -> Option<OsString>,
) -> anyhow::Result<Served> {
    let mut parts: Vec<OsString> = Vec::new();
    let name = match (&agent.name, agent.command.split_first()) {
        (Some(name), _) => {
            parts.extend(["--agent".into(), name.into()]);
            name.clone()
        }
        (None, Some((program, arguments))) => {
            // One that is found by its path is another in another directory.
            let path = Path::new(program);
            let found = if program.contains('/') { std::path::absolute(path)? } else { path.to_owned() };
            parts.extend(["--".into(), found.into()]);
            parts.extend(arguments.iter().map(OsString::from));
            path.file_name().unwrap_or_default().to_string_lossy().into_owned()
        }
        (None, None) => String::new(),
    };
    parts.push("reach".into());
    parts.extend(reach.arguments()?);
    let mut variables: Vec<&String> = variables.iter().collect();
    variables.sort_unstable();
    variables.dedup();
    for variable in variables {
        parts.push("variable".into());
        parts.push(variable.into());
        parts.extend(value(variable).map(|value| [OsString::from("value"), value]).into_iter().flatten());
    }
    let log = match log.strip_prefix("sqlite:") {
        Some(path) => std::path::absolute(path)?.into_os_string(),
        None => log.into(),
    };
    Ok(Served { agent: name, fingerprint: fingerprint(&parts), log: fingerprint(&[log]) })
}

fn fingerprint(parts: &[OsString]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let bytes = OsStr::as_bytes(part);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize()[..FINGERPRINT].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asks the bridge at `HOST:PORT` whether it runs this; about its log only if that is said to matter.
pub(super) async fn ask(host: &str, served: &Served, with_log: bool) -> std::io::Result<Compared> {
    let log = if with_log { format!("&log={}", served.log) } else { String::new() };
    let request = format!(
        "GET /served?fingerprint={}{log} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        served.fingerprint
    );
    let exchange = async {
        let mut socket = TcpStream::connect(host).await?;
        socket.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        socket.take(MOST).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))?;
    let answer = String::from_utf8_lossy(&answer);
    let body = answer.strip_prefix("HTTP/1.1 200").and_then(|rest| rest.split_once("\r\n\r\n")).map(|(_, body)| body);
    let compared = body.and_then(|body| serde_json::from_str(body).ok());
    compared.ok_or_else(|| std::io::Error::other("it does not say what it runs"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::args;
    use super::served;

    fn fingerprint(words: &[&str], variables: &[&str], value: &'static str) -> String {
        let agent = args::Agent { name: None, command: words.iter().map(|word| (*word).to_owned()).collect() };
        let variables: Vec<String> = variables.iter().map(|name| (*name).to_owned()).collect();
        let of = |name: &str| (name != "UNSET").then(|| OsString::from(value));
        served(&agent, &args::Reach::default(), &variables, "sqlite:log.db", of).unwrap().fingerprint
    }

    #[test]
    fn another_agent_argument_or_value_is_another_identity() {
        let all = [
            fingerprint(&["a"], &[], ""),
            fingerprint(&["b"], &[], ""),
            fingerprint(&["a", "x"], &[], ""),
            fingerprint(&["a", "x", "y"], &[], ""),
            fingerprint(&["a", "xy"], &[], ""),
            fingerprint(&["a"], &["X"], "1"),
            fingerprint(&["a"], &["X"], "2"),
            fingerprint(&["a"], &["UNSET"], "1"),
            fingerprint(&["./a"], &[], ""),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all[at + 1..].iter().all(|other| other != one), "{at}: {one}");
        }
        assert_eq!(fingerprint(&["a"], &["X", "Y"], "1"), fingerprint(&["a"], &["Y", "X", "Y"], "1"));
        let here = std::env::current_dir().unwrap().join("a");
        assert_eq!(fingerprint(&["./a"], &[], ""), fingerprint(&[here.to_str().unwrap()], &[], ""));
    }
}
