//! The identity of what a bridge runs, and the question whether one runs what is wanted.

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

/// Time limit of an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer.
const MOST: u64 = 64 * 1024;
/// Bytes of a fingerprint.
const FINGERPRINT: usize = 16;

/// An agent that a bridge is wanted for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The agent's name for people.
    pub(super) agent: String,
    /// Fingerprint of its command line alone.
    pub(super) command: String,
    /// Fingerprint of its command line, of what it may reach, and of the variables that it gets from whoever starts its bridge.
    pub(super) fingerprint: String,
}

impl Wanted {
    /// The identity that the arguments ask for. `value` gives a variable's value.
    pub(super) fn new(
        agent: &args::Agent,
        reach: &args::Reach,
        variables: &[String],
        value: impl Fn(&str) -> Option<OsString>,
    ) -> anyhow::Result<Self> {
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
        let command = hash(&parts);
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
        Ok(Self { agent: name, command, fingerprint: hash(&parts) })
    }

    /// Answer of a bridge that runs this with a log.
    pub(super) fn served(self, log: &str) -> anyhow::Result<Served> {
        Ok(Served { agent: self.agent, fingerprint: self.fingerprint, log: of_log(log)? })
    }
}

/// The fingerprint of a log by its URL; a file is the same one from every directory.
pub(super) fn of_log(log: &str) -> anyhow::Result<String> {
    let log = match log.strip_prefix("sqlite:") {
        Some(path) => std::path::absolute(path)?.into_os_string(),
        None => log.into(),
    };
    Ok(hash(&[log]))
}

/// A short hash of the parts in their order, in hexadecimal digits.
pub(super) fn hash(parts: &[OsString]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let bytes = OsStr::as_bytes(part);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize()[..FINGERPRINT].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asks the bridge at `HOST:PORT` whether it runs the agent of a fingerprint, with the log of another one.
pub(super) async fn ask(host: &str, fingerprint: &str, log: &str) -> std::io::Result<Compared> {
    let request = format!(
        "GET /served?fingerprint={fingerprint}&log={log} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
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
    use super::Wanted;

    fn wanted(words: &[&str], variables: &[&str], value: &'static str) -> Wanted {
        let agent = args::Agent { name: None, command: words.iter().map(|word| (*word).to_owned()).collect() };
        let variables: Vec<String> = variables.iter().map(|name| (*name).to_owned()).collect();
        let of = |name: &str| (name != "UNSET").then(|| OsString::from(value));
        Wanted::new(&agent, &args::Reach::default(), &variables, of).unwrap()
    }

    fn fingerprint(words: &[&str], variables: &[&str], value: &'static str) -> String {
        wanted(words, variables, value).fingerprint
    }

    #[test]
    fn a_command_is_the_same_whatever_its_variables() {
        assert_eq!(wanted(&["a"], &["X"], "1").command, wanted(&["a"], &["X"], "2").command);
        assert_ne!(wanted(&["a"], &[], "").command, wanted(&["a", "x"], &[], "").command);
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
