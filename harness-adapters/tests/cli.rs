//! `acp-harness` as a person types it.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

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

fn doctor(name: &str) {
    model_program();
    let home = tempfile::tempdir().expect("as the test needs it");
    let program = harness(name);
    let path = std::env::var_os("PATH").expect("a PATH");
    let arguments = ["doctor", name, "--json", "--program", program.to_str().expect("as the test needs it")];
    let (code, out, why) = said(&run(home.path(), Path::new(&path), &arguments));
    assert_eq!(code, Some(0), "{out}{why}");
    let checks = lines(&out);
    let state = |check: &str| checks.iter().find(|it| it["check"] == check).map(|it| it["state"].clone());
    assert_eq!(state("program"), Some("ok".into()), "{out}");
    assert_eq!(state("version"), Some("ok".into()), "{out}");
    assert_eq!(state("login"), Some("unknown".into()), "nobody is logged in: {out}");
    assert_eq!(state("turn"), Some("ok".into()), "{out}");
}

#[test]
fn the_doctor_runs_a_turn_of_the_real_codex() {
    doctor("codex");
}

#[test]
fn the_doctor_runs_a_turn_of_the_real_claude_code() {
    doctor("claude");
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
