//! Search for the bridge that is wanted, or for a place to start it.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;

use super::address;
use crate::cli::home::Home;
use crate::cli::identity::{self, Wanted};
use crate::log::SqliteLog;

/// A bridge with a log of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) address: SocketAddr,
    /// The log's URL.
    pub(super) log: String,
}

/// Result of a search.
#[derive(Debug)]
pub(super) enum Found {
    /// The bridge that is wanted.
    Bridge(Place),
    /// The bridge at the address that was asked for: it runs what is wanted, with a log that it was told by others.
    Theirs,
    /// Such a bridge was reached before, and is gone. Whoever started it is to start it again.
    TheirsIsGone,
    /// None. It can be started here.
    None(Place),
    /// A bridge runs something else with the log that is wanted.
    Other { url: String, agent: String },
    /// A log that somebody has who is no bridge that answers: one that begins or ends, or a command. It may pass.
    Held(String),
    /// No address: each is another program's.
    NoAddress,
}

/// The search for the bridge of one agent.
#[derive(Debug)]
pub(super) struct Search {
    asked: SocketAddr,
    wanted: Wanted,
    logs: Logs,
    home: Option<Home>,
}

/// Which logs it may have.
#[derive(Debug)]
enum Logs {
    /// Any that the state directory has for this agent.
    OfTheAgent,
    /// This one, which was named.
    This(String),
    /// This one, whose bridge was reached here before. Its agents come back there.
    At(Place),
    /// That of the bridge at the address that was asked for, whatever it is.
    Theirs,
}

/// Finding at one address.
enum Answer {
    Same,
    /// It runs what is wanted, with another log.
    OtherLog,
    /// It has the log, and runs another agent or the same one with other settings.
    OtherAgent(String),
    Nobody,
    Stranger,
}

impl Search {
    pub(super) fn new(asked: SocketAddr, wanted: Wanted, log: Option<String>, home: Option<Home>) -> Self {
        let logs = log.map_or(Logs::OfTheAgent, Logs::This);
        Self { asked, wanted, logs, home }
    }

    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// From now on a session of ours is in this bridge's log, so no other will do.
    pub(super) fn settle(&mut self, place: &Place) {
        self.logs = Logs::At(place.clone());
    }

    /// The same for a bridge whose log nobody here knows.
    pub(super) fn settle_with_theirs(&mut self) {
        self.logs = Logs::Theirs;
    }

    /// Looks for the bridge.
    ///
    /// # Errors
    /// When there is no place for a log, or a log cannot be looked at.
    pub(super) async fn look(&self) -> anyhow::Result<Found> {
        let logs = match &self.logs {
            Logs::This(log) | Logs::At(Place { log, .. }) => vec![log.clone()],
            Logs::OfTheAgent => {
                let home = self.home.as_ref();
                let home = home.context("neither XDG_STATE_HOME nor HOME says where to keep its log")?;
                home.logs(&self.wanted)
            }
            Logs::Theirs => {
                let known = self.ask(self.asked, "").await;
                return Ok(if matches!(known, Answer::OtherLog) { Found::Theirs } else { Found::TheirsIsGone });
            }
        };
        let mut other = None;
        for log in logs {
            match self.look_with(&log).await? {
                found @ Found::Other { .. } => other = Some(found),
                found => return Ok(found),
            }
        }
        other.context("there is no log to look for")
    }

    async fn look_with(&self, log: &str) -> anyhow::Result<Found> {
        let fingerprint = identity::of_log(log)?;
        let noted = self.home.as_ref().and_then(|home| home.note(log)).and_then(|note| loopback_of(&note.url));
        let derived = address::derived(self.asked, &self.wanted.fingerprint, &fingerprint);
        let (mut free, mut other) = (None, None);
        let before = match &self.logs {
            Logs::At(place) => Some(place.address),
            _ => None,
        };
        for address in before.into_iter().chain([self.asked]).chain(noted).chain(derived) {
            match self.ask(address, &fingerprint).await {
                Answer::Same => return Ok(Found::Bridge(Place { address, log: log.to_owned() })),
                Answer::OtherLog if address == self.asked && matches!(self.logs, Logs::OfTheAgent) => {
                    return Ok(Found::Theirs);
                }
                Answer::OtherAgent(agent) => other = Some(Found::Other { url: format!("http://{address}"), agent }),
                Answer::Nobody => _ = free.get_or_insert(address),
                Answer::OtherLog | Answer::Stranger => {}
            }
        }
        if let Some(other) = other {
            return Ok(other);
        }
        if let Some(holder) = holder(log)? {
            return Ok(Found::Held(holder));
        }
        let none = free.map(|address| Found::None(Place { address, log: log.to_owned() }));
        Ok(none.unwrap_or(Found::NoAddress))
    }

    async fn ask(&self, address: SocketAddr, log: &str) -> Answer {
        match identity::ask(&address.to_string(), &self.wanted.fingerprint, log).await {
            Ok(answer) => match (answer.same_agent, answer.same_log) {
                (true, true) => Answer::Same,
                (true, false) => Answer::OtherLog,
                (false, true) => Answer::OtherAgent(answer.agent),
                (false, false) => Answer::Stranger,
            },
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Answer::Nobody,
            Err(error) => {
                tracing::debug!(%address, %error, "no bridge answers here");
                Answer::Stranger
            }
        }
    }
}

fn loopback_of(url: &str) -> Option<SocketAddr> {
    address::loopback(&format!("ws://{}/acp", url.strip_prefix("http://")?))
}

/// Who has the log, in words; `None` if it can be had, or the engine knows no owner.
fn holder(log: &str) -> anyhow::Result<Option<String>> {
    let Some(path) = log.strip_prefix("sqlite:").map(Path::new) else { return Ok(None) };
    Ok(SqliteLog::holder(path)?.map(|process| match process {
        Some(process) => format!("process {process} has the log {log}, and answers at no address that is known here"),
        None => format!("a process that begins has the log {log}"),
    }))
}
