//! One turn of a harness against a scripted model, in a private home.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use acp_server::proto::Event;
use acp_server::transport::child::{ChildHandle, ChildSpec, Deadlines};
use acp_server::{Config, Link, start};
use acp_types::error::error;
use acp_types::method::v1;
use acp_types::{ErrorCode, Raw, RawBuf};
use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::profile::{Offline, Profile, find};

/// Time limit of the whole turn. Harnesses start slowly on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// The scripted model's program.
const MODEL: &str = "acp-conformance";
/// Variables that would take the harness to a real provider or another home.
const FOREIGN: [&str; 5] = ["ANTHROPIC_", "CLAUDE", "OPENAI_", "CODEX_", "ACP_HARNESS_"];

/// Runs it and says what came back.
pub(super) async fn run(profile: &Profile, offline: &Offline, program: PathBuf) -> anyhow::Result<String> {
    let home = tempfile::tempdir().context("no private home")?;
    let model = Model::start().await?;
    let spec = spec(profile, offline, program, &home, &model.url)?;
    let (transport, mut handle) = spec.spawn().await?;
    let mut talk = Talk { link: start(transport, Config::default()), said: String::new() };
    let outcome = timeout(PATIENCE, talk.turn(home.path())).await;
    talk.link.outbox.close().await;
    handle.shutdown(Deadlines::default()).await;
    let stop = match outcome {
        Ok(outcome) => outcome.with_context(|| stderr(&handle))?,
        Err(_) => bail!("no answer within {} s; {}", PATIENCE.as_secs(), stderr(&handle)),
    };
    let said = talk.said.trim();
    if stop != "end_turn" || said.is_empty() {
        bail!("the turn ended with {stop} and the text {said:?}; {}", stderr(&handle));
    }
    Ok(format!("answered {said:?}"))
}

fn stderr(handle: &ChildHandle) -> String {
    let tail = handle.stderr_tail();
    let last: Vec<_> = tail.lines().rev().take(3).collect();
    if last.is_empty() { "it said nothing on stderr".to_owned() } else { format!("stderr, newest first: {last:?}") }
}

fn spec(
    profile: &Profile,
    offline: &Offline,
    program: PathBuf,
    home: &TempDir,
    url: &str,
) -> anyhow::Result<ChildSpec> {
    let fill = |text: &str| text.replace("{url}", url).replace("{home}", &home.path().display().to_string());
    for (path, text) in &offline.files {
        let path = home.path().join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, fill(text))?;
    }
    let mut spec = match profile.adapter {
        Some(_) => {
            ChildSpec::new(std::env::current_exe()?).arg(&profile.name).arg("--program").arg(program.as_os_str())
        }
        None => ChildSpec::new(program).args(&profile.args),
    };
    for (name, _) in std::env::vars_os() {
        if FOREIGN.iter().any(|foreign| name.to_string_lossy().starts_with(foreign)) {
            spec = spec.env_remove(name);
        }
    }
    spec = spec.env("HOME", home.path()).cwd(home.path());
    for (name, value) in profile.env.iter().chain(&offline.env) {
        spec = spec.env(name, fill(value));
    }
    Ok(spec)
}

/// A client of the least kind. It does without the typed one, whose code would stay in the memory of every adapter.
struct Talk {
    link: Link,
    said: String,
}

impl Talk {
    async fn turn(&mut self, cwd: &Path) -> anyhow::Result<String> {
        let client = json!({ "name": "acp-harness doctor", "version": env!("CARGO_PKG_VERSION") });
        let hello = json!({ "protocolVersion": 1, "clientCapabilities": {}, "clientInfo": client });
        self.call(v1::Initialize::NAME, &hello).await?;
        let opened = self.call(v1::NewSession::NAME, &json!({ "cwd": cwd, "mcpServers": [] })).await?;
        let prompt = json!([{ "type": "text", "text": "Say hello." }]);
        let prompt = json!({ "sessionId": opened["sessionId"], "prompt": prompt });
        let answer = self.call(v1::Prompt::NAME, &prompt).await?;
        Ok(answer["stopReason"].as_str().unwrap_or_default().to_owned())
    }

    async fn call(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        let wanted = self.link.outbox.request(method, RawBuf::encode(params)?).await?;
        while let Some(events) = self.link.inbox.next_batch().await {
            for event in events {
                match event {
                    Event::Response { key, outcome, .. } if key == wanted => {
                        let payload = outcome.map_err(|error| anyhow!("{method}: {error}"))?;
                        return Ok(serde_json::from_str(payload.raw().as_str())?);
                    }
                    Event::Request(request) => {
                        let refused = error(ErrorCode::METHOD_NOT_FOUND, "a doctor decides nothing", None);
                        self.link.outbox.respond(request.id().clone(), Err(refused)).await?;
                    }
                    Event::Notification(update) => self.said.extend(text_of(update.params())),
                    _ => {}
                }
            }
        }
        bail!("{method}: the agent is gone")
    }
}

fn text_of(update: Option<Raw<'_>>) -> Option<String> {
    let update = update?.member("update")?;
    let chunk = update.member("sessionUpdate")?.as_string()? == "agent_message_chunk";
    chunk.then(|| update.path(&["content", "text"])?.as_string().map(std::borrow::Cow::into_owned)).flatten()
}

/// A scripted model as a process.
struct Model {
    url: String,
    #[expect(dead_code, reason = "is killed when dropped")]
    process: Child,
}

impl Model {
    async fn start() -> anyhow::Result<Self> {
        let beside = std::env::current_exe()?.with_file_name(MODEL);
        let program = find(&beside, None).or_else(|| find(Path::new(MODEL), std::env::var_os("PATH"))).with_context(
            || format!("{MODEL} is needed for a scripted model; install it beside this program: `cargo install --path conformance`"),
        )?;
        let mut process = Command::new(&program)
            .args(["model", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let stdout = process.stdout.take().context("no stdout")?;
        let line = timeout(PATIENCE, BufReader::new(stdout).lines().next_line()).await??;
        let listening: Value = serde_json::from_str(&line.context("the scripted model did not start")?)?;
        let url = listening["url"].as_str().context("the scripted model did not say where it listens")?.to_owned();
        Ok(Self { url, process })
    }
}
