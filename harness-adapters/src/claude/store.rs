//! The sessions that Claude Code has on disk.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use acp_types::{RawBuf, v1};
use serde_json::Value;
use uuid::Uuid;

use super::history;
use super::translate::content;
use super::trust::Home;
use crate::failure::{Failure, FailureKind};

/// Sessions in one answer.
const PAGE: usize = 50;
/// Length of a transcript's beginning that is searched for its first prompt, in bytes. The records before it are large.
const HEAD: u64 = 2 * 1024 * 1024;
/// Length of a transcript's end that is searched for its title, in bytes.
const TAIL: u64 = 256 * 1024;

/// The folder that Claude Code keeps its things in.
#[derive(Debug, Clone)]
pub(super) struct Store(PathBuf);

/// Facts of a session from its transcript.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Its workspace.
    pub(super) cwd: Option<PathBuf>,
    /// Its title.
    pub(super) title: Option<String>,
    /// It is what a sub-agent or a member of a team did, and no session of its own.
    is_part: bool,
    /// Time of the last record.
    updated_at: Option<String>,
}

impl Store {
    /// The one of this environment.
    ///
    /// # Errors
    /// When there is neither `CLAUDE_CONFIG_DIR` nor `HOME`.
    pub(super) fn of(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<Self, Failure> {
        let named = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = named("CLAUDE_CONFIG_DIR").or_else(|| named("HOME").map(|home| home.join(".claude")));
        folder.map(Self).ok_or_else(|| {
            let message = "neither CLAUDE_CONFIG_DIR nor HOME is set: set one of them, so that sessions are found";
            Failure::new(FailureKind::Unavailable, message)
        })
    }

    /// Home of the program.
    pub(super) fn home(&self, variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Home {
        let named = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let config = named("CLAUDE_CONFIG_DIR").or_else(|| named("HOME")).unwrap_or_else(|| self.0.clone());
        Home { folder: self.0.clone(), config: config.join(".claude.json") }
    }

    /// Directory of lock files.
    pub(super) fn locks(&self) -> PathBuf {
        self.0.join("acp-harness")
    }

    /// The transcript of a session, if there is one.
    pub(super) fn find(&self, session: &str) -> Option<PathBuf> {
        let name = format!("{session}.jsonl");
        let found = self.projects().map(|project| project.join(&name)).filter(|path| path.is_file());
        found.max_by_key(|path| modified(path))
    }

    /// Sessions, newest first, one page of them.
    ///
    /// # Errors
    /// For a cursor that is none of ours.
    pub(super) fn list(&self, request: &v1::ListSessionsRequest) -> Result<v1::ListSessionsResponse, Failure> {
        let from = match &request.cursor {
            None => 0,
            Some(cursor) => cursor.parse().map_err(|_| {
                Failure::new(FailureKind::InvalidParams, "the cursor is not one that a list gave: begin without one")
            })?,
        };
        let wanted = request.cwd.as_deref().map(names_of);
        let is_wanted =
            |is: &dyn Fn(&Path) -> bool| wanted.as_ref().is_none_or(|names| names.iter().any(|name| is(name)));
        let mut transcripts: Vec<(SystemTime, PathBuf)> = self
            .projects()
            .filter(|project| is_wanted(&|cwd| is_of(project, cwd)))
            .flat_map(|project| entries(&project))
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl") && session_of(path).is_some())
            .map(|path| (modified(&path), path))
            .collect();
        transcripts.sort_unstable_by(|a, b| b.cmp(a));
        let page = transcripts.iter().skip(from).take(PAGE);
        let sessions = page.filter_map(|(_, path)| {
            let summary = summary(path)
                .inspect_err(
                    |error| tracing::warn!(%error, transcript = %path.display(), "a transcript cannot be read"),
                )
                .ok()
                .filter(|summary| !summary.is_part)?;
            let cwd = summary.cwd.filter(|cwd| is_wanted(&|wanted| wanted == cwd))?;
            let info = v1::SessionInfo::new(session_of(path)?, cwd).title(summary.title).updated_at(summary.updated_at);
            Some(info)
        });
        let more = (from + PAGE < transcripts.len()).then(|| (from + PAGE).to_string());
        Ok(v1::ListSessionsResponse::new(sessions.collect()).next_cursor(more))
    }

    /// Removes what is there of a session.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub(super) fn delete(&self, session: &str) -> Result<(), Failure> {
        while let Some(transcript) = self.find(session) {
            let folder = transcript.with_extension("");
            let removed = match folder.is_dir() {
                true => std::fs::remove_dir_all(&folder).and_then(|()| std::fs::remove_file(&transcript)),
                false => std::fs::remove_file(&transcript),
            };
            removed.map_err(|error| {
                let message = format!("cannot delete {}: {error}; delete it by hand", transcript.display());
                Failure::new(FailureKind::Unavailable, message)
            })?;
        }
        Ok(())
    }

    fn projects(&self) -> impl Iterator<Item = PathBuf> + use<> {
        entries(&self.0.join("projects"))
    }
}

/// A session's id, if it can be one. Nothing else becomes part of a path.
///
/// # Errors
/// For everything but a UUID.
pub(super) fn checked(session: &v1::SessionId) -> Result<String, Failure> {
    match Uuid::parse_str(&session.0) {
        Ok(id) if id.to_string() == *session.0 => Ok(session.0.to_string()),
        _ => Err(missing(session)),
    }
}

/// There is no such session.
pub(super) fn missing(session: &v1::SessionId) -> Failure {
    let message = format!("there is no session {session}: list the sessions, or begin a new one");
    Failure::new(FailureKind::NotFound, message)
}

/// Reads the facts of a session from its transcript.
pub(super) fn summary(transcript: &Path) -> std::io::Result<Summary> {
    let mut file = File::open(transcript)?;
    let mut summary = Summary::default();
    let mut prompt = None;
    let mut begun = false;
    for line in BufReader::new((&mut file).take(HEAD)).split(b'\n') {
        let Ok(record) = RawBuf::parse(String::from_utf8_lossy(&line?).into_owned()) else { continue };
        let text = |key: &str| record.as_raw().member(key)?.as_string().map(std::borrow::Cow::into_owned);
        if summary.cwd.is_none() {
            summary.cwd = text("cwd").map(PathBuf::from);
        }
        let kind = text("type");
        if !begun && matches!(kind.as_deref(), Some("user" | "assistant")) {
            begun = true;
            let aside = record.as_raw().member("isSidechain").and_then(acp_types::Raw::as_bool) == Some(true);
            summary.is_part = aside || text("teamName").is_some_and(|team| !team.is_empty());
        }
        if prompt.is_none()
            && let (Some("user"), Ok(value)) = (kind.as_deref(), record.as_raw().decode::<Value>())
        {
            prompt = history::prompt_text(&value).and_then(|text| content::title(&text));
        }
        if prompt.is_some() && summary.cwd.is_some() {
            break;
        }
    }
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let (mut title, mut last) = (None, None);
    for line in String::from_utf8_lossy(&tail).lines() {
        let Ok(record) = RawBuf::parse(line) else { continue };
        let text = |key: &str| record.as_raw().member(key)?.as_string().map(std::borrow::Cow::into_owned);
        title = text("customTitle").or(title);
        last = text("lastPrompt").or(last);
        summary.updated_at = text("timestamp").or(summary.updated_at);
    }
    // A first prompt that stands after a lot of context is not looked for further.
    let prompt = prompt.or_else(|| last.and_then(|text| content::title(&text)));
    summary.title = title.filter(|title| !title.is_empty()).or(prompt);
    Ok(summary)
}

fn session_of(transcript: &Path) -> Option<String> {
    let id = transcript.file_stem()?.to_str()?;
    Uuid::parse_str(id).is_ok().then(|| id.to_owned())
}

/// A directory as it was given, without what says nothing, and as the system knows it, without links.
fn names_of(cwd: &Path) -> Vec<PathBuf> {
    let plain: PathBuf = cwd.components().collect();
    cwd.canonicalize().into_iter().filter(|real| *real != plain).chain([plain.clone()]).collect()
}

/// True if a project's folder may be that of a directory. Its name is the path, cut off when it is long, in which all but
/// letters and digits are replaced.
fn is_of(project: &Path, cwd: &Path) -> bool {
    let name: String = cwd.to_string_lossy().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let folder = project.file_name().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
    folder == name || (name.len() > 100 && name.get(..100) == folder.get(..100))
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn modified(path: &Path) -> SystemTime {
    path.metadata().and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sessions_of_a_directory_are_listed_by_any_of_its_names() {
        let home = tempfile::tempdir().expect("a directory");
        let place = home.path().canonicalize().expect("its real path");
        let real = place.join("ws");
        std::fs::create_dir_all(real.join("sub")).expect("a workspace");
        std::os::unix::fs::symlink(&real, place.join("link")).expect("a link");
        let folder: String =
            real.to_string_lossy().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let project = place.join("projects").join(folder);
        std::fs::create_dir_all(&project).expect("a folder");
        let record = serde_json::json!({ "type": "user", "uuid": "u", "cwd": real, "message": { "content": "hello" } });
        let transcript = project.join("00000000-0000-4000-8000-000000000001.jsonl");
        std::fs::write(transcript, format!("{record}\n")).expect("a transcript");
        let store = Store::of(|name| (name == "CLAUDE_CONFIG_DIR").then(|| place.clone().into())).expect("a store");
        let listed = |cwd: String| {
            let request = v1::ListSessionsRequest::new().cwd(PathBuf::from(cwd));
            store.list(&request).expect("a list").sessions.len()
        };
        let real = real.display();
        for name in
            [format!("{real}"), format!("{real}/"), format!("{real}/sub/.."), format!("{}/link", place.display())]
        {
            assert_eq!(listed(name.clone()), 1, "{name}");
        }
        assert_eq!(listed(format!("{real}/sub")), 0);
    }
}
