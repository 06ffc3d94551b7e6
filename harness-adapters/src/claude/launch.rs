//! Finds Claude Code's program and builds its command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use acp_server::transport::child::ChildSpec;
use acp_types::v1;
use serde_json::{Map, Value, json};

use super::translate::options::Mode;
use super::trust::Trust;
use crate::adapter::Options;
use crate::failure::{Failure, FailureKind};
use crate::profile::Version;
use crate::search_path;

/// The oldest version with the protocol that this adapter uses.
pub const MINIMUM: Version = Version(2, 1, 318);

/// Arguments of every process.
const ARGS: [&str; 10] = [
    "-p",
    "--input-format",
    "stream-json",
    "--output-format",
    "stream-json",
    "--verbose",
    "--include-partial-messages",
    "--permission-prompt-tool",
    "stdio",
    "--await-initialize",
];
/// Variable that makes the program read the instructions in the directories of `--add-dir`.
const MEMORY: &str = "CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD";
/// Names of the npm packages that hold native programs.
const PLATFORMS: [(&str, &str, &[&str]); 4] = [
    ("linux", "x86_64", &["claude-code-linux-x64", "claude-code-linux-x64-musl"]),
    ("linux", "aarch64", &["claude-code-linux-arm64", "claude-code-linux-arm64-musl"]),
    ("macos", "x86_64", &["claude-code-darwin-x64"]),
    ("macos", "aarch64", &["claude-code-darwin-arm64"]),
];
/// Paths of its own installers, below the home directory.
const HOMES: [&str; 2] = [".local/bin/claude", ".claude/local/claude"];
/// Variables of a process and what they are set to unless they are set already: plans work, and a request to a provider
/// that is down fails within a quarter of a minute.
const DEFAULTS: [(&str, &str); 2] = [("CLAUDE_CODE_ENABLE_TODO_TOOLS", "1"), ("CLAUDE_CODE_MAX_RETRIES", "4")];

/// Beginning of a session in a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Begin {
    /// A new session.
    New,
    /// A session that is on disk.
    Resume,
    /// A copy of a session that is on disk.
    Fork {
        /// Id of the original.
        from: String,
    },
}

/// Facts that a session is started from.
#[derive(Debug, Clone, Default)]
pub(super) struct Start {
    /// Its workspace.
    pub(super) cwd: PathBuf,
    /// Additional directories.
    pub(super) directories: Vec<PathBuf>,
    /// Servers of the client.
    pub(super) servers: Vec<v1::McpServer>,
    /// Text that replaces its own instructions.
    pub(super) replace: Option<String>,
    /// Text after its own instructions.
    pub(super) append: Option<String>,
}

/// The native program.
///
/// # Errors
/// When there is none; the failure says what to do.
pub fn program(options: &Options, variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, Failure> {
    let named = |name: &str| variable(name).filter(|value| !value.is_empty());
    let given = options.program.clone().or_else(|| named("CLAUDE_CODE_EXECUTABLE").map(PathBuf::from));
    let found = match &given {
        Some(path) if path.components().count() > 1 => Some(path.clone()).filter(|path| path.is_file()),
        Some(name) => search_path::find(name, named("PATH"), Path::is_file),
        None => search_path::find(Path::new("claude"), named("PATH"), Path::is_file).or_else(|| {
            let home = PathBuf::from(named("HOME")?);
            HOMES.iter().map(|place| home.join(place)).find(|path| path.is_file())
        }),
    };
    let missing = given.unwrap_or_else(|| "claude".into());
    let found = found.ok_or_else(|| {
        let message = format!(
            "Claude Code is not installed: there is no {}; run `npm install -g @anthropic-ai/claude-code`, or name its \
             program with --program or CLAUDE_CODE_EXECUTABLE",
            missing.display()
        );
        Failure::new(FailureKind::Unavailable, message).with("program", missing.display().to_string())
    })?;
    // Absolute, because it is started in the session's directory.
    Ok(native(&found).or_else(|| std::path::absolute(&found).ok()).unwrap_or(found))
}

/// The program that npm's script would start. The script would keep a Node process around.
fn native(found: &Path) -> Option<PathBuf> {
    let real = found.canonicalize().ok()?;
    let scope = real.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "@anthropic-ai"))?;
    let (_, _, names) =
        PLATFORMS.iter().find(|(os, arch, _)| (*os, *arch) == (std::env::consts::OS, std::env::consts::ARCH))?;
    let own = scope.join("claude-code/node_modules/@anthropic-ai");
    let places = [scope, own.as_path()];
    let mut programs = places.iter().flat_map(|place| names.iter().map(move |name| place.join(name).join("claude")));
    programs.find(|program| program.is_file())
}

/// True if the mode that allows everything can work: the program refuses it to root outside a sandbox.
pub(super) fn may_bypass(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    !rustix::process::geteuid().is_root() || variable("IS_SANDBOX").is_some_and(|value| value == "1")
}

/// Launch of a process for a session.
pub(super) fn session(
    program: &Path,
    options: &Options,
    session: &str,
    begin: &Begin,
    start: &Start,
    trust: &Trust,
    bypass: bool,
) -> ChildSpec {
    // A session of its own, also when we are run from within another one.
    let mut spec = ChildSpec::new(program).args(ARGS).cwd(&start.cwd).env_remove("CLAUDECODE");
    spec = spec.arg("--permission-mode").arg(trust.mode.unwrap_or(Mode::Default).id());
    if bypass {
        spec = spec.arg("--allow-dangerously-skip-permissions");
    }
    if !trust.directory {
        // Nothing of the directory but what it says to the model, which is words.
        spec = spec.arg("--setting-sources").arg("user").arg("--add-dir").arg(&start.cwd).env(MEMORY, "1");
    }
    spec = match begin {
        Begin::New => spec.arg("--session-id").arg(session),
        Begin::Resume => spec.arg("--resume").arg(session),
        Begin::Fork { from } => spec.arg("--resume").arg(from).arg("--fork-session").arg("--session-id").arg(session),
    };
    for directory in &start.directories {
        spec = spec.arg("--add-dir").arg(directory);
    }
    for (name, value) in DEFAULTS {
        if std::env::var_os(name).is_none_or(|value| value.is_empty()) {
            spec = spec.env(name, value);
        }
    }
    spec.args(options.args.clone())
}

/// MCP servers of the client, as the program takes them.
///
/// # Errors
/// For a server of a kind that the program does not know.
pub(super) fn servers(servers: &[v1::McpServer]) -> Result<Map<String, Value>, Failure> {
    let headers = |headers: &[v1::HttpHeader]| -> Map<String, Value> {
        headers.iter().map(|header| (header.name.clone(), header.value.clone().into())).collect()
    };
    let servers = servers.iter().map(|server| match server {
        v1::McpServer::Stdio(it) => {
            let env: Map<String, Value> = it.env.iter().map(|it| (it.name.clone(), it.value.clone().into())).collect();
            Ok((it.name.clone(), json!({ "type": "stdio", "command": it.command, "args": it.args, "env": env })))
        }
        v1::McpServer::Http(it) => {
            Ok((it.name.clone(), json!({ "type": "http", "url": it.url, "headers": headers(&it.headers) })))
        }
        v1::McpServer::Sse(it) => {
            Ok((it.name.clone(), json!({ "type": "sse", "url": it.url, "headers": headers(&it.headers) })))
        }
        _ => Err(Failure::new(FailureKind::InvalidParams, "an MCP server is of a kind that Claude Code does not know")),
    });
    servers.collect()
}

/// Fails for a workspace that cannot be worked in.
///
/// # Errors
/// When it is no absolute path of a directory.
pub(super) fn check(start: &Start) -> Result<(), Failure> {
    for directory in std::iter::once(&start.cwd).chain(&start.directories) {
        let what = match () {
            () if !directory.is_absolute() => "is not an absolute path",
            () if !directory.exists() => "does not exist",
            () if !directory.is_dir() => "is not a directory",
            () => continue,
        };
        let message = format!("{} {what}: name a directory that exists by its absolute path", directory.display());
        return Err(Failure::new(FailureKind::InvalidParams, message).with("path", directory.display().to_string()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use acp_types::v1;

    use super::{Begin, Start, Trust, check, native, program, servers, session};
    use crate::adapter::Options;
    use crate::failure::FailureKind;

    #[test]
    fn a_program_that_is_not_there_says_how_to_get_it() {
        let failure = program(&Options::default(), |_| None).expect_err("no program");
        assert_eq!(failure.kind, FailureKind::Unavailable);
        assert!(failure.message.contains("npm install -g @anthropic-ai/claude-code"), "{failure}");
        let options = Options { program: Some("/dev/null/claude".into()), ..Options::default() };
        let failure = program(&options, |_| None).expect_err("no program");
        assert!(failure.message.contains("/dev/null/claude"), "{failure}");
    }

    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn the_native_program_is_taken_in_place_of_npms_script() {
        let home = tempfile::tempdir().expect("a directory");
        let scope = home.path().canonicalize().expect("a path").join("node_modules/@anthropic-ai");
        for folder in ["claude-code", "claude-code-linux-x64"] {
            fs::create_dir_all(scope.join(folder)).expect("a folder");
        }
        let (script, binary) = (scope.join("claude-code/cli.js"), scope.join("claude-code-linux-x64/claude"));
        fs::write(&script, "").expect("a script");
        assert_eq!(native(&script), None);
        fs::write(&binary, "").expect("a program");
        assert_eq!(native(&script), Some(binary));
    }

    #[test]
    fn secrets_of_servers_are_on_no_command_line() {
        let server = v1::McpServerStdio::new("demo", "/bin/demo").env(vec![v1::EnvVariable::new("TOKEN", "hush")]);
        let start = Start { cwd: "/".into(), servers: vec![v1::McpServer::Stdio(server)], ..Start::default() };
        let trust = Trust::default();
        let spec = session("claude".as_ref(), &Options::default(), "id", &Begin::New, &start, &trust, false);
        assert!(!format!("{spec:?}").contains("hush"));
        assert_eq!(servers(&start.servers).expect("servers")["demo"]["env"]["TOKEN"], "hush");
    }

    #[test]
    fn a_workspace_has_to_exist() {
        for (cwd, what) in
            [("ws", "not an absolute path"), ("/dev/null/ws", "does not exist"), ("/dev/null", "not a directory")]
        {
            let failure = check(&Start { cwd: cwd.into(), ..Start::default() }).expect_err(cwd);
            assert_eq!(failure.kind, FailureKind::InvalidParams);
            assert!(failure.message.contains(what), "{failure}");
        }
    }
}
