//! `acp-harness` as a person types it.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use acp_server::transport::child::{ChildSpec, Deadlines};
use acp_server::types::v1::{InitializeRequest, NewSessionRequest, ProtocolVersion};
use acp_server::{CallError, Client};
use serde_json::Value;
use support::{harness, model_program};

/// The program in a home of its own, with nothing but `path` to find programs in.
fn run(home: &Path, path: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_acp-harness"))
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("PATH", path)
        .output()
        .expect("run acp-harness")
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

/// A program that says a version.
fn program(directory: &Path, name: &str, version: &str) {
    let path = directory.join(name);
    std::fs::write(&path, format!("#!/bin/sh\necho {version}\n")).expect("write");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}

#[test]
fn the_list_shows_what_is_installed_in_which_version_and_how_to_get_the_rest() {
    let [home, path] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    program(path.path(), "codex", "codex-cli 0.100.0");
    program(path.path(), "gemini", "0.61.0");
    let (code, out, _) = said(&run(home.path(), path.path(), &["list", "--json"]));
    assert_eq!(code, Some(0));
    let list = lines(&out);
    let of = |name: &str| list.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name} in {out}"));
    assert_eq!(of("gemini")["version"], "0.61.0");
    assert_eq!(of("claude")["installed"], false);
    assert!(of("claude")["install"].as_str().unwrap().contains("claude-code"));
    let (_, out, _) = said(&run(home.path(), path.path(), &["list"]));
    let codex = out.lines().find(|line| line.starts_with("codex")).unwrap();
    assert!(codex.contains("0.100.0") && codex.contains("too old"), "{codex}");
}

#[test]
fn what_a_terminal_would_obey_is_shown() {
    let [home, path] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let odd = path.path().join("a\u{1b}[2J\u{9b}b\nc");
    std::fs::create_dir(&odd).unwrap();
    program(&odd, "codex", "codex-cli 0.100.0");
    let unknown = "no\u{1b}[2J\u{202e}such";
    for args in
        [&["list"][..], &["list", "--json"], &["which", "codex"], &["which", unknown], &[unknown], &["doctor", unknown]]
    {
        let (_, out, why) = said(&run(home.path(), &odd, args));
        let shown = out + &why;
        assert!(shown.contains("[2J"), "{args:?}: {shown:?}");
        let raw = shown.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
        assert_eq!(raw, None, "{args:?}: {shown:?}");
    }
}

#[test]
fn which_tells_an_unknown_name_from_a_missing_program() {
    let [home, path] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (code, _, why) = said(&run(home.path(), path.path(), &["which", "nobody"]));
    assert!(code == Some(2) && why.contains("nobody") && why.contains("opencode"), "{code:?} {why}");
    let (code, _, why) = said(&run(home.path(), path.path(), &["which", "opencode"]));
    assert!(code == Some(3) && why.contains("npm install -g opencode-ai"), "{code:?} {why}");
    program(path.path(), "opencode", "1.18.33");
    let (code, out, _) = said(&run(home.path(), path.path(), &["which", "opencode"]));
    assert_eq!((code, out.trim()), (Some(0), path.path().join("opencode").to_str().unwrap()));
    program(path.path(), "claude", "2.1.332");
    let (code, out, _) = said(&run(home.path(), path.path(), &["which", "--json", "claude"]));
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, found["program"].as_str()), (Some(0), path.path().join("claude").to_str()));
    let skills = home.path().join(".claude/skills");
    assert!(found["readable"].as_array().unwrap().contains(&skills.to_str().unwrap().into()), "{out}");
}

#[test]
fn a_harness_that_speaks_acp_gets_its_arguments_and_our_place() {
    let [home, path] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let script = path.path().join("gemini");
    std::fs::write(&script, "#!/bin/sh\necho \"$@\"\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (code, out, _) = said(&run(home.path(), path.path(), &["gemini", "--model", "m"]));
    assert_eq!((code, out.trim()), (Some(0), "--acp --model m"));
}

/// A doctor of a real harness, whose program is given relative to where the doctor runs.
fn doctor(name: &str, key: Option<&str>) -> (Option<i32>, Vec<Value>) {
    model_program();
    let home = tempfile::tempdir().expect("as the test needs it");
    std::os::unix::fs::symlink(harness(name), home.path().join("program")).expect("a link");
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-harness"));
    command.args(["doctor", name, "--json", "--program", "./program"]).env_clear();
    command.env("HOME", home.path()).env("PATH", std::env::var_os("PATH").expect("a PATH")).current_dir(home.path());
    if let Some(key) = key {
        command.env(key, "test-key");
    }
    let (code, out, why) = said(&command.output().expect("run acp-harness"));
    assert!(!out.contains("test-key") && !why.contains("test-key"), "{out}{why}");
    let checks = lines(&out);
    for check in ["program", "version", "turn"] {
        assert_eq!(state(&checks, check), "ok", "{out}{why}");
    }
    (code, checks)
}

fn state<'a>(checks: &'a [Value], check: &str) -> &'a str {
    let found = checks.iter().find(|it| it["check"] == check);
    found.and_then(|it| it["state"].as_str()).unwrap_or_else(|| panic!("no {check} in {checks:?}"))
}

#[test]
fn the_doctor_runs_a_turn_of_the_real_codex_and_fails_when_nobody_is_logged_in() {
    let (code, checks) = doctor("codex", None);
    assert_eq!((code, state(&checks, "login")), (Some(1), "failed"), "{checks:?}");
}

#[test]
fn the_doctor_runs_a_turn_of_the_real_claude_code_and_fails_when_nobody_is_logged_in() {
    let (code, checks) = doctor("claude", None);
    assert_eq!((code, state(&checks, "login")), (Some(1), "failed"), "{checks:?}");
}

#[test]
fn to_the_doctor_a_key_in_the_environment_is_as_good_as_a_login() {
    for (name, key) in [("codex", "OPENAI_API_KEY"), ("claude", "ANTHROPIC_API_KEY")] {
        let (code, checks) = doctor(name, Some(key));
        assert_eq!((code, state(&checks, "login")), (Some(0), "ok"), "{checks:?}");
    }
}

#[test]
fn a_program_that_is_not_there_is_named_with_where_its_path_came_from() {
    let [home, path] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let nowhere = home.path().join("nowhere");
    let given = nowhere.to_str().unwrap();
    let (code, out, why) = said(&run(home.path(), path.path(), &["doctor", "codex", "--program", given]));
    assert_eq!(code, Some(3), "{out}{why}");
    for text in [&out, &why] {
        assert!(text.contains(given) && text.contains("--program") && !text.contains("on PATH"), "{text}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-harness"));
    command.args(["which", "codex"]).env_clear().env("HOME", home.path()).env("CODEX_PATH", given);
    let (code, _, why) = said(&command.output().expect("run acp-harness"));
    assert_eq!(code, Some(3), "{why}");
    assert!(why.contains(given) && why.contains("CODEX_PATH"), "{why}");
}

/// Opens a session, in a directory of its own, of an adapter that finds its program by a path relative to its own.
async fn opened_relative(name: &str, arguments: &[&str], path: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let (bin, workspace) = (directory.path().join("bin"), directory.path().join("workspace"));
    std::fs::create_dir(&bin).expect("a directory");
    std::fs::create_dir(&workspace).expect("a directory");
    let script = bin.join(name);
    std::fs::write(&script, "#!/bin/sh\necho it was started >&2\nexit 7\n").expect("write");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let spec = ChildSpec::new(env!("CARGO_BIN_EXE_acp-harness")).arg(name).args(arguments).cwd(directory.path());
    let spec = spec.env("PATH", path).env_remove("CODEX_PATH").env_remove("CLAUDE_CODE_EXECUTABLE");
    let (transport, mut handle) = spec.env("HOME", directory.path()).spawn().await.expect("start acp-harness");
    let agent = acp_server::connect(Nobody, transport);
    support::soon("initialize", agent.initialize(InitializeRequest::new(ProtocolVersion::V1))).await.expect("hello");
    let opened = support::soon("session/new", agent.new_session(NewSessionRequest::new(workspace))).await;
    let CallError::Refused { error, .. } = opened.expect_err("the program ends at once") else { panic!("an error") };
    let data = error.data().map(|data| data.as_str().to_owned()).unwrap_or_default();
    agent.close().await;
    support::soon("its end", handle.shutdown(Deadlines::default())).await;
    data
}

/// A client that is asked nothing.
struct Nobody;

impl Client for Nobody {}

#[tokio::test]
async fn a_relative_program_is_found_from_where_the_adapter_was_started() {
    for name in ["codex", "claude"] {
        let program = format!("./bin/{name}");
        for (arguments, path) in [(&["--program", program.as_str()][..], "/usr/bin:/bin"), (&[], "bin:/usr/bin:/bin")] {
            let data = opened_relative(name, arguments, path).await;
            assert!(data.contains("it was started"), "{name} {arguments:?}: {data}");
        }
    }
}

#[test]
fn recordings_are_their_owners_and_those_that_are_not_are_named() {
    let home = tempfile::tempdir().expect("a directory");
    let recordings = home.path().join("recordings");
    let record = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_acp-harness"));
        command.args(["codex", "--record"]).arg(&recordings).stdin(std::process::Stdio::null());
        said(&command.output().expect("run acp-harness"))
    };
    let (code, _, why) = record();
    assert_eq!((code, why.as_str()), (Some(0), ""));
    assert_eq!(recordings.metadata().expect("a directory").permissions().mode() & 0o777, 0o700);
    let file = recordings.join("session.jsonl");
    std::fs::write(&file, "").expect("write");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("permissions");
    let (code, _, why) = record();
    assert_eq!(code, Some(0), "{why}");
    assert!(why.contains(file.to_str().expect("a path")) && why.contains("chmod 600"), "{why}");
}

#[test]
fn the_doctor_says_what_is_wrong() {
    let [home, path] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (code, out, _) = said(&run(home.path(), path.path(), &["doctor", "claude"]));
    assert!(code == Some(3) && out.contains("FAILED program"), "{code:?} {out}");
    program(path.path(), "claude", "1.0.0");
    let (code, out, _) = said(&run(home.path(), path.path(), &["doctor", "claude"]));
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("FAILED version: 1.0.0 is too old"), "{out}");
    assert!(out.contains("FAILED turn"), "{out}");
}
