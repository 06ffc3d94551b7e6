//! Settings that hold without a question to the user.
//!
//! `claude -p` takes over what a directory brings along without asking whether it is trusted: settings, hooks, MCP
//! servers, the mode. That is code of whoever wrote the directory. Here it counts only where the user has said so, to
//! Claude Code itself or by `--trust-settings`. Of the user's own settings, a mode in which nobody is asked needs the
//! same word.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::translate::options::Mode;

/// Limit of a settings file, in bytes.
const MOST: u64 = 32 * 1024 * 1024;
/// Files of a directory that can start something.
const BROUGHT: [&str; 4] = [".mcp.json", ".claude/settings.json", ".claude/settings.local.json", ".claude/skills"];

/// Home of the program: the files that it keeps about its user.
#[derive(Debug, Clone)]
pub(super) struct Home {
    /// `settings.json` is in it.
    pub(super) folder: PathBuf,
    /// File with the directories that are trusted.
    pub(super) config: PathBuf,
}

/// The settings that count in a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trust {
    /// The mode in which it begins.
    pub(super) mode: Option<Mode>,
    /// True if the files of the directory count, too.
    pub(super) directory: bool,
    /// Notes for the user about settings that do not count.
    pub(super) notes: Vec<String>,
}

impl Trust {
    /// Trust in a directory. `all` is the user's word for everything; `bypass` is true if the mode that allows
    /// everything can work.
    pub(super) fn of(home: &Home, cwd: &Path, all: bool, bypass: bool) -> Self {
        let mut trust = Self { directory: all || is_trusted(&read(&home.config), cwd), ..Self::default() };
        if let Some(id) = read(&home.folder.join("settings.json")).pointer("/permissions/defaultMode") {
            match id.as_str().and_then(Mode::read) {
                Some(Mode::BypassPermissions) if !bypass => {
                    trust.notes.push("The settings want the mode bypassPermissions, which cannot work here.".to_owned());
                }
                Some(mode) if all || mode.is_careful() => trust.mode = Some(mode),
                Some(mode) => trust.notes.push(format!(
                    "The settings want the mode {}, in which nobody is asked: start acp-harness with --trust-settings to \
                     begin in it.",
                    mode.id()
                )),
                None => trust.notes.push("The settings name a mode that is not known.".to_owned()),
            }
        }
        if let (false, Some(brought)) = (trust.directory, brought(cwd)) {
            trust.notes.push(format!(
                "{} is not used, nor are other settings, hooks, MCP servers, skills and commands of this directory, \
                 because it is not trusted: run `claude` there once and say so, or start acp-harness with \
                 --trust-settings.",
                brought.display()
            ));
        }
        trust
    }
}

/// True if the user has told the program to trust a directory, or one above it in the same repository.
fn is_trusted(config: &Value, cwd: &Path) -> bool {
    let Ok(cwd) = cwd.canonicalize() else { return false };
    within(&cwd).any(|directory| {
        let known = config.get("projects").and_then(|projects| projects.get(directory.to_str()?));
        known.and_then(|known| known.get("hasTrustDialogAccepted")) == Some(&Value::Bool(true))
    })
}

/// A directory and those above it, up to the root of its repository if it is in one.
fn within(cwd: &Path) -> impl Iterator<Item = &Path> {
    let root = cwd.ancestors().find(|directory| directory.join(".git").exists());
    cwd.ancestors().take_while(move |directory| root.is_none_or(|root| directory.starts_with(root)))
}

/// The first thing that a directory brings along.
fn brought(cwd: &Path) -> Option<PathBuf> {
    let places = within(cwd).flat_map(|directory| BROUGHT.iter().map(move |name| directory.join(name)));
    let home = std::env::var_os("HOME").map(PathBuf::from);
    places.filter(|place| home.as_deref().is_none_or(|home| !is_own(place, home))).find(|place| place.exists())
}

/// True for the user's own home, which is for all directories.
fn is_own(place: &Path, home: &Path) -> bool {
    place.starts_with(home.join(".claude"))
}

/// Content of a file, as far as it can be read.
fn read(file: &Path) -> Value {
    let small = file.metadata().is_ok_and(|it| it.is_file() && it.len() <= MOST);
    let Some(bytes) = small.then(|| std::fs::read(file).ok()).flatten() else { return Value::Null };
    acp_types::json::from_slice(&bytes).unwrap_or_else(|error| {
        tracing::warn!(%error, file = %file.display(), "a file of settings cannot be read and does not count");
        Value::Null
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::{Value, json};

    use super::{Home, Mode, Trust};

    struct Fixture(tempfile::TempDir);

    impl Fixture {
        fn new() -> Self {
            let place = Self(tempfile::tempdir().expect("a directory"));
            for folder in ["home", "ws/.git", "ws/deep"] {
                fs::create_dir_all(place.path().join(folder)).expect("a folder");
            }
            place
        }

        fn path(&self) -> &Path {
            self.0.path()
        }

        fn write(&self, file: &str, value: &Value) {
            fs::write(self.path().join(file), value.to_string()).expect("a file");
        }

        fn trust(&self, cwd: &str, all: bool) -> Trust {
            let folder = self.path().join("home");
            let home = Home { config: folder.join(".claude.json"), folder };
            Trust::of(&home, &self.path().join(cwd), all, true)
        }

        fn trusts(&self, directory: &str) {
            let directory = self.path().canonicalize().expect("a path").join(directory);
            let known = json!({ directory.to_str().expect("text"): { "hasTrustDialogAccepted": true } });
            self.write("home/.claude.json", &json!({ "projects": known }));
        }
    }

    #[test]
    fn a_mode_of_the_settings_in_which_nobody_is_asked_needs_the_users_word() {
        let place = Fixture::new();
        for (wanted, without, with) in [
            ("plan", Some(Mode::Plan), Some(Mode::Plan)),
            ("manual", Some(Mode::Default), Some(Mode::Default)),
            ("dontAsk", Some(Mode::DontAsk), Some(Mode::DontAsk)),
            ("acceptEdits", None, Some(Mode::AcceptEdits)),
            ("auto", None, Some(Mode::Auto)),
            ("bypassPermissions", None, Some(Mode::BypassPermissions)),
            ("brand new", None, None),
        ] {
            place.write("home/settings.json", &json!({ "permissions": { "defaultMode": wanted } }));
            let trust = place.trust("ws", false);
            assert_eq!((trust.mode, trust.notes.is_empty()), (without, without.is_some()), "{wanted}");
            assert_eq!(place.trust("ws", true).mode, with, "{wanted}");
        }
    }

    #[test]
    fn a_repository_says_nothing_until_it_is_trusted() {
        let place = Fixture::new();
        fs::create_dir(place.path().join("ws/.claude")).expect("a folder");
        place.write("ws/.claude/settings.json", &json!({ "permissions": { "defaultMode": "bypassPermissions" } }));
        let trust = place.trust("ws/deep", false);
        assert_eq!((trust.mode, trust.directory), (None, false));
        assert!(trust.notes[0].contains("settings.json is not used"), "{trust:?}");
        // Trust in what is above a repository is none in it.
        place.trusts("");
        assert!(!place.trust("ws/deep", false).directory);
        place.trusts("ws");
        assert_eq!(place.trust("ws/deep", false), Trust { mode: None, directory: true, notes: Vec::new() });
        place.trusts("ws/deep");
        assert!(place.trust("ws/deep", false).directory);
        assert!(!place.trust("ws", false).directory);
        assert!(place.trust("ws", true).directory);
    }
}
