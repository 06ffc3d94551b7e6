//! Opens a thread with the settings that it is to have, and without a trust that nobody gave.
//!
//! Codex takes a request to start a thread that may write as the user's word that the directory is trusted: it writes that
//! into `config.toml`, and then starts whatever the directory's own configuration names. So threads are started without
//! such a right and get it afterwards.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::refusal::explained;
use super::request::{Kind, Request};
use super::servers::Named;
use crate::codex::connection::{CallError, Connection};
use crate::codex::history;
use crate::codex::options::{Access, Base, Chosen, Settings};
use crate::codex::wire::{ConfigRead, Page, PermissionProfile, Sandbox, Started, Thread};
use crate::failure::{Failure, FailureKind};

/// Time limit for the end of a thread that was closed a moment ago.
const CLOSING: Duration = Duration::from_secs(3);
/// Interval of the attempts to open it.
const AGAIN: Duration = Duration::from_millis(10);

#[derive(Deserialize)]
struct Read {
    thread: Thread,
}

/// The user's configuration for a directory.
pub(super) struct Configuration {
    pub(super) read: ConfigRead,
    pub(super) base: Base,
}

/// Reads the user's configuration.
///
/// # Errors
/// When Codex cannot read it; the failure says where it is wrong.
pub(super) async fn configuration(connection: &Connection, request: &Request) -> Result<Configuration, Failure> {
    let params = json!({ "cwd": request.cwd, "includeLayers": false });
    let read: ConfigRead = match connection.call("config/read", &params).await {
        Ok(read) => read,
        Err(CallError::Refused(message)) => return Err(connection.misconfigured(&message)),
        Err(CallError::Broken(failure)) => return Err(failure),
    };
    let params = json!({ "cwd": request.cwd });
    // A session without its profiles is better than none.
    let profiles = connection.call::<Page<PermissionProfile>>("permissionProfile/list", &params).await;
    let profiles = profiles.map(|page| page.data).unwrap_or_else(|error| {
        tracing::warn!(?error, "Codex does not tell its permission profiles");
        Vec::new()
    });
    let base = Base::new(&read, profiles);
    Ok(Configuration { read, base })
}

/// Starts, resumes or forks a thread. Returns what it was set to before, too.
pub(super) async fn start(
    connection: &Connection,
    request: &Request,
    configuration: &Configuration,
    servers: &Named,
) -> Result<(Started, Chosen), Failure> {
    let mut params = request.params(servers);
    let (method, session) = match &request.kind {
        Kind::New => ("thread/start", None),
        Kind::Load(session) | Kind::Resume(session) => ("thread/resume", Some(session)),
        Kind::Fork(session) => ("thread/fork", Some(session)),
    };
    let mut before = Chosen::default();
    if let Some(session) = session {
        before = self::before(connection, session).await?;
        if let (Kind::Fork(_), Some(model)) = (&request.kind, &before.model) {
            // Otherwise a fork takes the configured model rather than that of its origin.
            params["model"] = model.clone().into();
        }
        match &before.access {
            Some(Access::Sandbox(sandbox)) => params["sandbox"] = json!(sandbox),
            Some(Access::Profile(profile)) if configuration.base.has_profile(profile) => {
                params["permissions"] = profile.clone().into();
            }
            _ => {}
        }
        params["threadId"] = session.clone().into();
        params["excludeTurns"] = true.into();
    } else if configuration.read.config.sandbox_mode.is_some()
        || configuration.read.config.default_permissions.is_some()
    {
        params["sandbox"] = json!(Sandbox::ReadOnly);
    }
    let until = Instant::now() + CLOSING;
    loop {
        match connection.call(method, &params).await {
            // It was closed a moment ago; Codex says so before it has quite ended it.
            Err(CallError::Refused(message)) if message.contains("is closing") && Instant::now() < until => {
                sleep(AGAIN).await;
            }
            Err(CallError::Refused(message)) if message.contains("failed to load configuration") => {
                return Err(connection.misconfigured(&message));
            }
            Ok(started) => return Ok((started, before)),
            Err(error) => return Err(explained(error, session.map_or("", String::as_str))),
        }
    }
}

/// The last settings of a thread.
async fn before(connection: &Connection, session: &str) -> Result<Chosen, Failure> {
    let read = connection.call::<Read>("thread/read", &json!({ "threadId": session })).await;
    let thread = read.map_err(|error| explained(error, session))?.thread;
    let mut before = match &thread.path {
        Some(file) => history::settings(file).await,
        None => Chosen::default(),
    };
    before.model = thread.model.or(before.model);
    Ok(before)
}

/// Brings a thread that was opened to the settings that it is to have: those that it had, or of a new one those that were
/// asked for.
pub(super) async fn settle(
    connection: &Connection,
    thread: &str,
    request: &Request,
    before: &Chosen,
    settings: &mut Settings,
) -> Result<(), Failure> {
    let asked = request.mode.as_deref().filter(|_| matches!(request.kind, Kind::New));
    let patch = match asked {
        Some(mode) => settings.mode_patch(mode).ok_or_else(|| unknown_mode(mode, settings))?,
        None if matches!(request.kind, Kind::New) => settings.beginning(),
        None => settings.patch_to(before),
    };
    let Some(patch) = settings.missing(patch) else { return Ok(()) };
    let mut params = patch.clone();
    params["threadId"] = thread.into();
    match connection.call::<Value>("thread/settings/update", &params).await {
        Ok(_) => settings.apply(&patch),
        Err(CallError::Refused(message)) if asked.is_none() => {
            // The client is told what is in force.
            tracing::warn!(message, "Codex does not take the settings that a session was to have");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn unknown_mode(mode: &str, settings: &Settings) -> Failure {
    let modes: Vec<_> = settings.modes().available_modes.iter().map(|mode| mode.id.to_string()).collect();
    let message = format!("there is no mode {mode}: start with one of --mode {}", modes.join(", "));
    Failure::new(FailureKind::InvalidParams, message).with("mode", mode)
}
