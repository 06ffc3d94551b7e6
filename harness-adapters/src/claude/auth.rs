//! Logging in. Claude Code keeps its own login; an API key given here lives in memory only.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use acp_types::v1;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::failure::{Failure, FailureKind};

/// The login of the CLI itself.
const LOGIN: &str = "claude-login";
/// A key, in `_meta["api-key"]` of `authenticate`.
const KEY: &str = "api-key";
/// Time limit of `claude auth`.
const PATIENCE: Duration = Duration::from_secs(30);

/// The variable that Claude Code takes a key from.
pub(super) const VARIABLE: &str = "ANTHROPIC_API_KEY";

/// The key that the client gave, if it gave one.
#[derive(Default)]
pub(super) struct Key(Mutex<Option<String>>);

impl std::fmt::Debug for Key {
    /// Hides the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

impl Key {
    pub(super) fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, key: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = key;
    }
}

/// The ways to log in. `program` is shown to clients that can run it in a terminal.
pub(super) fn methods(program: Option<&Path>) -> Vec<v1::AuthMethod> {
    let mut login = v1::AuthMethodAgent::new(LOGIN, "Log in with Claude Code")
        .description("Run `claude auth login` in a terminal, then go on here".to_owned());
    if let Some(program) = program {
        let terminal = json!({ "command": program, "args": ["auth", "login"], "label": "Claude Code login" });
        login = login.meta(v1::Meta::from_iter([("terminal-auth".to_owned(), terminal)]));
    }
    let key = v1::AuthMethodAgent::new(KEY, "Anthropic API key")
        .description("A key in `_meta[\"api-key\"]`, or in the variable ANTHROPIC_API_KEY".to_owned());
    vec![v1::AuthMethod::Agent(login), v1::AuthMethod::Agent(key)]
}

/// `authenticate`.
pub(super) async fn authenticate(program: &Path, key: &Key, request: &v1::AuthenticateRequest) -> Result<(), Failure> {
    match &*request.method_id.0 {
        LOGIN => {
            let (status, _) = run(program, &["auth", "status"], key).await?;
            if status { Ok(()) } else { Err(required()) }
        }
        KEY => {
            let given = request.meta.as_ref().and_then(|meta| meta.get(KEY)).and_then(|given| match given {
                Value::String(key) => Some(key.clone()),
                given => given.get("apiKey").and_then(Value::as_str).map(str::to_owned),
            });
            match given.filter(|key| !key.trim().is_empty()) {
                Some(given) => key.set(Some(given.trim().to_owned())),
                None if std::env::var_os(VARIABLE).is_some_and(|value| !value.is_empty()) => {}
                None => {
                    let message = "no key was given: put it into `_meta[\"api-key\"]`, or set ANTHROPIC_API_KEY";
                    return Err(Failure::new(FailureKind::AuthRequired, message));
                }
            }
            Ok(())
        }
        other => {
            let message = format!("there is no way to log in called {other}, only {LOGIN} and {KEY}");
            Err(Failure::new(FailureKind::InvalidParams, message))
        }
    }
}

/// `logout`.
pub(super) async fn logout(program: &Path, key: &Key) -> Result<(), Failure> {
    key.set(None);
    match run(program, &["auth", "logout"], key).await? {
        (true, _) => Ok(()),
        (false, said) => {
            let message = format!("`claude auth logout` failed: {said}; run it in a terminal");
            Err(Failure::new(FailureKind::Unavailable, message))
        }
    }
}

/// Fails if a process lacks a login, by its own report.
pub(super) fn check(initialized: &Value) -> Result<(), Failure> {
    let account = |key: &str| initialized.pointer(&format!("/account/{key}")).and_then(Value::as_str);
    let nothing = account("tokenSource") == Some("none") && account("apiKeySource").is_none_or(|key| key == "none");
    if nothing && account("apiProvider") == Some("firstParty") { Err(required()) } else { Ok(()) }
}

fn required() -> Failure {
    let message = "Claude Code is not logged in: run `claude auth login` in a terminal, or set ANTHROPIC_API_KEY";
    Failure::new(FailureKind::AuthRequired, message)
}

/// Runs the program for its exit status and what it says on stderr.
async fn run(program: &Path, args: &[&str], key: &Key) -> Result<(bool, String), Failure> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    if let Some(key) = key.get() {
        command.env(VARIABLE, key);
    }
    let failed = |what: String| {
        Failure::new(FailureKind::Unavailable, format!("{} {}: {what}", program.display(), args.join(" ")))
    };
    let output = timeout(PATIENCE, command.output()).await.map_err(|_| failed("did not end in time".to_owned()))?;
    let output = output.map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    Ok((output.status.success(), said.lines().next().unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Key, check};
    use crate::failure::FailureKind;

    #[test]
    fn without_login_and_key_a_login_is_asked_for() {
        let failure = check(&json!({ "account": { "tokenSource": "none", "apiProvider": "firstParty" } }));
        assert_eq!(failure.expect_err("a failure").kind, FailureKind::AuthRequired);
        for account in [
            json!({ "tokenSource": "none", "apiKeySource": "ANTHROPIC_API_KEY", "apiProvider": "firstParty" }),
            json!({ "tokenSource": "none", "apiProvider": "bedrock" }),
            json!({ "tokenSource": "claude.ai", "apiProvider": "firstParty" }),
            json!({}),
        ] {
            assert_eq!(check(&json!({ "account": account })), Ok(()), "{account}");
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        let key = Key::default();
        key.set(Some("test-key".to_owned()));
        assert!(!format!("{key:?}").contains("test-key"));
    }
}
