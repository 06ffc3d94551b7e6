//! One harness behind one client, in a home and a workspace of its own.

use std::path::{Path, PathBuf};

use acp_server::transport::child::{ChildHandle, ChildSpec, Deadlines};
use acp_server::types::v1;
use acp_server::{AgentPeer, CallError, connect};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::client::{Events, Observer};
use super::model::Model;
use super::{harness, official, soon};

/// Which harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harness {
    Codex,
    Claude,
}

/// Who runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum User {
    /// Whoever runs the test.
    #[default]
    Same,
    /// Root; in a user namespace if the test is not.
    Root,
    /// Somebody who is not root and may do nothing.
    Nobody,
}

/// How to set the stage.
pub(crate) struct Setting {
    pub(crate) harness: Harness,
    /// Of the scripted model, as TOML.
    pub(crate) script: String,
    /// What the client says of itself in `initialize`.
    pub(crate) capabilities: v1::ClientCapabilities,
    /// Variables besides those that every harness gets.
    pub(crate) env: Vec<(String, String)>,
    /// Further arguments of `acp-harness`, before `--`.
    pub(crate) args: Vec<String>,
    /// What is added to Codex's `config.toml`, before its tables.
    pub(crate) config: String,
    pub(crate) user: User,
    /// The official adapter instead of ours.
    pub(crate) official: bool,
}

impl Setting {
    pub(crate) fn new(harness: Harness, script: &str) -> Self {
        Self {
            harness,
            script: script.to_owned(),
            capabilities: v1::ClientCapabilities::default(),
            env: Vec::new(),
            args: Vec::new(),
            config: String::new(),
            user: User::Same,
            official: false,
        }
    }

    /// Puts the official adapter on stage.
    pub(crate) fn official(mut self) -> Self {
        self.official = true;
        self
    }

    pub(crate) fn capabilities(mut self, capabilities: v1::ClientCapabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn config(mut self, lines: &str) -> Self {
        self.config.push_str(lines);
        self
    }

    pub(crate) fn user(mut self, user: User) -> Self {
        self.user = user;
        self
    }

    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }
}

/// A harness on stage. Dropping it ends all its processes.
pub(crate) struct Stage {
    pub(crate) setting: Setting,
    pub(crate) model: Model,
    /// Holds home and workspace.
    pub(crate) directory: TempDir,
    pub(crate) agent: AgentPeer,
    pub(crate) handle: ChildHandle,
    pub(crate) events: Events,
    /// What `initialize` answered.
    pub(crate) about: v1::InitializeResponse,
}

impl Stage {
    pub(crate) async fn codex(script: &str) -> Self {
        Self::set(Setting::new(Harness::Codex, script)).await
    }

    pub(crate) async fn claude(script: &str) -> Self {
        Self::set(Setting::new(Harness::Claude, script)).await
    }

    pub(crate) async fn set(setting: Setting) -> Self {
        // Not in the system's temporary directory, where Codex does not make its helpers; unless another user has to
        // get there.
        let directory = match setting.user {
            User::Same => tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")),
            User::Root | User::Nobody => tempfile::tempdir(),
        };
        let directory = directory.expect("a directory");
        for part in ["home/.codex", "workspace", "tmp"] {
            std::fs::create_dir_all(directory.path().join(part)).expect("a directory");
        }
        let model = Model::start(&setting.script, directory.path());
        write_config(&setting, &model.url, directory.path());
        if setting.user == User::Nobody {
            open_to_all(directory.path());
        }
        let (agent, handle, events, about) = start(&setting, &model.url, directory.path()).await;
        Self { setting, model, directory, agent, handle, events, about }
    }

    /// Ends the adapter as a client does that goes away, and starts another one in the same home.
    pub(crate) async fn restart(&mut self) {
        self.agent.close().await;
        soon("the end of the adapter", self.handle.shutdown(Deadlines::default())).await;
        self.start_again().await;
    }

    /// Starts an adapter in the same home; the one before has ended or will be killed.
    pub(crate) async fn start_again(&mut self) {
        (self.agent, self.handle, self.events, self.about) =
            start(&self.setting, &self.model.url, self.directory.path()).await;
    }

    /// One more adapter in the same home, at the same time.
    pub(crate) async fn second(&self) -> (AgentPeer, ChildHandle, Events) {
        let (agent, handle, events, _) = start(&self.setting, &self.model.url, self.directory.path()).await;
        (agent, handle, events)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.directory.path().join("workspace")
    }

    /// Writes the user's settings of Claude Code.
    pub(crate) fn settings(&self, settings: &serde_json::Value) {
        let folder = self.home().join(".claude");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("settings.json"), settings.to_string()).expect("write settings");
    }

    /// Writes a file of the workspace.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.workspace().join(name);
        std::fs::write(&path, text).expect("write a file");
        path
    }

    /// Reads a file of the workspace.
    pub(crate) fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.workspace().join(name)).ok()
    }

    /// Opens a session in the workspace.
    pub(crate) async fn new_session(&self) -> v1::SessionId {
        self.opened(v1::NewSessionRequest::new(self.workspace())).await.session_id
    }

    /// Opens a session as asked.
    pub(crate) async fn opened(&self, request: v1::NewSessionRequest) -> v1::NewSessionResponse {
        let opened = soon("session/new", self.agent.new_session(request)).await;
        opened.unwrap_or_else(|error| panic!("session/new: {error}; stderr: {}", self.handle.stderr_tail()))
    }

    /// Sends a prompt whose answer is awaited elsewhere.
    pub(crate) fn prompt(
        &self,
        session: &v1::SessionId,
        text: &str,
    ) -> JoinHandle<Result<v1::PromptResponse, CallError>> {
        let agent = self.agent.clone();
        let request = v1::PromptRequest::new(session.clone(), vec![text.into()]);
        tokio::spawn(async move { agent.prompt(request).await })
    }

    /// Sends a prompt and waits for its answer, which has to be a result.
    pub(crate) async fn turn(&self, session: &v1::SessionId, text: &str) -> v1::PromptResponse {
        let response = self.answer(self.prompt(session, text)).await;
        response.unwrap_or_else(|error| panic!("{text}: {error}; stderr: {}", self.handle.stderr_tail()))
    }

    /// Waits for the answer of a prompt.
    pub(crate) async fn answer(
        &self,
        prompt: JoinHandle<Result<v1::PromptResponse, CallError>>,
    ) -> Result<v1::PromptResponse, CallError> {
        soon(&format!("the answer of a prompt (events: {:#?})", self.events.seen), prompt).await.expect("no panic")
    }

    /// Stops the turn of a session.
    pub(crate) async fn cancel(&self, session: &v1::SessionId) {
        self.agent.cancel(v1::CancelNotification::new(session.clone())).await.expect("sent");
    }

    /// Goes away as a client does and waits for the end of the adapter.
    pub(crate) async fn leave(mut self) {
        self.agent.close().await;
        let report = soon("the end of the adapter", self.handle.shutdown(Deadlines::default())).await;
        assert_eq!(report.code, Some(0), "{report}; stderr: {}", self.handle.stderr_tail());
    }
}

async fn start(
    setting: &Setting,
    url: &str,
    directory: &Path,
) -> (AgentPeer, ChildHandle, Events, v1::InitializeResponse) {
    let (observer, events) = Observer::new();
    let (transport, handle) = spec(setting, url, directory).spawn().await.expect("start acp-harness");
    let agent = connect(observer, transport);
    let hello = v1::InitializeRequest::new(v1::ProtocolVersion::V1).client_capabilities(setting.capabilities.clone());
    let about = soon("initialize", agent.initialize(hello)).await;
    let about = about.unwrap_or_else(|error| panic!("initialize: {error}; stderr: {}", handle.stderr_tail()));
    (agent, handle, events, about)
}

fn spec(setting: &Setting, url: &str, directory: &Path) -> ChildSpec {
    let name = match setting.harness {
        Harness::Codex => "codex",
        Harness::Claude => "claude",
    };
    let (mut ours, mut program) = (PathBuf::from(env!("CARGO_BIN_EXE_acp-harness")), harness(name));
    if setting.user == User::Nobody {
        ours = copied(&ours, directory);
        program = copied(&program, directory);
    }
    let mut words: Vec<std::ffi::OsString> = match setting.user {
        User::Same => Vec::new(),
        User::Root if is_root() => Vec::new(),
        User::Root => ["unshare", "--map-root-user"].map(Into::into).to_vec(),
        User::Nobody if is_root() => {
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"].map(Into::into).to_vec()
        }
        User::Nobody => Vec::new(),
    };
    if setting.official {
        words.push(official(name).into());
    } else {
        words.extend([ours.into(), name.into(), "--program".into(), program.into()]);
        words.extend(setting.args.iter().map(Into::into));
    }
    let mut spec = ChildSpec::new(words.remove(0)).args(words);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["ANTHROPIC", "CLAUDE", "OPENAI", "CODEX", "ACP_"].iter().any(|foreign| text.starts_with(foreign)) {
            spec = spec.env_remove(name);
        }
    }
    let home = directory.join("home");
    spec = spec
        .env("HOME", &home)
        .env("CODEX_HOME", home.join(".codex"))
        .env("TMPDIR", directory.join("tmp"))
        .env("MOCK_KEY", "test-key")
        .env("ANTHROPIC_BASE_URL", url)
        .env("ANTHROPIC_API_KEY", "test-key")
        .env("CLAUDE_CONFIG_DIR", home.join(".claude"))
        .env("DISABLE_TELEMETRY", "1")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .cwd(directory.join("workspace"));
    setting.env.iter().fold(spec, |spec, (name, value)| spec.env(name, value))
}

fn write_config(setting: &Setting, url: &str, directory: &Path) {
    let config = format!(
        "model = \"gpt-5.5\"\nmodel_provider = \"mock\"\n{}\n[model_providers.mock]\nname = \"mock\"\nbase_url = \
         \"{url}/v1\"\nwire_api = \"responses\"\nenv_key = \"MOCK_KEY\"\nrequest_max_retries = 0\n\
         stream_max_retries = 1\n",
        setting.config
    );
    std::fs::write(directory.join("home/.codex/config.toml"), config).expect("write the configuration");
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The same program where everybody can run it.
fn copied(program: &Path, directory: &Path) -> PathBuf {
    let name = program.file_name().expect("a name");
    let copy = directory.join(name);
    if !copy.exists() {
        std::fs::copy(program, &copy).expect("copy the program");
    }
    copy
}

fn open_to_all(directory: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let entries = std::fs::read_dir(directory).expect("a directory");
    for entry in entries.map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            open_to_all(&entry);
        }
    }
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o777)).expect("permissions");
}
