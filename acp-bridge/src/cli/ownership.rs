//! Ownership of a log: whether it is this user's own, and where what it must not have is kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use uuid::Uuid;

use super::home::Home;
use super::offline;
use crate::archive;
use crate::host::{LogSecrets, Secrets};
use crate::log::{self, Durability, Opener, SessionLog, SqliteLog};
use crate::session::FingerprintKey;

/// A log to serve.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) log: Arc<dyn SessionLog>,
    pub(super) secrets: LogSecrets,
    pub(super) fingerprint_key: FingerprintKey,
}

/// Opens the log that a URL names. One that this user's bridges have not written starts nothing by what it says.
pub(super) async fn open(
    url: &str,
    durability: Durability,
    secrets: Option<&Path>,
    opener: Opener,
) -> anyhow::Result<Opened> {
    let Ok(path) = offline::file(url) else {
        let log = match opener(url) {
            Some(opening) => opening.await?,
            None => log::open(url, durability).await?,
        };
        return Ok(Opened { log, secrets: LogSecrets::none(), fingerprint_key: FingerprintKey::default() });
    };
    for open in SqliteLog::read_by_others(path) {
        tracing::warn!(file = %open.display(), "other users can read this file of the session log, which holds whole \
            conversations; take their right with `chmod go= FILE`");
    }
    let store = store(secrets)?;
    let foreign = SqliteLog::written_by_others(path);
    let log = SqliteLog::open(path, durability).await?;
    let (secrets, disarmed) = recognise(&log, path, store.as_ref(), foreign.as_deref()).await?;
    if disarmed > 0 {
        let why = foreign.unwrap_or_else(|| "no bridge of this user has written it as it is".to_owned());
        tracing::warn!(log = %path.display(), sessions = disarmed, "what the sessions of this log say starts nothing: {why}; \
            prompts that waited are dropped; `acp-bridge trust SESSION` puts lanes and policy of a session in force");
    }
    let fingerprint_key = store.map_or_else(FingerprintKey::default, |store| store.fingerprint_key());
    Ok(Opened { log: Arc::new(log), secrets, fingerprint_key })
}

/// Secrets of a log in a file: the same as for the bridge that serves it. A log that was made just now is this user's
/// own.
pub(super) async fn secrets_of(path: &Path, is_new: bool, secrets: Option<&Path>) -> anyhow::Result<LogSecrets> {
    let store = store(secrets)?;
    let log = SqliteLog::open(path, Durability::Fsync).await?;
    let found = if is_new {
        recognise(&log, path, store.as_ref(), None).await.map(|(secrets, _)| secrets)
    } else {
        let id = log.id().await?;
        Ok(store.zip(id).and_then(|(store, id)| store.of_log(&id)).unwrap_or_default())
    };
    log.shutdown().await;
    found
}

/// Secrets of a log, and the number of its sessions that were disarmed because it may be somebody else's.
async fn recognise(
    log: &SqliteLog,
    path: &Path,
    store: Option<&Secrets>,
    foreign: Option<&str>,
) -> anyhow::Result<(LogSecrets, u64)> {
    let path = std::path::absolute(path)?;
    let known = match (log.id().await?, store) {
        (Some(id), Some(store)) if store.knows(&id, &path) => Some(id),
        _ => None,
    };
    let is_known = known.is_some();
    let id = known.unwrap_or_else(|| Uuid::new_v4().to_string());
    let mut disarmed = 0;
    if !is_known || foreign.is_some() {
        let key = store.map_or_else(FingerprintKey::default, Secrets::fingerprint_key);
        disarmed = archive::adopt(log, &id, offline::now(), key).await?.ended;
        // Not before: a log counts as known once what it said is disarmed.
        if let Some(store) = store {
            store.register(&id, &path)?;
        }
    }
    Ok((store.and_then(|store| store.of_log(&id)).unwrap_or_default(), disarmed))
}

/// Store of secrets; `None`, with a warning, when there is no place for one.
fn store(named: Option<&Path>) -> anyhow::Result<Option<Secrets>> {
    if let Some(directory) = named {
        let directory: PathBuf = std::path::absolute(directory)?;
        return Ok(Some(Secrets::open(&directory).context("--secrets")?));
    }
    let opened = match Home::find() {
        Some(home) => Secrets::open(&home.path().join("secrets")).map_err(|error| error.to_string()),
        None => Err("neither XDG_STATE_HOME nor HOME says where; name a directory with --secrets".to_owned()),
    };
    if let Err(why) = &opened {
        tracing::warn!(
            "nothing is kept for a restart beside the log, and the next bridge will not know it again: {why}"
        );
    }
    Ok(opened.ok())
}
