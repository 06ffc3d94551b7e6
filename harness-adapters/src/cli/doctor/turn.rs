//! One turn of a harness against a scripted model, in a private home.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acp_server::transport::child::{ChildHandle, ChildSpec, Deadlines};
use acp_server::{AgentPeer, Client, ClientContext, connect};
use acp_types::v1;
use anyhow::{Context, bail};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::profile::{Offline, Profile, find};

/// For the whole turn; harnesses start slowly on a busy machine.
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
    let said = Said::default();
    let peer = connect(said.clone(), transport);
    let outcome = timeout(PATIENCE, converse(&peer, home.path())).await;
    peer.peer().close().await;
    handle.shutdown(Deadlines::default()).await;
    let stop = match outcome {
        Ok(outcome) => outcome.with_context(|| stderr(&handle))?,
        Err(_) => bail!("no answer within {} s; {}", PATIENCE.as_secs(), stderr(&handle)),
    };
    let text = said.text();
    if stop != v1::StopReason::EndTurn || text.trim().is_empty() {
        bail!("the turn ended with {stop:?} and the text {text:?}; {}", stderr(&handle));
    }
    Ok(format!("answered {:?}", text.trim()))
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

async fn converse(agent: &AgentPeer, cwd: &Path) -> anyhow::Result<v1::StopReason> {
    let client = v1::Implementation::new("acp-harness doctor", env!("CARGO_PKG_VERSION"));
    let hello = v1::InitializeRequest::new(v1::ProtocolVersion::V1).client_info(client);
    agent.initialize(hello).await.context("initialize")?;
    let session = agent.new_session(v1::NewSessionRequest::new(cwd)).await.context("session/new")?.session_id;
    let prompt = v1::PromptRequest::new(session, vec![v1::ContentBlock::from("Say hello.")]);
    Ok(agent.prompt(prompt).await.context("session/prompt")?.stop_reason)
}

/// What the agent said, and nothing else of a client.
#[derive(Debug, Clone, Default)]
struct Said(Arc<Mutex<String>>);

impl Said {
    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Client for Said {
    async fn session_update(&self, event: v1::SessionNotification, _: &ClientContext) {
        if let v1::SessionUpdate::AgentMessageChunk(chunk) = event.update
            && let v1::ContentBlock::Text(text) = chunk.content
        {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text.text);
        }
    }
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
        #[derive(Deserialize)]
        struct Listening {
            url: String,
        }
        let listening: Listening = serde_json::from_str(&line.context("the scripted model did not start")?)?;
        Ok(Self { url: listening.url, process })
    }
}
