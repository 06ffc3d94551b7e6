//! Paths that agents may reach beside the directories of their sessions, as the command line names them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::args::Reach;
use super::exit::{Exit, coded};
use crate::host::Allowed;

/// Paths that one option may name.
const MAX: usize = 32;

impl Reach {
    /// The paths as they are, with what the agent's profile brings. Relative paths are of the directory that we were started in.
    pub(super) fn allowed(&self, readable: Vec<PathBuf>) -> anyhow::Result<Allowed> {
        let absolute = |option: &str, paths: &[PathBuf]| {
            if paths.len() > MAX {
                let message =
                    format!("{option} names {} paths; at most {MAX} can be opened for each agent", paths.len());
                return Err(coded(Exit::Usage, message));
            }
            paths.iter().map(|path| absolute(option, path)).collect::<anyhow::Result<Vec<_>>>()
        };
        let mut read = absolute("--allow-read", &self.allow_read)?;
        let write = absolute("--allow-write", &self.allow_write)?;
        read.extend(readable);
        Ok(Allowed { read, write })
    }

    /// The same options for another program of ours.
    pub(super) fn arguments(&self) -> anyhow::Result<Vec<OsString>> {
        let Allowed { read, write } = self.allowed(Vec::new())?;
        let read = read.into_iter().flat_map(|path| [OsString::from("--allow-read"), path.into()]);
        let write = write.into_iter().flat_map(|path| [OsString::from("--allow-write"), path.into()]);
        Ok(read.chain(write).collect())
    }
}

fn absolute(option: &str, path: &Path) -> anyhow::Result<PathBuf> {
    let full = std::path::absolute(path).map_err(|error| {
        coded(Exit::Usage, format!("{option} {}: {error}; name a file or a directory", path.display()))
    })?;
    if !full.exists() {
        tracing::warn!(path = %full.display(), option, "it is not there; agents reach it once it is and they are started anew");
    }
    Ok(full)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{MAX, Reach};

    #[test]
    fn paths_become_absolute_and_the_profiles_come_after_them() {
        let here = std::env::current_dir().unwrap();
        let reach = Reach { allow_read: vec!["notes".into()], allow_write: vec!["/var/tmp".into()] };
        let allowed = reach.allowed(vec!["/skills".into()]).unwrap();
        assert_eq!(allowed.read, [here.join("notes"), PathBuf::from("/skills")]);
        assert_eq!(allowed.write, [PathBuf::from("/var/tmp")]);
        let notes = here.join("notes");
        let arguments = ["--allow-read".as_ref(), notes.as_os_str(), "--allow-write".as_ref(), "/var/tmp".as_ref()];
        assert_eq!(reach.arguments().unwrap(), arguments);
    }

    #[test]
    fn what_cannot_be_opened_is_refused_by_its_option() {
        let empty = Reach { allow_read: vec!["".into()], ..Reach::default() };
        assert!(empty.allowed(Vec::new()).unwrap_err().to_string().contains("--allow-read"));
        let many = Reach { allow_write: vec!["/".into(); MAX + 1], ..Reach::default() };
        assert!(many.allowed(Vec::new()).unwrap_err().to_string().contains("--allow-write names 33 paths"));
    }
}
