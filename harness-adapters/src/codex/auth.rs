//! Login and logout.

use std::time::Duration;

use acp_types::v1;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::connection::{CallError, Connection};
use super::wire::Account;
use crate::failure::{Failure, FailureKind};

/// Ids of the ways to log in.
const CHATGPT: &str = "chatgpt";
const API_KEY: &str = "api-key";
/// Time limit of a user in the browser.
const LOGIN: Duration = Duration::from_secs(600);

/// The ways to log in.
pub(super) fn methods() -> Vec<v1::AuthMethod> {
    let method = |id, name, description: &str| {
        v1::AuthMethod::Agent(v1::AuthMethodAgent::new(id, name).description(description.to_owned()))
    };
    vec![
        method(CHATGPT, "Log in with ChatGPT", "Opens a page in the browser of this machine"),
        method(API_KEY, "Use an API key", "Takes the key from _meta[\"api-key\"], CODEX_API_KEY or OPENAI_API_KEY"),
    ]
}

/// Fails if nobody is logged in and Codex needs a login.
///
/// # Errors
/// When not; the failure says how to.
pub(super) async fn check(connection: &Connection) -> Result<(), Failure> {
    let account: Account = connection.call("account/read", &json!({ "refreshToken": false })).await?;
    if account.account.is_none() && account.requires_openai_auth {
        // In place of a configuration that it cannot read Codex takes one that has no provider but OpenAI.
        if let Err(CallError::Refused(message)) = connection.call::<Value>("config/read", &json!({})).await {
            return Err(connection.misconfigured(&message));
        }
        let message = "nobody is logged in to Codex: authenticate, or run `codex login`";
        return Err(Failure::new(FailureKind::AuthRequired, message));
    }
    Ok(())
}

/// `authenticate`.
pub(super) async fn authenticate(connection: &Connection, request: &v1::AuthenticateRequest) -> Result<(), Failure> {
    match &*request.method_id.0 {
        API_KEY => {
            let key = api_key(request).ok_or_else(|| {
                let message = "no API key: pass it in _meta[\"api-key\"], or set CODEX_API_KEY or OPENAI_API_KEY";
                Failure::new(FailureKind::InvalidParams, message)
            })?;
            let params = json!({ "type": "apiKey", "apiKey": key });
            connection.call::<Value>("account/login/start", &params).await.map(drop).map_err(refused)
        }
        CHATGPT => chatgpt(connection).await,
        other => {
            let message = format!("there is no way to log in called {other}: use {CHATGPT} or {API_KEY}");
            Err(Failure::new(FailureKind::InvalidParams, message))
        }
    }
}

fn api_key(request: &v1::AuthenticateRequest) -> Option<String> {
    let given = request.meta.as_ref().and_then(|meta| meta.get(API_KEY));
    let given = given.and_then(|key| key.as_str().or_else(|| key.get("apiKey")?.as_str()).map(str::to_owned));
    let variable = |name| std::env::var(name).ok();
    given.or_else(|| variable("CODEX_API_KEY")).or_else(|| variable("OPENAI_API_KEY")).filter(|key| !key.is_empty())
}

async fn chatgpt(connection: &Connection) -> Result<(), Failure> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Begun {
        login_id: String,
        auth_url: String,
    }
    let mut logins = connection.logins();
    let begun: Begun = connection.call("account/login/start", &json!({ "type": CHATGPT })).await.map_err(refused)?;
    let cancel = Cancel { connection, login: Some(begun.login_id.clone()) };
    if let Err(error) = browse(&begun.auth_url) {
        tracing::warn!(%error, "no browser could be opened; run `codex login` instead");
        let message = "no browser can be opened here: run `codex login`, or use an API key";
        return Err(Failure::new(FailureKind::AuthRequired, message).with("url", begun.auth_url));
    }
    let done = timeout(LOGIN, async {
        while let Some(login) = logins.recv().await {
            if login.login_id.as_deref().is_none_or(|id| id == begun.login_id) {
                return Some(login);
            }
        }
        None
    })
    .await;
    let message = match done {
        Ok(Some(login)) if login.success => {
            cancel.keep();
            return Ok(());
        }
        Ok(Some(login)) => format!("the login failed: {}", login.error.unwrap_or_else(|| "no reason given".to_owned())),
        Ok(None) => "the login failed: Codex is gone".to_owned(),
        Err(_) => format!("nobody logged in within {} minutes", LOGIN.as_secs() / 60),
    };
    Err(Failure::new(FailureKind::AuthRequired, message))
}

/// Takes a login back that nobody waits for any more.
struct Cancel<'a> {
    connection: &'a Connection,
    login: Option<String>,
}

impl Cancel<'_> {
    fn keep(mut self) {
        self.login = None;
    }
}

impl Drop for Cancel<'_> {
    fn drop(&mut self) {
        if let Some(login) = self.login.take() {
            self.connection.tell("account/login/cancel", &json!({ "loginId": login }));
        }
    }
}

/// Opens a page in the user's browser. Only a page: the opener of the system also takes files and programs, and the
/// address is Codex's word.
fn browse(url: &str) -> std::io::Result<()> {
    if !is_page(url) {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "the address is no https:// page"));
    }
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = tokio::process::Command::new(opener);
    let quiet = std::process::Stdio::null;
    // It ends by itself, and tokio reaps it.
    command.arg(url).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn().map(drop)
}

/// `logout`.
pub(super) async fn logout(connection: &Connection) -> Result<(), Failure> {
    Ok(connection.call::<Value>("account/logout", &Value::Null).await.map(drop)?)
}

fn refused(error: CallError) -> Failure {
    match error {
        CallError::Refused(message) => Failure::new(FailureKind::AuthRequired, format!("the login failed: {message}")),
        CallError::Broken(failure) => failure,
    }
}

fn is_page(url: &str) -> bool {
    let local = ["http://localhost:", "http://localhost/", "http://127.0.0.1:", "http://127.0.0.1/"];
    url.starts_with("https://") || local.iter().any(|start| url.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::is_page;

    #[test]
    fn only_pages_are_opened() {
        assert!(is_page("https://auth.example/login?x=1") && is_page("http://localhost:1455/"));
        for other in ["file:///bin/sh", "/bin/sh", "--help", "javascript:x", "http://evil.example/", "HTTPS//x", ""] {
            assert!(!is_page(other), "{other}");
        }
    }
}
