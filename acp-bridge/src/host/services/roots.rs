//! The directories of a session, and where a path stands in them.
//!
//! A path is looked at twice. First links and `..` are resolved as the system does it, so that a link from one place of
//! the session to another works, and an error can name where a path leads. What comes out is a path without links
//! below a directory that was opened when the agent started; it is walked from there without ever leaving that
//! directory, whatever is exchanged meanwhile. The first look is for good errors, the second is the confinement.

use std::io;
use std::path::{Component, Path, PathBuf};

use acp_types::Raw;
use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::refusal::{READ, Refusal, WRITE};

/// Directories kept open for one agent, and as many of those that are allowed beside; more are as if they had not been
/// named.
const MAX_ROOTS: usize = 64;

/// Files and directories that agents may reach beside the directories of their sessions. They are confined as those are:
/// no link leads out of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out")]
pub struct Allowed {
    /// Paths to be read.
    pub read: Vec<PathBuf>,
    /// Paths to be read and written.
    pub write: Vec<PathBuf>,
}

/// Right to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Right {
    /// To read it, or to start a command in a directory.
    Read,
    /// To write it, or to make it.
    Write,
}

/// The session's directories, opened once: what stands under their names later does not matter.
#[derive(Debug)]
pub(super) struct Roots {
    roots: Vec<Root>,
    /// The working directory, in `roots`, if it could be opened.
    cwd: Option<usize>,
    /// Names of them for errors.
    names: String,
}

#[derive(Debug)]
struct Root {
    /// Without links.
    path: PathBuf,
    dir: Dir,
    /// Right to what is in it.
    right: Right,
    /// The one file in it that may be reached; `None`: everything below it.
    only: Option<PathBuf>,
}

impl Root {
    /// A place below it, if it may be reached from here.
    fn below<'a>(&self, full: &'a Path) -> Option<&'a Path> {
        let below = full.strip_prefix(&self.path).ok()?;
        self.only.as_deref().is_none_or(|only| only == below).then_some(below)
    }
}

/// A place in one of the session's directories.
#[derive(Debug)]
pub(super) struct RootedPath<'a> {
    pub(super) dir: &'a Dir,
    /// Below `dir`, without links or `..` as far as it existed. Never empty.
    pub(super) relative: PathBuf,
    /// The whole path, without links.
    pub(super) full: PathBuf,
    /// As the agent named it.
    asked: PathBuf,
    right: Right,
    roots: &'a Roots,
}

/// The directories that the params of `session/new` name, the working directory first.
pub(super) fn named_in(params: Raw<'_>) -> Vec<PathBuf> {
    let text = |value: Raw<'_>| value.as_string().map(|text| PathBuf::from(&*text));
    let cwd = params.member("cwd").and_then(text).unwrap_or_default();
    let more = params.member("additionalDirectories").into_iter().flat_map(|list| list.elements()).filter_map(text);
    std::iter::once(cwd).chain(more).take(MAX_ROOTS).collect()
}

impl Roots {
    /// Opens the directories; the first is the working directory. One that cannot be opened holds nothing. Beside them is
    /// what is allowed.
    pub(super) fn open(named: &[PathBuf], allowed: &Allowed) -> Self {
        let mut roots = Vec::new();
        let mut cwd = None;
        let mut names = Vec::new();
        for (position, name) in named.iter().enumerate() {
            match open(name) {
                Ok(root) => {
                    if position == 0 {
                        cwd = Some(roots.len());
                    }
                    roots.push(root);
                    names.push(name.display().to_string());
                }
                Err(error) => names.push(format!("{} (cannot be opened: {error})", name.display())),
            }
        }
        let readable = allowed.read.iter().map(|path| (path, Right::Read, READ));
        let writable = allowed.write.iter().map(|path| (path, Right::Write, WRITE));
        for (path, right, option) in writable.chain(readable).take(MAX_ROOTS) {
            match open_allowed(path, right) {
                Ok(root) => {
                    roots.push(root);
                    names.push(format!("{} (--{option})", path.display()));
                }
                // The folders of a harness need not be there.
                Err(error) => {
                    tracing::info!(path = %path.display(), option, %error, "what agents may reach cannot be opened");
                }
            }
        }
        Self { roots, cwd, names: names.join(", ") }
    }

    /// Finds a path in the session's directories and what is allowed beside. Its last names need not exist.
    pub(super) fn place(&self, path: &Path, right: Right) -> Result<RootedPath<'_>, Refusal> {
        if !path.is_absolute() {
            return Err(Refusal::Relative(path.to_owned()));
        }
        let full = resolve(path).map_err(|source| self.io(path, right, source))?;
        let inside = || self.roots.iter().filter_map(|root| Some((root, root.below(&full)?)));
        let permits = inside().filter(|(root, _)| root.right >= right);
        // The innermost: what was opened for a name counts for everything below it.
        let Some((root, below)) = permits.min_by_key(|(_, below)| below.components().count()) else {
            return Err(match inside().next() {
                Some(_) => Refusal::ReadOnly(path.to_owned()),
                None => self.outside(path, right),
            });
        };
        let relative = if below.as_os_str().is_empty() { PathBuf::from(".") } else { below.to_owned() };
        Ok(RootedPath { dir: &root.dir, relative, full, asked: path.to_owned(), right, roots: self })
    }

    /// The session's working directory.
    pub(super) fn working_directory(&self) -> Result<RootedPath<'_>, Refusal> {
        let Some(root) = self.cwd.and_then(|cwd| self.roots.get(cwd)) else {
            return Err(Refusal::Params(format!("the session's working directory is not usable: {}", self.names)));
        };
        let path = root.path.clone();
        Ok(RootedPath {
            dir: &root.dir,
            relative: ".".into(),
            full: path.clone(),
            asked: path,
            right: Right::Read,
            roots: self,
        })
    }

    fn outside(&self, path: &Path, right: Right) -> Refusal {
        let option = match right {
            Right::Read => READ,
            Right::Write => WRITE,
        };
        Refusal::Outside { path: path.to_owned(), roots: self.names.clone(), option }
    }

    fn io(&self, path: &Path, right: Right, source: io::Error) -> Refusal {
        match source.kind() {
            io::ErrorKind::NotFound => Refusal::Missing(path.to_owned()),
            // The walk's own error for a path that leaves its directory; the system's errors have a number.
            io::ErrorKind::PermissionDenied if source.raw_os_error().is_none() => self.outside(path, right),
            _ => Refusal::Io { path: path.to_owned(), source },
        }
    }
}

impl RootedPath<'_> {
    /// Refusal for a failure there.
    pub(super) fn io(&self, source: io::Error) -> Refusal {
        self.roots.io(&self.asked, self.right, source)
    }

    /// As the agent named it.
    pub(super) fn asked(&self) -> PathBuf {
        self.asked.clone()
    }
}

fn open(name: &Path) -> io::Result<Root> {
    if !name.is_absolute() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not an absolute path"));
    }
    let path = name.canonicalize()?;
    let dir = Dir::open_ambient_dir(&path, ambient_authority())?;
    Ok(Root { path, dir, right: Right::Write, only: None })
}

/// Root for what an option allows: a directory, or one file.
fn open_allowed(name: &Path, right: Right) -> io::Result<Root> {
    if !name.is_absolute() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not an absolute path"));
    }
    let path = name.canonicalize()?;
    if path.is_dir() {
        return Ok(Root { right, ..open(&path)? });
    }
    let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    Ok(Root { right, only: Some(file.into()), ..open(folder)? })
}

/// Target of an absolute path: links and `..` resolved as far as it exists, and the names that do not exist after it.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut existing = path;
    let mut missing = Vec::new();
    loop {
        let error = match existing.canonicalize() {
            Ok(mut found) => {
                found.extend(missing.into_iter().rev());
                return Ok(found);
            }
            Err(error) => error,
        };
        match (error.kind(), existing.components().next_back(), existing.parent()) {
            (io::ErrorKind::NotFound, Some(Component::Normal(name)), Some(parent)) => {
                missing.push(name);
                existing = parent;
            }
            // `..` of what does not exist leads nowhere.
            _ => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
