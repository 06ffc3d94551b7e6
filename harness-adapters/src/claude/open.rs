//! Opens sessions.

use std::path::{Path, PathBuf};

use acp_types::v1;
use serde_json::Value;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::channel::{self, Greeting};
use super::launch::{self, Begin, MINIMUM, Start};
use super::lock::{Lock, Note};
use super::store::{self, Store};
use super::translate::commands::Commands;
use super::translate::options::Options as Choices;
use super::translate::plan::Plan;
use super::translate::{Session, Setup};
use super::trust::Trust;
use super::watch::Watch;
use super::{auth, history};
use crate::adapter::process::Process;
use crate::adapter::{Open, Opened, Options};
use crate::failure::{Failure, FailureKind};
use crate::profile::Version;
use crate::system_prompt::SystemPrompt;
use crate::translate::{ClientFeatures, Told};

/// Name of the program in messages.
const WHO: &str = "Claude Code";
/// Limit of updates of a history that wait for the client.
const HISTORY: usize = 64;

/// A session that is to be opened.
struct Plans {
    id: String,
    begin: Begin,
    start: Start,
    /// Its transcript so far.
    transcript: Option<PathBuf>,
    /// The client wants to see it.
    show: bool,
    lock: Lock,
}

/// Opens a session.
///
/// # Errors
/// When there is no such session, when it is open elsewhere, and when the program does not start or is not ready.
pub(super) async fn open(
    how: Open,
    options: &Options,
    key: &auth::Key,
    features: ClientFeatures,
) -> Result<Opened<Session>, Failure> {
    let store = Store::of(|name| std::env::var_os(name))?;
    let plans = prepare(&store, how)?;
    let Plans { id, begin, start, transcript, show, lock } = plans;
    let program = launch::program(options, |name| std::env::var_os(name))?;
    let session = v1::SessionId::new(id.clone());
    let past = past(session.clone(), transcript.clone(), start.cwd.clone(), features).await?;

    let bypass = launch::may_bypass(|name| std::env::var_os(name));
    let home = store.home(|name| std::env::var_os(name));
    let trust = Trust::of(&home, &start.cwd, options.trust_settings, bypass);
    let mut spec = launch::session(&program, options, &id, &begin, &start, &trust, bypass);
    if let Some(key) = key.get() {
        spec = spec.env(auth::VARIABLE, key);
    }
    let servers = launch::servers(&start.servers)?;
    let greeting = Greeting { servers, replace: start.replace, append: start.append };
    let mut process = Process::start(&spec, WHO).await?;
    let introduction = match channel::greet(&mut process, greeting).await {
        Ok(introduction) => introduction,
        Err(failure) => {
            process.shutdown().await;
            return Err(failure);
        }
    };
    let ready = check_version(&introduction.initialized).and_then(|()| auth::check(&introduction.initialized));
    if let Err(failure) = ready {
        process.shutdown().await;
        return Err(failure);
    }

    let choices = Choices::read(&introduction.initialized, &introduction.settings, bypass);
    let commands = Commands::read(&introduction.initialized);
    let mut updates = vec![commands.update()];
    updates.extend(
        past.title.clone().map(|title| v1::SessionUpdate::SessionInfoUpdate(v1::SessionInfoUpdate::new().title(title))),
    );
    for note in trust.notes {
        tracing::info!(note, "settings do not count");
        if features.notices {
            let notice = v1::Notice::new(v1::NoticeSeverity::Info, "Claude Code").description(note);
            updates.push(v1::SessionUpdate::Notice(notice));
        }
    }
    let history =
        transcript.filter(|_| show).map(|transcript| shown(session.clone(), transcript, start.cwd.clone(), features));
    let (modes, config) = (choices.modes(), choices.config());
    let setup = Setup {
        session: session.clone(),
        cwd: start.cwd,
        seed: Uuid::new_v4().to_string(),
        features,
        options: choices,
        commands,
        plan: past.plan,
        title: past.title,
    };
    let watch = Watch::new(store.clone(), &id, matches!(begin, Begin::Fork { .. }));
    // What Claude Code has a transcript of needs no note of ours.
    let keep = move |lock: Lock| {
        if store.find(&id).is_some() {
            lock.remove();
        }
    };
    let channel = channel::open(process, lock, watch, keep);
    Ok(Opened { session, setup, channel, history, modes: Some(modes), options: config, updates })
}

fn prepare(store: &Store, how: Open) -> Result<Plans, Failure> {
    let new = || Uuid::new_v4().to_string();
    let (id, start, show, fork) = match how {
        Open::New(r) => (
            None,
            start(r.cwd, r.additional_directories, r.mcp_servers, r.system_prompt, r.meta.as_ref())?,
            false,
            None,
        ),
        Open::Load(r) => (
            Some(r.session_id),
            start(r.cwd, r.additional_directories, r.mcp_servers, r.system_prompt, r.meta.as_ref())?,
            true,
            None,
        ),
        Open::Resume(r) => (
            Some(r.session_id),
            start(r.cwd, r.additional_directories, r.mcp_servers, r.system_prompt, r.meta.as_ref())?,
            false,
            None,
        ),
        Open::Fork(r) => (
            None,
            start(r.cwd, r.additional_directories, r.mcp_servers, r.system_prompt, r.meta.as_ref())?,
            false,
            Some(r.session_id),
        ),
    };
    launch::check(&start)?;
    let Some(asked) = id else {
        let from = fork.map(|from| store::checked(&from).map(|id| (id, from))).transpose()?;
        let transcript = from.as_ref().map(|(id, from)| store.find(id).ok_or_else(|| store::missing(from)));
        let transcript = transcript.transpose()?;
        let fork = from.map(|(id, _)| id);
        let id = new();
        let (mut lock, _) = Lock::take(&store.locks(), &id)?;
        if let Err(error) = lock.remember(&Note { fork: fork.clone() }) {
            tracing::debug!(%error, "an unused session will not be found again");
        }
        let begin = fork.map_or(Begin::New, |from| Begin::Fork { from });
        return Ok(Plans { id, begin, start, transcript, show, lock });
    };
    let id = store::checked(&asked)?;
    let (lock, note) = Lock::take(&store.locks(), &id)?;
    let transcript = store.find(&id);
    let (begin, transcript) = match (transcript, note) {
        (Some(transcript), _) => (Begin::Resume, Some(transcript)),
        // It was opened and never prompted.
        (None, Some(Note { fork: None })) => (Begin::New, None),
        (None, Some(Note { fork: Some(from) })) => {
            let transcript = store.find(&from);
            (Begin::Fork { from }, transcript)
        }
        (None, None) => {
            lock.remove();
            return Err(store::missing(&asked));
        }
    };
    Ok(Plans { id, begin, start, transcript, show, lock })
}

fn start(
    cwd: PathBuf,
    directories: Vec<PathBuf>,
    servers: Vec<v1::McpServer>,
    prompt: Option<v1::SystemPrompt>,
    meta: Option<&v1::Meta>,
) -> Result<Start, Failure> {
    let (replace, append) = match SystemPrompt::read(prompt.as_ref(), meta)? {
        Some(SystemPrompt::Replace(text)) => (Some(text), None),
        Some(SystemPrompt::Append(text)) => (None, Some(text)),
        None => (None, None),
    };
    Ok(Start { cwd, directories, servers, replace, append })
}

/// Facts of an earlier session.
#[derive(Default)]
struct Past {
    plan: Plan,
    title: Option<String>,
}

async fn past(
    session: v1::SessionId,
    transcript: Option<PathBuf>,
    cwd: PathBuf,
    features: ClientFeatures,
) -> Result<Past, Failure> {
    let Some(transcript) = transcript else { return Ok(Past::default()) };
    let path = transcript.clone();
    let read = tokio::task::spawn_blocking(move || {
        let plan = history::replay(&session, &transcript, &cwd, features, &mut |_| true)?;
        Ok::<_, std::io::Error>(Past { plan, title: store::summary(&transcript)?.title })
    });
    match read.await {
        Ok(Ok(past)) => Ok(past),
        Ok(Err(error)) => Err(unreadable(&path, &error.to_string())),
        Err(error) => Err(unreadable(&path, &error.to_string())),
    }
}

/// The history of a session, as the client takes it.
fn shown(
    session: v1::SessionId,
    transcript: PathBuf,
    cwd: PathBuf,
    features: ClientFeatures,
) -> mpsc::Receiver<Result<Told, Failure>> {
    let (to, from) = mpsc::channel(HISTORY);
    // Ends when the transcript does, or when nobody listens.
    tokio::task::spawn_blocking(move || {
        let show = &mut |told| to.blocking_send(Ok(told)).is_ok();
        let shown = history::replay(&session, &transcript, &cwd, features, show);
        if let Err(error) = shown {
            // Then nobody listens.
            let _ = to.blocking_send(Err(unreadable(&transcript, &error.to_string())));
        }
    });
    from
}

fn unreadable(transcript: &Path, why: &str) -> Failure {
    let message = format!("cannot read {}: {why}; check the file", transcript.display());
    Failure::new(FailureKind::Unavailable, message)
}

fn check_version(initialized: &Value) -> Result<(), Failure> {
    let version = initialized.get("claude_code_version").and_then(Value::as_str).and_then(Version::find);
    match version {
        Some(version) if version < MINIMUM => {
            let message = format!(
                "Claude Code {version} is too old, at least {MINIMUM} is needed: run `claude update`, or \
                 `npm install -g @anthropic-ai/claude-code`"
            );
            Err(Failure::new(FailureKind::Unavailable, message).with("version", version.to_string()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use acp_types::v1;
    use serde_json::json;

    use super::{check_version, start};

    #[test]
    fn a_version_that_is_too_old_says_how_to_get_a_newer_one() {
        let failure = check_version(&json!({ "claude_code_version": "1.0.9" })).expect_err("too old");
        assert!(failure.message.contains("claude update"), "{failure}");
        assert!(check_version(&json!({ "claude_code_version": "2.1.330" })).is_ok());
        assert!(check_version(&json!({})).is_ok(), "a version that is not told is tried");
    }

    #[test]
    fn instructions_are_replaced_or_appended() {
        let with = |meta| {
            let meta: v1::Meta = serde_json::from_value(meta).expect("an object");
            let start = start("/".into(), Vec::new(), Vec::new(), None, Some(&meta)).expect("it is taken");
            (start.replace, start.append)
        };
        assert_eq!(with(json!({ "systemPrompt": "x" })), (Some("x".to_owned()), None));
        assert_eq!(with(json!({ "systemPrompt": { "append": "y" } })), (None, Some("y".to_owned())));
    }
}
