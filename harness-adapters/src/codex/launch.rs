//! Finds the Codex program and builds its command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use acp_server::transport::child::ChildSpec;

use crate::adapter::Options;
use crate::failure::{Failure, FailureKind};
use crate::search_path;

/// The oldest version that speaks the protocol this adapter is written for.
pub(super) const MINIMUM: (u32, u32, u32) = (0, 166, 0);

/// The key of Codex's configuration for plans, which are off unless asked for.
pub(super) const PLANS: &str = "tools.update_plan.enabled";
/// Options of Codex's allocator, unless the user sets some: memory that was freed goes back to the system after a
/// tenth of a second rather than when the same thread frees more, which a thread that is idle never does. About 2 MB.
const ALLOCATOR: (&str, &str) = ("_RJEM_MALLOC_CONF", "background_thread:true,dirty_decay_ms:100");
/// npm's names of the platforms, and Codex's.
const PLATFORMS: [(&str, &str, &str, &str); 4] = [
    ("linux", "x86_64", "codex-linux-x64", "x86_64-unknown-linux-musl"),
    ("linux", "aarch64", "codex-linux-arm64", "aarch64-unknown-linux-musl"),
    ("macos", "x86_64", "codex-darwin-x64", "x86_64-apple-darwin"),
    ("macos", "aarch64", "codex-darwin-arm64", "aarch64-apple-darwin"),
];

/// Launch of the app-server.
///
/// # Errors
/// When there is no program; the failure says what to do.
pub(super) fn app_server(options: &Options) -> Result<ChildSpec, Failure> {
    let program = program(options, |name| std::env::var_os(name))?;
    let mut spec = ChildSpec::new(&program).arg("app-server").args(options.args.clone());
    if let Some(path) = tools(&program).and_then(|tools| search_path(&tools)) {
        spec = spec.env("PATH", path);
    }
    if let Some((name, value)) = allocator(|name| std::env::var_os(name)) {
        spec = spec.env(name, value);
    }
    Ok(spec)
}

/// The variable for Codex's allocator. Only where Codex has one that reads it, and the thread for it can run.
fn allocator(variable: impl Fn(&str) -> Option<OsString>) -> Option<(&'static str, &'static str)> {
    (cfg!(target_os = "linux") && variable(ALLOCATOR.0).is_none()).then_some(ALLOCATOR)
}

/// True if sessions ask for plans, which they do unless the user's own arguments mention plans. An argument of ours would
/// do the same for all sessions, but Codex holds about 0.4 MB more for it.
pub(super) fn plans(options: &Options) -> bool {
    !options.args.iter().any(|arg| arg.to_string_lossy().contains("tools.update_plan"))
}

/// The native program: as given, from `CODEX_PATH`, or from `PATH`; in place of npm's script, which would keep a Node
/// process around, what it starts.
///
/// # Errors
/// When there is none; the failure says what to do.
pub fn program(options: &Options, variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, Failure> {
    let given =
        options.program.clone().or_else(|| variable("CODEX_PATH").filter(|path| !path.is_empty()).map(Into::into));
    let found = match given {
        Some(path) if path.components().count() > 1 => path.is_file().then_some(path.clone()).ok_or(path),
        Some(name) => search_path::find(&name, variable("PATH"), Path::is_file).ok_or(name),
        None => search_path::find(Path::new("codex"), variable("PATH"), Path::is_file).ok_or_else(|| "codex".into()),
    };
    let found = found.map_err(|missing| {
        let message = format!(
            "Codex is not installed: there is no {}; run `npm install -g @openai/codex`, or name its program with \
             --program or CODEX_PATH",
            missing.display()
        );
        Failure::new(FailureKind::Unavailable, message).with("program", missing.display().to_string())
    })?;
    // Absolute, because a process may be started in another directory than ours.
    Ok(native(&found).or_else(|| std::path::absolute(&found).ok()).unwrap_or(found))
}

/// The native program next to npm's script, in the layouts of npm, pnpm and bun.
fn native(script: &Path) -> Option<PathBuf> {
    let script = script.canonicalize().ok()?;
    if script.extension()? != "js" {
        return None;
    }
    let package = script.parent()?.parent()?;
    let (.., platform, triple) =
        PLATFORMS.iter().find(|(os, arch, ..)| *os == std::env::consts::OS && *arch == std::env::consts::ARCH)?;
    let scope = package.parent()?;
    let nested = package.join("node_modules").join("@openai");
    let candidates = [nested.join(platform), scope.join(platform), package.to_owned()];
    candidates
        .into_iter()
        .map(|home| home.join("vendor").join(triple).join("bin").join("codex"))
        .find(|candidate| candidate.is_file())
}

/// The programs that come with the native one, which npm's script puts on `PATH`.
fn tools(program: &Path) -> Option<PathBuf> {
    let tools = program.parent()?.parent()?.join("codex-path");
    tools.is_dir().then_some(tools)
}

fn search_path(first: &Path) -> Option<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(first.to_owned()).chain(std::env::split_paths(&path))).ok()
}

/// Checks what the app-server calls itself: `client/0.169.0 (…)`.
///
/// # Errors
/// When it is too old; the failure says what to do.
pub(super) fn check_version(user_agent: &str) -> Result<String, Failure> {
    let version = user_agent.split_once('/').map_or("", |(_, rest)| rest).split(' ').next().unwrap_or_default();
    if parse(version).is_some_and(|version| version >= MINIMUM) {
        return Ok(version.to_owned());
    }
    let (major, minor, patch) = MINIMUM;
    let message = format!(
        "Codex {} is too old or unknown, {major}.{minor}.{patch} is the least: run `npm install -g @openai/codex@latest`",
        if version.is_empty() { "of unknown version" } else { version }
    );
    Err(Failure::new(FailureKind::Unavailable, message).with("version", version))
}

fn parse(version: &str) -> Option<(u32, u32, u32)> {
    let numbers = version.split('-').next()?;
    let mut parts = numbers.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_too_old_say_what_to_do() {
        assert_eq!(check_version("acp-harness/0.169.0 (Linux; x86_64)").expect("new enough"), "0.169.0");
        assert_eq!(check_version("acp-harness/0.170.0-alpha.1 (x)").expect("newer"), "0.170.0-alpha.1");
        for old in ["acp-harness/0.90.9 (x)", "acp-harness", ""] {
            let failure = check_version(old).expect_err(old);
            assert!(failure.message.contains("npm install"), "{failure}");
        }
    }

    #[test]
    fn plans_are_asked_for_unless_the_user_says_something_of_them() {
        let with = |args: &[&str]| Options { args: args.iter().map(Into::into).collect(), ..Options::default() };
        assert!(plans(&with(&[])) && plans(&with(&["-c", "model=gpt"])));
        assert!(!plans(&with(&["-c", "tools.update_plan.enabled=false"])));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_user_tells_the_allocator_is_kept() {
        assert!(allocator(|_| None).is_some_and(|(name, _)| name == "_RJEM_MALLOC_CONF"));
        assert_eq!(allocator(|_| Some("narenas:1".into())), None);
    }

    #[test]
    fn a_program_that_is_not_there_says_what_to_do() {
        let options = Options { program: Some("/nowhere/codex".into()), ..Options::default() };
        let failure = program(&options, |_| None).expect_err("there is none");
        assert_eq!(failure.kind, FailureKind::Unavailable);
        assert!(failure.message.contains("/nowhere/codex") && failure.message.contains("CODEX_PATH"), "{failure}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn in_place_of_the_script_of_npm_the_native_program_is_taken() {
        let home = tempfile::tempdir().expect("temp dir");
        let scope = home.path().join("node_modules/@openai");
        let script = scope.join("codex/bin/codex.js");
        let (.., platform, triple) =
            PLATFORMS.iter().find(|(os, arch, ..)| *os == "linux" && *arch == std::env::consts::ARCH).expect("known");
        let native = scope.join(platform).join("vendor").join(triple).join("bin/codex");
        let link = home.path().join("codex");
        for file in [&script, &native] {
            std::fs::create_dir_all(file.parent().expect("parent")).expect("directories");
            std::fs::write(file, "").expect("file");
        }
        std::os::unix::fs::symlink(&script, &link).expect("link");
        let options = Options::default();
        let found = program(&options, |name| (name == "PATH").then(|| home.path().into())).expect("it is there");
        assert_eq!(found, native.canonicalize().expect("path"));
    }
}
