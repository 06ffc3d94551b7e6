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

use super::refusal::Refusal;

/// Directories kept open for one agent; more are as if they had not been named.
const MAX_ROOTS: usize = 64;

/// The session's directories, opened once: what stands under their names later does not matter.
#[derive(Debug)]
pub(super) struct Roots {
    roots: Vec<Root>,
    /// The working directory, in `roots`, if it could be opened.
    cwd: Option<usize>,
    /// As errors name them.
    names: String,
}

#[derive(Debug)]
struct Root {
    /// Without links.
    path: PathBuf,
    dir: Dir,
}

/// A place in one of the session's directories.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) dir: &'a Dir,
    /// Below `dir`, without links or `..` as far as it existed. Never empty.
    pub(super) relative: PathBuf,
    /// The whole path, without links.
    pub(super) full: PathBuf,
    /// As the agent named it.
    asked: PathBuf,
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
    /// Opens the directories; the first is the working directory. One that cannot be opened holds nothing.
    pub(super) fn open(named: &[PathBuf]) -> Self {
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
        Self { roots, cwd, names: names.join(", ") }
    }

    /// Finds a path in the session's directories. Its last names need not exist.
    pub(super) fn place(&self, path: &Path) -> Result<Place<'_>, Refusal> {
        if !path.is_absolute() {
            return Err(Refusal::Relative(path.to_owned()));
        }
        let full = resolve(path).map_err(|source| self.io(path, source))?;
        let inside = self.roots.iter().filter_map(|root| Some((root, full.strip_prefix(&root.path).ok()?)));
        // The innermost: what was opened for a name counts for everything below it.
        let Some((root, below)) = inside.min_by_key(|(_, below)| below.components().count()) else {
            return Err(self.outside(path));
        };
        let relative = if below.as_os_str().is_empty() { PathBuf::from(".") } else { below.to_owned() };
        Ok(Place { dir: &root.dir, relative, full, asked: path.to_owned(), roots: self })
    }

    /// The session's working directory.
    pub(super) fn working_directory(&self) -> Result<Place<'_>, Refusal> {
        let Some(root) = self.cwd.and_then(|cwd| self.roots.get(cwd)) else {
            return Err(Refusal::Params(format!("the session's working directory is not usable: {}", self.names)));
        };
        let path = root.path.clone();
        Ok(Place { dir: &root.dir, relative: ".".into(), full: path.clone(), asked: path, roots: self })
    }

    fn outside(&self, path: &Path) -> Refusal {
        Refusal::Outside { path: path.to_owned(), roots: self.names.clone() }
    }

    fn io(&self, path: &Path, source: io::Error) -> Refusal {
        match source.kind() {
            io::ErrorKind::NotFound => Refusal::Missing(path.to_owned()),
            // The walk's own error for a path that leaves its directory; the system's errors have a number.
            io::ErrorKind::PermissionDenied if source.raw_os_error().is_none() => self.outside(path),
            _ => Refusal::Io { path: path.to_owned(), source },
        }
    }
}

impl Place<'_> {
    /// What went wrong there.
    pub(super) fn io(&self, source: io::Error) -> Refusal {
        self.roots.io(&self.asked, source)
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
    Ok(Root { path, dir })
}

/// Where an absolute path leads: links and `..` resolved as far as it exists, and the names that do not exist after it.
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
