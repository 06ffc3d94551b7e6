//! Ways out of what an agent may read and write.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::report::held;
use crate::services::Stage;
use crate::support::bridge::secrets_beside;
use crate::support::example;
use crate::support::harness::beside;

fn message(error: &Value) -> &str {
    error["message"].as_str().unwrap_or_else(|| panic!("no error: {error}"))
}

/// A bridge whose agent may read `skills` and one note, and write `notes`.
fn reaching(more: &[&str]) -> Stage {
    let mut stage = Stage::set(|directory| {
        let path = |name: &str| directory.join(name).display().to_string();
        std::fs::create_dir(directory.join("notes")).expect("a directory");
        std::fs::write(directory.join("note"), "noted").expect("write a file");
        let reach = ["--allow-read", &path("skills"), &path("note"), "--allow-write", &path("notes")];
        reach.iter().chain(more).map(|arg| (*arg).to_owned()).collect()
    });
    symlink(stage.path("outside"), stage.path("skills/link")).expect("a link");
    symlink("../outside/file", stage.path("skills/file")).expect("a link");
    // The agent is there before the first question.
    assert_eq!(stage.read("skills/SKILL.md")["content"], "a skill");
    stage
}

#[test]
fn what_is_allowed_is_reached_and_nothing_beside_it() {
    reaches_what_is_allowed(reaching(&[]));
    // The same where a process that outlives the bridge serves the agent.
    reaches_what_is_allowed(reaching(&["--keep-agents", "1m"]));
    held(
        "links, `..` and /proc out of --allow-read and --allow-write",
        "refused, and the option that would allow it is named",
    );
}

fn reaches_what_is_allowed(mut stage: Stage) {
    assert_eq!(stage.read("note")["content"], "noted");
    assert_eq!(stage.write("notes/new/file", "text"), serde_json::json!({}));
    assert_eq!(stage.read("notes/new/file")["content"], "text");
    for path in ["skills/new", "skills/SKILL.md", "note"] {
        let refused = stage.write(path, "x");
        assert!(message(&refused).contains("may be read") && message(&refused).contains("--allow-write"), "{refused}");
    }
    let inside = format!("/proc/self/root{}", stage.path("outside/file").display());
    for path in
        ["outside/file", "skills/link/file", "skills/file", "skills/../outside/file", "notes/../outside/file", &inside]
    {
        let refused = stage.read(path);
        assert!(message(&refused).contains("leads outside"), "{path}: {refused}");
        assert!(message(&refused).contains("--allow-read PATH"), "{refused}");
        let refused = stage.write(path, "x");
        assert!(message(&refused).contains("leads outside"), "{path}: {refused}");
    }
    for path in ["/proc/self/environ", "/proc/self/cwd/log.db", "/proc/1/cwd/etc/passwd", "/etc/passwd"] {
        let refused = stage.read(path);
        assert!(refused["content"].is_null(), "{path}: {refused}");
    }
    assert_eq!(std::fs::read_to_string(stage.path("outside/file")).expect("read it"), "not yours");
}

#[test]
fn a_file_keeps_its_names_owner_and_mode() {
    let mut stage = Stage::set(|_| Vec::new());
    let path = stage.path("work/file");
    std::fs::write(&path, "old").expect("write a file");
    std::fs::hard_link(&path, stage.path("work/other name")).expect("a second name");
    let as_root = std::os::unix::fs::chown(&path, Some(1000), Some(1000)).is_ok();
    let before = std::fs::metadata(&path).expect("its owner");
    assert_eq!(stage.write("work/file", "new"), serde_json::json!({}));
    let after = std::fs::metadata(&path).expect("its owner");
    let of = |meta: &std::fs::Metadata| (meta.ino(), meta.nlink(), meta.uid(), meta.gid(), meta.mode());
    assert_eq!(of(&after), of(&before));
    assert_eq!(std::fs::read_to_string(stage.path("work/other name")).expect("read it"), "new");
    let who = if as_root { "of uid 1000, written by root" } else { "of our own" };
    held(&format!("a file {who}, with two names"), "it keeps its names, owner, group and mode");
}

#[test]
fn the_skills_of_a_harness_are_readable_and_a_repository_cannot_add_to_them() {
    beside("acp-harness", "cargo build -p harness-adapters --bins");
    let profile = |directory: &std::path::Path, readable: &str| {
        format!(
            "[[profile]]\nname = \"mine\"\nprogram = {:?}\nhome = {:?}\nreadable = [{readable:?}]\n",
            example("service_agent"),
            directory.display().to_string()
        )
    };
    let mut stage = Stage::with(
        Vec::new(),
        |_| vec!["--agent".to_owned(), "mine".to_owned()],
        |directory| {
            std::fs::write(directory.join("profiles.toml"), profile(directory, "skills")).expect("write a file");
            // What lies in the session's directory is nobody's profile.
            std::fs::create_dir_all(directory.join("work/.config/acp-harness")).expect("a directory");
            let theirs = directory.join("work/.config/acp-harness/profiles.toml");
            std::fs::write(theirs, profile(directory, "outside")).expect("write a file");
            let file = directory.join("profiles.toml").display().to_string();
            vec!["env".to_owned(), format!("ACP_HARNESS_PROFILES={file}")]
        },
    );
    assert_eq!(stage.read("skills/SKILL.md")["content"], "a skill");
    assert!(message(&stage.write("skills/SKILL.md", "x")).contains("may be read"));
    assert!(message(&stage.read("outside/file")).contains("leads outside"));

    let output = std::process::Command::new(beside("acp-harness", "cargo build -p harness-adapters --bins"))
        .args(["which", "--json", "mine"])
        .current_dir(stage.path("work/.config/acp-harness"))
        .env("ACP_HARNESS_PROFILES", "profiles.toml")
        .output()
        .expect("run acp-harness");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("relative"), "{said}");
    held("a profile file in a repository that makes more readable", "it is not read, by a relative path neither");
}

#[test]
fn a_log_that_others_can_read_is_named_at_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log.db");
    let started = || {
        let mut bridge = Command::new(env!("CARGO_BIN_EXE_acp-bridge"))
            .env("ACP_BRIDGE_SECRETS", secrets_beside(&log))
            .env_remove("ACP_BRIDGE_LOG")
            .args(["serve", "--listen", ":0", "--log", &format!("sqlite:{}", log.display()), "--"])
            .arg(example("fault_agent"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start a bridge");
        // It listens: all that it says at the start is said.
        let mut line = String::new();
        BufReader::new(bridge.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        bridge.kill().expect("end it");
        String::from_utf8(bridge.wait_with_output().expect("its end").stderr).expect("text")
    };
    let said = started();
    assert!(!said.contains("chmod"), "{said}");
    assert_eq!(log.metadata().expect("a log").mode() & 0o777, 0o600);
    std::fs::set_permissions(&log, PermissionsExt::from_mode(0o644)).expect("permissions");
    let said = started();
    assert!(said.contains(log.to_str().expect("a path")) && said.contains("chmod go="), "{said}");
    held("chmod 644 the log", "the next start names the file and how to close it");
}
