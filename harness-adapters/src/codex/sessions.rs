//! Opens, lists and deletes sessions.

mod begin;
mod refusal;
mod request;
mod servers;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use acp_types::v1::{self, SessionUpdate};
use futures_util::future::join;
use serde_json::{Value, json};

use super::auth;
use super::connection::{CallError, Connection, Lease};
use super::history;
use super::hooks;
use super::options::Settings;
use super::translate::{self, ServerNames, Session, Setup, Skill};
use super::wire::{Page, Skills, Thread};
use crate::adapter::Opened;
use crate::failure::{Failure, FailureKind};
use crate::translate::ClientFeatures;
use refusal::explained;
use request::Kind;
pub(super) use request::Request;

/// Sessions on one page of a list.
const PAGE: u32 = 50;
/// Pages that are looked through for the sessions of one directory; the client asks on from there.
const PAGES: usize = 20;
/// Sources of the sessions that are listed: everything but sub-agents.
const SOURCES: [&str; 5] = ["cli", "vscode", "exec", "appServer", "unknown"];
/// Skills that are offered as commands.
const SKILLS: usize = 100;

/// The answer to `initialize`; it needs no program.
pub(super) fn introduction() -> v1::InitializeResponse {
    let sessions = v1::SessionCapabilities::new()
        .list(v1::SessionListCapabilities::default())
        .resume(v1::SessionResumeCapabilities::default())
        .close(v1::SessionCloseCapabilities::default())
        .delete(v1::SessionDeleteCapabilities::default())
        .fork(v1::SessionForkCapabilities::default())
        .title(v1::SessionTitleCapabilities::default())
        .system_prompt(
            v1::SessionSystemPromptCapabilities::new().mode(
                v1::SessionSystemPromptModeCapabilities::new()
                    .override_(v1::SessionSystemPromptOverrideCapabilities::default()),
            ),
        )
        .additional_directories(v1::SessionAdditionalDirectoriesCapabilities::default());
    let capabilities = v1::AgentCapabilities::new()
        .load_session(true)
        .prompt_capabilities(v1::PromptCapabilities::new().image(true).embedded_context(true))
        .mcp_capabilities(v1::McpCapabilities::new().http(true))
        .session_capabilities(sessions)
        .auth(v1::AgentAuthCapabilities::new().logout(v1::LogoutCapabilities::default()));
    let info = v1::Implementation::new("acp-harness-codex", env!("CARGO_PKG_VERSION")).title("Codex".to_owned());
    let steering = serde_json::Map::from_iter([("steering".to_owned(), json!({ "supported": true }))]);
    v1::InitializeResponse::new(v1::ProtocolVersion::V1)
        .agent_capabilities(capabilities)
        .auth_methods(auth::methods())
        .agent_info(info)
        .meta(steering)
}

/// Opens a session.
pub(super) async fn open(
    connection: &Arc<Connection>,
    request: Request,
    features: ClientFeatures,
) -> Result<Opened<Session>, Failure> {
    // First, because of a configuration that it cannot read Codex makes one under which everybody has to log in.
    let configuration = begin::configuration(connection, &request).await?;
    auth::check(connection).await?;
    let servers = request.servers(&configuration.read.config.mcp_servers)?;
    let (started, before) = begin::start(connection, &request, &configuration, &servers).await?;
    let thread = started.thread.id.clone();
    let lease = Lease::new(connection, &started.thread);
    // Not before the thread is there, and not at the same time: Codex then holds about 0.5 MB less.
    let (models, skills) = join(connection.models(), skills(connection, &request)).await;
    let models = models?;
    let untrusted_hooks = hooks::untrusted(connection, &request.cwd).await;
    let mut settings = Settings::new(&started, models, request.roots()).with(configuration.base);
    begin::settle(connection, &thread, &request, &before, &mut settings).await?;
    let mut setup = Setup {
        thread: thread.clone(),
        prefix: String::new(),
        cwd: request.cwd.clone(),
        features,
        settings,
        skills,
        servers: ServerNames(servers.names),
        titled: started.thread.name.is_some() || !started.thread.preview.is_empty(),
        replay: false,
        give_up_secs: translate::patience(|name| std::env::var(name).ok()),
        untrusted_hooks,
    };
    let loaded = matches!(request.kind, Kind::Load(_));
    let history = loaded.then(|| history::stream(Arc::clone(connection), setup.clone(), started.thread.path.clone()));
    let mut updates = vec![translate::available(&setup.skills)];
    if let Some(title) = self::title(&started.thread) {
        updates.push(SessionUpdate::SessionInfoUpdate(v1::SessionInfoUpdate::new().title(title)));
    }
    let (modes, options) = (setup.settings.modes(), setup.settings.options());
    // The last thing to do: from now on somebody has to read the channel.
    let (channel, prefix) = lease.attach()?;
    setup.prefix = prefix;
    let session = v1::SessionId::new(thread);
    Ok(Opened { session, setup, channel, history, modes: Some(modes), options, updates })
}

async fn skills(connection: &Connection, request: &Request) -> Vec<Skill> {
    let params = json!({ "cwds": [request.cwd] });
    // A session without its skills is better than none.
    let Ok(page) = connection.call::<Page<Skills>>("skills/list", &params).await else { return Vec::new() };
    let skills = page.data.into_iter().flat_map(|entry| entry.skills).filter(|skill| skill.enabled);
    let skills = skills.map(|skill| Skill {
        name: skill.name,
        description: skill.short_description.unwrap_or(skill.description),
        path: skill.path,
    });
    skills.take(SKILLS).collect()
}

fn title(thread: &Thread) -> Option<String> {
    thread.name.clone().or_else(|| translate::title_of_preview(&thread.preview))
}

/// `session/list`, newest first.
pub(super) async fn list(
    connection: &Connection,
    request: v1::ListSessionsRequest,
) -> Result<v1::ListSessionsResponse, Failure> {
    // Whatever can be loaded is listed. By itself Codex leaves out what was not begun in a terminal or an editor, and what
    // another provider answered; an empty list of providers stands for all.
    let mut params = json!({
        "limit": PAGE, "cursor": request.cursor, "sortKey": "updated_at", "sourceKinds": SOURCES, "modelProviders": [],
    });
    // Codex compares paths letter by letter.
    let wanted = request.cwd.as_deref().map(real);
    let mut sessions = Vec::new();
    let mut next = None;
    for _ in 0..PAGES {
        let page: Page<Thread> = connection.call("thread/list", &params).await.map_err(|error| match error {
            CallError::Refused(message) => {
                Failure::new(FailureKind::InvalidParams, format!("Codex does not list: {message}"))
            }
            CallError::Broken(failure) => failure,
        })?;
        let found = page.data.into_iter().filter(|thread| {
            let is_there = || wanted.as_ref().is_none_or(|wanted| real(Path::new(&thread.cwd)) == *wanted);
            thread.parent_thread_id.is_none() && is_there()
        });
        sessions.extend(found.map(|thread| {
            let updated = jiff::Timestamp::from_second(thread.updated_at).ok().map(|time| time.to_string());
            v1::SessionInfo::new(thread.id.clone(), thread.cwd.clone()).title(title(&thread)).updated_at(updated)
        }));
        next = page.next_cursor;
        if wanted.is_none() || next.is_none() || sessions.len() >= PAGE as usize {
            break;
        }
        params["cursor"] = json!(next);
    }
    Ok(v1::ListSessionsResponse::new(sessions).next_cursor(next))
}

/// The one path of a directory; of one that is gone, its path without what means nothing.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.components().collect())
}

/// `session/delete`.
///
/// Forks read what they have in common with a session out of its file, which Codex keeps for as long as there is one. Such
/// a session is archived: it is not listed and does not load.
pub(super) async fn delete(connection: &Connection, session: &v1::SessionId) -> Result<(), Failure> {
    let params = json!({ "threadId": session });
    let mut deleted = connection.call::<Value>("thread/delete", &params).await;
    if matches!(&deleted, Err(CallError::Refused(message)) if message.contains("forked history")) {
        deleted = connection.call::<Value>("thread/archive", &params).await;
    }
    match deleted {
        Ok(_) => Ok(()),
        Err(error) => match explained(error, &session.0) {
            gone if gone.kind == FailureKind::NotFound => Ok(()),
            failure => Err(failure),
        },
    }
}
