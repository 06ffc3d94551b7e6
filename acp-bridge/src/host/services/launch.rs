//! Launch of a command in a terminal: a program with its arguments, or a line for a shell.
//!
//! ACP has a program in `command` and its arguments in `args`. Many agents put a whole line into `command`.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use acp_server::transport::child::{ChildSpec, SpawnError};
use acp_types::v1::CreateTerminalRequest;
use cap_std::fs::Dir;
use tokio::task::spawn_blocking;

use super::refusal::Refusal;
use super::roots::{Right, Roots};
use super::terminal::Terminal;

/// Shell for whoever has none of his own.
const SHELL: &str = "/bin/sh";

/// Shells that run nothing: those of accounts that nobody logs in to.
const NO_SHELLS: [&str; 2] = ["nologin", "false"];

/// Characters that a shell makes more of than the name of a program.
const SPECIAL: &[char] =
    &['|', '&', ';', '<', '>', '(', ')', '$', '`', '\\', '"', '\'', '*', '?', '[', '#', '~', '=', '%', '{', '!'];

/// Launches a command in a directory that the agent may reach, with so much of its output kept.
pub(super) async fn launch(
    roots: Arc<Roots>,
    request: CreateTerminalRequest,
    limit: usize,
) -> Result<Terminal, Refusal> {
    let wanted = request.cwd.clone();
    let (folder, path) = spawn_blocking(move || working_directory(&roots, wanted)).await??;
    start(&folder, &path, request, limit).await
}

/// The directory that a command starts in, held open, and its path.
fn working_directory(roots: &Roots, wanted: Option<PathBuf>) -> Result<(Dir, PathBuf), Refusal> {
    let place = match &wanted {
        Some(path) => roots.place(path, Right::Read)?,
        None => roots.working_directory()?,
    };
    match place.dir.open_dir(&place.relative) {
        Ok(folder) => Ok((folder, place.full)),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Err(Refusal::NoDirectory(place.asked())),
        Err(error) => Err(place.io(error)),
    }
}

/// Starts a command. One that names no program and has no arguments is a line for the user's shell.
async fn start(folder: &Dir, path: &Path, request: CreateTerminalRequest, limit: usize) -> Result<Terminal, Refusal> {
    let may_be_line = may_be_line(&request);
    let CreateTerminalRequest { command, args, env, .. } = request;
    let placed = |spec: ChildSpec| {
        let spec = spec.env("PWD", path).cwd(entrance(folder, path));
        env.iter().fold(spec, |spec, variable| spec.env(&variable.name, &variable.value))
    };
    match Terminal::start(&placed(ChildSpec::new(&command).args(args)), limit).await {
        Err(error) if may_be_line && is_no_program(&error) => {
            let line = ChildSpec::new(of_user(std::env::var_os("SHELL"))).arg("-c").arg(command);
            Ok(Terminal::start(&placed(line), limit).await?)
        }
        started => Ok(started?),
    }
}

/// A path to a directory that is held open, which leads there whatever stands under its name by now. The child follows
/// it before it runs the program, while it still has our open files.
#[cfg(target_os = "linux")]
fn entrance(folder: &Dir, _: &Path) -> PathBuf {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", folder.as_raw_fd()).into()
}

#[cfg(not(target_os = "linux"))]
fn entrance(_: &Dir, path: &Path) -> PathBuf {
    path.to_owned()
}

/// Returns whether a request may mean a line for a shell: it has no arguments, and its command does not look like a
/// name.
fn may_be_line(request: &CreateTerminalRequest) -> bool {
    request.args.is_empty() && request.command.contains(|c: char| c.is_whitespace() || SPECIAL.contains(&c))
}

/// Returns whether a command did not start because there is no program of that name.
fn is_no_program(error: &SpawnError) -> bool {
    let SpawnError::Program { source, .. } = error else { return false };
    let too_long = source.raw_os_error() == Some(rustix::io::Errno::NAMETOOLONG.raw_os_error());
    // The system says "permission denied" also when it could not look into one of the directories of `PATH`.
    let kinds = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory, io::ErrorKind::PermissionDenied];
    too_long || kinds.contains(&source.kind())
}

/// The user's shell, by what `SHELL` says.
fn of_user(variable: Option<OsString>) -> PathBuf {
    let named = variable.map(PathBuf::from).filter(|shell| shell.is_absolute() && shell.is_file());
    let runs = |shell: &Path| shell.file_name().is_some_and(|name| NO_SHELLS.iter().all(|none| name != *none));
    named.filter(|shell| runs(shell)).unwrap_or_else(|| SHELL.into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use acp_types::v1::CreateTerminalRequest;

    use super::{may_be_line, of_user};

    #[test]
    fn a_line_has_more_than_a_name_and_no_arguments() {
        let request = |command: &str| CreateTerminalRequest::new("s", command);
        for line in ["echo a | cat", "ls>x", "A=1", "~/bin/tool", "a\tb", "a\nb", "$HOME/x", "(x)", "ls -l"] {
            assert!(may_be_line(&request(line)), "{line}");
        }
        for name in ["ls", "/usr/bin/env", "g++", "a.out", "python3.12", "x-y_z@1,2:3"] {
            assert!(!may_be_line(&request(name)), "{name}");
        }
        assert!(!may_be_line(&request("my tool").args(vec!["x".to_owned()])));
    }

    #[test]
    fn the_shell_is_the_users_if_that_runs_anything() {
        assert_eq!(of_user(Some("/bin/sh".into())), Path::new("/bin/sh"));
        let directory = tempfile::tempdir().unwrap();
        for name in ["mine", "nologin", "false"] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        let shell = |name: &str| of_user(Some(directory.path().join(name).into()));
        assert_eq!(shell("mine"), directory.path().join("mine"));
        for other in ["nologin", "false", "missing", ""] {
            assert_eq!(shell(other), Path::new("/bin/sh"), "{other}");
        }
        assert_eq!(of_user(Some("sh".into())), Path::new("/bin/sh"));
        assert_eq!(of_user(None), Path::new("/bin/sh"));
    }
}
