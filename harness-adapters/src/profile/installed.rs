//! Harnesses on this machine.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::catalogue::Profile;
use super::version::Version;
use crate::search_path;

/// Time limit of a program that is asked for its version or for a login.
const PATIENCE: Duration = Duration::from_secs(20);

/// A harness that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Installed {
    /// Path of its program.
    pub program: PathBuf,
    /// Its version, if it says one.
    pub version: Option<Version>,
}

impl Profile {
    /// The program to look for: `program`, or the one in the profile's variable, or the profile's.
    #[must_use]
    pub fn wanted(&self, program: Option<&Path>, var: impl Fn(&str) -> Option<OsString>) -> PathBuf {
        let named = self.program_env.as_deref().and_then(&var).filter(|named| !named.is_empty()).map(PathBuf::from);
        program.map(Path::to_path_buf).or(named).unwrap_or_else(|| self.program.clone())
    }

    /// Absolute path of the [wanted](Self::wanted) program, which is given by path or by name on `PATH`.
    #[must_use]
    pub fn locate(&self, program: Option<&Path>, var: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        find(&self.wanted(program, &var), var("PATH"))
    }

    /// The variable that is set and stands for a login.
    #[must_use]
    pub fn key(&self, var: impl Fn(&str) -> Option<OsString>) -> Option<&str> {
        self.keys.iter().map(String::as_str).find(|key| var(key).is_some_and(|value| !value.is_empty()))
    }

    /// Asks a program for its version. One that takes long, or says none, has none.
    pub async fn installed(&self, program: PathBuf) -> Installed {
        let said = run(&program, &self.version).await.map(|(_, said)| said).unwrap_or_default();
        Installed { version: Version::find(&said), program }
    }

    /// True if somebody is logged in; `None` if the harness cannot tell.
    pub async fn logged_in(&self, program: &Path) -> Option<bool> {
        Some(run(program, &self.login).await?.0)
    }
}

/// A program by path, or by name on `path`; its path is absolute, so that it can be started from any directory.
#[must_use]
pub fn find(program: &Path, path: Option<OsString>) -> Option<PathBuf> {
    let found = if program.components().count() > 1 {
        Some(program.to_path_buf()).filter(|program| runnable(program))
    } else {
        search_path::find(program, path, runnable)
    };
    found.and_then(|found| std::path::absolute(found).ok())
}

fn runnable(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Success and output of a program.
async fn run(program: &Path, args: &[String]) -> Option<(bool, String)> {
    if args.is_empty() {
        return None;
    }
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    Some((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(directory: &Path, name: &str, mode: u32) -> PathBuf {
        let path = directory.join(name);
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_program_is_what_can_be_run_in_the_order_of_the_path() {
        let [first, second] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        program(first.path(), "tool", 0o644);
        let runnable = program(second.path(), "tool", 0o755);
        let path = std::env::join_paths([first.path(), second.path()]).unwrap();
        assert_eq!(find(Path::new("tool"), Some(path.clone())), Some(runnable.clone()));
        assert_eq!(find(&runnable, None), Some(runnable));
        assert_eq!(find(Path::new("other"), Some(path)), None);
        assert_eq!(find(&first.path().join("tool"), None), None);
    }
}
