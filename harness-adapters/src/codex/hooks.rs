//! Hooks: programs of the user's configuration that Codex runs at certain points, once somebody has trusted them.

use std::path::PathBuf;

use acp_types::{Raw, RawBuf};
use serde::Deserialize;
use serde_json::{Value, json};

use super::connection::{CallError, Connection};
use super::wire::Page;
use crate::failure::{Failure, FailureKind};

/// The hooks of a directory, as the official adapter calls it.
pub(super) const LIST: &str = "_codex/hooks/list";
/// Trusts hooks, as the official adapter calls it.
pub(super) const TRUST: &str = "_codex/hooks/trust";
/// Limit of hooks that are named.
const NAMED: usize = 10;

#[derive(Deserialize)]
struct Directory {
    cwd: PathBuf,
}

#[derive(Deserialize)]
struct Trust {
    cwd: PathBuf,
    hooks: Vec<Hook>,
}

/// A hook, as far as it takes to trust it. The hash is that of its actions: a hook that was changed is another one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hook {
    key: String,
    current_hash: String,
    #[serde(default)]
    trust_status: String,
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    event_name: String,
    #[serde(default)]
    command: Option<String>,
    #[serde(default)]
    source_path: String,
}

impl Hook {
    /// True if it would run if somebody trusted it.
    fn waits(&self) -> bool {
        self.enabled && matches!(self.trust_status.as_str(), "untrusted" | "modified")
    }

    fn is(&self, other: &Self) -> bool {
        self.key == other.key && self.current_hash == other.current_hash
    }
}

/// `_codex/hooks/list`: the hooks of `cwd`, as Codex lists them.
pub(super) async fn list(connection: &Connection, params: Option<Raw<'_>>) -> Result<RawBuf, Failure> {
    let Directory { cwd } = decoded(LIST, params)?;
    Ok(RawBuf::trusted(entry(connection, &cwd).await?.to_string()))
}

/// `_codex/hooks/trust`: has Codex run `hooks` from now on, each named by its `key` and `currentHash`. Nothing is trusted
/// unless all of them are as they were listed.
pub(super) async fn trust(connection: &Connection, params: Option<Raw<'_>>) -> Result<RawBuf, Failure> {
    let Trust { cwd, hooks: wanted } = decoded(TRUST, params)?;
    let listed = hooks(connection, &cwd).await?;
    if let Some(missing) = wanted.iter().find(|wanted| !listed.iter().any(|hook| hook.is(wanted))) {
        let message = format!("{} is no hook, or was changed since: list the hooks again", missing.key);
        return Err(Failure::new(FailureKind::InvalidParams, message));
    }
    let edits: Vec<Value> = wanted
        .iter()
        .map(|hook| {
            let key = Value::from(hook.key.as_str());
            json!({
                "keyPath": format!("hooks.state.{key}.trusted_hash"),
                "value": hook.current_hash,
                "mergeStrategy": "replace",
            })
        })
        .collect();
    if !edits.is_empty() {
        let params = json!({ "edits": edits, "reloadUserConfig": true });
        connection.call::<Value>("config/batchWrite", &params).await?;
    }
    let listed = hooks(connection, &cwd).await?;
    let is_trusted = |wanted: &Hook| listed.iter().any(|hook| hook.is(wanted) && hook.trust_status == "trusted");
    Ok(RawBuf::trusted(json!({ "trusted": wanted.iter().all(is_trusted) }).to_string()))
}

fn decoded<T: serde::de::DeserializeOwned>(method: &str, params: Option<Raw<'_>>) -> Result<T, Failure> {
    let invalid = |what: String| Failure::new(FailureKind::InvalidParams, format!("{method}: {what}"));
    let params = params.ok_or_else(|| invalid("it needs parameters".to_owned()))?;
    params.decode().map_err(|error| invalid(error.to_string()))
}

/// The hooks of a directory that do not run, for people. None when Codex cannot say.
pub(super) async fn untrusted(connection: &Connection, cwd: &std::path::Path) -> Vec<String> {
    let Ok(hooks) = hooks(connection, cwd).await.inspect_err(|failure| tracing::debug!(%failure, "no hooks are known"))
    else {
        return Vec::new();
    };
    let waiting: Vec<_> = hooks.iter().filter(|hook| hook.waits()).collect();
    let mut named: Vec<String> = waiting
        .iter()
        .take(NAMED)
        .map(|hook| {
            let what = hook.command.as_deref().map(|command| format!(" runs `{command}`")).unwrap_or_default();
            format!("{}{what} ({})", hook.event_name, hook.source_path)
        })
        .collect();
    if waiting.len() > NAMED {
        named.push(format!("and {} more", waiting.len() - NAMED));
    }
    named
}

async fn hooks(connection: &Connection, cwd: &std::path::Path) -> Result<Vec<Hook>, Failure> {
    let mut entry = entry(connection, cwd).await?;
    let hooks = entry.get_mut("hooks").map(Value::take).unwrap_or_default();
    serde_json::from_value(hooks).map_err(|error| {
        Failure::new(FailureKind::Harness, format!("Codex's hooks do not read: {error}; another version may help"))
    })
}

async fn entry(connection: &Connection, cwd: &std::path::Path) -> Result<Value, Failure> {
    if !cwd.is_absolute() || !cwd.is_dir() {
        let message = format!("{} is no absolute path of a directory", cwd.display());
        return Err(Failure::new(FailureKind::InvalidParams, message));
    }
    let page: Result<Page<Value>, CallError> = connection.call("hooks/list", &json!({ "cwds": [cwd] })).await;
    page?.data.into_iter().next().ok_or_else(|| Failure::new(FailureKind::Harness, "Codex lists no hooks"))
}
